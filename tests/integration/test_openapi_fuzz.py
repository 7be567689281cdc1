"""Schemathesis over the OpenAPI document: no 5xx, nothing undocumented, as a stranger and as an admin."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from domain.forecasting import ANY_SYMBOL, ModelType
from domain.market import Timeframe
from models.registry.registry import Registry
from tests.fixtures.bodies import shape_a
from tests.fixtures.forecasting import put_in_production
from tests.fixtures.models import NOON, add_ensemble, add_model
from tests.fixtures.openapi_document import openapi_document
from tests.fixtures.patience import PATIENCE_SECONDS
from tests.fixtures.service import ROOT, running_service

TOKEN = "fuzz-token"  # noqa: S105
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
# The service as `python main.py` serves it, but jobs do nothing: thousands are queued here, and no route waits for one.
# A machine that stalls is no fault of a route, so a forecast waits for its candles, and they for the store.
SERVICE = f"""
from contextlib import asynccontextmanager

from api.app import create_app
from api.server.serving import serve
from config.sources import load_settings
from container import build_container

@asynccontextmanager
async def build(settings):
    async with build_container(settings, job_table="tests.fixtures.idle_jobs") as container:
        container.answers.trends._fetch_seconds = {PATIENCE_SECONDS}
        yield container

settings = load_settings()
serve(create_app(settings, build), settings)
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve with a model for every market, so that forecasts have something to fail on, and an ensemble."""
    registry = Registry(tmp_path_factory.mktemp("models"))
    for number, timeframe in enumerate(Timeframe):
        put_in_production(registry, symbol=ANY_SYMBOL, timeframe=timeframe, created_at=NOON + timedelta(hours=number))
    members = add_model(registry), add_model(registry, ModelType.GRU)
    add_ensemble(registry, (members[0], 0.4), (members[1], 0.6))
    environment: dict[str, Any] = {
        "RATE_LIMITS": "off",
        "ADMIN_TOKEN": TOKEN,
        "MODEL_SAVE_PATH": str(registry.root),
        "JOBS__MAX_QUEUED": "100000",
        "MARKET_DATA__TIMEOUT_SECONDS": str(PATIENCE_SECONDS),
        "STORAGE__TIMEOUT_MS": str(1_000 * PATIENCE_SECONDS),
    }
    with running_service("-c", SERVICE, **environment) as service:
        # Real candles, without which the health of the market's condition is a 503 by design.
        assert service.post("/ai/analyze", json=shape_a(symbol="BTCUSDT")).status_code == 200
        yield service.url
        assert "Traceback" not in service.output


# The administrator may remove the candles that the first cannot do without, and by the others the models without which
# forecasts are 503 by design; the stranger asks all three.
NOT_FOR_THE_ADMIN = {"/ai/health/market-condition", "/ai/models/rollback", "/ai/disabled/{name}"}
# Each of its requests starts a process that reads the file, half a second of a core; where its parameters end, says
# test_candle_files_api.py.
READ_IN_A_PROCESS = {"/ai/candles/read"}
STRANGER = ["--header", "x-forwarded-for: 203.0.113.9"]
ADMIN = ["--header", f"authorization: Bearer {TOKEN}"]
# Tables of characters, which take each run a second to make, are kept with those of the other tests.
ENVIRONMENT = os.environ | {"HYPOTHESIS_STORAGE_DIRECTORY": str(ROOT / ".hypothesis")}
# A few examples in every run of the suite, and others each time.
RANDOM = ["--phases", "examples,fuzzing", "--max-examples", "3"]
# Each is a test of its own, so that a failure says which caller and which phase.
RUNS = {
    # Bodies at the bounds of the schema are read alike from every caller: the administrator sends them.
    "stranger": [*STRANGER, *RANDOM],
    "admin": [*ADMIN, *RANDOM],
    "admin at the bounds": [*ADMIN, "--phases", "coverage"],
}


def _is_the_admins(operation: dict[str, Any]) -> bool:
    return operation.get("security") == [{"admin": []}]


def left_out(paths: dict[str, dict[str, Any]], run: str) -> set[str]:
    """Return the paths that a run leaves out.

    A stranger is refused whatever the body is where all is the administrator's, which the table of permissions tests.
    At the bounds, those that read what another path reads are left out as well, and what is read in a process.
    """
    if run == "stranger":
        return {path for path, operations in paths.items() if all(map(_is_the_admins, operations.values()))}
    twins, seen = set[str](), set[str]()
    for path, operations in paths.items() if run == "admin at the bounds" else ():
        reads = {
            method: [operation.get("requestBody"), operation.get("parameters")]
            for method, operation in operations.items()
        }
        read = json.dumps(reads, sort_keys=True)
        if read in seen and "post" in operations:
            twins.add(path)
        seen.add(read)
    return NOT_FOR_THE_ADMIN | twins | (READ_IN_A_PROCESS if run == "admin at the bounds" else set())


@pytest.mark.slow
@pytest.mark.parametrize("run", RUNS)
def test_every_route_keeps_its_promises(address: str, tmp_path: Path, run: str) -> None:
    document = openapi_document()
    (tmp_path / "openapi.json").write_text(json.dumps(document))
    # A path that refuses one method that it does not have refuses the six others.
    (tmp_path / "schemathesis.toml").write_text('[phases.coverage]\nunexpected-methods = ["PATCH"]\n')
    command = [sys.executable, "-m", "schemathesis.cli", "run", "openapi.json", "--url", address]
    excluded = left_out(document["paths"], run)
    command += [*RUNS[run], "--checks", CHECKS, *(f"--exclude-path={path}" for path in excluded)]
    command += ["--continue-on-failure", "--suppress-health-check", "all", "--warnings", "off", "--no-color"]
    command += ["--request-timeout", str(PATIENCE_SECONDS)]
    ended = subprocess.run(command, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    asked = [operations for path, operations in document["paths"].items() if path not in excluded]
    assert f"Tested: {sum(map(len, asked))}\n" in ended.stdout
