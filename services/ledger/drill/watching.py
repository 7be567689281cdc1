"""What a drill finds when it looks at the records day after day, and whether that is what it had to find."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from domain.ledger.entries import PLAN
from domain.trading.evidence import LIFT, EvidenceVerdict
from services.ledger.scoring.records import Record

# Verdicts that must not occur without an edge.
_FALSE = {*LIFT, EvidenceVerdict.INVERTED}
_FAIR_SHARE = 0.5


@dataclass
class WatchedRecord:
    """A lane at one horizon: its newest record, and what the looks of all days found.

    Attributes:
        record: As of the last look.
        lift_day: Number of the first day, 1 and on, whose look found it weak or positive; None: no look did.
        false_verdict: The first verdict that says more than none, whatever the truth; None: there was none.
        covers: Whether the intervals had the truth of a fair game (half of the calls right, a mean of zero) in them at
            every look; None before there is any interval.
        left_out: Names of the figures whose interval once left it out.
    """

    record: Record
    lift_day: int | None = None
    false_verdict: EvidenceVerdict | None = None
    covers: bool | None = None
    left_out: set[str] = field(default_factory=set)


class Watch:
    """Looks at all records once a day."""

    def __init__(self) -> None:
        """Begin without a look."""
        self._watched: dict[tuple[str, int], WatchedRecord] = {}

    @property
    def watched(self) -> list[WatchedRecord]:
        """The records in the order of lanes and horizons."""
        return list(self._watched.values())

    def look(self, day: int, records: Sequence[Record]) -> None:
        """Compare the records of a day with the truth; `day` is its number, 1 and on."""
        for record in records:
            known = self._watched.setdefault((record.key.lane, record.key.horizon), WatchedRecord(record))
            known.record = record
            if record.verdict in LIFT and known.lift_day is None:
                known.lift_day = day
            if record.verdict in _FALSE and known.false_verdict is None:
                known.false_verdict = record.verdict
            for name, low, high, truth in _intervals(record):
                known.left_out |= set() if low <= truth <= high else {name}
                known.covers = not known.left_out


def _intervals(record: Record) -> Iterator[tuple[str, float, float, float]]:
    """Yield the intervals of a record beside what a fair game has."""
    if record.key.horizon == PLAN:
        if record.r_low is not None and record.r_high is not None:
            yield "r", record.r_low, record.r_high, 0.0
        return
    if record.low is not None and record.high is not None:
        yield "hit_rate", record.low, record.high, _FAIR_SHARE
    if record.bps_low is not None and record.bps_high is not None:
        yield "bps", record.bps_low, record.bps_high, 0.0
