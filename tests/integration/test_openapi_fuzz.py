"""Schemathesis over the OpenAPI document: no 5xx, nothing undocumented, as a stranger and as an admin."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.checks import not_a_server_error

from tests.conftest import STRANGER, MakeClient

TOKEN = "fuzz-token"
OFF = {"enabled": False}
schema = schemathesis.pytest.from_fixture("openapi")
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture
def fuzzed(make_client: MakeClient) -> TestClient:
    return make_client(STRANGER, rate_limits=OFF, access={"admin_token": TOKEN})


@pytest.fixture
def openapi(fuzzed: TestClient) -> Iterator[schemathesis.BaseSchema]:
    yield schemathesis.openapi.from_asgi("/openapi.json", fuzzed.app)


@pytest.mark.parametrize("bearer", ["", f"Bearer {TOKEN}"])
@schema.parametrize()
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_route_keeps_its_promises(case: Case, bearer: str) -> None:
    headers = {"authorization": bearer} if bearer else {}
    case.call_and_validate(checks=CHECKS, headers=headers)
