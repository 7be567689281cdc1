"""Sums over the entries of a day: what counts, and that they say the same as counting one by one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ledger.days import Aggregate
from domain.ledger.entries import PLAN, Apart, LedgerLane
from domain.ledger.settlements import LedgerRecord, PlanEnd
from domain.market import Timeframe
from domain.values import Signal
from services.ledger.scoring.levels import Level
from services.ledger.scoring.sums import add_up
from tests.fixtures.ledger import CLOSED_MS
from tests.fixtures.settled import ALL_HORIZONS, DAY, DAY_BEGIN_MS, HOUR_MS, settled, settlement


def sums_of(records: Sequence[LedgerRecord], level: Level, day: date = DAY, **wanted: object) -> dict[str, float]:
    """Return the sums of the only group of a level that fits."""
    fits = [
        aggregate
        for aggregate in add_up(records, day)
        if aggregate.level == level and all(getattr(aggregate, name) == value for name, value in wanted.items())
    ]
    assert len(fits) == 1, fits
    return dict(fits[0].sums)


def at(hour: int, move: float = 0.01, **changes: Any) -> LedgerRecord:
    """Return an entry of the market's hour, settled one candle later."""
    closed_ms = DAY_BEGIN_MS + hour * HOUR_MS
    return settled(move, **{"closed_ms": closed_ms, "known_ms": closed_ms + 5_000} | changes)


def test_a_long_before_a_rise_and_a_short_before_a_fall_are_hits_and_an_unchanged_price_is_none() -> None:
    records = [
        at(0, 0.01),
        at(1, -0.01),
        at(2, -0.02, side=Signal.SHORT),
        at(3, 0.0),
        at(4, 0.0, side=Signal.SHORT),
    ]
    found = sums_of(records, Level.ALL)
    assert (found["count"], found["hits"], found["rises"], found["falls"]) == (5, 2, 1, 2)
    assert found["bps"] == pytest.approx(100 - 100 + 200)
    assert found["bps_costs"] == pytest.approx(5 * 12)
    long = sums_of(records, Level.SIDE, side="Long")
    assert (long["count"], long["hits"], long["rises"], long["falls"]) == (3, 1, 1, 1)


def test_only_the_first_known_entry_of_a_market_and_stretch_counts() -> None:
    """A burst of answers after the first one, of whatever side, changes nothing; another market has its own."""
    first = at(0, -0.01)
    burst = [
        at(0, 0.01, known_ms=first.entry.known_ms + after, side=side)
        for after in range(1, 200)
        for side in (Signal.LONG, Signal.SHORT, Signal.NEUTRAL)
    ]
    alone = sums_of([first], Level.ALL)
    assert sums_of([*burst, first], Level.ALL) == alone
    assert (alone["count"], alone.get("hits", 0)) == (1, 0)
    other = sums_of([*burst, first, at(0, 0.01, symbol="ETHUSDT")], Level.ALL)
    assert (other["count"], other["hits"]) == (2, 1)


def test_entries_that_are_kept_apart_change_no_figure() -> None:
    honest = [at(hour, 0.01 if hour % 2 else -0.01) for hour in range(6)]
    attack = [at(hour, 0.5, known_ms=0, apart=apart, lane_id="0123456789ab") for hour in range(6) for apart in Apart]
    assert add_up([*attack, *honest], DAY) == add_up(honest, DAY)


def test_a_stretch_of_four_candles_counts_once_and_belongs_to_the_day_in_which_it_begins() -> None:
    records = [
        settled(0.01, (4,), closed_ms=DAY_BEGIN_MS + hour * HOUR_MS, known_ms=DAY_BEGIN_MS + hour * HOUR_MS)
        for hour in range(-4, 28)
    ]
    assert sums_of(records, Level.ALL)["count"] == 6
    tomorrow = DAY + timedelta(days=1)
    assert sums_of(records, Level.ALL, tomorrow)["count"] == 1


def test_what_has_no_result_is_counted_as_that_and_judges_nothing() -> None:
    """Candles that are missing for good, and a plan that was never entered; what came later does not replace them."""
    missing = settled(None)
    later = settled(0.01, known_ms=CLOSED_MS + 60_000)
    void = settled(0.0, (PLAN,))
    void = replace(void, settlements=(settlement(void.entry, PLAN, 0.0, end=PlanEnd.VOID, r=0.0),))
    found = sums_of([missing, later, void], Level.ALL, horizon=1)
    assert (found["missing"], found["entries"], "count" in found) == (1, 1, False)
    plans = sums_of([missing, later, void], Level.ALL, horizon=PLAN)
    assert (plans["void"], "count" in plans, "r" in plans) == (1, False, False)


