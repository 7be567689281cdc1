"""Plans are open for many stretches: the intervals of their results against simulated markets, where the truth is 0."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from domain.ledger.entries import PLAN
from domain.trading.evidence import EvidenceVerdict
from services.ledger.scoring.clusters import RecordGroup, span_of_plans, write_clusters
from services.ledger.scoring.counted_settlements import Floats
from services.ledger.scoring.records import Record, RecordKey, records_of

DAY = date(2018, 1, 1)
RUNS, DAYS, MARKETS = 100, 600, 4
LOOKS = (30, 100, 200, 300, 400, 500, 600)
# Days that a plan of hourly candles may be open, and those that a market keeps its side.
OPEN, KEEPS = 10, 15


def results(stop: float) -> Floats:
    """Return the results in R of a plan a day and market, by run, day and market.

    Markets are random walks whose steps have a correlation of 0.8. Plans end at the first close beyond their stop,
    which is that many daily deviations away, or beyond their target, which is twice as far, or after ten days. They
    take one side, which changes by chance alone: so they are worth nothing on average, and those of one market share
    most of its moves while they are open.
    """
    random = np.random.default_rng(8)
    common = random.normal(size=(RUNS, DAYS + OPEN, 1))
    steps = np.sqrt(0.8) * common + np.sqrt(0.2) * random.normal(size=(RUNS, DAYS + OPEN, MARKETS))
    changes = np.cumsum(random.random((RUNS, DAYS, 1)) < 1 / KEEPS, axis=1)
    sides = np.where((changes + random.integers(0, 2, (RUNS, 1, 1))) % 2, 1.0, -1.0)
    walk = np.concatenate([np.zeros((RUNS, 1, MARKETS)), steps.cumsum(axis=1)], axis=1)
    found, ended = np.zeros((RUNS, DAYS, MARKETS)), np.zeros((RUNS, DAYS, MARKETS), dtype=bool)
    for held in range(1, OPEN + 1):
        won = sides * (walk[:, held : held + DAYS] - walk[:, :DAYS]) / stop
        found = np.where(ended, found, won)
        ended |= (won <= -1) | (won >= 2)
    return found


def records(results: Floats, *, one_stretch: bool = False) -> list[list[Record]]:
    """Return the record of each run at each look, from sums by day; with `one_stretch`, each day is a cluster."""
    groups = {RecordKey("rules", "1h", PLAN, bin=str(run)): RecordGroup(DAY, DAY, {}) for run in range(len(results))}
    stretches = np.repeat(np.arange(DAYS), MARKETS)
    sums = []
    for own in results:
        r, counts = own.reshape(-1), np.ones(DAYS * MARKETS)
        values = {"r": r, "hits": (r > 0).astype(float), "bps": 100 * r}
        by_name = write_clusters(stretches, stretches, counts, values, DAYS)
        sums.append([dict(zip(by_name, of_day, strict=True)) for of_day in np.stack([*by_name.values()], 1).tolist()])
    found = []
    for begin, end in zip((0, *LOOKS), LOOKS, strict=False):
        for group, of_run in zip(groups.values(), sums, strict=True):
            for number in range(begin, end):
                day = DAY + timedelta(days=number)
                group.add(day, of_run[number], None if one_stretch else span_of_plans("1h", day))
        found.append(records_of(groups, {}))
    return found


def covered(found: list[list[Record]]) -> float:
    """Return the share of runs whose interval held 0 at every look."""

    def holds(record: Record) -> bool:
        return record.r_low is None or record.r_high is None or record.r_low <= 0 <= record.r_high

    return float(np.mean([all(map(holds, looks)) for looks in zip(*found, strict=True)]))


def test_the_interval_holds_the_truth_of_plans_that_are_open_at_the_same_time() -> None:
    """With clusters of one stretch it does not, although the markets of a stretch are one cluster."""
    long_open = results(stop=2.5)
    found = records(long_open)
    assert covered(found) >= 0.94
    assert covered(records(long_open, one_stretch=True)) < 0.6
    # It says something, too: hundreds of plans are tens of independent ones.
    assert all(record.r_low is not None and 100 < record.effective < 300 for record in found[-1])
    assert {record.count for record in found[-1]} == {DAYS * MARKETS}


def test_the_interval_holds_the_truth_of_plans_that_end_soon() -> None:
    soon = results(stop=1.0)
    assert covered(records(soon)) >= 0.94
    assert covered(records(soon, one_stretch=True)) < 0.8


def test_plans_of_less_than_twenty_spans_count_as_one_each_and_are_insufficient() -> None:
    found = records(results(stop=2.5)[:20])
    early = [record for looks in found[:2] for record in looks]
    assert {record.verdict for record in early} == {EvidenceVerdict.INSUFFICIENT}
    assert all(record.effective <= 11 and record.r_low is None and record.r_high is None for record in early)


def test_a_span_is_whole_days_and_as_long_as_a_plan_can_be_open() -> None:
    days = [DAY + timedelta(days=number) for number in range(2_000)]
    lengths = {"1m": 1, "5m": 1, "15m": 3, "30m": 5, "1h": 10, "4h": 40, "1d": 240}
    for timeframe, length in lengths.items():
        spans = [span_of_plans(timeframe, day) for day in days]
        assert spans == sorted(spans)
        _, counts = np.unique(spans, return_counts=True)
        assert set(counts[1:-1].tolist()) == {length}
