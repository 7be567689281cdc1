"""What the rules say of candles that are old, and of a moment of the past."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.analysis import Analysis, MarketSnapshot
from domain.market import Timeframe
from domain.values import epoch_ms
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
