"""Sums of two lanes on the same candles."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import combinations

import numpy as np

from domain.ledger.days import Aggregate
from domain.ledger.entries import LedgerLane
from domain.ledger.settlements import PlanEnd
from services.ledger.scoring.clusters import write_clusters
from services.ledger.scoring.counted_settlements import BPS, CountedSettlement, stated_of
from services.ledger.scoring.levels import Level

# First and second settlement of a pair.
_Both = tuple[CountedSettlement, CountedSettlement]


def pair_sums(rows: Sequence[CountedSettlement], day: date) -> list[Aggregate]:
    """Return the sums of each two lanes at moments at which both had the same newest closed candle.

    Of each market, horizon and stretch, the first such candle counts; a Neutral lane earns nothing there. The second
    lane stands in `bin`, as "lane lane_id".

    Args:
        rows: The settlements of a day, the first known entry first.
        day: UTC day.
    """
    first: dict[LedgerLane, dict[tuple[object, ...], CountedSettlement]] = {lane: {} for lane in LedgerLane}
    for row in rows:
        if row.settlement.move is not None and row.settlement.end is not PlanEnd.VOID:
            first[row.entry.lane].setdefault((*row.place, row.entry.closed_ms), row)
    pairs: dict[tuple[str, str, str, int, str], list[_Both]] = {}
    for one, other in combinations(LedgerLane, 2):
        seen = set()
        for moment in sorted(first[one].keys() & first[other].keys()):
            if moment[:-1] in seen:
                continue
            seen.add(moment[:-1])
            both = first[one][moment], first[other][moment]
            second = both[1].entry
            pairs.setdefault((*both[0].group, f"{second.lane} {second.lane_id}"), []).append(both)
    return [Aggregate(day, Level.PAIR, *group[:4], "", "", group[4], _sums(those)) for group, those in pairs.items()]


def _sums(pairs: Sequence[_Both]) -> dict[str, float]:
    slots = np.array([first.slot for first, _ in pairs], dtype=np.int64)
    positions, won, briers = (
        np.array([[figure(row) for row in both] for both in pairs], dtype=float) for figure in (_position, _won, _brier)
    )
    net = np.array([[_net_bps(row) for row in both] for both in pairs], dtype=float)
    calls = positions != 0
    both_called = calls.all(axis=1)
    right = (won > 0) & calls
    differ = both_called & (right[:, 0] != right[:, 1])
    stated = ~np.isnan(briers).any(axis=1)
    better = np.where(stated, briers[:, 0] - briers[:, 1], 0.0)
    alone = calls & ~calls[:, ::-1]
    sums = {
        "calls": both_called,
        "both_right": right.all(axis=1),
        "first_right": differ & right[:, 0],
        "first_alone": alone[:, 0],
        "first_alone_hits": alone[:, 0] & right[:, 0],
        "second_alone": alone[:, 1],
        "second_alone_hits": alone[:, 1] & right[:, 1],
    }
    codes = np.zeros(len(pairs), dtype=np.int64)
    clustered = (
        ("count", np.ones(len(pairs)), {"bps": net[:, 1] - net[:, 0]}),
        ("differ", differ.astype(float), {"hits": (differ & right[:, 1]).astype(float)}),
        ("stated", stated.astype(float), {"brier": better}),
    )
    found: dict[str, float] = {name: float(np.sum(flags)) for name, flags in sums.items()}
    for count, weights, values in clustered:
        for name, value in write_clusters(codes, slots, weights, values, 1, count).items():
            found[name] = float(value[0])
    return {name: value for name, value in found.items() if value}


def _position(row: CountedSettlement) -> float:
    return row.entry.side.side


def _won(row: CountedSettlement) -> float:
    return row.entry.side.side * (row.settlement.move or 0.0)


def _net_bps(row: CountedSettlement) -> float:
    return _won(row) * BPS - row.entry.cost_bps if row.entry.side.side else 0.0


def _brier(row: CountedSettlement) -> float:
    stated, occurred = stated_of(row.entry, row.settlement)
    return float("nan") if stated is None else (stated - occurred) ** 2
