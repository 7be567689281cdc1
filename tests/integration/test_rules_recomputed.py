"""Every figure that the rules give can be computed from the candles by docs/rules.md."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from domain.market import CandleSeries, Timeframe
from tests.fixtures.bodies import now_ms, wire_candles
from tests.fixtures.histories import DASHBOARD, DASHBOARD_CANDLES, simulated
from tests.fixtures.rules_by_hand import answer_by_hand

Frames = dict[str, list[dict[str, Any]]]


def dashboard(seed: int, drift: float) -> Frames:
    quarters = simulated([77, seed], drift, Timeframe.M15, DASHBOARD_CANDLES)
    return {
        name.value: wire_candles(quarters if name is Timeframe.M15 else quarters.resample(name), count)
        for name, count in DASHBOARD.items()
    }


def hours(seed: int, drift: float, count: int = 400) -> Frames:
    return {"1h": wire_candles(simulated([78, seed], drift, count=count), count)}


def torn(seed: int) -> Frames:
    """Return hours of which every seventeenth is missing."""
    candles = simulated([79, seed], 0.2, count=200).candles
    return {"1h": wire_candles(CandleSeries(Timeframe.H1, [c for i, c in enumerate(candles) if i % 17 != 5]), 200)}


def untraded() -> Frames:
    """Return hours of a third of which there is no row, as exchanges have it where nothing was traded."""
    whole, traded = simulated([79, 7], 0.2, count=300), np.random.default_rng(79).random(300) > 0.3
    return {"1h": wire_candles(CandleSeries.of_arrays(Timeframe.H1, whole.times_ms[traded], whole.values[traded]), 300)}


def still() -> Frames:
    """Return a rise that has stood still since: its newest candles have no range."""
    frames = hours(1, 0.4, 300)
    last = frames["1h"][-31]["close"]
    for candle in frames["1h"][-30:]:
        candle.update(open=last, high=last, low=last, close=last)
    return frames


def contradicting() -> Frames:
    """Return hours that rise, and four hours that have fallen."""
    falling = simulated([80], -0.5, Timeframe.H4, 100)
    rising = simulated([81], 0.5, Timeframe.H1, 400, start_price=60)
    return {"1h": wire_candles(rising, 100), "4h": wire_candles(falling, 100)}


def short_beside_long() -> Frames:
    """Return hours that rise, and minutes that have fallen lately, some of which are missing."""
    rising = simulated([83], 0.5, Timeframe.H1, 400, start_price=60)
    frames = {"1h": wire_candles(rising, 100)}
    for length in (Timeframe.M1, Timeframe.M5):
        from_100 = simulated([82], -0.5, length, 100)
        start = 100 * float(rising.closes[-1] / from_100.closes[-1])
        frames[length.value] = wire_candles(simulated([82], -0.5, length, 100, start_price=start), 100)
        later_ms = rising.last_close_ms - frames[length.value][-1]["timestamp"] - length.ms
        for candle in frames[length.value]:
            candle["timestamp"] += later_ms
    frames["1m"] = [candle for at, candle in enumerate(frames["1m"]) if at % 9 != 5]
    return frames


def posted(frames: Frames) -> dict[str, Any]:
    return {"symbol": "ETHUSDT", "timeframe_data": frames, "current_price": 0, "volume_24h": 0, "timestamp": now_ms()}


def newest_close(frames: Frames) -> float:
    return float(max((candles[-1] for candles in frames.values()), key=lambda candle: candle["timestamp"])["close"])


MARKETS = {
    **{f"dashboard {seed} {drift}": dashboard(seed, drift) for seed in range(3) for drift in (-0.25, 0.0, 0.25)},
    **{f"hours {seed} {drift}": hours(seed, drift) for seed in range(3) for drift in (-0.3, 0.0, 0.1)},
    "few hours": hours(5, 0.3, 70),
    "torn": torn(6),
    "untraded": untraded(),
    "still": still(),
    "contradicting": contradicting(),
    "short beside long": short_beside_long(),
}


@pytest.mark.parametrize("frames", MARKETS.values(), ids=MARKETS.keys())
def test_an_answer_is_what_the_page_says(common_client: TestClient, frames: Frames) -> None:
    length = {name: Timeframe(name).ms for name in frames}
    as_of = max(candles[-1]["timestamp"] + length[name] for name, candles in frames.items())
    body = {**posted(frames), "timestamp": as_of, "as_of": as_of, "strategy_context": {}}
    found = common_client.post("/ai/analyze", json=body).json()
    expected = answer_by_hand(frames, found["timeframe"], found["price"])
    assert found["signal"] == expected["signal"], found["reasoning"]
    figures = {**found["market_analysis"], **found["risk_assessment"]}
    for name in ("trend_direction", "volatility_level", "overall_risk"):
        assert figures[name] == expected[name], name
    for name in ("trend_strength", "technical_risk", "market_risk", "recommended_position_size"):
        assert figures[name] == pytest.approx(expected[name], abs=1e-4), name
    for name in ("support_levels", "resistance_levels"):
        assert figures[name] == pytest.approx(expected[name], rel=1e-6), name
    for name in ("stop_loss_suggestion", "take_profit_suggestion"):
        assert (figures[name] or 0.0) == pytest.approx(expected[name] or 0.0, rel=1e-6), name
    assert found["strategy_scores"] == pytest.approx(expected["strategy_scores"], abs=1e-4)
    assert found["confidence"] == pytest.approx(expected["confidence"], abs=1e-4)
    evidence = found["evidence"] and {name: found["evidence"][name] for name in expected["evidence"]}
    assert evidence == pytest.approx(expected["evidence"], abs=1e-4)


@pytest.mark.parametrize("frames", MARKETS.values(), ids=MARKETS.keys())
def test_condition_and_suitability_are_what_the_page_says(common_client: TestClient, frames: Frames) -> None:
    expected = answer_by_hand(frames, "1h", newest_close(frames))
    condition = common_client.post("/ai/market-condition", json=posted(frames)).json()
    assert condition["condition_type"] == expected["trend_direction"]
    assert condition["confidence"] == pytest.approx(expected["condition_confidence"], abs=1e-4)
    fits = common_client.post("/ai/strategy-recommendations", json=posted(frames)).json()
    scores = {fit["strategy_name"]: fit["suitability_score"] for fit in fits}
    assert scores == pytest.approx(expected["suitability"], abs=1e-4)


def test_the_markets_above_are_of_every_kind() -> None:
    answers = [answer_by_hand(frames, "1h", newest_close(frames)) for frames in MARKETS.values()]
    assert {answer["signal"] for answer in answers} == {"Long", "Short", "Neutral"}
    directions = {answer["trend_direction"] for answer in answers}
    assert directions == {"Bullish", "Bearish", "Sideways", "Uncertain"}
