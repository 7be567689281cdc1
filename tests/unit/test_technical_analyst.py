"""The laws of the technical analyst: what it may say of any market, and what it must say of a clear one."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.analysis import (
    Analysis,
    AnalysisSource,
    MarketSnapshot,
    RiskLevel,
    Signal,
    TrendDirection,
    VolatilityLevel,
)
from domain.market import Candle, CandleSeries, Timeframe
from features.support_resistance import Levels
from services.analysts.direction import view_trend
from services.analysts.risk import find_exits, volatility_level
from services.analysts.technical import TechnicalAnalyst
from services.analysts.verdict import EARNED_CONFIDENCE, SIGNAL_BAR, USUAL_CONFIDENCE, strength
from services.strategies import STRATEGY_NAMES
from tests.fixtures.histories import (
    DASHBOARD_CANDLES,
    context_of,
    dashboard_snapshot,
    flat_series,
    mirrored,
    scaled,
    simulated,
    snapshot_of,
)

CONTRARIAN = ("RSI Strategy", "Bollinger Bands Strategy", "Stochastic Strategy", "mean_reversion")
PARAMETERS = {21.0, 50.0}  # EMA 21, EMA 50
MIRROR = {Signal.LONG: Signal.SHORT, Signal.SHORT: Signal.LONG, Signal.NEUTRAL: Signal.NEUTRAL}


def assess(snapshot: MarketSnapshot, strategies: tuple[str, ...] = STRATEGY_NAMES) -> Analysis:
    return TechnicalAnalyst(new_id=lambda: "id").assess(context_of(snapshot, strategies))


def dashboard(seed: int, drift: float | None, price: float = 100.0) -> MarketSnapshot:
    path = simulated([9, seed], drift, Timeframe.M15, DASHBOARD_CANDLES, start_price=price)
    return dashboard_snapshot(path)


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
        volume_factor = draw(st.sampled_from([0.0, 1.0]))
        candles = [Candle(*c[:5], c.volume * volume_factor) for c in kept]
        snapshot = snapshot_of(CandleSeries(timeframe, candles))
    return replace(snapshot, price=snapshot.price * draw(st.floats(0.5, 2.0)))


@settings(max_examples=150, deadline=None)
@given(snapshot=snapshots(), strategies=st.sets(st.sampled_from(STRATEGY_NAMES)))
def test_every_answer_obeys_the_laws_of_a_signal(snapshot: MarketSnapshot, strategies: set[str]) -> None:
    asked = tuple(sorted(strategies))
    context = context_of(snapshot, asked)
    analysis = TechnicalAnalyst().assess(context)
    json.dumps(analysis.model_dump(mode="json"), allow_nan=False)
    assert tuple(analysis.strategy_scores) == asked
    assert 0.3 < analysis.confidence <= EARNED_CONFIDENCE
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
        assert 0 < risk.recommended_position_size <= 0.25
        expected = TrendDirection.BULLISH if side > 0 else TrendDirection.BEARISH
        assert analysis.market_analysis.trend_direction is expected
        assert all(view.direction * side > -0.4 for view in analysis.timeframes.values())
    levels = analysis.market_analysis
    assert all(level < price for level in levels.support_levels)
    assert all(level > price for level in levels.resistance_levels)
    assert_numbers_are_known(analysis)


def assert_numbers_are_known(analysis: Analysis) -> None:
    """Find every number of the reasoning among what the analysis computed."""
    market = analysis.market_analysis
    known = {analysis.price, *market.support_levels, *market.resistance_levels, *PARAMETERS}
    for view in analysis.timeframes.values():
        known |= {*view.indicators.values(), float(view.candles)}
    text = re.sub(r"\b\d+[mhd]\b", "", analysis.reasoning)  # names of timeframes
    numbers = [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?", text)]
    for number in numbers:
        # Shown with three digits at least.
        assert any(abs(number - value) <= 0.005 * abs(value) for value in known), (number, analysis.reasoning)


@pytest.mark.parametrize("drift", [0.4, -0.4])
@pytest.mark.parametrize("seed", range(3))
def test_a_strong_trend_is_followed_and_explained(seed: int, drift: float) -> None:
    analysis = assess(dashboard(seed, drift))
    word, side = ("up", Signal.LONG) if drift > 0 else ("down", Signal.SHORT)
    assert analysis.signal is side
    assert analysis.reasoning.startswith(f"{side}: the trend points {word} at a price of ")
    assert f"1h clearly {word}" in analysis.reasoning
    assert analysis.market_analysis.trend_strength > SIGNAL_BAR
    assert_numbers_are_known(analysis)
    assert len(re.findall(r"\d+\.\d+", analysis.reasoning)) >= 6  # it shows its evidence


@pytest.mark.parametrize("drift", [0.4, -0.4])
def test_contrarian_strategies_alone_do_not_turn_a_clear_trend(drift: float) -> None:
    for seed in range(3):
        snapshot = dashboard(seed, drift)
        analysis = assess(snapshot, CONTRARIAN)
        assert analysis.signal is assess(snapshot, ()).signal is not Signal.NEUTRAL
        # They lean the other way and say so.
        assert (analysis.strategy_scores["RSI Strategy"] - 0.5) * drift < 0
        assert "lean" in analysis.reasoning


def test_the_selected_strategies_decide_near_the_bar() -> None:
    """Among weak trends, those who follow raise some over the bar and those who oppose hold some back."""
    following, opposing, alone = 0, 0, 0
    for seed in range(40):
        snapshot = dashboard(seed, 0.06)
        following += assess(snapshot, ("trend_following",)).signal is not Signal.NEUTRAL
        opposing += assess(snapshot, CONTRARIAN[:1]).signal is not Signal.NEUTRAL
        alone += assess(snapshot, ()).signal is not Signal.NEUTRAL
    assert following >= alone >= opposing
    assert following > opposing


@pytest.mark.parametrize("price", [1e-8, 100.0, 1e9])
def test_a_flat_market_is_neutral_and_called_flat(price: float) -> None:
    analysis = assess(snapshot_of(flat_series(price=price)))
    assert analysis.signal is Signal.NEUTRAL
    assert "the market is flat" in analysis.reasoning
    assert analysis.market_analysis.trend_direction is TrendDirection.SIDEWAYS
    assert analysis.average_true_range == 0
    assert_numbers_are_known(analysis)


def test_timeframes_that_disagree_are_neutral_and_uncertain() -> None:
    up = simulated([3, 1], 0.5, Timeframe.M15, DASHBOARD_CANDLES)
    # The newest day and a half falls as steadily as the weeks before rose.
    down = [
        Candle(
            c.timestamp, *(up.candles[-140].close ** 2 / price for price in (c.open, c.low, c.high, c.close)), c.volume
        )
        for c in up.candles[-140:]
    ]
    analysis = assess(dashboard_snapshot(CandleSeries(Timeframe.M15, [*up.candles[:-140], *down])))
    assert analysis.timeframes[Timeframe.M15].direction < -0.4 < 0.4 < analysis.timeframes[Timeframe.H4].direction
    assert analysis.signal is Signal.NEUTRAL
    assert analysis.market_analysis.trend_direction is TrendDirection.UNCERTAIN
    assert "disagree" in analysis.reasoning


def test_a_price_that_has_run_against_the_trend_since_is_neutral() -> None:
    snapshot = dashboard(1, 0.4)
    reach = assess(snapshot).average_true_range
    assert assess(replace(snapshot, price=snapshot.price - 1.5 * reach)).signal is Signal.LONG
    after_crash = assess(replace(snapshot, price=snapshot.price - 3 * reach))
    assert after_crash.signal is Signal.NEUTRAL
    assert "run far against the trend" in after_crash.reasoning


def test_candles_too_wide_for_a_stop_are_neutral() -> None:
    wild = assess(snapshot_of(simulated(4, -0.8, volatility=0.3)))
    assert wild.signal is Signal.NEUTRAL
    assert "neither a stop nor a target" in wild.reasoning


@settings(max_examples=20, deadline=None)
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


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), drift=st.sampled_from([0.0, 0.1, -0.2, 0.3]))
def test_a_market_upside_down_gives_the_opposite_signal(seed: int, drift: float) -> None:
    """Exact in log-prices; averages of prices themselves differ by the square of small moves."""
    snapshot = dashboard(seed, drift)
    plain, mirror = view_trend(context_of(snapshot)), view_trend(context_of(mirrored(snapshot)))
    assert mirror.trend == pytest.approx(-plain.trend, abs=0.05)
    assert mirror.consensus == pytest.approx(-plain.consensus, abs=0.15)
    if abs(strength(plain) - SIGNAL_BAR) > 0.05:
        before, after = assess(snapshot).signal, assess(mirrored(snapshot)).signal
        assert after in {MIRROR[before], Signal.NEUTRAL}
        assert abs(plain.trend) < 0.9 or after is MIRROR[before]


def test_confidence_over_the_usual_is_earned_by_timeframes_movement_and_volume() -> None:
    confident = [assess(dashboard(seed, 0.4)) for seed in range(12)]
    best = max(confident, key=lambda analysis: analysis.confidence)
    assert best.confidence > USUAL_CONFIDENCE
    assert best.timeframes[Timeframe.H1].indicators["adx"] >= 25
    assert best.timeframes[Timeframe.H1].indicators["volume_balance"] * (1 if best.signal is Signal.LONG else -1) > 0
    for seed in range(12):
        single = assess(snapshot_of(simulated(seed, 0.6, count=300)))
        assert single.confidence <= USUAL_CONFIDENCE  # one timeframe cannot confirm itself


def test_few_candles_and_gaps_lower_the_confidence_and_are_named() -> None:
    # A steady climb, in which no window differs from another.
    series = simulated(2, 3.0, count=300, volatility=0.001)
    plenty, few = (assess(snapshot_of(series.tail(count))) for count in (300, 70))
    assert plenty.signal is few.signal is Signal.LONG
    assert few.confidence < plenty.confidence
    assert "with 70 candles on 1h" in few.reasoning
    assert "Confidence is reduced" not in plenty.reasoning
    holed = CandleSeries(Timeframe.H1, [c for i, c in enumerate(series.candles) if i % 11 != 5])
    gaps = assess(snapshot_of(holed))
    assert gaps.confidence < plenty.confidence
    assert "candles are missing" in gaps.reasoning


def test_silent_candles_are_said_to_have_no_volume() -> None:
    series = simulated(2, 0.5, count=100)
    silent = CandleSeries(series.timeframe, [c._replace(volume=0.0) for c in series.candles])  # type: ignore[attr-defined]
    analysis = assess(snapshot_of(silent))
    assert analysis.market_analysis.volume_analysis == "There is no volume to judge by."
    assert analysis.signal is Signal.LONG


def test_the_stop_hides_behind_a_level_and_the_target_stops_before_one() -> None:
    nothing = Levels((), ())
    plain = find_exits(Signal.LONG, 100, 1, nothing)
    assert plain is not None
    assert (plain.stop, plain.target) == (98.5, 103)
    short = find_exits(Signal.SHORT, 100, 1, nothing)
    assert short is not None
    assert (short.stop, short.target) == (101.5, 97)
    behind = find_exits(Signal.LONG, 100, 1, Levels((99.8, 98.0), (104.0,)))
    assert behind is not None
    assert (behind.stop, behind.target) == (97.75, 103.75)  # 99.8 is too near, 98 in reach; 104 less a margin
    near = find_exits(Signal.LONG, 100, 1, Levels((), (101,)))
    assert near is not None
    assert near.target == 103  # a target before 101 would not be worth the risk
    assert find_exits(Signal.NEUTRAL, 100, 1, nothing) is None


@pytest.mark.parametrize(
    ("percentile", "level"),
    [
        (0, VolatilityLevel.VERY_LOW),
        (10, VolatilityLevel.LOW),
        (50, VolatilityLevel.MEDIUM),
        (89.9, VolatilityLevel.HIGH),
        (100, VolatilityLevel.VERY_HIGH),
    ],
)
def test_volatility_levels_split_the_percentiles(percentile: float, level: VolatilityLevel) -> None:
    assert volatility_level(percentile) is level


def test_overall_risk_follows_its_parts() -> None:
    order = [RiskLevel.LOW, RiskLevel.MEDIUM, RiskLevel.HIGH]
    risks = [assess(dashboard(seed, drift)).risk_assessment for seed in range(8) for drift in (0.0, 0.3)]
    risks.sort(key=lambda risk: risk.technical_risk + risk.market_risk)
    ranks = [order.index(risk.overall_risk) for risk in risks]
    assert ranks == sorted(ranks)
    assert len(set(ranks)) > 1


async def test_analyze_gives_the_assessment_with_its_source_and_times() -> None:
    context = context_of(dashboard(1, 0.3))
    analyst = TechnicalAnalyst(new_id=lambda: "fixed")
    analysis = await analyst.analyze(context)
    assert analysis == analyst.assess(context)
    assert (analysis.analysis_id, analysis.source) == ("fixed", AnalysisSource.TECHNICAL)
    assert analysis.model_type == "technical-rules"
    assert analysis.generated_at == context.generated_at
    assert {str(t): view.candles for t, view in analysis.timeframes.items()} == {
        "15m": 100,
        "30m": 100,
        "1h": 100,
        "4h": 50,
    }
    assert TechnicalAnalyst().assess(context).analysis_id != TechnicalAnalyst().assess(context).analysis_id
