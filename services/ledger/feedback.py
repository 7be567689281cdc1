"""What became of signals: kept for ever, counted once each, and what that says of the service."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from loguru import logger
from pydantic import ValidationError

from domain.analysis import Analysis, AnalysisSource
from domain.errors import InvalidRequest, StorageUnavailable
from domain.feedback import Feedback, Outcome
from domain.values import Signal
from services.ledger.archive_scores import ArchiveScores, SignalScores
from services.ledger.performance import Performance, Scored, measure
from storage.document_ports import FEEDBACK, FEEDBACK_TO_COUNT, LastingDocuments, Total
from storage.ports import SignalArchive
from utils import metrics
from utils.clock import Clock

# Of signals that are not, or not yet, in the archive.
UNKNOWN_SOURCE = "unknown"
SOURCES = (*AnalysisSource, UNKNOWN_SOURCE)
# Sums of documents are of whole numbers.
_MILLIONTHS = 1_000_000
# Of the time in which the store was down.
MAX_WAITING = 10_000
_SINCE_EVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class MeasuredPerformance:
    """All signals together, those of each source, and how long the service has been running.

    Attributes:
        overall: By the outcomes that clients told.
        by_source: The same.
        scores: By what the market did after the archived signals.
    """

    overall: Performance
    by_source: Mapping[str, Performance]
    scores: SignalScores
    uptime: timedelta
    at: datetime


class SignalFeedback:
    """Keeps outcomes in the document store, beside what the archive knows of the signal."""

    def __init__(
        self,
        documents: LastingDocuments,
        archive: SignalArchive,
        scores: ArchiveScores,
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Keep the parts; `monotonic` gives seconds that never jump back, for the time since the start."""
        self._documents = documents
        self._archive = archive
        self._scores = scores
        self._clock = clock
        self._monotonic = monotonic
        self._started = monotonic()
        self._some_wait = True  # perhaps, of an earlier process

    async def keep(self, feedback: Feedback, *, trusted: bool) -> bool:
        """Keep an outcome; return False for a signal that has one already.

        A stranger's word is kept and not counted, since it may be invented, and gives way to a trusted client's. While
        the store is down the outcome waits, and is compared with what is known when the store is back.

        Raises:
            InvalidRequest: the signal is one of ours, of another symbol.
            StorageUnavailable: neither the store nor the spool takes it.
        """
        try:
            await self._count_waiting()
            kept = await self._count(feedback, trusted=trusted)
        except StorageUnavailable:
            self._some_wait = True
            content = {
                "created_at": self._clock.now(),
                "feedback": feedback.model_dump(mode="json"),
                "trusted": trusted,
            }
            key = feedback.signal_id if trusted else f"stranger {feedback.signal_id}"
            self._documents.put_later(FEEDBACK_TO_COUNT, key, content, once=True)
            await self._documents.settle()
            return True
        if kept and trusted:
            with suppress(StorageUnavailable):  # it is kept: the next one counts for both
                await self._outcomes()
        return kept

    async def _count(self, feedback: Feedback, *, trusted: bool) -> bool:
        analysis = await self._archive.archived_analysis(feedback.signal_id)
        if analysis is not None and analysis.symbol != feedback.symbol:
            raise InvalidRequest(f"signal {feedback.signal_id} is of {analysis.symbol}, not of {feedback.symbol}")
        document = self._document(feedback, analysis, trusted=trusted)
        kept = await self._documents.insert(FEEDBACK, feedback.signal_id, document)
        if trusted and not kept:
            known = await self._documents.get(FEEDBACK, feedback.signal_id)
            if known is not None and not known.get("trusted", True):
                await self._documents.put(FEEDBACK, feedback.signal_id, document)
                return True
        return kept

    async def _count_waiting(self) -> None:
        """Count what clients told while the store was down, or before an earlier process ended; the first came first.

        Raises:
            StorageUnavailable: it is down still.
        """
        if not self._some_wait:
            return
        for waiting in reversed(await self._documents.newest(FEEDBACK_TO_COUNT, MAX_WAITING)):
            try:
                await self._count(Feedback.model_validate(waiting["feedback"]), trusted=waiting["trusted"])
            except (InvalidRequest, ValidationError) as error:
                logger.bind(signal_id=waiting["feedback_id"], reason=str(error)).error("feedback does not count")
            self._documents.discard_later(FEEDBACK_TO_COUNT, waiting["feedback_id"])
        self._some_wait = False

    async def performance(self) -> MeasuredPerformance:
        """Return what the outcomes that trusted clients told add up to, and what the market did after signals.

        Raises:
            StorageUnavailable: the store does not answer.
        """
        await self._count_waiting()
        scored = await self._outcomes()
        scores = await self._scores.measure()
        return MeasuredPerformance(
            overall=measure(scored),
            by_source={name: measure([each for each in scored if each.source == name]) for name in SOURCES},
            scores=scores,
            uptime=timedelta(seconds=self._monotonic() - self._started),
            at=self._clock.now(),
        )

    async def _outcomes(self) -> list[Scored]:
        """Return the outcomes that trusted clients told, added up, and show their accuracy to whoever watches."""
        totals = await self._documents.totals(
            FEEDBACK,
            _SINCE_EVER,
            ("confidence_known", "confidence_millionths"),
            by=["source", "predicted_signal", "actual_outcome"],
            where={"trusted": True},
        )
        scored = [_scored(total) for total in totals]
        if scored:
            metrics.PREDICTION_ACCURACY.set(measure(scored).accuracy)
        return scored

    def _document(self, feedback: Feedback, analysis: Analysis | None, *, trusted: bool) -> dict[str, Any]:
        source = analysis.source if analysis else UNKNOWN_SOURCE
        return {
            **feedback.model_dump(mode="json"),
            "created_at": self._clock.now(),
            "trusted": trusted,
            "source": source,
            "confidence_known": int(analysis is not None),
            "confidence_millionths": round(analysis.confidence * _MILLIONTHS) if analysis else 0,
        }


def _scored(total: Total) -> Scored:
    source, signal, outcome = map(str, total.group)
    return Scored(
        source=source,
        signal=Signal(signal),
        outcome=Outcome(outcome),
        count=total.count,
        known=total.sums["confidence_known"],
        confidence=total.sums["confidence_millionths"] / _MILLIONTHS,
    )
