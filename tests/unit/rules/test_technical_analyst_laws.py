"""The laws that hold for the analysis of any market whatever, found out by trying many."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.analysis import MarketSnapshot, TrendDirection
from domain.market import CandleSeries, Timeframe
from domain.values import Signal
from rules.direction import DISAGREES, view_trend
from rules.judgement import judge
from rules.risk import MAX_POSITION
from rules.strategies import STRATEGY_NAMES
from rules.technical import TechnicalAnalyst
from rules.verdict import SIGNAL_BAR, strength
from tests.fixtures.histories import (
    DASHBOARD_CANDLES,
    assert_numbers_are_known,
    assess,
    context_of,
    dashboard,
    dashboard_snapshot,
    mirrored,
    scaled,
    simulated,
    snapshot_of,
    without_volume,
)

MIRROR = {Signal.LONG: Signal.SHORT, Signal.SHORT: Signal.LONG, Signal.NEUTRAL: Signal.NEUTRAL}


@st.composite
def snapshots(draw: st.DrawFn) -> MarketSnapshot:
    """Any market: both shapes, all regimes, tiny and huge prices, thin histories, gaps, no volume."""
    seed = draw(st.integers(0, 100_000))
    drift = draw(st.sampled_from([None, 0.0, 0.15, -0.15, 0.4, -0.4, 1.5, -1.5]))
    volatility = draw(st.sampled_from([0.0, 1e-6, 0.001, 0.004, 0.03, 0.2]))
    price = draw(st.sampled_from([1e-8, 0.37, 100.0, 64_321.5, 1e9]))
    if draw(st.booleans()):
        path = simulated(seed, drift, Timeframe.M15, DASHBOARD_CANDLES, volatility, price)
        snapshot = dashboard_snapshot(path)
    else:
        timeframe = draw(st.sampled_from(list(Timeframe)))
        series = simulated(seed, drift, timeframe, draw(st.integers(80, 320)), volatility, price)
        hole = draw(st.sampled_from([7, 37, 1000]))
        kept = [c for i, c in enumerate(series.candles) if i % hole != hole - 1]
        silent = draw(st.booleans())
        holed = CandleSeries(timeframe, kept)
        snapshot = snapshot_of(without_volume(holed) if silent else holed)
    return replace(snapshot, price=snapshot.price * draw(st.floats(0.5, 2.0)))


@settings(max_examples=50)
@given(snapshot=snapshots(), strategies=st.sets(st.sampled_from(STRATEGY_NAMES)))
def test_every_answer_obeys_the_laws_of_a_signal(snapshot: MarketSnapshot, strategies: set[str]) -> None:
    asked = tuple(sorted(strategies))
    context = context_of(snapshot, asked)
    analysis = TechnicalAnalyst().assess(judge(context))
    json.dumps(analysis.model_dump(mode="json"), allow_nan=False)
    assert tuple(analysis.strategy_scores) == asked
    if analysis.signal is not Signal.NEUTRAL:
        assert analysis.evidence is not None
        assert analysis.confidence == pytest.approx(max(0.5 + analysis.evidence.expected_r / 2, 0), abs=1e-4)
    risk, price, reach = analysis.risk_assessment, analysis.price, analysis.average_true_range
    stop, target = risk.stop_loss_suggestion, risk.take_profit_suggestion
    if analysis.signal is Signal.NEUTRAL:
        assert (stop, target, risk.recommended_position_size) == (None, None, 0)
    else:
        assert stop is not None
        assert target is not None
        side = 1 if analysis.signal is Signal.LONG else -1
        assert side * (price - stop) >= reach
        assert side * (target - price) >= 1.5 * side * (price - stop)
        assert 0 < risk.recommended_position_size <= MAX_POSITION
        expected = TrendDirection.BULLISH if side > 0 else TrendDirection.BEARISH
        assert analysis.market_analysis.trend_direction is expected
        assert all(view.direction * side > -DISAGREES for view in analysis.timeframes.values())
    levels = analysis.market_analysis
    assert all(level < price for level in levels.support_levels)
    assert all(level > price for level in levels.resistance_levels)
    assert_numbers_are_known(analysis)


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000), drift=st.sampled_from([0.0, 0.1, -0.2, 0.3]), factor=st.sampled_from([1e-8, 1e6]))
def test_the_unit_of_the_price_does_not_matter(seed: int, drift: float, factor: float) -> None:
    snapshot = dashboard(seed, drift)
    plain, other = assess(snapshot), assess(scaled(snapshot, factor))
    assert other.signal is plain.signal
    assert other.confidence == pytest.approx(plain.confidence, abs=1e-3)
    assert other.strategy_scores == pytest.approx(plain.strategy_scores, abs=1e-3)
    stop, other_stop = (a.risk_assessment.stop_loss_suggestion for a in (plain, other))
    assert (other_stop is None) == (stop is None)
    if stop is not None:
        assert other_stop == pytest.approx(stop * factor, rel=1e-6)


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000), drift=st.sampled_from([0.0, 0.1, -0.2, 0.3]))
def test_a_market_upside_down_gives_the_opposite_signal(seed: int, drift: float) -> None:
    """Exact in log-prices; averages of prices themselves differ by the square of small moves."""
    snapshot = dashboard(seed, drift)
    contexts = context_of(snapshot), context_of(mirrored(snapshot))
    plain, mirror = (view_trend(context) for context in contexts)
    assert mirror.trend == pytest.approx(-plain.trend, abs=0.05)
    assert mirror.consensus == pytest.approx(-plain.consensus, abs=0.15)
    if abs(strength(plain) - SIGNAL_BAR) > 0.05:
        before, after = (TechnicalAnalyst().assess(judge(context)).signal for context in contexts)
        assert after in {MIRROR[before], Signal.NEUTRAL}
        assert abs(plain.trend) < 0.9 or after is MIRROR[before]