def test_neutral_answers_are_a_control_group_with_the_moves_that_a_long_would_have_got() -> None:
    records = [at(0, 0.01), at(1, 0.02, side=Signal.NEUTRAL), at(2, -0.01, side=Signal.NEUTRAL)]
    everything = sums_of(records, Level.ALL)
    assert (everything["count"], everything["entries"], everything["neutral"]) == (1, 3, 2)
    control = sums_of(records, Level.SIDE, side="Neutral")
    assert (control["count"], control["hits"], control["rises"], control["falls"]) == (2, 1, 1, 1)
    assert control["bps"] == pytest.approx(100)


def test_plans_are_counted_by_their_end_with_costs_in_units_of_their_risk() -> None:
    records = [
        settled(0.04, (PLAN,), symbol="BTCUSDT"),
        settled(-0.02, (PLAN,), symbol="ETHUSDT"),
        settled(0.01, (PLAN,), symbol="SOLUSDT"),
    ]
    last = records[2].entry
    records[2] = replace(records[2], settlements=(settlement(last, PLAN, 0.01, end=PlanEnd.TIME, r=0.5),))
    found = sums_of(records, Level.ALL)
    assert (found["target"], found["stop"], found["time"]) == (1, 1, 1)
    assert found["r"] == pytest.approx(2 - 1 + 0.5)
    # 12 bps of the price, of a risk of 2 %.
    assert found["r_costs"] == pytest.approx(3 * 0.06)
    # Of the target, 0.4 was stated each time, and it came once.
    assert found["brier"] == pytest.approx(0.6**2 + 2 * 0.4**2)
    assert found["stated"] == 3


def test_stated_probabilities_of_the_next_candle_are_scored_of_neutral_answers_too() -> None:
    records = [
        at(0, 0.01, lane=LedgerLane.MODEL, probability_up=0.7),
        at(1, -0.01, lane=LedgerLane.MODEL, probability_up=0.52, side=Signal.NEUTRAL),
    ]
    found = sums_of(records, Level.ALL)
    assert found["stated"] == 2
    assert found["brier"] == pytest.approx(0.3**2 + 0.52**2)
    upper = sums_of(records, Level.PROBABILITY, bin="0.70-0.80")
    assert (upper["stated"], upper["said"], upper["occurred"]) == (1, 0.7, 1)
    assert "occurred" not in sums_of(records, Level.PROBABILITY, bin="0.50-0.60")


def test_the_turnover_is_the_change_of_position_between_neighbouring_stretches() -> None:
    sides = [Signal.LONG, Signal.LONG, Signal.SHORT, Signal.NEUTRAL]
    records = [at(hour, side=side) for hour, side in enumerate(sides)]
    found = sums_of(records, Level.ALL)
    assert (found["steps"], found["turns"]) == (3, 0 + 2 + 1)
    apart = sums_of([at(0), at(2, side=Signal.SHORT)], Level.ALL)
    assert "steps" not in apart


def test_costs_of_every_answer_are_added_also_of_those_that_do_not_count() -> None:
    records = [
        at(0, lane=LedgerLane.LLM, cost_usd=0.002, known_ms=DAY_BEGIN_MS + second, side=side)
        for second, side in ((1, Signal.LONG), (2, Signal.NEUTRAL), (3, Signal.SHORT))
    ]
    found = sums_of([replace(record, repeats=2) for record in records], Level.ALL)
    assert (found["count"], found["paid"], found["repeats"]) == (1, 3, 6)
    assert found["cost_usd"] == pytest.approx(0.006)


def test_what_callers_were_given_counts_once_whichever_lane_gave_it() -> None:
    records = [
        at(0, -0.01, lane=LedgerLane.LLM, given=True, known_ms=DAY_BEGIN_MS),
        at(0, 0.01, lane=LedgerLane.RULES, given=True, known_ms=DAY_BEGIN_MS + 1),
        at(1, 0.01, lane=LedgerLane.MODEL, given=False),
    ]
    found = sums_of(records, Level.GIVEN)
    assert (found["count"], "hits" in found) == (1, False)
    assert sums_of(records, Level.GIVEN_SIDE, side="Long")["count"] == 1


MOVES = st.sampled_from([-0.02, -0.01, 0.0, 0.01, 0.03, None])


