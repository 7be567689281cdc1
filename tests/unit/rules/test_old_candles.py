"""What the rules say of candles that are old, and of a moment of the past."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.analysis import Analysis, MarketSnapshot
from domain.market import Timeframe
from domain.values import epoch_ms, utc_time
from rules.context import MarketContext, build_context
from rules.judgement import judge
from rules.market_condition import describe_market
from rules.strategies import STRATEGY_NAMES
from rules.technical import TechnicalAnalyst
from tests.fixtures.histories import (
    ANALYSIS,
    INDICATORS,
    WEIGHER,
    context_of,
    dashboard,
    end_of,
    flat_series,
    simulated,
    snapshot_of,
)

RISING, FLAT = dashboard(0, 0.4), snapshot_of(flat_series())
RULES = TechnicalAnalyst(new_id=lambda: "id")
QUARTER = Timeframe.M15.ms / 1000


def seen(snapshot: MarketSnapshot, seconds_later: float) -> MarketContext:
    """Return the context of a market whose candles ended some time ago."""
    moment = end_of(snapshot) + timedelta(seconds=seconds_later)
    return replace(build_context(snapshot, STRATEGY_NAMES, ANALYSIS, INDICATORS, moment), weigher=WEIGHER)


def analyzed(context: MarketContext) -> Analysis:
    return RULES.assess(judge(context))


def test_until_two_lengths_have_passed_nothing_changes() -> None:
    fresh, later = analyzed(context_of(RISING)), analyzed(seen(RISING, 2 * QUARTER))
    assert (fresh.data_age_seconds, later.data_age_seconds) == (0, 1_800)
    changes = {"data_age_seconds": 0, "generated_at": fresh.generated_at}
    assert later.model_copy(update=changes) == fresh


@pytest.mark.parametrize(("lengths", "left"), [(4, 1 / 2), (8, 1 / 4), (2_000, 1 / 1_000)])
def test_older_candles_keep_the_signal_and_lose_confidence(lengths: int, left: float) -> None:
    fresh, old = analyzed(context_of(RISING)), analyzed(seen(RISING, lengths * QUARTER))
    assert (old.signal, fresh.signal) == ("Long", "Long")
    assert old.confidence == pytest.approx(fresh.confidence * left, abs=1e-4)
    assert old.data_age_seconds == lengths * 900
    assert f"The candles are old and say less: since the newest of them, {lengths} more have closed." in old.reasoning
    assert "old" not in fresh.reasoning
    assert old.risk_assessment.technical_risk > fresh.risk_assessment.technical_risk
    assert old.risk_assessment.recommended_position_size < fresh.risk_assessment.recommended_position_size
    assert old.risk_assessment.stop_loss_suggestion == fresh.risk_assessment.stop_loss_suggestion


def test_that_a_market_was_flat_says_less_too() -> None:
    fresh, old = analyzed(context_of(FLAT)), analyzed(seen(FLAT, 4 * 3_600))
    assert old.signal == "Neutral"
    assert old.confidence == pytest.approx(fresh.confidence / 2, abs=1e-4)


def test_the_condition_of_a_market_says_that_its_candles_are_old_and_keeps_its_confidence() -> None:
    """Clients read a confidence of 0.3 or less there as a service that does not work."""
    contexts = context_of(RISING), seen(RISING, 400 * QUARTER)
    fresh, old = (describe_market(context, judge(context).rules, []) for context in contexts)
    assert old.confidence == fresh.confidence > 0.3
    assert [*fresh.characteristics, old.characteristics[-1]] == old.characteristics
    assert old.characteristics[-1].startswith("The candles are old")


def test_a_replay_is_judged_as_of_its_moment() -> None:
    moment = end_of(RISING)
    replay = replace(RISING, as_of_ms=epoch_ms(moment))
    fresh, replayed = analyzed(context_of(RISING)), analyzed(seen(replay, 86_400))
    assert (replayed.signal, replayed.confidence) == (fresh.signal, fresh.confidence)
    assert (replayed.as_of, replayed.data_age_seconds) == (moment, 86_400)
    assert replayed.generated_at == moment + timedelta(days=1)
    assert replayed.reasoning == f"{fresh.reasoning} As of {moment:%Y-%m-%dT%H:%M:%SZ}: no later candle is used."


def test_candles_that_were_old_at_the_moment_of_a_replay_are_old_in_it() -> None:
    replay = replace(RISING, as_of_ms=epoch_ms(end_of(RISING)) + 4 * Timeframe.M15.ms)
    replayed = analyzed(seen(replay, 86_400))
    assert replayed.confidence == pytest.approx(analyzed(context_of(RISING)).confidence / 2, abs=1e-4)
    assert "The candles are old" in replayed.reasoning


def hours_and_four_hours(count: int) -> MarketSnapshot:
    """Return quiet hours, and four-hour candles of a rise that ended some candles before the hours do."""
    hours, rise = simulated(21, 0.0, count=2_000), simulated(22, 0.5, Timeframe.H4, 500)
    ended = rise.part(0, len(rise) - count)
    return snapshot_of(hours.tail(100), ended.tail(100), price=hours.candles[-1].close)


@pytest.mark.parametrize("count", [0, 2])
def test_a_timeframe_that_ends_a_little_earlier_counts(count: int) -> None:
    context = context_of(hours_and_four_hours(count))
    assert Timeframe.H4 in context.timeframes
    assert "long before" not in analyzed(context).reasoning


@pytest.mark.parametrize("count", [3, 200])
def test_a_timeframe_that_ended_long_before_the_others_does_not_count_and_is_named(count: int) -> None:
    snapshot = hours_and_four_hours(count)
    found, hours = (analyzed(context_of(one)) for one in (snapshot, snapshot_of(snapshot.series[Timeframe.H1])))
    ended = utc_time(snapshot.series[Timeframe.H4].last_close_ms)
    words = f" The 4h candles end long before the others, at {ended:%Y-%m-%d %H:%M} UTC: they do not count."
    assert found == hours.model_copy(update={"reasoning": hours.reasoning + words})


def test_a_primary_timeframe_that_ended_long_before_gives_no_stop() -> None:
    quarters = simulated(23, 0.4, Timeframe.M15, 800)
    hours = simulated(24, -0.4, count=100)
    found = analyzed(context_of(snapshot_of(quarters.tail(100), hours)))
    assert (found.timeframe, found.signal) == (Timeframe.M15, "Long")


def test_quarters_in_which_nothing_was_traded_do_not_end_before_their_hour() -> None:
    quarters = simulated(25, 0.0, Timeframe.M15, 400)
    hours = quarters.resample(Timeframe.H1)
    context = context_of(snapshot_of(quarters.part(0, 397), hours))
    assert list(context.timeframes) == [Timeframe.M15, Timeframe.H1]
