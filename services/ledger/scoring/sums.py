"""Sums over the settled entries of a day: additive, and enough for every figure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from domain.ledger.days import Aggregate
from domain.ledger.settlements import LedgerRecord, PlanEnd
from services.ledger.scoring.clusters import per_group, write_clusters
from services.ledger.scoring.counted_settlements import (
    BPS,
    Columns,
    CountedSettlement,
    Floats,
    columns_of,
    settlements_of,
    stated_of,
)
from services.ledger.scoring.levels import GIVEN, Level, confidence_bin, probability_bin
from services.ledger.scoring.pair_sums import pair_sums

# Lane, lane_id, timeframe, horizon, symbol, side and bin.
_Group = tuple[str, str, str, int, str, str, str]


def add_up(records: Sequence[LedgerRecord], day: date) -> list[Aggregate]:
    """Return the sums over the scored entries in stretches that begin in a UTC day, by level and group.

    Only the first known entry of each lane_id, market, horizon and stretch counts. The same records give the same sums,
    in whatever order they come. Sums of 0 are left out.

    Args:
        records: With their settlements; what does not belong to the day is passed over.
        day: UTC day in which the stretches begin.
    """
    rows = settlements_of(records, day)
    own = _table(rows, by_lane=True)
    given = _table([row for row in rows if row.entry.given], by_lane=False)
    tables = {level: given if level in {Level.GIVEN, Level.GIVEN_SIDE} else own for level in _GROUPS}
    found = [aggregate for level, table in tables.items() for aggregate in _level(table, day, level)]
    return found + pair_sums(rows, day)


@dataclass(frozen=True)
class _Table:
    """Settlements, and what is added up of them, by name.

    Attributes:
        counts: Of every settlement.
        stated: Of every probability.
        judged: Of the settlements that have a result.
        clustered: As `judged`, also over clusters.
    """

    rows: Sequence[CountedSettlement]
    columns: Columns
    counts: Mapping[str, Floats]
    stated: Mapping[str, Floats]
    judged: Mapping[str, Floats]
    clustered: Mapping[str, Floats]


def _table(rows: Sequence[CountedSettlement], *, by_lane: bool) -> _Table:
    columns = columns_of(rows, by_lane=by_lane)
    won = columns.direction * columns.move
    turns, steps = _turns(rows, columns)
    stated = columns.valued & ~np.isnan(columns.stated)
    said = np.where(stated, columns.stated, 0.0)
    ends = {end: np.array([row.settlement.end is end for row in rows], dtype=bool) for end in PlanEnd}
    paid = np.array([row.entry.cost_usd is not None for row in rows], dtype=float)
    return _Table(
        rows=rows,
        columns=columns,
        counts={
            "entries": _numbers(columns.first),
            "neutral": _numbers(columns.valued & ~columns.called),
            "missing": _numbers(columns.first & ~columns.moved),
            **{end.value: _numbers(columns.first & which) for end, which in ends.items()},
            "turns": turns,
            "steps": steps,
            "paid": paid,
            "cost_usd": np.array([row.entry.cost_usd or 0.0 for row in rows], dtype=float),
            "repeats": np.array([row.repeats for row in rows], dtype=float),
        },
        stated={
            "stated": _numbers(stated),
            "said": said,
            "occurred": stated * columns.occurred,
            "brier": stated * (said - columns.occurred) ** 2,
            "log_loss": np.where(stated, columns.log_loss, 0.0),
        },
        judged={
            "rises": _numbers(columns.move > 0),
            "falls": _numbers(columns.move < 0),
            "bps_costs": columns.cost,
            "r_costs": columns.r_cost,
            "confidence": columns.confidence,
        },
        clustered={"hits": _numbers(won > 0), "bps": won * BPS, "r": columns.r},
    )


def _numbers(flags: object) -> Floats:
    return np.asarray(flags, dtype=float)


def _turns(rows: Sequence[CountedSettlement], columns: Columns) -> tuple[Floats, Floats]:
    """Return the change of position from the stretch before, 0 to 2, and 1 where there is one before in this day."""
    turns, steps = np.zeros(len(rows)), np.zeros(len(rows))
    before: dict[tuple[object, ...], float] = {}
    for at in np.argsort(columns.slots, kind="stable"):
        if columns.first[at]:
            row, position = rows[at], columns.position[at]
            last = before.get((*row.group, row.entry.symbol, row.slot - 1))
            before[*row.group, row.entry.symbol, row.slot] = position
            if last is not None:
                turns[at], steps[at] = abs(position - last), 1.0
    return turns, steps


def _level(table: _Table, day: date, level: Level) -> list[Aggregate]:
    known: dict[_Group, int] = {}
    group_of = _GROUPS[level]
    codes = np.array(
        [-1 if (key := group_of(row)) is None else known.setdefault(key, len(known)) for row in table.rows],
        dtype=np.int64,
    )
    within = codes >= 0
    codes, groups = codes[within], len(known)
    slots = table.columns.slots[within]
    sums = {name: per_group(codes, column[within], groups) for name, column in table.stated.items()}
    if level is Level.PROBABILITY:
        stated, occurred = table.stated["stated"][within], table.stated["occurred"][within]
        sums |= write_clusters(codes, slots, stated, {"occurred": occurred}, groups, count="stated")
    else:
        counting = _numbers(table.columns.valued & (table.columns.called | level.tells_sides))[within]
        sums |= {name: per_group(codes, column[within], groups) for name, column in table.counts.items()}
        sums |= {name: per_group(codes, column[within] * counting, groups) for name, column in table.judged.items()}
        clustered = {name: column[within] * counting for name, column in table.clustered.items()}
        sums |= write_clusters(codes, slots, counting, clustered, groups)
    found = (
        (group, {name: float(values[at]) for name, values in sums.items() if values[at]}) for group, at in known.items()
    )
    return [Aggregate(day, level, *group, own) for group, own in found if own]


def _probability_group(row: CountedSettlement) -> _Group | None:
    stated, _ = stated_of(row.entry, row.settlement)
    return None if stated is None else (*row.group, "", "", probability_bin(stated))


_GROUPS: Mapping[Level, Callable[[CountedSettlement], _Group | None]] = {
    Level.ALL: lambda row: (*row.group, "", "", ""),
    Level.SIDE: lambda row: (*row.group, "", row.entry.side.value, ""),
    Level.SYMBOL: lambda row: (*row.group, row.entry.symbol, "", ""),
    Level.SYMBOL_SIDE: lambda row: (*row.group, row.entry.symbol, row.entry.side.value, ""),
    Level.CONFIDENCE: lambda row: (*row.group, "", "", confidence_bin(row.entry.confidence)),
    Level.PROBABILITY: _probability_group,
    Level.GIVEN: lambda row: (GIVEN, "", *row.group[2:], "", "", ""),
    Level.GIVEN_SIDE: lambda row: (GIVEN, "", *row.group[2:], "", row.entry.side.value, ""),
}
