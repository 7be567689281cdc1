"""What became of signals: kept for ever, counted once each, and what that says of the service."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from domain.analysis import Analysis, AnalysisSource
from domain.errors import InvalidRequest, StorageUnavailable
from domain.feedback import Feedback, Outcome
from domain.values import Signal
from services.archive_scores import ArchiveScores, SignalScores
from services.performance import Performance, Scored, measure
from storage.document_ports import FEEDBACK, DocumentStore, Total
from storage.ports import Store
from utils import metrics
from utils.clock import Clock

# Of signals that are not, or not yet, in the archive.
UNKNOWN_SOURCE = "unknown"
SOURCES = (*AnalysisSource, UNKNOWN_SOURCE)
# Sums of documents are of whole numbers.
_MILLIONTHS = 1_000_000
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

    def __init__(self, documents: DocumentStore, archive: Store, scores: ArchiveScores, clock: Clock) -> None:
        self._documents = documents
        self._archive = archive
        self._scores = scores
        self._clock = clock
        self._started_at = clock.now()

    async def keep(self, feedback: Feedback, *, trusted: bool) -> bool:
        """Keep an outcome; return False for a signal that has one already.

        A stranger's word is kept and not counted, since it may be invented, and gives way to a trusted client's.

        Raises:
            InvalidRequest: the signal is one of ours, of another symbol.
            StorageUnavailable: it could not be kept.
        """
        analysis = await self._archive.archived_analysis(feedback.signal_id)
        if analysis is not None and analysis.symbol != feedback.symbol:
            raise InvalidRequest(f"signal {feedback.signal_id} is of {analysis.symbol}, not of {feedback.symbol}")
        document = self._document(feedback, analysis, trusted=trusted)
        kept = await self._documents.insert(FEEDBACK, feedback.signal_id, document)
        if not trusted:
            return kept
        if not kept:
            known = await self._documents.get(FEEDBACK, feedback.signal_id)
            if known is None or known.get("trusted", True):
                return False
            await self._documents.put(FEEDBACK, feedback.signal_id, document)
        with suppress(StorageUnavailable):  # it is kept: the next one counts for both
            await self._outcomes()
        return True

    async def performance(self) -> MeasuredPerformance:
        """Return what the outcomes that trusted clients told add up to, and what the market did after signals.

        Raises:
            StorageUnavailable: the store does not answer.
        """
        scored = await self._outcomes()
        scores = await self._scores.measure()
        now = self._clock.now()
        return MeasuredPerformance(
            overall=measure(scored),
            by_source={name: measure([each for each in scored if each.source == name]) for name in SOURCES},
            scores=scores,
            uptime=now - self._started_at,
            at=now,
        )

    async def _outcomes(self) -> list[Scored]:
        """Return the outcomes that trusted clients told, added up, and show their accuracy to whoever watches."""
        totals = await self._documents.totals(
            FEEDBACK,
            _SINCE_EVER,
            ("confidence_known", "confidence_millionths"),
            by="score_group",
            where={"trusted": True},
        )
        scored = [_scored(total) for total in totals]
        if scored:
            metrics.PREDICTION_ACCURACY.set(measure(scored).accuracy)
        return scored

    def _document(self, feedback: Feedback, analysis: Analysis | None, *, trusted: bool) -> dict[str, Any]:
        source = analysis.source if analysis else UNKNOWN_SOURCE
        group = f"{source}|{feedback.predicted_signal}|{feedback.actual_outcome}"
        return {
            **feedback.model_dump(mode="json"),
            "created_at": self._clock.now(),
            "trusted": trusted,
            "source": source,
            "score_group": group,
            "confidence_known": int(analysis is not None),
            "confidence_millionths": round(analysis.confidence * _MILLIONTHS) if analysis else 0,
        }


def _scored(total: Total) -> Scored:
    source, signal, outcome = str(total.group).split("|")
    return Scored(
        source=source,
        signal=Signal(signal),
        outcome=Outcome(outcome),
        count=total.count,
        known=total.sums["confidence_known"],
        confidence=total.sums["confidence_millionths"] / _MILLIONTHS,
    )
