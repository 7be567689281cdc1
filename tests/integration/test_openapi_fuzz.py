"""Schemathesis over the OpenAPI document: no 5xx, nothing undocumented, as a stranger and as an admin."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from domain.forecasting import ANY_SYMBOL, ModelType
from domain.market import Timeframe
from models.registry.registry import Registry
from tests.fixtures.bodies import shape_a
from tests.fixtures.forecasting import put_in_production
from tests.fixtures.models import NOON, add_ensemble, add_model
from tests.fixtures.openapi_document import openapi_document
from tests.fixtures.service import running_service

TOKEN = "fuzz-token"  # noqa: S105
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
CALLERS = {"stranger": {"x-forwarded-for": "203.0.113.9"}, "admin": {"authorization": f"Bearer {TOKEN}"}}

# Cases are made when the test runs: collecting this file costs every worker nothing.
schema = schemathesis.pytest.from_fixture("documented")

# The service as `python main.py` serves it, but jobs do nothing: thousands are queued here, and no route waits for one.
SERVICE = """
from functools import partial

from api.app import create_app
from api.server.serving import serve
from config.sources import load_settings
from container import build_container

settings = load_settings()
serve(create_app(settings, partial(build_container, job_table="tests.fixtures.idle_jobs")), settings)
"""


@pytest.fixture(scope="module")
def documented() -> Any:
    return schemathesis.openapi.from_dict(openapi_document())


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve with a model for every market, so that forecasts have something to fail on, and an ensemble."""
    registry = Registry(tmp_path_factory.mktemp("models"))
    for number, timeframe in enumerate(Timeframe):
        put_in_production(registry, symbol=ANY_SYMBOL, timeframe=timeframe, created_at=NOON + timedelta(hours=number))
    members = add_model(registry), add_model(registry, ModelType.GRU)
    add_ensemble(registry, (members[0], 0.4), (members[1], 0.6))
    environment: dict[str, Any] = {"RATE_LIMITS": "off", "ADMIN_TOKEN": TOKEN, "JOBS__MAX_QUEUED": "100000"}
    with running_service("-c", SERVICE, MODEL_SAVE_PATH=str(registry.root), **environment) as service:
        # Real candles, without which the health of the market's condition is a 503 by design.
        assert service.post("/ai/analyze", json=shape_a(symbol="BTCUSDT")).status_code == 200
        yield service.url
        assert "Traceback" not in service.output


@schema.parametrize()
@settings(max_examples=10, suppress_health_check=list(HealthCheck))
def test_every_route_keeps_its_promises(case: Case[Any], address: str) -> None:
    for headers in CALLERS.values():
        case.call_and_validate(base_url=address, checks=CHECKS, headers=headers)
