"""What the technical analyst says of markets that are clear, flat, torn, thin or wild."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from domain.analysis import AnalysisSource, TrendDirection, VolatilityLevel
from domain.market import Candle, CandleSeries, Timeframe
from domain.naming.symbols import SymbolKind
from domain.session_finder import with_sessions
from domain.trading.costs import Costs, MarketCosts
from domain.trading.gates import Abstention
from domain.values import Signal
from rules.evidence.weighing import UNMEASURED, Weigher
from rules.judgement import judge
from rules.technical import TechnicalAnalyst
from rules.verdict import SIGNAL_BAR, data_quality
from tests.fixtures.histories import (
    DASHBOARD_CANDLES,
    WEIGHER,
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


def stopped(series: CandleSeries, count: int) -> CandleSeries:
    """Return a market that closed or was halted some candles ago, as a source that fills such candles shows it."""
    price = series.candles[-count - 1].close
    still = [Candle(c.timestamp, price, price, price, price, 0.0) for c in series.candles[-count:]]
    return CandleSeries(series.timeframe, [*series.candles[:-count], *still])


@pytest.mark.parametrize(("still", "signal"), [(0, Signal.LONG), (13, Signal.LONG), (14, Signal.NEUTRAL)])
def test_a_market_that_has_stood_still_since_a_trend_is_flat(still: int, signal: Signal) -> None:
    trend = simulated([9, 1], 0.5, Timeframe.H1, 200)
    analysis = assess(snapshot_of(stopped(trend, still) if still else trend))
    assert analysis.signal is signal
    assert ("the market is flat" in analysis.reasoning) is (signal is Signal.NEUTRAL)


def test_nothing_is_less_volatile_than_a_market_that_never_moves() -> None:
    analysis = assess(snapshot_of(flat_series()))
    assert analysis.market_analysis.volatility_level is VolatilityLevel.VERY_LOW
    assert analysis.risk_assessment.market_risk == 0


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


def test_a_price_beyond_the_target_of_the_last_close_is_neutral() -> None:
    snapshot = dashboard(1, 0.4)
    close, reach = snapshot.price, assess(snapshot).average_true_range
    assert assess(replace(snapshot, price=close + 5.9 * reach)).signal is Signal.LONG
    after_jump = assess(replace(snapshot, price=close + 6.1 * reach))
    assert after_jump.signal is Signal.NEUTRAL
    assert after_jump.abstention is Abstention.NO_EDGE
    assert "beyond the target of a plan of the last closed candle" in after_jump.reasoning


def test_candles_too_wide_for_a_stop_are_neutral() -> None:
    wild = assess(snapshot_of(simulated(4, -0.8, volatility=0.3)))
    assert wild.signal is Signal.NEUTRAL
    assert "neither a stop nor a target" in wild.reasoning


def test_confidence_is_worth_the_plan_and_falls_with_its_costs() -> None:
    found = {}
    for bps in (0, 6, 30):
        verdict = judge(context_of(dashboard(0, 0.4), weigher=at(bps))).verdict
        assert verdict.signal is Signal.LONG
        assert verdict.evidence is not None
        assert verdict.plan is not None
        assert verdict.confidence == pytest.approx(0.5 + verdict.evidence.expected_r / 2)
        found[bps] = verdict.confidence, verdict.evidence.expected_r, verdict.plan.risk_bps
    assert found[0][0] > 0.5 > found[30][0]
    assert found[0][1] - found[30][1] == pytest.approx(60 / found[0][2], abs=2e-4)


def test_what_was_not_measured_has_a_confidence_near_an_even_chance_and_says_so() -> None:
    for seed in range(6):
        verdict = judge(context_of(dashboard(seed, 0.4), weigher=UNMEASURED)).verdict
        assert verdict.signal is Signal.LONG
        assert 0.4 < verdict.confidence <= 0.55
        assert verdict.evidence is not None
        assert verdict.evidence.verdict == "insufficient"


@pytest.mark.parametrize(("factor", "way"), [(1.9, "above"), (0.9, "below")])
def test_a_price_far_from_the_last_close_is_said_without_a_trend_too(factor: float, way: str) -> None:
    series = simulated(4, 0.0, count=300)
    close = float(series.closes[-1])
    near, far = (assess(snapshot_of(series, price=close * times)) for times in (1.001, factor))
    assert near.signal is far.signal is Signal.NEUTRAL
    assert "the indicators know nothing of that move" not in near.reasoning
    assert f"The price of {close * factor:.6g} is far {way} the last close of {close:.6g} on 1h" in far.reasoning
    assert f"on 1h to the price of {close * 1.001:.6g}: " in near.reasoning
    assert_numbers_are_known(far)


@pytest.mark.parametrize("factor", [3.0, 0.3])
def test_a_bad_tick_gives_no_plan_until_the_range_has_forgotten_it(factor: float) -> None:
    series = simulated(5, 0.25, count=300)
    found = {}
    for back in (2, 20, 70):
        values = series.values.copy()
        column = 1 if factor > 1 else 2
        values[-back, column] *= factor
        found[back] = assess(snapshot_of(CandleSeries.of_arrays(Timeframe.H1, series.times_ms, values)))
    for back in (2, 20):
        assert found[back].signal is Signal.NEUTRAL
        assert found[back].evidence is None
        assert "most of the average true range is that of one candle" in found[back].reasoning
        assert found[back].risk_assessment.stop_loss_suggestion is None
    assert found[70].signal is assess(snapshot_of(series)).signal is Signal.LONG


def test_more_candles_left_out_never_raise_the_confidence_and_are_said() -> None:
    whole, chance = simulated(3, 0.4, count=300), np.random.default_rng(3).random(300)
    chance[[0, -1]] = 1
    found = []
    for share in (0.0, 0.03, 0.15, 0.3):
        kept = chance >= share
        part = CandleSeries.of_arrays(Timeframe.H1, whole.times_ms[kept], whole.values[kept])
        context = context_of(snapshot_of(with_sessions("BTCUSDT", part)))
        found.append(
            (data_quality(context), len(whole) - len(part), TechnicalAnalyst().assess(judge(context)).reasoning)
        )
    assert [quality for quality, _, _ in found] == sorted((quality for quality, _, _ in found), reverse=True)
    # Gaps in many places are believed to be hours in which nothing was traded.
    assert f"{found[1][1]} candles are missing in between" in found[1][2]
    for _, left_out, reasoning in found[2:]:
        assert f"{left_out} candles are left out, as where nothing is traded" in reasoning


@pytest.mark.parametrize("short", [Timeframe.M1, Timeframe.M3, Timeframe.M5])
def test_minutes_neither_vote_on_a_plan_of_hours_nor_hold_it_back(short: Timeframe) -> None:
    hours, falling = dashboard(0, 0.4), simulated([84], -0.6, short)
    later_ms = hours.series[Timeframe.H1].last_close_ms - falling.last_close_ms
    minutes = CandleSeries.of_arrays(short, falling.times_ms + later_ms, falling.values)
    both = replace(hours, series={**hours.series, short: minutes})
    alone, beside = assess(hours), assess(both)
    assert (beside.signal, beside.confidence) == (alone.signal, alone.confidence)
    assert beside.signal is Signal.LONG
    assert beside.market_analysis.trend_strength == alone.market_analysis.trend_strength
    assert beside.timeframes[short].direction < -0.5
    assert f"Candles of {short} are too short for a plan on 1h: they do not count." in beside.reasoning
    assert f"({short} " not in beside.reasoning
    assert_numbers_are_known(beside)


def test_evidence_of_other_kinds_of_markets_is_insufficient_and_never_gives_more_than_a_little_confidence() -> None:
    assert WEIGHER.evidence is not None
    records = tuple(record.model_copy(update={"weight": 3.0}) for record in WEIGHER.evidence.records)
    weigher = replace(at(0), evidence=WEIGHER.evidence.model_copy(update={"records": records}))
    coin = judge(context_of(dashboard(0, 0.4), weigher=weigher)).verdict
    share = TechnicalAnalyst().assess(judge(context_of(replace(dashboard(0, 0.4), symbol="AAPL"), weigher=weigher)))
    assert share.evidence is not None
    assert (share.signal, share.evidence.verdict, share.confidence) == (Signal.LONG, "insufficient", 0.55)
    assert "No plans of this kind of market were measured on 1h: evidence insufficient." in share.reasoning
    assert coin.confidence > 0.7


@pytest.mark.parametrize("timeframe", [Timeframe.M1, Timeframe.M15, Timeframe.D1, Timeframe.W1])
def test_plans_of_a_timeframe_that_was_not_measured_are_not_said_to_have_been(timeframe: Timeframe) -> None:
    analysis = assess(snapshot_of(simulated(0, 0.4, timeframe)))
    assert analysis.signal is Signal.LONG
    assert analysis.evidence is not None
    assert analysis.evidence.verdict == "insufficient"
    assert analysis.confidence <= 0.55
    assert f"No plans of this kind of market were measured on {timeframe}: " in analysis.reasoning
    assert "reached the target first" not in analysis.reasoning
    measured = assess(snapshot_of(simulated(0, 0.4, Timeframe.H4)))
    assert measured.evidence is not None
    assert measured.evidence.verdict in {"weak", "positive"}


def test_a_plan_pays_the_costs_of_its_kind_of_market() -> None:
    costs = MarketCosts(fee_bps=5, slippage_bps=1, by_kind={SymbolKind.FOREX: Costs(fee_bps=0.35, slippage_bps=0.65)})
    found = {}
    for symbol in ("BTCUSDT", "EURUSD", "AAPL"):
        snapshot = replace(dashboard(0, 0.4), symbol=symbol)
        evidence = judge(context_of(snapshot, weigher=replace(WEIGHER, costs=costs))).verdict.evidence
        assert evidence is not None
        found[symbol] = evidence.cost_bps
    assert found == {"BTCUSDT": 12, "EURUSD": 2, "AAPL": 12}


def test_trends_that_came_to_nothing_in_the_past_are_not_followed() -> None:
    assert WEIGHER.evidence is not None
    records = tuple(record.model_copy(update={"weight": 0.001}) for record in WEIGHER.evidence.records)
    chance = replace(WEIGHER, evidence=WEIGHER.evidence.model_copy(update={"records": records}))
    analysis = TechnicalAnalyst().assess(judge(context_of(dashboard(0, 0.4), weigher=chance)))
    assert analysis.evidence is not None
    assert (analysis.signal, analysis.evidence.verdict) == (Signal.NEUTRAL, "none")
    assert analysis.confidence > 0.5
    assert "came to no more than chance" in analysis.reasoning


def at(bps_a_side: float) -> Weigher:
    return replace(WEIGHER, costs=MarketCosts(fee_bps=bps_a_side, slippage_bps=0))


def test_a_neutral_on_few_candles_is_not_called_less_sure() -> None:
    # One minus the worth of a plan with the trend, of which few candles leave less.
    series = simulated(0, count=300)
    plenty, few = (assess(snapshot_of(series.tail(count))) for count in (300, 100))
    assert plenty.signal is few.signal is Signal.NEUTRAL
    assert few.confidence > plenty.confidence
    assert "The indicators are less reliable: with 100 candles on 1h" in few.reasoning
    assert "onfidence is reduced" not in few.reasoning


def test_few_candles_and_gaps_lower_the_confidence_and_are_named() -> None:
    # A steady climb, in which no window differs from another.
    series = simulated(2, 3.0, count=300, volatility=0.001)
    plenty, few = (assess(snapshot_of(series.tail(count))) for count in (300, 70))
    assert plenty.signal is few.signal is Signal.LONG
    assert few.confidence < plenty.confidence
    assert "with 70 candles on 1h" in few.reasoning
    assert "The indicators are less reliable" not in plenty.reasoning
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
