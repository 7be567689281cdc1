"""Each gate by itself: what it measures, when it is shut, and what it says then."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.market import CandleSeries
from domain.trading.gates import Gate
from domain.values import Signal
from rules.context import MarketContext
from services.guards.gates import (
    Finding,
    complete_data_gate,
    confidence_gate,
    cooldown_gate,
    enough_data_gate,
    exposure_gate,
    fresh_data_gate,
    safe_mode_gate,
    unbroken_data_gate,
)
from services.guards.given_side import GivenSide
from tests.fixtures.guards import H1, MIN_CANDLES, answer, context_on, given_side, guard_settings, market
from tests.fixtures.histories import simulated


def seen(finding: Finding) -> tuple[bool, float | None, float | None]:
    gate = finding.gate
    assert isinstance(gate, Gate)
    return gate.passed, gate.value, gate.needed


def aged(lengths: float) -> MarketContext:
    context = market()
    return replace(context, age=replace(context.age, lengths=lengths))


def without(series: CandleSeries, *positions: int) -> CandleSeries:
    return CandleSeries(series.timeframe, [c for at, c in enumerate(series.candles) if at not in positions])


def split(since: int, count: int = 300) -> MarketContext:
    """Return a market whose prices were divided by ten some candles ago."""
    series = simulated([9, 1], 0.4, H1, count)
    values = series.values.copy()
    values[-since:, :4] *= 0.1
    return context_on(CandleSeries.of_arrays(H1, series.times_ms, values))


def test_safe_mode_says_the_operators_reason() -> None:
    assert safe_mode_gate(None).gate.passed
    on = safe_mode_gate("wrong prices")
    assert (on.gate.passed, on.words) == (False, "wrong prices")


@pytest.mark.parametrize(("lengths", "passes"), [(0.0, True), (2.0, True), (2.01, False), (72.0, False)])
def test_candles_are_fresh_for_two_of_their_lengths(lengths: float, passes: bool) -> None:
    assert seen(fresh_data_gate(aged(lengths))) == (passes, lengths, 2)


def test_stale_candles_say_how_old_they_are() -> None:
    words = "the newest candle closed 72.3 of its lengths ago, at most 2 are allowed"
    assert fresh_data_gate(aged(72.31)).words == words


@pytest.mark.parametrize(("candles", "passes"), [(99, False), (100, True)])
def test_enough_candles_are_those_that_the_settings_need(candles: int, passes: bool) -> None:
    found = enough_data_gate(market(candles), guard_settings(min_candles=100))
    assert seen(found) == (passes, candles, 100)
    assert found.words == f"{candles} candles on 1h count, 100 are needed"


def test_candles_before_a_split_do_not_count_as_enough() -> None:
    assert seen(enough_data_gate(split(40), guard_settings())) == (False, 40, 60)
    assert seen(enough_data_gate(split(150), guard_settings())) == (True, 150, 60)


@pytest.mark.parametrize(("most", "passes"), [(0.05, True), (0.04, False)])
def test_missing_candles_are_a_share_of_all(most: float, passes: bool) -> None:
    holed = context_on(without(simulated([9, 1], 0.4, H1, 100), 20, 40, 60, 80, 81))
    found = complete_data_gate(holed, guard_settings(max_missing_share=most))
    assert seen(found) == (passes, 0.05, most)
    assert found.words == f"5.0% of the candles on 1h are missing, at most {most:.1%} may be"


def test_a_whole_series_is_unbroken_and_a_split_one_until_enough_candles_have_come() -> None:
    assert seen(unbroken_data_gate(market(), MIN_CANDLES)) == (True, None, 60)
    assert seen(unbroken_data_gate(split(150), MIN_CANDLES)) == (True, 150, 60)
    broken = unbroken_data_gate(split(40), MIN_CANDLES)
    assert seen(broken) == (False, 40, 60)
    assert broken.words == (
        "40 candles have come on 1h since the series broke off, 60 are needed: it looks like a split 10:1"
    )


@given(st.floats(0, 1), st.sampled_from(Signal), st.sampled_from([None, Signal.LONG, Signal.SHORT]))
def test_without_a_hysteresis_no_confidence_is_refused(confidence: float, signal: Signal, last: Signal | None) -> None:
    before = None if last is None else given_side(last)
    assert confidence_gate(answer(signal, confidence), before, 0.0).gate.passed


@pytest.mark.parametrize("last", [given_side(Signal.LONG, stands=False), given_side(Signal.SHORT)])
@pytest.mark.parametrize(
    ("confidence", "passes", "needed"),
    [
        (0.52, True, 0.51),
        (0.51, True, 0.51),
        (0.509, False, 0.51),
        (0.5, False, 0.51),
        (0.499, True, None),  # no engine acts on it
        (0.3, True, None),
    ],
)
def test_a_side_that_comes_anew_needs_more_than_one_half(
    last: GivenSide, confidence: float, passes: bool, needed: float | None
) -> None:
    found = confidence_gate(answer(Signal.LONG, confidence), last, 0.01)
    assert seen(found) == (passes, confidence, needed)
    assert passes or found.words.endswith("a new Long needs 0.51")


@pytest.mark.parametrize("last", [None, given_side(Signal.LONG)])
@pytest.mark.parametrize("confidence", [0.509, 0.5, 0.491, 0.3])
def test_the_first_side_and_the_one_that_stands_need_no_more_than_they_have(
    last: GivenSide | None, confidence: float
) -> None:
    assert seen(confidence_gate(answer(Signal.LONG, confidence), last, 0.01)) == (True, confidence, None)


@pytest.mark.parametrize(("since", "passes"), [(0, False), (2, False), (3, True), (50, True)])
def test_the_opposite_side_waits_for_candles_to_close(since: int, passes: bool) -> None:
    found = cooldown_gate(answer(Signal.SHORT), given_side(Signal.LONG), since, guard_settings(cooldown_candles=3))
    assert seen(found) == (passes, since, 3)
    assert found.words == f"Long was given {since} candles ago on 1h, 3 have to close before a Short"


@pytest.mark.parametrize("signal", [Signal.LONG, Signal.NEUTRAL])
def test_the_same_side_and_a_neutral_need_no_cooldown(signal: Signal) -> None:
    assert seen(cooldown_gate(answer(signal), given_side(Signal.LONG), 0, guard_settings())) == (True, None, 3)


def test_the_first_side_of_a_market_needs_no_cooldown() -> None:
    assert cooldown_gate(answer(), None, 0, guard_settings()).gate.passed


@pytest.mark.parametrize(("limit", "passes"), [(0.5, True), (0.45, True), (0.4, False)])
def test_open_signals_of_one_bet_add_up(limit: float, passes: bool) -> None:
    alike = [given_side(symbol="ETHUSDT", size=0.15), given_side(symbol="SOLUSDT", size=0.1)]
    found = exposure_gate(answer(size=0.2), alike, guard_settings(max_exposure=limit))
    assert seen(found) == (passes, 0.45, limit)
    assert found.words == (
        "0.45 of the capital would be on one bet, with the open Long of ETHUSDT (0.15), Long of SOLUSDT (0.1); "
        f"at most {limit:g} may be"
    )


def test_a_neutral_puts_nothing_on_a_bet() -> None:
    found = exposure_gate(answer(Signal.NEUTRAL), [given_side(size=0.9)], guard_settings())
    assert seen(found) == (True, None, 0.5)
