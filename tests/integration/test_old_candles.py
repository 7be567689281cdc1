"""Candles of the past over HTTP: old ones are answered and marked, replays are answered as of their moment."""

from __future__ import annotations

import copy
import re
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from prometheus_client import REGISTRY

from demo.openai_server import FakeOpenAI
from domain.market import Timeframe
from models.registry.registry import Registry
from storage.ports import ANALYSIS_COLLECTION, ARCHIVE_COLLECTION, CANDLE_COLLECTION
from tests.conftest import STRANGER, MakeClient
from tests.fixtures.answers import analyzed, posted
from tests.fixtures.bodies import now_ms, shape_a, shape_b, shape_c
from tests.fixtures.forecasting import put_in_production
from tests.fixtures.llm_clients import llm_section

pytest_plugins = ["tests.fixtures.openai_server"]

DAY_MS = Timeframe.D1.ms
COUNTED = (
    "ai_analysis_total",
    "ai_analysis_duration_seconds_count",
    "ai_predictions_total",
    "ai_model_confidence_count",
    "model_predictions_total",
    "ml_predictions_total",
    "ml_signal_confidence_count",
)


def refused(client: TestClient, body: dict[str, Any], path: str = "/ai/analyze") -> str:
    response = client.post(path, json=body)
    assert response.status_code == 422, response.text
    return str(response.json()["detail"])


def earlier(body: dict[str, Any], days: int = 3) -> dict[str, Any]:
    """Return the same body, its candles some days older."""
    moved = copy.deepcopy(body)
    for candles in moved["timeframe_data"].values():
        for candle in candles:
            candle["timestamp"] -= days * DAY_MS
    return moved


def rows(client: TestClient, folder: Path, *tables: str) -> list[int]:
    client.get("/ai/storage/stats")  # waits for the writes before it
    connection = sqlite3.connect(folder / "store.db")
    try:
        return [connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables]  # noqa: S608
    finally:
        connection.close()


def counts() -> list[float]:
    """Return what was counted of analyses and forecasts, of all labels together."""
    samples = [sample for family in REGISTRY.collect() for sample in family.samples]
    return [sum(sample.value for sample in samples if sample.name == name) for name in COUNTED]


def close_of(body: dict[str, Any], position: int, timeframe: str = "1h") -> int:
    """Return when a candle of a body closes, in epoch ms."""
    opened: int = body["timeframe_data"][timeframe][position]["timestamp"]
    return opened + Timeframe(timeframe).ms


@pytest.mark.parametrize("shape", [shape_a, shape_b])
def test_every_analysis_says_how_old_its_candles_are(client: TestClient, shape: Any) -> None:
    answer = analyzed(client, shape(drift=0.35))
    assert type(answer["data_age_seconds"]) is int
    assert 0 <= answer["data_age_seconds"] <= 3_600
    assert answer["as_of"] is None
    assert "The candles are old" not in answer["reasoning"]
    fetched = analyzed(client, shape_c())
    assert (type(fetched["data_age_seconds"]), fetched["as_of"]) == (int, None)
    percent = posted(client, "/api/v1/analyze", shape(drift=0.35))
    assert percent["data_age_seconds"] == answer["data_age_seconds"]


def test_old_candles_are_answered_without_a_side_marked_and_believed_less(client: TestClient) -> None:
    body = shape_b(seed=5, drift=0.35)
    fresh, old = analyzed(client, body), analyzed(client, earlier(body))
    assert (fresh["signal"], old["signal"]) == ("BUY", "HOLD")
    assert re.match(r"Neutral: refused by fresh_data: the newest candle closed 7(2\.\d|3\.0) ", old["reasoning"])
    assert (old["abstention"], old["lanes"]["rules"]["side"]) == ("no data", "Long")
    assert 3 * 86_400 <= old["data_age_seconds"] <= 3 * 86_400 + 3_600
    assert "The candles are old and say less: since the newest of them, 72 more have closed." in old["reasoning"]
    assert old["confidence"] == pytest.approx(fresh["confidence"] * 2 / 72, rel=0.03)