@st.composite
def days_of_records(draw: st.DrawFn) -> list[LedgerRecord]:
    """Return entries of some lanes and markets about midnight, settled at some horizons."""
    found = []
    for number in range(draw(st.integers(1, 25))):
        lane = draw(st.sampled_from([LedgerLane.RULES, LedgerLane.MODEL]))
        closed_ms = DAY_BEGIN_MS + draw(st.integers(-6, 30)) * HOUR_MS
        record = settled(
            None,
            (),
            id=f"e-{number}",
            lane=lane,
            symbol=draw(st.sampled_from(["BTCUSDT", "ETHUSDT"])),
            timeframe=draw(st.sampled_from([Timeframe.H1, Timeframe.H4])),
            side=draw(st.sampled_from(list(Signal))),
            closed_ms=closed_ms,
            known_ms=closed_ms + draw(st.integers(0, 3)),
            given=draw(st.booleans()),
            probability_up=draw(st.sampled_from([None, 0.3, 0.55])),
        )
        horizons = draw(st.sets(st.sampled_from(ALL_HORIZONS if record.entry.has_plan else ALL_HORIZONS[:-1])))
        own = tuple(settlement(record.entry, horizon, draw(MOVES)) for horizon in sorted(horizons))
        found.append(replace(record, settlements=own))
    return found


def counted_one_by_one(records: Sequence[LedgerRecord], day: date) -> dict[tuple[object, ...], tuple[float, ...]]:
    """Return count, hits, sum of bps, and n², n·hits and hits² over clusters, by group of the level `symbol_side`."""
    first: dict[tuple[object, ...], tuple[LedgerRecord, int, float | None]] = {}
    for record in sorted(records, key=lambda record: (record.entry.known_ms, record.entry.id)):
        entry = record.entry
        for outcome in record.settlements:
            begin_ms = entry.slot(outcome.horizon) * (outcome.horizon or 24) * entry.timeframe.ms
            if datetime.fromtimestamp(begin_ms / 1000, UTC).date() == day:
                key = (entry.lane, entry.symbol, entry.timeframe, outcome.horizon, entry.slot(outcome.horizon))
                first.setdefault(key, (record, outcome.horizon, outcome.move))
    clusters: dict[tuple[object, ...], list[tuple[int, float]]] = defaultdict(list)
    for (lane, _, timeframe, horizon, slot), (record, _, move) in first.items():
        if move is not None and record.entry.side is not Signal.NEUTRAL:
            won = move if record.entry.side is Signal.LONG else -move
            clusters[lane, timeframe, horizon, slot].append((int(won > 0), won * 10_000))
    totals: dict[tuple[object, ...], tuple[float, ...]] = defaultdict(lambda: (0.0,) * 6)
    for (lane, timeframe, horizon, _), own in clusters.items():
        n, hits, bps = len(own), sum(hit for hit, _ in own), sum(won for _, won in own)
        new = (n, hits, bps, n * n, n * hits, hits * hits)
        before = totals[lane, timeframe, horizon]
        totals[lane, timeframe, horizon] = tuple(a + b for a, b in zip(before, new, strict=True))
    return dict(totals)


@given(records=days_of_records(), data=st.data())
def test_sums_are_those_of_counting_one_by_one_in_whatever_order_the_records_come(
    records: list[LedgerRecord], data: st.DataObject
) -> None:
    found = add_up(records, DAY)
    assert add_up(data.draw(st.permutations(records)), DAY) == found
    names = ("count", "hits", "bps", "count_sizes", "hits_crossed", "hits_totals")
    summed = {
        (one.lane, one.timeframe, one.horizon): tuple(one.sums.get(name, 0.0) for name in names)
        for one in found
        if one.level == Level.ALL and one.sums.get("count")
    }
    expected = counted_one_by_one(records, DAY)
    assert summed.keys() == expected.keys()
    for key, figures in expected.items():
        assert summed[key] == pytest.approx(figures)  # type: ignore[index]  # the keys are equal
    assert _total(found, Level.SYMBOL, "count") == _total(found, Level.ALL, "count")
    assert _total(found, Level.CONFIDENCE, "count") == _total(found, Level.ALL, "count")
    sides = [one for one in found if one.side != Signal.NEUTRAL]
    assert _total(sides, Level.SYMBOL_SIDE, "hits") == _total(found, Level.ALL, "hits")


def _total(found: Sequence[Aggregate], level: Level, name: str) -> float:
    return sum(one.sums.get(name, 0.0) for one in found if one.level == level)
