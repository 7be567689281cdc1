"""Trainings without candles: what a promotion needs is read from a market-data source, in the job."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from fastapi.testclient import TestClient

from domain.market import Candle, CandleSeries, Timeframe
from services.training.parameters import TrainingParameters
from storage.document_ports import JOB_ORDERS
from tests.conftest import MakeClient
from tests.fixtures.bodies import now_ms, shape_a, wire_candles
from tests.fixtures.containers import container_of
from tests.fixtures.http_stand_in import Answer, Request, StandIn
from tests.fixtures.past_markets import PastExchange, hours_until
from tests.fixtures.patience import ended

pytest_plugins = ["tests.fixtures.remote_server"]

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("hour_with_time_left")]

HOURS = 6_000
MOST = 2_500
# These markets tell more of their future than a real one does.
PLANTED = {"suspicious_accuracy": 1, "suspicious_auc": 1}
ASKED = {"symbol": "BTCUSDT", "timeframe": "1h", "model_type": "logistic"}


@pytest.fixture
def client(make_client: MakeClient, server: StandIn) -> TestClient:
    """Return the operator of a service whose one real source is the server."""
    return make_client(
        market_data={"sources": ["stored", "binance", "synthetic"], "binance_url": server.url},
        models={"training": {"history_candles": MOST}, "evaluation": {"folds": 1, **PLANTED}},
        rate_limits={"enabled": False},
    )


def exchange_of(server: StandIn, count: int = HOURS) -> PastExchange:
    """Let the server give `count` hours of a market that turns more often than not."""
    server.answer = exchange = PastExchange(hours_until(now_ms(), count, 0.7))
    return exchange


def test_thousands_of_candles_are_read_in_the_job_and_a_version_is_promoted(
    client: TestClient, server: StandIn
) -> None:
    exchange = exchange_of(server)
    with client.websocket_connect("/ws") as socket:
        answer = client.post("/train", json=ASKED)
        assert answer.status_code == 202
        queued = answer.json()
        job = ended(client, queued["job_id"])
        stages = [json.loads(socket.receive_text())]
        while stages[-1]["type"] != "TrainingCompleted":
            stages.append(json.loads(socket.receive_text()))
    assert (queued["training_samples"], queued["source_data"]) == (MOST, "binance")
    assert queued["message"] == (
        "training of logistic for BTCUSDT 1h is queued as a job; it fetches up to 2,500 candles from binance first"
    )
    assert (job["status"], job["error"]) == ("succeeded", None)
    result = job["result"]
    assert (result["promoted"], result["production"]) == (True, result["version"])
    (listed,) = client.get("/ai/models").json()["models"]
    assert listed["version"] == result["version"]
    # 2,500 candles less the warm-up and a window.
    assert result["training_samples"] > 1_200
    first, *pages = exchange.requests
    assert (first.query["limit"], "startTime" in first.query) == ("1000", False)
    assert [page.query["limit"] for page in pages] == ["1000"] * 3


def test_progress_is_told_and_short_failures_are_waited_out(client: TestClient, server: StandIn) -> None:
    exchange = exchange_of(server)
    queued = client.post("/train", json=ASKED).json()
    exchange.faults.extend([Answer(status=502), Answer(b"{}", 429, {"retry-after": "1"})])
    told: list[dict[str, Any]] = []
    while not told or told[-1]["stage"].startswith("fetching"):
        job = client.get(f"/jobs/{queued['job_id']}").json()
        assert job["error"] is None
        told += [job["progress"]] if job["progress"] else []
        time.sleep(0.01)  # less than a stage lasts
    client.delete(f"/jobs/{queued['job_id']}")
    stages = [progress["stage"] for progress in told]
    assert "fetching candles 0 of 2,500 (binance answered with status 502; next attempt in 1 s)" in stages
    assert "fetching candles 0 of 2,500 (binance answered with status 429; next attempt in 1 s)" in stages
    shares = [progress["share"] for progress in told]
    assert shares == sorted(shares)
    assert shares[-1] >= 0.1


def test_too_few_candles_for_a_promotion_are_all_used(client: TestClient, server: StandIn) -> None:
    exchange = exchange_of(server, 401)
    queued = client.post("/train", json=ASKED).json()
    assert (queued["training_samples"], queued["source_data"]) == (400, "binance")
    assert len(exchange.requests) == 1
    assert "queued as a job;" not in queued["message"]
    client.delete(f"/jobs/{queued['job_id']}")


def post_hours(client: TestClient, candles: list[Candle]) -> None:
    for begin in range(0, len(candles), 5_000):
        part = candles[begin : begin + 5_000]
        sent = shape_a(symbol="BTCUSDT", current_price=part[-1].close)
        sent["timeframe_data"] = {"1h": wire_candles(CandleSeries(Timeframe.H1, part), len(part))}
        assert client.post("/ai/analyze", json=sent).status_code == 200


@pytest.mark.parametrize(
    ("posted", "reachable", "source", "samples"),
    [(1_000, True, "binance", MOST), (MOST, True, "stored", MOST), (1_000, False, "stored", 1_000)],
)
def test_a_training_reads_a_source_that_has_more_than_was_posted(
    client: TestClient, server: StandIn, posted: int, reachable: bool, source: str, samples: int
) -> None:
    exchange_of(server)
    post_hours(client, hours_until(now_ms(), posted + 1, 0.7)[:-1])
    if not reachable:
        server.answer = lambda _: Answer(status=502)
    queued = client.post("/train", json=ASKED).json()
    client.delete(f"/jobs/{queued['job_id']}")
    assert (queued["source_data"], queued["training_samples"]) == (source, samples)


def test_so_does_a_training_of_many_markets_whose_order_cannot_bring_all_that_was_posted(
    make_client: MakeClient, server: StandIn
) -> None:
    most = 12_600
    client = make_client(
        market_data={"sources": ["stored", "binance"], "binance_url": server.url},
        models={"training": {"history_candles": most}, "further_horizons_candles": ()},
    )
    exchange_of(server, most + 100)
    post_hours(client, hours_until(now_ms(), most + 1, 0.7)[:-1])
    found = ended(client, client.post("/jobs/retrain_if_needed", json={}).json()["job_id"])["result"]
    job_id = found["submitted"][0]["job_id"]
    client.delete(f"/jobs/{job_id}")
    assert client.portal is not None
    document = client.portal.call(container_of(client).base.stores.documents.get, JOB_ORDERS, job_id)
    assert document is not None
    (market,) = TrainingParameters.model_validate(document["parameters"]).pool
    assert (market.symbol, market.candles) == ("BTCUSDT", ())
    assert market.history is not None
    assert market.history.candles == most


def test_what_can_only_fail_is_refused_before_there_is_a_job(client: TestClient, server: StandIn) -> None:
    exchange = exchange_of(server)
    unknown = client.post("/train", json=ASKED | {"symbol": "BTCUSTDUSDT"})
    assert unknown.status_code == 404
    assert "no source knows BTCUSTDUSDT" in unknown.json()["detail"]
    assert "binance: knows no symbol BTCUSTDUSDT" in unknown.json()["detail"]
    server.answer = PastExchange(hours_until(now_ms(), 100))
    young = client.post("/train", json=ASKED)
    assert (young.status_code, "binance: has 99 closed candles" in young.json()["detail"]) == (400, True)
    exchange.faults.append(Answer(b"{}", 429, {"retry-after": "60"}))
    server.answer = exchange
    for reason in ("answered with status 429", "rests for"):
        busy = client.post("/train", json=ASKED)
        assert (busy.status_code, reason in busy.json()["detail"]) == (400, True)
    assert client.get("/jobs").json()["jobs"] == []


def test_source_that_breaks_down_during_the_job_is_its_error(client: TestClient, server: StandIn) -> None:
    exchange = exchange_of(server)

    def answer(request: Request) -> Answer:
        return exchange(request) if len(exchange.requests) < 3 else Answer(b"{}", 418, {"retry-after": "7200"})

    server.answer = answer
    queued = client.post("/train", json=ASKED).json()
    job = ended(client, queued["job_id"])
    assert job["status"] == "failed"
    assert job["error"] == (
        "2,000 of 2,500 candles of BTCUSDT 1h were fetched: binance answered with status 418 and wants to be left "
        "alone for 2.0 h; nothing was trained"
    )
    assert client.get("/ai/models").json()["models"] == []