def test_an_analysis_of_old_candles_is_no_news_and_answers_no_other_caller(client: TestClient, tmp_path: Path) -> None:
    body = earlier(shape_b(seed=5, drift=0.35))
    with client.websocket_connect("/ws") as socket:
        socket.receive_json()
        first, second = analyzed(client, body), analyzed(client, body)
        assert (first["cached"], second["cached"]) == (False, False)
        assert first["analysis_id"] != second["analysis_id"]
        analyzed(client, shape_b(symbol="SOLUSDT"))
        assert socket.receive_json()["data"]["symbol"] == "SOLUSDT"
    # Those of SOLUSDT, and of ETHUSDT the candles alone.
    assert rows(client, tmp_path, ANALYSIS_COLLECTION, ARCHIVE_COLLECTION, CANDLE_COLLECTION) == [1, 1, 200]
    assert [row["symbol"] for row in client.get("/ai/storage/stats").json()["symbol_breakdown"]] == ["SOLUSDT"]


def test_old_candles_of_a_stranger_are_not_kept(make_client: MakeClient, tmp_path: Path) -> None:
    stranger = make_client(STRANGER)
    answer = analyzed(stranger, earlier(shape_b()))
    assert "The candles are old" in answer["reasoning"]
    assert rows(stranger, tmp_path, ANALYSIS_COLLECTION, ARCHIVE_COLLECTION, CANDLE_COLLECTION) == [0, 0, 0]


def test_a_cached_analysis_answers_no_longer_once_its_candles_are_old(client: TestClient) -> None:
    """Minutes are old after two of them, an analysis is cached for five."""
    body = shape_b("15m", drift=0.35)
    minutes = [
        candle | {"timestamp": now_ms() // 60_000 * 60_000 - (100 - position) * 60_000}
        for position, candle in enumerate(body["timeframe_data"]["15m"])
    ]
    body["timeframe_data"] = {"1m": minutes}
    first = analyzed(client, body)
    assert analyzed(client, body)["analysis_id"] == first["analysis_id"]
    body["timeframe_data"]["1m"] = minutes[:-4]
    assert [analyzed(client, body)["cached"] for _ in range(2)] == [False, False]


def test_the_llm_is_believed_less_of_old_candles_and_not_asked_for_replays(
    make_client: MakeClient, fake_openai: FakeOpenAI
) -> None:
    client = make_client(llm=llm_section(fake_openai.url))
    body = shape_b(seed=5, drift=0.35)
    fresh, old = analyzed(client, body), analyzed(client, earlier(body) | {"symbol": "SOLUSDT"})
    assert (fresh["source"], old["source"]) == ("llm", "llm")
    assert old["confidence"] == pytest.approx(fresh["confidence"] * 2 / 72, rel=0.03)
    assert old["reasoning"].endswith("since the newest of them, 72 more have closed.")
    asked = len(fake_openai.asked)
    replay = analyzed(client, body | {"as_of": close_of(body, -1)})
    assert (replay["source"], replay["fallback_reason"]) == ("technical", "replay: the LLM is not asked for replays")
    assert len(fake_openai.asked) == asked


def test_a_replay_answers_as_of_its_moment_whatever_came_later(client: TestClient) -> None:
    whole = earlier(shape_b(count=160, seed=5, drift=0.35))
    as_of = close_of(whole, 99)
    known = copy.deepcopy(whole)
    known["timeframe_data"]["1h"] = known["timeframe_data"]["1h"][:100]
    invented = copy.deepcopy(whole)
    for candle in invented["timeframe_data"]["1h"][100:]:
        candle |= {name: candle[name] * 9 for name in ("open", "high", "low", "close")}
    invented |= {"current_price": invented["timeframe_data"]["1h"][-1]["close"], "volume_24h": 0}
    answers = [analyzed(client, body | {"as_of": as_of}) for body in (known, whole, invented)]
    own = {"analysis_id", "timestamp", "generated_at", "data_age_seconds"}
    first, *others = [{key: value for key, value in answer.items() if key not in own} for answer in answers]
    assert others == [first, first]
    assert first["as_of"] == as_of
    assert "no later candle is used" in first["reasoning"]
    assert "The candles are old" not in first["reasoning"]
    assert all(answer["generated_at"] >= now_ms() - 60_000 for answer in answers)
    assert answers[0]["data_age_seconds"] == pytest.approx((answers[0]["generated_at"] - as_of) / 1000, abs=1.5)


def test_a_replay_of_the_last_close_says_what_the_live_analysis_says(client: TestClient) -> None:
    body = shape_a(seed=5, drift=0.35)
    live = analyzed(client, body)
    replay = analyzed(client, body | {"as_of": close_of(body, -1, "15m")})
    for key in ("signal", "confidence", "strategy_scores", "market_analysis", "risk_assessment"):
        assert replay[key] == live[key], key


def test_a_replay_leaves_nothing_behind(client: TestClient, tmp_path: Path) -> None:
    body = shape_b(seed=5, drift=0.35)
    replay = body | {"as_of": close_of(body, -1)}
    with client.websocket_connect("/ws") as socket:
        socket.receive_json()
        assert [analyzed(client, replay)["cached"] for _ in range(2)] == [False, False]
        assert analyzed(client, body)["cached"] is False
        assert socket.receive_json()["data"]["reasoning"].startswith("Long")
        assert analyzed(client, replay)["cached"] is False
        analyzed(client, shape_b(symbol="SOLUSDT"))
        assert socket.receive_json()["data"]["symbol"] == "SOLUSDT"
    assert rows(client, tmp_path, ANALYSIS_COLLECTION, ARCHIVE_COLLECTION, CANDLE_COLLECTION) == [2, 2, 200]
    stats = client.get("/ai/storage/stats").json()
    assert (stats["cache_hits"], stats["cache_misses"]) == (0, 2)


def test_equal_replays_at_the_same_moment_share_one_analysis(client: TestClient) -> None:
    body = shape_a(seed=5)
    replay = body | {"as_of": close_of(body, -2)}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: analyzed(client, replay), range(8)))
    assert len({answer["confidence"] for answer in answers}) == 1


