"""What a market is called, in which phase it is, and how sure that is."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.analysis import DataSource, MarketSnapshot, TrendDirection
from domain.market import Candle, CandleSeries, Timeframe
from rules.direction import view_trend
from rules.market_condition import MarketCondition, MarketPhase, describe_market
from tests.fixtures.histories import (
    DASHBOARD_CANDLES,
    context_of,
    dashboard,
    dashboard_snapshot,
    flat_series,
    mirrored,
    simulated,
    snapshot_of,
)


def described(snapshot: MarketSnapshot) -> MarketCondition:
    context = context_of(snapshot)
    return describe_market(context, view_trend(context), ["momentum"])


def joined(*parts: CandleSeries) -> CandleSeries:
    """Return the parts one after the other, each scaled to begin where the one before ended."""
    candles: list[Candle] = []
    for part in parts:
        scale = candles[-1].close / part.candles[0].open if candles else 1.0
        offset = len(candles) * part.timeframe.ms
        candles += [
            Candle(c.timestamp + offset, c.open * scale, c.high * scale, c.low * scale, c.close * scale, c.volume)
            for c in part.candles
        ]
    return CandleSeries(parts[0].timeframe, candles)


@pytest.mark.parametrize(
    ("drift", "condition", "phase"),
    [
        (0.4, TrendDirection.BULLISH, MarketPhase.MARKUP),
        (-0.4, TrendDirection.BEARISH, MarketPhase.MARKDOWN),
    ],
)
def test_a_clear_trend_has_its_direction_on_every_timeframe(
    drift: float, condition: TrendDirection, phase: MarketPhase
) -> None:
    found = described(dashboard(1, drift))
    assert (found.condition, found.phase) == (condition, phase)
    assert found.direction * drift > 0.2
    assert list(found.timeframes) == [Timeframe.M15, Timeframe.M30, Timeframe.H1, Timeframe.H4]
    for figures in found.timeframes.values():
        assert {"direction", "rsi", "macd_histogram", "adx", "ema_50", "stoch_k"} == figures.keys()
        assert figures["direction"] * drift > 0
    assert found.summary["rsi"] == found.timeframes[found.primary]["rsi"]
    assert (
        found.characteristics[0]
        == f"Of 4 timeframes {'4 point up, 0 down' if drift > 0 else '0 point up, 4 down'}, 0 sideways."
    )


def test_a_single_timeframe_a_bad_tick_and_a_price_far_away_are_said() -> None:
    series = simulated(1, 0.3, count=300)
    values = series.values.copy()
    values[-3, 1] *= 3
    ticked = CandleSeries.of_arrays(Timeframe.H1, series.times_ms, values)
    found = described(snapshot_of(ticked, price=float(series.closes[-1]) * 1.9))
    assert found.characteristics[0] == "The only timeframe that counts, 1h, points up."
    assert found.characteristics[1] == "Volatility is very high, and most of it that of one candle."
    assert any("is far above the last close" in sentence for sentence in found.characteristics)


@pytest.mark.parametrize(("before", "phase"), [(0.5, MarketPhase.DISTRIBUTION), (-0.5, MarketPhase.ACCUMULATION)])
def test_a_sideways_market_is_named_after_what_it_came_from(before: float, phase: MarketPhase) -> None:
    sideways = flat_like()
    found = described(snapshot_of(joined(simulated(3, before, count=150), sideways)))
    assert found.condition is TrendDirection.SIDEWAYS
    assert found.phase is phase
    assert described(snapshot_of(sideways)).phase is MarketPhase.CONSOLIDATION


def flat_like() -> CandleSeries:
    """Return candles that swing around one price."""
    base = flat_series(count=150).candles
    moved = [100 * 1.002 ** ((-1) ** i) for i in range(len(base) + 1)]
    return CandleSeries(
        Timeframe.H1,
        [
            Candle(c.timestamp, moved[i], max(moved[i : i + 2]), min(moved[i : i + 2]), moved[i + 1], 5.0)
            for i, c in enumerate(base)
        ],
    )


def test_a_flat_market_is_surely_sideways() -> None:
    found = described(snapshot_of(flat_series(count=300)))
    assert (found.condition, found.phase, found.direction) == (TrendDirection.SIDEWAYS, MarketPhase.CONSOLIDATION, 0)
    assert found.confidence == 0.9
    assert "The market is flat: its candles have practically no range." in found.characteristics


def test_timeframes_that_disagree_are_a_transition() -> None:
    path = joined(simulated([3, 1], 0.5, Timeframe.M15, 660), simulated([3, 2], -0.9, Timeframe.M15, 140))
    found = described(dashboard_snapshot(path))
    assert (found.condition, found.phase) == (TrendDirection.UNCERTAIN, MarketPhase.TRANSITION)


def test_a_trend_whose_shortest_timeframe_points_back_is_a_pullback() -> None:
    phases = set()
    for seed in range(12):
        path = joined(simulated([5, seed], 0.4, Timeframe.M15, 720), simulated([6, seed], -0.45, Timeframe.M15, 80))
        found = described(dashboard_snapshot(path))
        if found.condition is TrendDirection.BULLISH:
            against = found.timeframes[Timeframe.M15]["direction"] <= -0.25
            assert found.phase is (MarketPhase.PULLBACK if against else MarketPhase.MARKUP)
            phases.add(found.phase)
    assert MarketPhase.PULLBACK in phases


def test_confidence_grows_with_the_distance_from_another_name() -> None:
    weak, strong = (
        [
            found
            for seed in range(30)
            if (found := described(dashboard(seed, drift))).condition is TrendDirection.BULLISH
        ]
        for drift in (0.1, 0.5)
    )
    assert fmean(condition.confidence for condition in strong) > fmean(condition.confidence for condition in weak) + 0.1
    thin = described(snapshot_of(simulated(2, 3.0, count=70, volatility=0.001)))
    plenty = described(snapshot_of(simulated(2, 3.0, count=300, volatility=0.001)))
    assert thin.confidence < plenty.confidence


def test_synthetic_candles_give_no_confidence() -> None:
    found = described(replace(dashboard(1, 0.4), source_data=DataSource.SYNTHETIC))
    assert found.confidence == 0
    assert found.characteristics[-1] == "The candles are synthetic: this is no real market."


def test_the_mirrored_market_goes_the_other_way() -> None:
    for seed in range(5):
        snapshot = dashboard(seed, 0.15)
        assert described(mirrored(snapshot)).direction == pytest.approx(-described(snapshot).direction, abs=0.02)


@given(
    seed=st.integers(0, 10_000),
    drift=st.sampled_from([None, 0.0, 0.2, -0.4, 1.5]),
    volatility=st.sampled_from([0.0, 1e-6, 0.004, 0.2]),
    several=st.booleans(),
    count=st.integers(60, 320),
)
def test_laws(seed: int, drift: float | None, volatility: float, several: bool, count: int) -> None:
    if several:
        path = simulated(seed, drift, Timeframe.M15, DASHBOARD_CANDLES, volatility)
        snapshot = dashboard_snapshot(path)
    else:
        snapshot = snapshot_of(simulated(seed, drift, Timeframe.H1, count, volatility))
    found = described(snapshot)
    assert found == described(snapshot)
    json.dumps(asdict(found), allow_nan=False, default=str)
    # At 0.30 and less a client takes the service for broken.
    assert 0.30 < found.confidence <= 0.90
    assert -1 <= found.direction <= 1
