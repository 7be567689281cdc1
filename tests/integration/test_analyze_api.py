"""POST /ai/analyze as its four real senders call it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from rules.strategies import STRATEGY_NAMES
from tests.conftest import STRANGER, MakeClient
from tests.fixtures.answers import analyzed
from tests.fixtures.bodies import ALL_CONTEXT, now_ms, shape_a, shape_b, shape_c, shape_d

JSON = {"content-type": "application/json"}
UP, DOWN = 0.35, -0.35


def assert_complete(answer: dict[str, Any], strategies: list[str]) -> None:
    """Read the answer as a strict deserializer would."""
    assert 0 <= answer["confidence"] <= 1
    assert len(answer["reasoning"]) >= 10
    assert list(answer["strategy_scores"]) == strategies
    assert all(0 <= score <= 1 for score in answer["strategy_scores"].values())
    assert type(answer["timestamp"]) is int
    assert abs(answer["timestamp"] - now_ms()) < 600_000
    market, risk = answer["market_analysis"], answer["risk_assessment"]
    assert market["trend_direction"] in {"Bullish", "Bearish", "Sideways", "Uncertain"}
    assert 0 <= market["trend_strength"] <= 1
    assert market["volatility_level"] in {"Very Low", "Low", "Medium", "High", "Very High"}
    assert isinstance(market["volume_analysis"], str)
    assert risk["overall_risk"] in {"Low", "Medium", "High"}
    for share in ("technical_risk", "market_risk", "recommended_position_size"):
        assert 0 <= risk[share] <= 1
    assert {"stop_loss_suggestion", "take_profit_suggestion"} <= set(risk)
    assert answer["source"] == "technical"
    assert {"symbol", "model_type", "timeframe", "analysis_id", "generated_at", "cached", "source_data"} <= set(answer)


def test_a_clear_rise_is_long_with_stop_below_and_target_above(client: TestClient) -> None:
    body = shape_a(seed=5, drift=UP)
    answer = analyzed(client, body)
    assert_complete(answer, ALL_CONTEXT["selected_strategies"])  # type: ignore[arg-type]  # a list of names
    assert answer["signal"] == "Long"
    risk = answer["risk_assessment"]
    assert risk["stop_loss_suggestion"] < body["current_price"] < risk["take_profit_suggestion"]
    assert answer["price"] == body["current_price"]
    assert risk["recommended_position_size"] > 0


def test_a_clear_fall_is_short_with_stop_above_and_target_below(client: TestClient) -> None:
    body = shape_a(seed=5, drift=DOWN)
    answer = analyzed(client, body)
    assert answer["signal"] == "Short"
    risk = answer["risk_assessment"]
    assert risk["take_profit_suggestion"] < body["current_price"] < risk["stop_loss_suggestion"]


def test_a_flat_market_is_neutral_and_says_so(client: TestClient) -> None:
    body = shape_a()
    for candles in body["timeframe_data"].values():
        for candle in candles:
            candle.update(open=3000.0, high=3000.0, low=3000.0, close=3000.0, volume=0.0)
    body["current_price"] = 3000.0
    answer = analyzed(client, body)
    assert answer["signal"] == "Neutral"
    assert "flat" in answer["reasoning"].lower()
    assert answer["risk_assessment"]["stop_loss_suggestion"] is None
    assert answer["risk_assessment"]["take_profit_suggestion"] is None


@pytest.mark.parametrize("price", [1e-8, 1e9])
def test_tiny_and_huge_prices_get_levels_on_the_right_side(client: TestClient, price: float) -> None:
    body = shape_a(seed=5, drift=UP)
    factor = price / 3000.0
    for candles in body["timeframe_data"].values():
        for candle in candles:
            candle.update({key: candle[key] * factor for key in ("open", "high", "low", "close")})
    body["current_price"] *= factor
    answer = analyzed(client, body)
    assert answer["signal"] == "Long"
    risk = answer["risk_assessment"]
    assert 0 < risk["stop_loss_suggestion"] < body["current_price"] < risk["take_profit_suggestion"]


def test_levels_are_sorted_by_distance_from_the_price(client: TestClient) -> None:
    body = shape_a(seed=3)
    market = analyzed(client, body)["market_analysis"]
    price = body["current_price"]
    assert market["support_levels"] == sorted(market["support_levels"], reverse=True)
    assert market["resistance_levels"] == sorted(market["resistance_levels"])
    assert all(level < price for level in market["support_levels"])
    assert all(level > price for level in market["resistance_levels"])


@pytest.mark.parametrize(("drift", "signals"), [(UP, {"BUY", "STRONG_BUY"}), (DOWN, {"SELL", "STRONG_SELL"})])
def test_the_engine_loop_is_answered_in_its_own_words(client: TestClient, drift: float, signals: set[str]) -> None:
    answer = analyzed(client, shape_b(seed=5, drift=drift))
    assert_complete(answer, list(STRATEGY_NAMES))
    assert answer["signal"] in signals
    assert answer["timeframe"] == "1h"
    assert answer["indicators"]
    assert all(isinstance(value, float) for value in answer["indicators"].values())
    assert "analysis_details" in answer


def test_a_burst_of_every_timeframe_passes(client: TestClient) -> None:
    timeframes = ["15m", "30m", "1h", "4h"]
    for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT"):
        for seed, timeframe in enumerate(timeframes * 2):
            assert analyzed(client, shape_b(timeframe, 60 + seed, symbol=symbol))["timeframe"] == timeframe


def test_the_browser_gets_candles_fetched_and_labeled(client: TestClient) -> None:
    answer = analyzed(client, shape_c())
    assert_complete(answer, ["RSI Strategy", "MACD Strategy", "Bollinger Bands Strategy"])
    assert answer["source_data"] == "synthetic"


def test_fetching_uses_what_the_engine_posted_when_it_is_fresh(make_client: MakeClient) -> None:
    client = make_client(market_data={"sources": ["stored", "synthetic"], "timeframes": ["15m", "1h"]})
    analyzed(client, shape_a(symbol="SOLUSDT", seed=5, drift=UP))
    assert analyzed(client, shape_c("SOLUSDT"))["source_data"] == "stored"


@pytest.mark.parametrize("warm", [False, True])
def test_one_invented_candle_is_refused_whether_or_not_the_cache_is_warm(client: TestClient, warm: bool) -> None:
    if warm:
        body = shape_b(seed=5, drift=UP, strategy_context=dict(ALL_CONTEXT))
        assert analyzed(client, body)["signal"] == "Long"
    response = client.post("/ai/analyze", json=shape_d())
    assert response.status_code == 400
    assert "60" in response.json()["detail"]
    assert client.get("/ai/storage/stats").json()["total_analyses"] == int(warm)


def test_no_strategies_named_means_all_of_them(client: TestClient) -> None:
    body = shape_a()
    body["strategy_context"] = {}
    assert list(analyzed(client, body)["strategy_scores"]) == list(STRATEGY_NAMES)


def test_klines_with_further_keys_and_the_other_name_of_the_time_are_accepted(client: TestClient) -> None:
    body = shape_b()
    for candle in body["timeframe_data"]["1h"]:
        candle["open_time"] = candle.pop("timestamp")
        candle |= {"close_time": candle["open_time"] + 1, "quote_volume": 1.0, "trades": 3, "is_closed": True}
    analyzed(client, body)


def test_a_candle_still_forming_changes_nothing(make_client: MakeClient, tmp_path: Path) -> None:
    body = shape_b(seed=5, drift=UP)
    plain = analyzed(make_client(), body)
    last = body["timeframe_data"]["1h"][-1]
    crash = dict.fromkeys(("open", "high", "low", "close"), last["close"] * 0.7)
    body["timeframe_data"]["1h"].append(crash | {"timestamp": last["timestamp"] + 3_600_000, "volume": 1e9})
    other = analyzed(make_client(storage={"url": f"sqlite:///{tmp_path}/other.db"}), body)
    same = ("signal", "confidence", "indicators", "market_analysis", "risk_assessment", "strategy_scores")
    assert {key: other[key] for key in same} == {key: plain[key] for key in same}


def test_the_same_call_again_is_recent_and_only_there(client: TestClient) -> None:
    body = shape_a()
    first, second, third = analyzed(client, body), analyzed(client, body), analyzed(client, body)
    assert not first["cached"]
    assert second["cached"]
    assert second["reasoning"] == third["reasoning"] == "[RECENT] " + first["reasoning"]
    assert second["analysis_id"] == first["analysis_id"]
    assert second["timestamp"] == first["timestamp"]


def test_a_cached_analysis_answers_only_what_it_covers(client: TestClient) -> None:
    body = shape_a()
    first = analyzed(client, body)
    other_strategies = shape_a()
    other_strategies["strategy_context"]["selected_strategies"] = ["RSI Strategy"]
    fewer_timeframes = shape_a()
    del fewer_timeframes["timeframe_data"]["4h"]
    moved = shape_a(current_price=body["current_price"] * 1.3)
    for different in (other_strategies, fewer_timeframes, moved, shape_a(symbol="BTCUSDT")):
        assert analyzed(client, different)["analysis_id"] != first["analysis_id"]


def test_candles_of_another_day_are_not_answered_from_the_cache(client: TestClient) -> None:
    body = shape_b()
    first = analyzed(client, body)
    for candle in body["timeframe_data"]["1h"]:
        candle["timestamp"] -= 86_400_000
    assert analyzed(client, body)["analysis_id"] != first["analysis_id"]


def test_a_stranger_cannot_fill_the_cache_or_the_candles_that_others_read(make_client: MakeClient) -> None:
    stranger, trusted = make_client(STRANGER), make_client()  # two services on one store
    body = shape_a(seed=5, drift=UP)
    poisoned = analyzed(stranger, body)
    assert analyzed(trusted, shape_c())["source_data"] == "synthetic"
    assert analyzed(trusted, body)["analysis_id"] != poisoned["analysis_id"]


def test_freshness_is_judged_by_the_servers_clock(client: TestClient) -> None:
    body = shape_a(timestamp=now_ms() + 365 * 86_400_000)
    first = analyzed(client, body)
    assert abs(first["timestamp"] - now_ms()) < 60_000


def test_answers_carry_the_agreed_headers(client: TestClient) -> None:
    headers = client.post("/ai/analyze", json=shape_a()).headers
    assert headers["x-request-id"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "strict-origin-when-cross-origin"
    assert "default-src" in headers["content-security-policy"]