def test_a_moment_that_cannot_be_replayed_is_refused_with_the_reason(client: TestClient) -> None:
    body = shape_b()
    first, later = close_of(body, 0), now_ms() + 60_000
    assert refused(client, body | {"as_of": first - 1}) == (
        f"as_of {first - 1} is before the first candle closes, at {first}"
    )
    assert refused(client, body | {"as_of": later}).startswith(f"as_of {later} is after the server's clock, ")
    assert refused(client, shape_c() | {"as_of": first}).startswith(
        "as_of needs the candles of its time in timeframe_data; "
    )
    assert "send epoch milliseconds" in refused(client, body | {"as_of": first // 1000})
    for wrong in ("yesterday", 1.5, True, -first):
        refused(client, body | {"as_of": wrong})
    too_few = client.post("/ai/analyze", json=body | {"as_of": close_of(body, 20)})
    assert (too_few.status_code, "needs 60 closed candles" in too_few.json()["detail"]) == (400, True)
    assert analyzed(client, body | {"as_of": None})["as_of"] is None


def test_a_forecast_is_replayed_too(client: TestClient, tmp_path: Path) -> None:
    put_in_production(Registry(tmp_path / "models"), symbol="ETHUSDT")
    body = shape_b(count=200)
    as_of = close_of(body, 149)
    cut = copy.deepcopy(body)
    cut["timeframe_data"]["1h"] = cut["timeframe_data"]["1h"][:150]
    replayed = [posted(client, "/ai/predict", request | {"as_of": as_of}) for request in (body, cut)]
    assert replayed[0]["probability_up"] == replayed[1]["probability_up"]
    assert [answer["as_of"] for answer in replayed] == [as_of, as_of]
    assert posted(client, "/ai/predict", body)["as_of"] is None
    beside = analyzed(client, body | {"as_of": as_of})
    assert beside["forecast"]["probability_up"] == replayed[0]["probability_up"]


def test_replays_are_not_in_the_metrics_of_analyses_and_forecasts(client: TestClient, tmp_path: Path) -> None:
    put_in_production(Registry(tmp_path / "models"), symbol="ETHUSDT")
    body = shape_b(count=200)
    replay = body | {"as_of": close_of(body, 149)}
    before = counts()
    analyzed(client, replay)
    posted(client, "/ai/predict", replay)
    assert counts() == before
    analyzed(client, body)
    assert counts() == [count + 1 for count in before]


def test_the_state_of_a_market_of_old_candles_says_so(client: TestClient) -> None:
    body = earlier(shape_b(seed=5, drift=0.35))
    body["timeframe_data"]["1h"] = body["timeframe_data"]["1h"][-100:]
    found = posted(client, "/ai/market-condition", body)
    assert found["confidence"] > 0.3
    assert found["characteristics"][-1].startswith("The candles are old and say less")
