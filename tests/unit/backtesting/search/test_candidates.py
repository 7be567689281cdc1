"""Calls made of columns of judgements are those of the lanes, whatever the settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

import backtesting.trading.calls
import rules.plans
import rules.verdict
from backtesting.past.judging import judge_past
from backtesting.past.market import PastJudgement, PastMarket
from backtesting.search.candidates import Candidates, collect
from backtesting.search.space import SPACE, SearchedSettings, present_settings
from backtesting.trading.calls import find_lane
from backtesting.trading.orders import Call
from config.guard_settings import GuardSettings
from domain.market import CandleSeries, Timeframe
from domain.session_finder import with_sessions
from domain.values import Signal
from rules.evidence.weighing import UNMEASURED, UNMEASURED_CONFIDENCE, Weigher
from rules.verdict import Ground
from tests.fixtures.histories import ANALYSIS, FREE, INDICATORS, WEIGHER, simulated
from tests.fixtures.settings import configured

COUNT = 420
# Nothing that a lane says is held back.
OPEN = present_settings(configured(GuardSettings, hysteresis=0, cooldown_candles=0), 0.0)
OTHERS = [
    {"stop_atr": 1.25, "reward": 4.5, "horizon_candles": 30},
    {"stop_atr": 6.0, "reward": 0.5, "signal_bar": 0.4, "strategy_say": 0.0},
    {"signal_bar": 0.7, "strategy_say": 0.3, "strategy_bar": 0.8},
]


@cache
def market() -> PastMarket:
    series = simulated(5, drift=0.05, count=COUNT)
    return PastMarket("BTCUSDT", {Timeframe.H1: series}).with_longer(Timeframe.H4)


def judged(weigher: Weigher) -> list[PastJudgement]:
    return list(judge_past(market(), ANALYSIS, INDICATORS, weigher=weigher))


@cache
def judged_now(measured: bool) -> list[PastJudgement]:
    return judged(WEIGHER if measured else UNMEASURED)


@pytest.mark.parametrize("measured", [True, False])
@pytest.mark.parametrize("lane", ["rules", "RSI Strategy"])
def test_the_present_settings_make_the_calls_of_a_backtest(lane: str, measured: bool) -> None:
    past = judged_now(measured)
    expected = list(find_lane(lane).calls(past, Timeframe.H1))
    assert len(expected) > 20
    found = collect(past, Timeframe.H1, None if lane == "rules" else lane).calls(OPEN, 0, COUNT)
    assert found == expected


def minutes() -> PastMarket:
    """Return minutes of which a fifth was not traded, with a bad tick; the first hours are judged on shorter ones."""
    whole, traded = simulated(5, 0.03, Timeframe.M1, 9_000, 0.002), np.random.default_rng(5).random(9_000) > 0.2
    values = whole.values.copy()
    values[5_100, 1] *= 1.5
    part = CandleSeries.of_arrays(Timeframe.M1, whole.times_ms[traded], values[traded])
    longer = (Timeframe.M3, Timeframe.M5, Timeframe.M15, Timeframe.H1)
    return PastMarket("BTCUSDT", {Timeframe.M1: with_sessions("BTCUSDT", part)}).with_longer(*longer)


def torn() -> PastMarket:
    """Return quarters with a hole that no candle of four hours notices, and a price that then runs away from these."""
    whole = simulated(1, 0.05, Timeframe.M15, 4_000)
    values, left = whole.values.copy(), np.delete(np.arange(4_000), np.arange(3_000, 3_050))
    values[3_088:, :4] *= 1.2
    part = CandleSeries.of_arrays(Timeframe.M15, whole.times_ms[left], values[left])
    return PastMarket("BTCUSDT", {Timeframe.M15: part}).with_longer(Timeframe.H1, Timeframe.H4)


@pytest.mark.parametrize(("made", "ground"), [(minutes, Ground.ONE_CANDLE), (torn, Ground.AHEAD)])
def test_calls_are_those_of_a_backtest_while_the_timeframe_of_the_plans_changes(
    made: Callable[[], PastMarket], ground: Ground
) -> None:
    past = list(judge_past(made(), ANALYSIS, INDICATORS, weigher=with_much_evidence(FREE)))
    assert ground in {one.judgement.by_rules.ground for one in past}
    assert len({one.judgement.context.primary for one in past}) >= 3
    expected = list(find_lane("rules").calls(past, Timeframe.H1))
    found = collect(past, Timeframe.H1, None).calls(OPEN, 0, len(past) + 1_000)
    assert found == expected
    # Those of timeframes that were not measured are bounded, the others are not.
    assert UNMEASURED_CONFIDENCE in {call.confidence for call in expected}
    assert max(call.confidence for call in expected) > UNMEASURED_CONFIDENCE


def with_much_evidence(weigher: Weigher) -> Weigher:
    """Return a weigher by which half of the worth of hours is above the bound of what was not measured."""
    assert weigher.evidence is not None
    (hours, *_) = weigher.evidence.records
    records = (hours.model_copy(update={"weight": 1.0, "error": 0.01}),)
    return replace(weigher, evidence=weigher.evidence.model_copy(update={"records": records}))


@pytest.mark.parametrize("changes", OTHERS)
@pytest.mark.parametrize("measured", [True, False])
@pytest.mark.parametrize("lane", ["rules", "RSI Strategy"])
def test_other_settings_make_the_calls_of_rules_that_have_them(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, float], measured: bool, lane: str
) -> None:
    chosen = OPEN.model_copy(update=changes)
    found = collect(judged_now(measured), Timeframe.H1, None if lane == "rules" else lane).calls(chosen, 0, COUNT)
    homes = {
        "STOP_ATR": rules.plans,
        "REWARD": rules.plans,
        "HORIZON_CANDLES": rules.plans,
        "SIGNAL_BAR": rules.verdict,
        "STRATEGY_SAY": rules.verdict,
        "STRATEGY_BAR": backtesting.trading.calls,
    }
    for name, home in homes.items():
        monkeypatch.setattr(home, name, getattr(chosen, name.lower()))
    expected = list(find_lane(lane).calls(judged(WEIGHER if measured else UNMEASURED), Timeframe.H1))
    assert expected
    assert found == expected


def test_a_part_of_the_judgements_makes_its_part_of_the_calls() -> None:
    candidates = collect(judged_now(measured=True), Timeframe.H1, None)
    whole, part = candidates.calls(OPEN, 0, COUNT), candidates.calls(OPEN, 150, 300)
    assert part == [replace(call, position=call.position - 150) for call in whole if 150 <= call.position < 300]


def given(*said: tuple[int, int, float]) -> Candidates:
    """Return judgements of position, side and confidence, spoken by a single strategy."""
    positions, sides, scores = np.array(said, np.float64).T
    same = np.ones(len(said))
    return Candidates(
        ground="test",
        strategy=True,
        cost_bps=0.0,
        positions=positions.astype(np.int64),
        side=sides,
        price=100 * same,
        close=100 * same,
        atr=same,
        lengths=same,
        risk=0 * same,
        trend=same,
        lean=same,
        score=scores,
        odds=0 * same,
        worth=same,
        age=same,
        bound=same,
    )


def acted(candidates: Candidates, **changes: float) -> list[tuple[int, Signal]]:
    settings = SearchedSettings.model_validate({**OPEN.model_dump(), "strategy_bar": 0.0, **changes})
    return [(call.position, call.side) for call in candidates.calls(settings, 0, 1000)]


def test_a_turn_waits_for_the_cooldown_since_the_last_call_on_the_other_side() -> None:
    candidates = given((0, 1, 0.6), (2, -1, 0.6), (4, 1, 0.6), (6, -1, 0.6), (7, -1, 0.6), (8, -1, 0.6))
    assert acted(candidates, cooldown_candles=3) == [
        (0, Signal.LONG),
        (4, Signal.LONG),
        (7, Signal.SHORT),
        (8, Signal.SHORT),
    ]
    assert len(acted(candidates, cooldown_candles=0)) == 6


def test_the_other_side_needs_more_than_one_half_unless_no_engine_acts_on_it() -> None:
    candidates = given((0, 1, 0.505), (1, 1, 0.505), (2, -1, 0.505), (3, -1, 0.495), (4, -1, 0.505), (5, 1, 0.53))
    assert acted(candidates, hysteresis=0.01) == [
        (0, Signal.LONG),
        (1, Signal.LONG),
        (3, Signal.SHORT),
        (4, Signal.SHORT),
        (5, Signal.LONG),
    ]
    assert acted(candidates, hysteresis=0.01, least_confidence=0.5) == [
        (0, Signal.LONG),
        (1, Signal.LONG),
        (4, Signal.SHORT),
        (5, Signal.LONG),
    ]


def test_exits_below_zero_are_no_plan() -> None:
    candidates = replace(given((0, 1, 0.6), (1, -1, 0.6)), atr=np.array([20.0, 20.0]))
    assert acted(candidates, stop_atr=6.0, reward=1.0) == []
    assert acted(candidates, stop_atr=2.0, reward=2.0) == [(0, Signal.LONG), (1, Signal.SHORT)]
    assert acted(candidates, stop_atr=4.0, reward=3.0) == [(0, Signal.LONG)]


def test_a_call_has_stop_target_limit_and_size_of_the_settings() -> None:
    settings = OPEN.model_copy(update={"stop_atr": 2.5, "reward": 1.5, "horizon_candles": 17, "strategy_bar": 0.0})
    assert given((3, -1, 0.6)).calls(settings, 0, 10) == [Call(3, Signal.SHORT, 102.5, 96.25, 17, 0.25, 0.6, "test")]


def test_every_searched_setting_is_one_of_the_trades_and_its_present_value_within_the_bounds() -> None:
    present = present_settings(configured(GuardSettings), 0.5)
    assert {one.name for one in SPACE} == SearchedSettings.model_fields.keys()
    for one in SPACE:
        assert one.low <= getattr(present, one.name) <= one.high
