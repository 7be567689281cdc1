"""A split or a long hole: nothing directional is said across it, and the averages begin after it."""

from __future__ import annotations

from domain.analysis import MarketSnapshot, TrendDirection
from domain.market import CandleSeries, Timeframe
from domain.values import Signal
from rules.direction import view_trend
from rules.judgement import judge
from rules.market_condition import LEAST_CONFIDENCE, MarketPhase, describe_market
from rules.strategy_fit import names_that_suit, recommend
from rules.verdict import Ground
from tests.fixtures.histories import INDICATORS, assess, context_of, simulated, snapshot_of

DRIFT = 0.4


def trending(count: int = 400) -> CandleSeries:
    """Return a clear trend of hours."""
    return simulated([9, 1], DRIFT, Timeframe.H1, count)


def split_market(since: int, factor: float = 0.1) -> MarketSnapshot:
    """Return a market whose prices were divided `since` candles ago."""
    series = trending()
    values = series.values.copy()
    values[-since:, :4] *= factor
    changed = CandleSeries.of_arrays(Timeframe.H1, series.times_ms, values)
    return snapshot_of(changed, price=changed.candles[-1].close)


def test_a_trend_is_neutral_and_the_split_is_named_until_enough_candles_have_come() -> None:
    whole = trending()
    assert assess(snapshot_of(whole, price=whole.candles[-1].close)).signal is Signal.LONG
    judgement = judge(context_of(split_market(40)))
    assert (judgement.verdict.signal, judgement.verdict.ground) == (Signal.NEUTRAL, Ground.BROKEN)
    assert set(view_trend(judgement.context).directions.values()) == {0.0}
    analysis = assess(split_market(40))
    assert (analysis.risk_assessment.stop_loss_suggestion, analysis.risk_assessment.take_profit_suggestion) == (
        None, None
    )  # fmt: skip
    assert "it looks like a split 10:1: older candles do not count." in analysis.reasoning
    assert set(analysis.strategy_scores.values()) == {0.5}


def test_of_a_market_that_has_just_split_nothing_is_said_from_before() -> None:
    context = context_of(split_market(40))
    view = view_trend(context)
    fits = recommend(context, view, INDICATORS.settings)
    condition = describe_market(context, view, names_that_suit(fits))
    assert (condition.condition, condition.phase) == (TrendDirection.UNCERTAIN, MarketPhase.TRANSITION)
    assert condition.confidence == LEAST_CONFIDENCE
    assert condition.characteristics[0] == "Too few candles have come since the series broke off."
    assert len(condition.characteristics) == 2
    assert "it looks like a split 10:1" in condition.characteristics[1]
    assert {fit.suitability for fit in fits} == {0.0}
    analysis = assess(split_market(40))
    market, price = analysis.market_analysis, analysis.price
    assert market.trend_direction is TrendDirection.UNCERTAIN
    assert market.support_levels
    assert all(price / 2 < level < 2 * price for level in market.support_levels + market.resistance_levels)
    assert "RSI" not in analysis.reasoning


def test_after_the_split_a_market_is_read_as_one_that_begins_there() -> None:
    split = split_market(150)
    since = snapshot_of(split.series[Timeframe.H1].tail(150), price=split.price)
    found, expected = assess(split), assess(since)
    assert found.signal is expected.signal is Signal.LONG
    assert found.confidence == expected.confidence
    assert found.timeframes == expected.timeframes
    assert "it looks like a split 10:1" in found.reasoning


def test_candles_before_a_long_hole_do_not_count() -> None:
    series = trending()
    holed = CandleSeries(Timeframe.H1, [*series.candles[:200], *series.candles[300:]])
    found = assess(snapshot_of(holed, price=holed.candles[-1].close))
    assert found.timeframes[Timeframe.H1].candles == 100
    assert "100 candles are missing: older candles do not count." in found.reasoning
