"""Trust in posted candles: which analyses are broadcast, cached for whom, and which revisions are accepted."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from rules.strategies import STRATEGY_NAMES
from services.analysis.making import CONTRADICTED
from services.analysis.service import AnalysisService
from storage.ports import ARCHIVE_COLLECTION, CANDLE_COLLECTION
from tests.conftest import MakeClient
from tests.fixtures.analyses import make_analysis
from tests.fixtures.answers import analyzed
from tests.fixtures.bodies import shape_a, shape_b, shape_c
from tests.fixtures.containers import container_of
from tests.fixtures.llm_clients import sample
from utils.clock import SystemClock

pytest_plugins = ["tests.fixtures.logs"]

ADMIN = "key-of-the-admin"
# From an address that no trusted proxy vouches for: a stranger.
AS_STRANGER = {"x-forwarded-for": "203.0.113.9"}
AS_ADMIN = {"authorization": f"Bearer {ADMIN}"}


def scaled(body: dict[str, Any], factor: float, timeframe: str = "1h", at: int = 50) -> dict[str, Any]:
    """Change the prices of one closed candle of a body."""
    candle = body["timeframe_data"][timeframe][at]
    candle |= {name: candle[name] * factor for name in ("open", "high", "low", "close")}
    return body


def rows(client: TestClient, path: Path, table: str) -> int:
    client.get("/ai/storage/stats")  # waits for the writes before it
    connection = sqlite3.connect(path / "store.db")
    try:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608
    finally:
        connection.close()


def test_answers_to_untrusted_clients_are_not_broadcast(client: TestClient) -> None:
    with client.websocket_connect("/ws") as socket:
        assert socket.receive_json()["type"] == "connection"
        strange = shape_b(symbol="SOLUSDT")
        analyzed(client, strange, **AS_STRANGER)
        assert analyzed(client, strange, **AS_STRANGER)["cached"] is True
        analyzed(
            client, shape_c("BTCUSDT"), **AS_STRANGER
        )  # of the service's own candles, and yet a stranger's question
        percent = client.post("/api/v1/analyze", json=shape_b(symbol="XRPUSDT"), headers=AS_STRANGER)
        chart = {"symbol": "ADAUSDT", "timeframe": "1h", "candles": shape_b()["timeframe_data"]["1h"]}
        assert client.post("/analyze", json=chart, headers=AS_STRANGER).status_code == percent.status_code == 200
        mine = analyzed(client, shape_b(symbol="ETHUSDT"))
        event = socket.receive_json()
        assert (event["type"], event["data"]["symbol"]) == ("AISignalReceived", "ETHUSDT")
        assert event["data"]["reasoning"] == mine["reasoning"]


def test_every_answer_to_a_trusted_caller_is_broadcast_cached_or_fetched(client: TestClient) -> None:
    with client.websocket_connect("/ws") as socket:
        socket.receive_json()
        body = shape_b(symbol="ETHUSDT")
        assert [analyzed(client, body)["cached"] for _ in range(2)] == [False, True]
        analyzed(client, shape_c("BTCUSDT"))
        assert [socket.receive_json()["data"]["symbol"] for _ in range(3)] == ["ETHUSDT", "ETHUSDT", "BTCUSDT"]


def test_an_analysis_of_the_services_own_is_broadcast(client: TestClient) -> None:
    analysis: AnalysisService = container_of(client).answers.analysis
    with client.websocket_connect("/ws") as socket:
        socket.receive_json()
        assert client.portal is not None
        client.portal.call(analysis.refresh, "DOTUSDT")
        assert socket.receive_json()["data"]["symbol"] == "DOTUSDT"


def test_two_clients_with_other_candles_never_get_each_others_answer(client: TestClient) -> None:
    mine, theirs = shape_b(seed=5, drift=0.35), scaled(shape_b(seed=5, drift=0.35), 1.001)
    first, second = analyzed(client, mine), analyzed(client, theirs)
    assert first["analysis_id"] != second["analysis_id"]
    # Each is still answered from the cache, by what was made of its own candles.
    for body, answer in ((mine, first), (theirs, second), (mine, first)):
        again = analyzed(client, body)
        assert (again["cached"], again["analysis_id"]) == (True, answer["analysis_id"])


def test_an_invented_range_covers_no_other_price(client: TestClient) -> None:
    """One fabricated candle makes the average true range so wide that any price is within it."""
    real, invented = shape_b(seed=5, drift=0.35), shape_b(seed=5, drift=0.35)
    for candle in invented["timeframe_data"]["1h"][-20:]:
        candle["high"] *= 1.15
        candle["low"] /= 1.15
    poisoned = analyzed(client, invented, **AS_STRANGER)
    honest = analyzed(client, real, **AS_STRANGER)
    assert (honest["cached"], honest["analysis_id"] != poisoned["analysis_id"]) == (False, True)
    risk, price = honest["risk_assessment"], real["current_price"]
    assert risk["stop_loss_suggestion"] < price < risk["take_profit_suggestion"]


def test_requests_of_other_candles_at_the_same_moment_are_not_joined(client: TestClient) -> None:
    bodies = [scaled(shape_b(), 1 + number / 1000) for number in range(4)] * 3
    with ThreadPoolExecutor(len(bodies)) as pool:
        answers = list(pool.map(lambda body: analyzed(client, body), bodies))
    ids = [answer["analysis_id"] for answer in answers]
    assert len(set(ids[:4])) == len(set(ids)) == 4
    assert ids[:4] == ids[4:8] == ids[8:]


def test_a_forming_candle_and_a_near_price_do_not_keep_the_cache_from_answering(client: TestClient) -> None:
    body = shape_b(seed=5, drift=0.35)
    last = body["timeframe_data"]["1h"][-1]
    flat = dict.fromkeys(("open", "high", "low", "close"), last["close"])
    body["timeframe_data"]["1h"].append({**flat, "timestamp": last["timestamp"] + 3_600_000, "volume": 1.0})
    first = analyzed(client, body)
    moved = {"close": last["close"] * 1.001, "high": last["close"] * 1.001, "volume": 7.0}
    body["timeframe_data"]["1h"][-1] |= moved
    body["current_price"] *= 1.0001
    assert analyzed(client, body)["analysis_id"] == first["analysis_id"]


def test_a_row_of_an_earlier_release_answers_no_request_with_candles(make_client: MakeClient) -> None:
    client = make_client()
    body = shape_b()
    store = container_of(client).base.stores.analyses
    price = body["current_price"]
    stored = make_analysis(
        symbol="ETHUSDT",
        analysis_id="of-an-earlier-release",
        price=price,
        average_true_range=price,
        signal="Neutral",
        risk_assessment=make_analysis().risk_assessment.model_dump()
        | {"stop_loss_suggestion": None, "take_profit_suggestion": None},
        generated_at=SystemClock().now(),
    )
    assert client.portal is not None
    for key in (f"ETHUSDT|trusted|1h|{','.join(sorted(STRATEGY_NAMES))}", "ETHUSDT|trusted||"):
        client.portal.call(partial(store.save_analysis, key, stored, archive=True))
    assert analyzed(client, body)["analysis_id"] != "of-an-earlier-release"


def test_candles_of_a_great_revision_are_answered_and_not_kept(
    make_client: MakeClient, tmp_path: Path, log_facts: list[str]
) -> None:
    client = make_client(access={"admin_token": ADMIN})
    refused = sample("candle_revisions_total", outcome="refused")
    analyzed(client, shape_a())
    kept = rows(client, tmp_path, CANDLE_COLLECTION), rows(client, tmp_path, ARCHIVE_COLLECTION)
    with client.websocket_connect("/ws") as socket:
        socket.receive_json()
        answer = analyzed(client, scaled(shape_a(), 1.3))
        assert answer["cached"] is False
        assert answer["reasoning"].endswith(CONTRADICTED)
        assert socket.receive_json()["data"]["symbol"] == "ETHUSDT"
        analyzed(client, shape_b(symbol="SOLUSDT"))
        assert socket.receive_json()["data"]["symbol"] == "SOLUSDT"
    assert rows(client, tmp_path, CANDLE_COLLECTION) == kept[0] + 100
    assert rows(client, tmp_path, ARCHIVE_COLLECTION) == kept[1] + 1
    assert sample("candle_revisions_total", outcome="refused") == refused + 1
    (warning,) = [line for line in log_facts if line.startswith("WARNING") and "posted candles are not kept" in line]
    assert "DELETE /ai/storage/candles/ETHUSDT" in warning
    # The stored candle stays, and an untrusted client's candles are compared with no others.
    assert analyzed(client, shape_a())["cached"] is True
    analyzed(client, scaled(shape_a(), 1.3), **AS_STRANGER)


def test_candles_off_the_minute_are_analyzed_and_scored_but_not_kept(make_client: MakeClient, tmp_path: Path) -> None:
    client = make_client()
    body = shape_a()
    for candles in body["timeframe_data"].values():
        for candle in candles:
            candle["timestamp"] -= 12_345
    answer = analyzed(client, body)
    assert answer["reasoning"].endswith(
        "candles open off the minute, or between those posted before: they are not kept."
    )
    assert (rows(client, tmp_path, CANDLE_COLLECTION), rows(client, tmp_path, ARCHIVE_COLLECTION)) == (0, 1)
    assert CONTRADICTED not in analyzed(client, shape_a())["reasoning"]


def test_the_factor_is_configured(make_client: MakeClient) -> None:
    client = make_client(analysis={"max_revision_factor": 1.5})
    analyzed(client, shape_a())
    assert CONTRADICTED not in analyzed(client, scaled(shape_a(), 1.3))["reasoning"]
    assert CONTRADICTED in analyzed(client, scaled(shape_a(), 2.0))["reasoning"]


def test_a_service_that_starts_anew_knows_what_was_posted(make_client: MakeClient) -> None:
    first = make_client()
    analyzed(first, shape_a())
    first.get("/ai/storage/stats")
    assert CONTRADICTED in analyzed(make_client(), scaled(shape_a(), 1.3))["reasoning"]


def test_an_operator_has_the_posted_candles_forgotten_and_others_are_taken(
    make_client: MakeClient, tmp_path: Path
) -> None:
    client = make_client(access={"admin_token": ADMIN})
    analyzed(client, shape_a())
    path, revised = "/ai/storage/candles/ETHUSDT", scaled(shape_a(), 1.3)
    assert client.delete(path).status_code == 401
    removed = client.delete(path, params={"timeframe": "4h"}, headers=AS_ADMIN)
    assert removed.json() == {
        "message": "50 posted 4h candles of ETHUSDT removed",
        "symbol": "ETHUSDT",
        "removed_candles": 50,
    }
    assert CONTRADICTED in analyzed(client, revised)["reasoning"]  # those of 1h are still there
    assert client.delete(path, headers=AS_ADMIN).json()["removed_candles"] == 300
    assert rows(client, tmp_path, CANDLE_COLLECTION) == 0
    assert CONTRADICTED not in analyzed(client, scaled(shape_a(), 1.31))["reasoning"]
    assert client.delete("/ai/storage/candles/NEVERSEEN", headers=AS_ADMIN).json()["removed_candles"] == 0


def test_a_timeframe_that_does_not_exist_is_a_422(make_client: MakeClient) -> None:
    client = make_client(access={"admin_token": ADMIN})
    assert client.delete("/ai/storage/candles/ETHUSDT?timeframe=2h", headers=AS_ADMIN).status_code == 422
