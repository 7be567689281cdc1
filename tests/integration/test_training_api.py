"""Training over HTTP: refusals, the queue, and a real training from request to registry."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient

from domain.market import Candle, CandleSeries, Timeframe
from tests.conftest import MakeClient
from tests.fixtures.bodies import base_path, shape_a, wire_candles
from tests.fixtures.histories import simulated
from tests.fixtures.patience import PAUSE_SECONDS, ended

pytest_plugins = ["tests.fixtures.operators"]

ROUTES = ["/ai/train", "/train", "/api/v1/train"]
KEYS = {"message", "job_id", "status", "symbol", "timeframe", "model_type", "training_samples", "source_data"}


def body(count: int = 400, **changes: Any) -> dict[str, Any]:
    """Return a request to train on simulated 1h candles."""
    candles = wire_candles(simulated(3, count=count), count)
    return {"symbol": "ETHUSDT", "model_type": "logistic", "retrain": False, "candles": candles} | changes


@pytest.mark.parametrize("path", ROUTES)
def test_candles_are_queued_at_once(operator: TestClient, path: str) -> None:
    answer = operator.post(path, json=body())
    assert answer.status_code == 202
    queued = answer.json()
    job_id = queued.pop("job_id")
    assert queued == {
        "message": "training of logistic for ETHUSDT 1h is queued as a job",
        "status": "queued",
        "symbol": "ETHUSDT",
        "timeframe": "1h",
        "model_type": "logistic",
        "training_samples": 400,
        "source_data": "client",
    }
    job = operator.get(f"/jobs/{job_id}").json()
    assert job["kind"] == "train"
    assert job["parameters"] == {
        "symbol": "ETHUSDT",
        "timeframe": "1h",
        "model_type": "logistic",
        "epochs": None,
        "seed": None,
        "shadow": False,
    }


def test_a_further_horizon_is_trained_into_a_registry_of_its_own(operator: TestClient) -> None:
    refused = operator.post("/ai/train", json=body(horizon_candles=5))
    assert refused.status_code == 422
    assert refused.json()["detail"] == "no models of 5 candles ahead are asked; horizons are 1, 4, 12, 24"
    assert operator.post("/ai/train", json=body(horizon_candles=4, target="plan")).status_code == 422
    queued = operator.post("/ai/train", json=body(horizon_candles=4))
    assert queued.status_code == 202
    job = operator.get(f"/jobs/{queued.json()['job_id']}").json()
    assert job["parameters"]["horizon_candles"] == 4


def test_a_plan_model_is_queued_with_what_its_job_needs(operator: TestClient) -> None:
    refused = operator.post("/ai/train", json=body(model_type="gru", target="plan"))
    assert refused.status_code == 422
    assert refused.json()["detail"] == "gru models do not learn from plans; lightgbm and logistic do"
    assert operator.post("/ai/train", json=body(target="trend")).status_code == 422
    queued = operator.post("/ai/train", json=body(target="plan", model_type=None))
    assert (queued.status_code, queued.json()["model_type"]) == (202, "logistic")
    assert operator.get(f"/jobs/{queued.json()['job_id']}").json()["parameters"]["target"] == "plan"


def test_timeframe_and_model_type_are_found_where_they_are_not_given(operator: TestClient) -> None:
    quarters = base_path(count=300)
    queued = operator.post("/train", json={"symbol": "ETHUSDT", "candles": wire_candles(quarters, 300)}).json()
    assert (queued["timeframe"], queued["model_type"]) == ("15m", "lightgbm")


def test_candles_that_still_form_are_left_out(operator: TestClient) -> None:
    closed = base_path(count=200)
    last = closed.candles[-1]
    forming = Candle(last.timestamp + Timeframe.M15.ms, last.close, last.close, last.close, last.close, 1.0)
    candles = wire_candles(CandleSeries(Timeframe.M15, [*closed.candles, forming]), 201)
    assert operator.post("/train", json=body(candles=candles)).json()["training_samples"] == 200


def test_too_few_candles_are_refused_with_the_numbers(operator: TestClient) -> None:
    for count in (1, 2, 159):
        refused = operator.post("/train", json=body(count=count))
        assert refused.status_code == 400
        assert refused.json()["detail"] == f"training needs 160 closed candles at least, there are {count}"
    assert operator.get("/jobs").json()["jobs"] == []


def test_disordered_and_impossible_candles_are_refused(operator: TestClient) -> None:
    candles = body()["candles"]
    low_above_high = {**candles[7], "low": candles[7]["high"] * 2}
    wrong = {
        "out of order": [candles[1], candles[0], *candles[2:]],
        "repeats": [*candles[:9], *candles[8:]],
        "impossible": [*candles[:7], low_above_high, *candles[8:]],
        "multiple of": [*candles[:9], {**candles[9], "timestamp": candles[9]["timestamp"] + 1}, *candles[10:]],
        "known timeframes": [{**candle, "timestamp": candle["timestamp"] * 2} for candle in candles],
    }
    for words, changed in wrong.items():
        refused = operator.post("/ai/train", json=body(candles=changed))
        assert (refused.status_code, words in refused.json()["detail"]) == (400, True), refused.json()
    future = datetime(2100, 1, 1, tzinfo=UTC).timestamp() * 1000
    shift = int(future) // 3_600_000 * 3_600_000 - candles[0]["timestamp"]
    ahead = [{**candle, "timestamp": candle["timestamp"] + shift} for candle in candles]
    assert "in the future" in operator.post("/ai/train", json=body(candles=ahead)).json()["detail"]
    assert operator.get("/jobs").json()["jobs"] == []


def test_timeframe_that_the_candles_do_not_have_is_refused(operator: TestClient) -> None:
    for timeframe in ("15m", "4h"):
        refused = operator.post("/ai/train", json=body(timeframe=timeframe))
        assert refused.status_code == 400
        assert "1h" in refused.json()["detail"]


@pytest.mark.parametrize(
    "changes",
    [
        {"symbol": "../x"},
        {"symbol": "*"},
        {"model_type": "oracle"},
        {"timeframe": "2h"},
        {"epochs": 0},
        {"epochs": 1_001},
        {"epochs": 1.5},
        {"candles": [{"timestamp": 1_700_000_000, "open": 1, "high": 1, "low": 1, "close": 1, "volume": 1}]},
        {"candles": [{}]},
    ],
)
def test_what_does_not_fit_the_schema_is_422(operator: TestClient, changes: dict[str, Any]) -> None:
    refused = operator.post("/train", json=body() | changes)
    assert refused.status_code == 422
    assert refused.json()["errors"]


def test_body_is_bounded_and_json(make_client: MakeClient) -> None:
    client = make_client(access={"max_body_bytes": 10_000})
    assert client.post("/train", json=body()).status_code == 413
    assert client.post("/train", content=b"{}", headers={"content-type": "text/plain"}).status_code == 415


def test_full_queue_is_503(operator: TestClient) -> None:
    answers = [operator.post("/train", json=body(count=160)).status_code for _ in range(6)]
    assert answers == [202] * 5 + [503]


def test_without_candles_those_of_trusted_clients_are_used(operator: TestClient) -> None:
    for path in (base_path(count=400, seed=5), base_path(count=100, seed=5)):
        sent = shape_a(symbol="SOLUSDT", current_price=path.candles[-1].close)
        sent["timeframe_data"] = {"15m": wire_candles(path, len(path))}
        assert operator.post("/ai/analyze", json=sent).status_code == 200
    asked = {"symbol": "SOLUSDT", "timeframe": "15m", "model_type": "logistic"}
    for request in (asked, asked | {"candles": None}, {**asked, "candles": []}):
        queued = operator.post("/train", json=request).json()
        assert (queued["source_data"], queued["training_samples"]) == ("stored", 400)


def test_without_candles_anywhere_synthetic_ones_are_not_used(operator: TestClient) -> None:
    refused = operator.post("/train", json={"symbol": "SOLUSDT", "model_type": "logistic"})
    assert refused.status_code == 400
    detail = refused.json()["detail"]
    assert detail.startswith("training needs 160 closed candles at least, there are 0 of SOLUSDT 1h (stored: 0 candles")


def test_store_that_is_down_is_named(make_client: MakeClient) -> None:
    client = make_client(storage={"url": "mongodb://127.0.0.1:9/none"})
    refused = client.post("/train", json={"symbol": "SOLUSDT"})
    assert (refused.status_code, "store is not available" in refused.json()["detail"]) == (400, True)


def test_real_training_from_request_to_registry(make_client: MakeClient) -> None:
    client = make_client(rate_limits={"enabled": False})
    with client.websocket_connect("/ws") as socket:
        assert json.loads(socket.receive_text())["type"] == "connection"
        queued = client.post("/api/v1/train", json=body()).json()
        assert queued.keys() == KEYS
        alive_while_running = 0
        while (job := client.get(f"/jobs/{queued['job_id']}").json())["status"] in {"queued", "running"}:
            assert client.get("/livez").status_code == 200
            alive_while_running += job["status"] == "running"
            time.sleep(PAUSE_SECONDS)
        assert job["status"] == "succeeded", job["error"]
        assert alive_while_running > 0
        result = job["result"]
        while (event := json.loads(socket.receive_text()))["type"] != "TrainingCompleted":
            assert event["type"] == "JobProgress"
    assert event["data"] == {
        "job_id": queued["job_id"],
        **{name: result[name] for name in ("symbol", "timeframe", "version", "promoted", "verdict", "metrics")},
    }
    assert (result["symbol"], result["timeframe"], result["model_type"]) == ("ETHUSDT", "1h", "logistic")
    # 104 predictions are too few for the gate.
    assert (result["promoted"], result["verdict"], result["production"]) == (False, "nothing", None)
    assert "104 out-of-sample predictions" in result["reasons"][-1]
    assert result["metrics"]["count"] == 104
    assert (result["training_samples"] > 0, result["validation_samples"] > 0) == (True, True)
    (listed,) = client.get("/ai/models").json()["models"]
    assert (listed["version"], listed["alias"], listed["verdict"]) == (result["version"], "candidate", "nothing")
    assert listed["metrics"] == result["metrics"]
    info = client.get("/model/info").json()
    assert (info["version"], info["training_samples"]) == (result["version"], result["training_samples"])
    assert client.post("/model/load", json={"version": result["version"]}).json()["status"] == "loaded"
    assert client.get("/model/info").json()["model_loaded"]


def test_reason_why_a_training_fails_is_told(make_client: MakeClient) -> None:
    client = make_client(rate_limits={"enabled": False})
    refused = client.post("/train", json=body(count=160, model_type="patchtst"))
    assert refused.status_code == 400
    assert refused.json()["detail"] == "training needs 700 closed candles at least, there are 160"
    # A price that never moves: there is nothing to tell apart.
    still = [{**candle, "open": 5, "high": 5, "low": 5, "close": 5} for candle in body()["candles"]]
    job = ended(client, client.post("/train", json=body(candles=still)).json()["job_id"])
    assert job["status"] == "failed"
    assert "unexpectedly" not in job["error"]
    assert client.get("/ai/models").json() == {"models": [], "unusable": {}, "further": []}
