"""Performance of the signals: by the market after them, in the ledger, and by the outcomes that clients reported."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.analysis import AnalysisSource
from domain.feedback import Outcome
from domain.ledger.entries import NEXT_CANDLE, LedgerLane
from domain.values import Signal
from services.ledger.accuracy import Performance, Scored, measure
from services.ledger.feedback import ReportedPerformance, SignalFeedback
from services.ledger.recording.statements import LANE_OF
from services.ledger.scoring.queries import Grouping, RecordQuery
from services.ledger.scoring.records import Record
from services.ledger.scoring.scores import LedgerScores
from utils.clock import Clock

DAYS = 30


@dataclass(frozen=True)
class MeasuredPerformance:
    """Figures of the signals, and the time since the start.

    Attributes:
        timeframe: That of the most calls which callers were given; None without any. `overall` and `by_source` are of
            it, at the horizon of one candle.
        overall: Of what callers were given.
        by_source: Of each lane, beside the others or given.
        given: Records of what callers were given, by timeframe and horizon.
        lanes: Records of each lane.
        reported: By outcomes that clients reported.
    """

    timeframe: str | None
    overall: Performance
    by_source: Mapping[AnalysisSource, Performance]
    given: Sequence[Record]
    lanes: Mapping[AnalysisSource, Sequence[Record]]
    reported: ReportedPerformance
    since: datetime
    uptime: timedelta
    at: datetime


class SignalPerformance:
    """Measures the signals of the last 30 days."""

    def __init__(
        self,
        scores: LedgerScores,
        feedback: SignalFeedback,
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Keep the parts; `monotonic` gives seconds that never jump back."""
        self._scores = scores
        self._feedback = feedback
        self._clock = clock
        self._monotonic = monotonic
        self._started = monotonic()

    async def measure(self) -> MeasuredPerformance:
        """Return the figures.

        Raises:
            StorageUnavailable: a store does not answer.
        """
        now = self._clock.now()
        sides = [
            record for record in await self._scores.given(DAYS, Grouping.SIDE) if record.key.horizon == NEXT_CANDLE
        ]
        calls: Counter[str] = Counter()
        for record in sides:
            calls[record.key.timeframe] += record.count
        timeframe = calls.most_common(1)[0][0] if calls else None
        query = RecordQuery(DAYS, Grouping.SIDE, timeframe=timeframe, horizon=NEXT_CANDLE)
        by_lane = await self._scores.track_record(query)
        lanes = await self._scores.track_record(RecordQuery(DAYS))
        return MeasuredPerformance(
            timeframe=timeframe,
            overall=_measured([record for record in sides if record.key.timeframe == timeframe]),
            by_source={source: _measured(_of(lane, by_lane)) for source, lane in LANE_OF.items()},
            given=await self._scores.given(DAYS),
            lanes={source: _of(lane, lanes) for source, lane in LANE_OF.items()},
            reported=await self._feedback.performance(),
            since=now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=DAYS - 1),
            uptime=timedelta(seconds=self._monotonic() - self._started),
            at=now,
        )


def _of(lane: LedgerLane, records: Sequence[Record]) -> list[Record]:
    return [record for record in records if record.key.lane == lane]


def _measured(sides: Sequence[Record]) -> Performance:
    """Return the figures of records by side; Neutral answers are counted and judge nothing."""
    return measure([scored for record in sides for scored in _scored(record)])


def _scored(record: Record) -> list[Scored]:
    side = Signal(record.key.side or "")
    if side is Signal.NEUTRAL:
        outcomes = {Outcome.NEUTRAL: record.count}
    else:
        outcomes = {Outcome.SUCCESS: record.hits, Outcome.FAILURE: record.count - record.hits}
    confidence = record.confidence or 0.0
    return [
        Scored(record.key.lane, side, outcome, count, known=count, confidence=confidence * count)
        for outcome, count in outcomes.items()
    ]
