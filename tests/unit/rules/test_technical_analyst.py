"""What the technical analyst says of markets that are clear, flat, torn, thin or wild."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from domain.analysis import AnalysisSource, TrendDirection
from domain.market import Candle, CandleSeries, Timeframe
from domain.values import Signal
from rules.judgement import judge
from rules.technical import TechnicalAnalyst
from rules.verdict import SIGNAL_BAR, USUAL_CONFIDENCE
from tests.fixtures.histories import (
    DASHBOARD_CANDLES,
    assert_numbers_are_known,
    assess,
    context_of,
    dashboard,
    dashboard_snapshot,
    flat_series,
    simulated,
    snapshot_of,
    without_volume,
)

CONTRARIAN = ("RSI Strategy", "Bollinger Bands Strategy", "Stochastic Strategy", "mean_reversion")


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
    """Following strategies raise some weak trends over the bar, opposing ones hold some back."""
    analyst, contexts = TechnicalAnalyst(), [context_of(dashboard(seed, 0.06)) for seed in range(40)]

    def signals(*strategies: str) -> int:
        found = (analyst.assess(judge(replace(context, strategies=strategies))).signal for context in contexts)
        return sum(signal is not Signal.NEUTRAL for signal in found)

    following, opposing, alone = signals("trend_following"), signals("RSI Strategy"), signals()
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
    pivot = up.candles[-140].close ** 2
    down = [
        Candle(c.timestamp, pivot / c.open, pivot / c.low, pivot / c.high, pivot / c.close, c.volume)
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
    analysis = assess(snapshot_of(without_volume(series)))
    assert analysis.market_analysis.volume_analysis == "There is no volume to judge by."
    assert analysis.signal is Signal.LONG


async def test_analyze_gives_the_assessment_with_its_source_and_times() -> None:
    context = context_of(dashboard(1, 0.3))
    analyst = TechnicalAnalyst(new_id=lambda: "fixed")
    analysis = await analyst.analyze(judge(context))
    assert analysis == analyst.assess(judge(context))
    assert (analysis.analysis_id, analysis.source) == ("fixed", AnalysisSource.TECHNICAL)
    assert analysis.model_type == "technical-rules"
    assert analysis.generated_at == context.generated_at
    assert {str(t): view.candles for t, view in analysis.timeframes.items()} == {
        "15m": 100,
        "30m": 100,
        "1h": 100,
        "4h": 50,
    }
    judgement = judge(context)
    assert TechnicalAnalyst().assess(judgement).analysis_id != TechnicalAnalyst().assess(judgement).analysis_id
