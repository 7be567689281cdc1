"""Outcomes of signals that clients report: stored without expiry, counted once, added up."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from loguru import logger
from pydantic import ValidationError

from domain.analysis import Analysis, AnalysisSource
from domain.errors import InvalidRequest, StorageUnavailable
from domain.feedback import Feedback, Outcome
from domain.values import EPOCH, Signal
from services.ledger.accuracy import Performance, Scored, measure
from storage.document_ports import FEEDBACK, FEEDBACK_TO_COUNT, Document, LastingDocuments, Total
from storage.ports import SignalArchive
from utils import metrics
from utils.clock import Clock

# Source of signals that are not in the archive.
UNKNOWN_SOURCE = "unknown"
SOURCES = (*AnalysisSource, UNKNOWN_SOURCE)
# Sums of documents are of whole numbers.
_MILLIONTHS = 1_000_000
# Outcomes that wait while the store is down.
MAX_WAITING = 10_000
# Pause before stored outcomes are read again.
RETRY_SECONDS = 5.0


@dataclass(frozen=True)
class ReportedPerformance:
    """Figures by the outcomes that trusted clients reported, of all signals and of each source."""

    overall: Performance
    by_source: Mapping[str, Performance]


class SignalFeedback:
    """Keeps outcomes in the document store, with source and confidence of the signal from the archive."""

    def __init__(
        self,
        documents: LastingDocuments,
        archive: SignalArchive,
        clock: Clock,
    ) -> None:
        self._documents = documents
        self._archive = archive
        self._clock = clock
        self._some_wait = True  # perhaps, of an earlier process
        self._counting = asyncio.Lock()

    async def restore(self) -> None:
        """Count the outcomes that wait, and set the metric of the accuracy, as soon as the store answers."""
        while True:
            with suppress(StorageUnavailable):
                await self._count_waiting()
                await self._outcomes()
                return
            await asyncio.sleep(RETRY_SECONDS)

    async def keep(self, feedback: Feedback, *, trusted: bool) -> bool:
        """Keep an outcome; return False for a signal that has one already.

        A stranger's outcome is stored and not counted, since it may be invented, and a trusted client's replaces it.
        While the store is down the outcome waits, and is compared with the stored ones when the store is back.

        Raises:
            InvalidRequest: the signal is one of ours, and of another symbol or side.
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
            with suppress(StorageUnavailable):  # it is stored: the next outcome counts both
                await self._outcomes()
        return kept

    async def _count(self, feedback: Feedback, *, trusted: bool) -> bool:
        analysis = await self._archive.archived_analysis(feedback.signal_id)
        if analysis is not None and analysis.symbol != feedback.symbol:
            raise InvalidRequest(
                f"signal {feedback.signal_id} is of {analysis.symbol}, not of {feedback.symbol}", "symbol"
            )
        if analysis is not None and analysis.signal is not feedback.predicted_signal:
            raise InvalidRequest(
                f"signal {feedback.signal_id} was {analysis.signal}, not {feedback.predicted_signal}: "
                "predicted_signal needs to be the signal that was given",
                "predicted_signal",
            )
        document = self._document(feedback, analysis, trusted=trusted)
        kept = await self._documents.insert(FEEDBACK, feedback.signal_id, document)
        if trusted and not kept:
            known = await self._documents.get(FEEDBACK, feedback.signal_id)
            if known is not None and not known.get("trusted", True):
                await self._documents.put(FEEDBACK, feedback.signal_id, document)
                return True
        return kept

    async def _count_waiting(self) -> None:
        """Count outcomes reported while the store was down or to an earlier process, oldest first.

        Raises:
            StorageUnavailable: the store is still down.
        """
        async with self._counting:
            if not self._some_wait:
                return
            self._some_wait = False  # before the read: what comes to wait during it is counted by the next call
            try:
                if not await self._documents.flush():
                    raise StorageUnavailable("outcomes that wait may be on their way to the store")
                await self._count_these(await self._documents.newest(FEEDBACK_TO_COUNT, MAX_WAITING))
            except BaseException:
                self._some_wait = True
                raise

    async def _count_these(self, waiting: Sequence[Document]) -> None:
        for one in reversed(waiting):
            try:
                await self._count(Feedback.model_validate(one["feedback"]), trusted=one["trusted"])
            except (InvalidRequest, ValidationError) as error:
                logger.bind(signal_id=one["feedback_id"], reason=str(error)).error("feedback does not count")
            self._documents.discard_later(FEEDBACK_TO_COUNT, one["feedback_id"])

    async def performance(self) -> ReportedPerformance:
        """Return the figures of outcomes that trusted clients reported.

        Raises:
            StorageUnavailable: the store does not answer.
        """
        await self._count_waiting()
        scored = await self._outcomes()
        return ReportedPerformance(
            overall=measure(scored),
            by_source={name: measure([group for group in scored if group.source == name]) for name in SOURCES},
        )

    async def _outcomes(self) -> list[Scored]:
        """Return the outcomes that trusted clients reported, added up, and set the metric of their accuracy."""
        totals = await self._documents.totals(
            FEEDBACK,
            EPOCH,
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
