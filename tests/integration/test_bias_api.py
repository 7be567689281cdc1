"""Bias over HTTP: refusals, the queue, and both jobs from request to result in a process of their own."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from domain.values import epoch_ms
from models.registry.registries import PLANS, Registries, RegistryKey
from models.registry.registry import Registry
from tests.conftest import MakeClient
from tests.fixtures.bodies import base_path, shape_a, wire_candles
from tests.fixtures.containers import container_of
from tests.fixtures.histories import simulated
from tests.fixtures.http_stand_in import http_stand_in
from tests.fixtures.models import add_model
from tests.fixtures.past_markets import PastExchange, hours_until
from tests.fixtures.patience import ended
from utils.clock import SystemClock

pytestmark = pytest.mark.slow
pytest_plugins = ["tests.fixtures.operators"]

LOOKAHEAD, RECURSIVE = "/ai/bias/lookahead", "/ai/bias/recursive"
ROUTES = pytest.mark.parametrize("path", [LOOKAHEAD, RECURSIVE])
KEYS = {"message", "job_id", "status", "symbol", "timeframe", "candles", "source_data"}


def body(count: int = 400, **changes: Any) -> dict[str, Any]:
    """Return a request about simulated 1h candles."""
    return {"symbol": "ETHUSDT", "candles": wire_candles(simulated(3, count=count), count)} | changes


@ROUTES
def test_candles_are_queued_at_once(operator: TestClient, path: str) -> None:
    answer = operator.post(path, json=body())
    assert answer.status_code == 202
    queued = answer.json()
    kind = f"bias_{path.rpartition('/')[2]}"
    job = operator.get(f"/jobs/{queued.pop('job_id')}").json()
    assert queued == {
        "message": f"{kind} on up to 400 candles of ETHUSDT 1h is queued as a job",
        "status": "queued",
        "symbol": "ETHUSDT",
        "timeframe": "1h",
        "candles": 400,
        "source_data": "client",
    }
    assert job["kind"] == kind
    assert job["parameters"] == {
        "symbol": "ETHUSDT",
        "timeframe": "1h",
        "version": None,
        "moments": 40,
        "history": None,
    }


@pytest.mark.parametrize(("path", "needed"), [(LOOKAHEAD, 200), (RECURSIVE, 300)])
def test_too_few_candles_are_refused_with_the_numbers(operator: TestClient, path: str, needed: int) -> None:
    for count in (1, needed - 1):
        refused = operator.post(path, json=body(count))
        assert refused.status_code == 400
        assert refused.json()["detail"] == f"it takes {needed} closed candles at least, there are {count}"
    assert operator.post(path, json=body(needed)).status_code == 202


@ROUTES
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"symbol": "btc usdt"}, "symbol"),
        ({"timeframe": "7m"}, "timeframe"),
        ({"version": "../../etc/passwd"}, "version"),
        ({"candles": [{"timestamp": 1}]}, "candles.0"),
    ],
)
def test_wrong_fields_are_named(operator: TestClient, path: str, changes: dict[str, Any], field: str) -> None:
    refused = operator.post(path, json=body() | changes)
    assert refused.status_code == 422
    assert refused.json()["detail"].startswith(field)


@pytest.mark.parametrize("moments", [0, -1, 1_001, 1.5, "many"])
def test_moments_out_of_range_are_refused(operator: TestClient, moments: Any) -> None:
    refused = operator.post(LOOKAHEAD, json=body(moments=moments))
    assert refused.status_code == 422
    assert refused.json()["detail"].startswith("moments")


def test_candles_of_another_timeframe_are_refused(operator: TestClient) -> None:
    quarters = wire_candles(base_path(count=300), 300)
    refused = operator.post(LOOKAHEAD, json=body(candles=quarters, timeframe="1h"))
    assert (refused.status_code, refused.json()["detail"]) == (
        400,
        "the timeframe is 1h, but the candles are 15m apart",
    )


@ROUTES
def test_version_has_to_exist_and_to_forecast_the_market(operator: TestClient, path: str) -> None:
    missing = operator.post(path, json=body(version="lstm_model_20260131_120000"))
    assert missing.status_code == 404
    settings = container_of(operator).base.settings
    model = add_model(Registry(Path(settings.models.save_path)))
    refused = operator.post(path, json=body(version=model.version))
    assert (refused.status_code, refused.json()["detail"]) == (
        422,
        f"{model.version} forecasts BTCUSDT, not ETHUSDT",
    )
    other = operator.post(path, json={"symbol": "BTCUSDT", "timeframe": "4h", "version": model.version})
    assert (other.status_code, other.json()["detail"]) == (422, f"{model.version} forecasts 1h candles, not 4h")


def test_a_version_of_a_further_horizon_is_checked_and_a_plan_model_is_not(operator: TestClient) -> None:
    settings = container_of(operator).base.settings
    registries = Registries(settings)
    ahead = add_model(registries.at(RegistryKey(horizon=4)), symbol="ETHUSDT", horizon_candles=4).version
    asked = body(version=ahead, horizon_candles=4)
    assert operator.post(LOOKAHEAD, json=asked).status_code == 202
    (job,) = operator.get("/jobs").json()["jobs"]
    assert job["parameters"]["version"] == ahead
    unknown = operator.post(LOOKAHEAD, json=asked | {"horizon_candles": 1})
    assert (unknown.status_code, unknown.json()["detail"]) == (404, f"there is no version {ahead} of 1 candles ahead")
    plan = add_model(registries.at(PLANS), symbol="ETHUSDT", created_at=datetime(2025, 7, 1, tzinfo=UTC)).version
    refused = operator.post(RECURSIVE, json=body(version=plan))
    assert (refused.status_code, "is a plan model" in refused.json()["detail"]) == (422, True)
    nameless = operator.post(RECURSIVE, json=body(horizon_candles=4))
    assert (nameless.status_code, "name one" in nameless.json()["detail"]) == (422, True)


def test_market_without_candles_says_where_it_looked(operator: TestClient) -> None:
    refused = operator.post(RECURSIVE, json={"symbol": "BTCUSDT", "timeframe": "1h"})
    assert refused.status_code == 400
    assert refused.json()["detail"].startswith(
        "it takes 300 closed candles at least, there are 0 of BTCUSDT 1h (stored: 0 candles; "
    )


def test_jobs_find_no_bias_of_the_service_and_a_model(make_client: MakeClient) -> None:
    client = make_client(rate_limits={"enabled": False})
    settings = container_of(client).base.settings
    model = add_model(Registry(Path(settings.models.save_path)))
    asked = body(320, symbol="BTCUSDT", version=model.version)
    first = client.post(LOOKAHEAD, json=asked | {"moments": 2}).json()
    second = client.post(RECURSIVE, json=asked).json()

    job = ended(client, first["job_id"])
    assert (job["status"], job["error"]) == ("succeeded", None)
    result = job["result"]
    assert (result["symbol"], result["timeframe"], result["candles"], result["moments"]) == ("BTCUSDT", "1h", 320, 7)
    assert result["culprits"] == []
    assert result["checked"] == sum(result["checked_by_kind"].values())
    assert result["checked_by_kind"]["model"] == 1
    kinds = {"indicator", "feature", "rule_indicator", "rule", "past_judgement", "model"}
    assert result["checked_by_kind"].keys() == kinds

    job = ended(client, second["job_id"])
    assert (job["status"], job["error"]) == ("succeeded", None)
    history = {(need["kind"], need["name"]): need for need in job["result"]["history"]}
    assert history["indicator", "sma_20"] == {
        "kind": "indicator",
        "name": "sma_20",
        "needed_candles": 20,
        "unit": "value",
        "errors": {"60": 0.0, "100": 0.0, "200": 0.0},
    }
    assert history["rule_indicator", "on_balance_volume"]["needed_candles"] is None
    assert history["model", model.version]["errors"]["200"] is not None


def test_posted_candles_are_used_where_they_are_enough(make_client: MakeClient) -> None:
    client = make_client(bias={"history_candles": 400}, rate_limits={"enabled": False})
    quarters = wire_candles(base_path(count=450), 450)
    posted = shape_a(symbol="BTCUSDT", timeframe_data={"15m": quarters}, current_price=quarters[-1]["close"])
    assert client.post("/ai/analyze", json=posted).status_code == 200
    queued = client.post(LOOKAHEAD, json={"symbol": "BTCUSDT", "timeframe": "15m", "moments": 1}).json()
    assert (queued["candles"], queued["source_data"]) == (400, "stored")
    job = ended(client, queued["job_id"])
    assert (job["result"]["candles"], job["result"]["moments"]) == (400, 6)


@pytest.mark.usefixtures("hour_with_time_left")
def test_more_candles_than_a_source_gives_at_once_are_read_in_the_job(make_client: MakeClient) -> None:
    with http_stand_in() as server:
        server.answer = PastExchange(hours_until(epoch_ms(SystemClock().now()), 2_000, 0.5))
        client = make_client(
            market_data={"sources": ["stored", "binance", "synthetic"], "binance_url": server.url},
            bias={"history_candles": 1_100},
            rate_limits={"enabled": False},
        )
        queued = client.post(LOOKAHEAD, json={"symbol": "BTCUSDT", "timeframe": "1h", "moments": 1}).json()
        assert (queued["candles"], queued["source_data"]) == (1_100, "binance")
        job = ended(client, queued["job_id"])
    assert (job["status"], job["error"]) == ("succeeded", None)
    assert (job["result"]["candles"], job["result"]["culprits"]) == (1_100, [])
