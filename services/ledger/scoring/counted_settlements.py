"""Which settlements of a day count, as columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from domain.ledger.entries import NEXT_CANDLE, PLAN, LedgerEntry, stretch_candles
from domain.ledger.settlements import LedgerRecord, PlanEnd, Settlement
from domain.values import utc_time

BPS = 10_000
# A stated probability of 0 or 1 that was wrong costs this log loss, not infinity.
_CERTAIN = 1e-6
_NAN = float("nan")

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class CountedSettlement:
    """A settlement with the stretch that it belongs to."""

    entry: LedgerEntry
    settlement: Settlement
    slot: int
    repeats: int

    @property
    def group(self) -> tuple[str, str, str, int]:
        """Lane, lane_id, timeframe and horizon: what is never added up with another."""
        entry = self.entry
        return entry.lane, entry.lane_id, entry.timeframe, self.settlement.horizon

    @property
    def place(self) -> tuple[str, str, int, int]:
        """Symbol, timeframe, horizon and stretch."""
        return self.entry.symbol, self.entry.timeframe, self.settlement.horizon, self.slot


def settlements_of(records: Sequence[LedgerRecord], day: date) -> list[CountedSettlement]:
    """Return the settlements of scored entries in stretches that begin in a UTC day, the first known entry first."""
    ordered = sorted(records, key=lambda record: (record.entry.known_ms, record.entry.id))
    return list(_of_day(ordered, day))


def _of_day(records: Sequence[LedgerRecord], day: date) -> Iterator[CountedSettlement]:
    begins: dict[int, bool] = {}
    for record in records:
        entry = record.entry
        if not entry.scored:
            continue
        for settlement in record.settlements:
            slot = entry.slot(settlement.horizon)
            begin_ms = slot * stretch_candles(settlement.horizon) * entry.timeframe.ms
            if begin_ms not in begins:
                begins[begin_ms] = utc_time(begin_ms).date() == day
            if begins[begin_ms]:
                yield CountedSettlement(entry, settlement, slot, record.repeats)


@dataclass(frozen=True)
class Columns:
    """Settlements as arrays of one length.

    Attributes:
        first: Whether it is the first known of its lane_id, market and stretch.
        valued: Whether it is the first, and has a result: its candles were there, its plan was entered.
        called: Whether the entry took a side.
        direction: -1 of a Short, else 1: a Neutral entry is judged as the Long that it was not.
        position: -1, 0 or 1.
        slots: Stretches.
        moved: Whether the market's move is known.
        move: Of the market, as a fraction; 0 where it is not known.
        cost: In bps.
        r, r_cost: Result before costs and costs, in units of the plan's risk; 0 without a plan.
        stated: Probability that was stated of `occurred`, NaN without one.
        occurred: Whether the target came first, or the next candle rose.
    """

    first: Flags
    valued: Flags
    called: Flags
    direction: Floats
    position: Floats
    slots: Integers
    moved: Flags
    move: Floats
    cost: Floats
    r: Floats
    r_cost: Floats
    confidence: Floats
    stated: Floats
    occurred: Floats

    @property
    def log_loss(self) -> Floats:
        """The log loss of what was stated, NaN without."""
        stated = np.clip(self.stated, _CERTAIN, 1 - _CERTAIN)
        return -np.where(self.occurred > 0, np.log(stated), np.log1p(-stated))


def columns_of(rows: Sequence[CountedSettlement], *, by_lane: bool) -> Columns:
    """Return the columns of settlements, the first known entry first.

    Args:
        rows: Of one day.
        by_lane: Whether each lane_id has a first entry of its own; else there is one for all.
    """
    seen: set[tuple[object, ...]] = set()
    first = []
    for row in rows:
        key = (*row.group, *row.place) if by_lane else row.place
        first.append(key not in seen)
        seen.add(key)
    holds = np.array(first, dtype=bool)
    table = np.array([_values(row) for row in rows], dtype=float).reshape(len(rows), 9)
    move, void, position, cost, r, risk, confidence, stated, occurred = table.T
    r_cost = np.divide(cost, risk * BPS, out=np.zeros_like(cost), where=risk > 0)
    return Columns(
        first=holds,
        valued=holds & ~np.isnan(move) & (void == 0),
        called=position != 0,
        direction=np.where(position < 0, -1.0, 1.0),
        position=position,
        slots=np.array([row.slot for row in rows], dtype=np.int64),
        moved=~np.isnan(move),
        move=np.nan_to_num(move),
        cost=cost,
        r=np.nan_to_num(r),
        r_cost=r_cost,
        confidence=confidence,
        stated=stated,
        occurred=occurred,
    )


def _values(row: CountedSettlement) -> tuple[float, ...]:
    entry, settlement = row.entry, row.settlement
    stated, occurred = stated_of(entry, settlement)
    planned = settlement.horizon == PLAN and entry.stop is not None
    return (
        _NAN if settlement.move is None else settlement.move,
        settlement.end is PlanEnd.VOID,
        entry.side.side,
        entry.cost_bps,
        _NAN if settlement.r is None else settlement.r,
        abs(entry.price - entry.stop) / entry.price if planned and entry.stop is not None else 0.0,
        entry.confidence,
        _NAN if stated is None else stated,
        occurred,
    )


def stated_of(entry: LedgerEntry, settlement: Settlement) -> tuple[float | None, bool]:
    """Return the probability that was stated of what is settled at this horizon, and whether it occurred.

    Of the plan, that the target comes first; of the next candle, that it closes higher. Nothing is stated of others.
    """
    if settlement.move is None:
        return None, False
    if settlement.horizon == PLAN:
        return entry.target_first, settlement.end is PlanEnd.TARGET
    if settlement.horizon == NEXT_CANDLE:
        return entry.probability_up, settlement.move > 0
    return None, False
