"""What a drill measured, and where it did not find what it had to find."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from domain.ledger.entries import LedgerLane
from services.ledger.drill.parameters import DrillParameters
from services.ledger.drill.watching import WatchedRecord


@dataclass(frozen=True)
class LaneCount:
    """How many entries a lane has, and how many of them are Neutral."""

    entries: int
    neutral: int

    @property
    def neutral_share(self) -> float:
        """Share of Neutral entries, 0..1."""
        return self.neutral / self.entries if self.entries else 0.0


@dataclass(frozen=True)
class DrillTimes:
    """Measured seconds of the machine's clock.

    Attributes:
        judging: Making the answers, the Recorder included.
        appending: Writing entries into the ledger.
        settling: The settler, without the next.
        adding_up: Computing the sums of days from what the store gave.
        scores: The median of the daily questions for the records of all lanes.
        slowest_scores: The slowest of them; the first one also loads what it needs.
    """

    judging: float
    appending: float
    settling: float
    adding_up: float
    scores: float
    slowest_scores: float


@dataclass(frozen=True)
class DrillResult:
    """What a drill measured; everything in it is simulated but the seconds.

    Attributes:
        parameters: What was asked for.
        answers: Analyses that were given.
        lanes: Counts of entries.
        owed: Horizons of all entries.
        settled: Of them, those that were settled.
        waiting: Horizons that the ledger still has to settle.
        watched: The records of lanes and horizons.
        seconds: Measured.
    """

    parameters: DrillParameters
    answers: int
    lanes: Mapping[LedgerLane, LaneCount]
    owed: int
    settled: int
    waiting: int
    watched: tuple[WatchedRecord, ...]
    seconds: DrillTimes

    @property
    def entries(self) -> int:
        """Number of entries of all lanes."""
        return sum(lane.entries for lane in self.lanes.values())

    @property
    def neutral_share(self) -> float:
        """Share of Neutral entries of all lanes, 0..1."""
        return sum(lane.neutral for lane in self.lanes.values()) / self.entries if self.entries else 0.0

    @property
    def found_day(self) -> int | None:
        """Number of the first day on which a lane had lift; None: no lane ever had."""
        return min((known.lift_day for known in self.watched if known.lift_day is not None), default=None)

    def failures(self) -> Iterator[str]:
        """Yield in words what had to come out otherwise; nothing where all is as it must be."""
        if self.settled != self.owed or self.waiting:
            yield f"{self.settled:,} of {self.owed:,} horizons were settled, and {self.waiting:,} still wait"
        if self.parameters.walk.edge:
            if self.found_day is None:
                yield "the planted edge was not found"
            return
        for known in self.watched:
            place = f"{known.record.key.lane}, horizon {known.record.key.horizon or 'plan'}"
            if known.false_verdict is not None:
                yield f"{place}: the verdict was {known.false_verdict} on candles without any edge"
            if known.left_out:
                yield f"{place}: the interval of {', '.join(sorted(known.left_out))} left the truth out"
        if self.neutral_share <= 0.5:
            yield f"only {self.neutral_share:.0%} of the entries are Neutral on candles without any edge"
