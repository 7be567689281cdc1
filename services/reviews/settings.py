"""Reviews of the service itself: suggestions for its settings, advice on its models."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

from loguru import logger

from config.settings import SignalSettings
from domain.analysis import AnalysisSource
from domain.errors import LlmUnavailable
from features.indicators.technical_indicators import TechnicalIndicators
from models.registry.metadata import ModelMetadata
from services.ledger.scoring.queries import RecordQuery
from services.ledger.scoring.scores import LedgerScores
from services.llm.advisor import Advisor, count_fallback
from services.llm.journal import Journal
from services.reviews.findings import Change, Review, ReviewEvidence, review
from services.reviews.settings_by_llm import held_to_the_facts
from services.reviews.settings_prompt import self_analysis_prompt
from services.reviews.settings_reply import SelfAnalysisReply
from services.reviews.trade_figures import believed_trades
from storage.document_ports import (
    CONFIG_SUGGESTIONS,
    SELF_ANALYSES,
    TRADE_ANALYSES,
    Collection,
    Document,
    DocumentStore,
)
from utils.clock import Clock

PURPOSE = "self_analysis"
DAYS = 30
MAX_TRADES = 2_000
# An operator decides on suggestions; the service changes nothing by itself.
PENDING, NOTHING_TO_CHANGE = "pending", "no_change"


@dataclass(frozen=True)
class SelfAnalysis:
    """A review and its stored documents, None where the figures are too few."""

    review: Review
    suggestions: Document | None
    advice: Document | None


class SelfAnalyses:
    """Makes reviews on request, by rules and by the LLM where one is configured, and lists the stored ones."""

    def __init__(
        self,
        *,
        documents: DocumentStore,
        scores: LedgerScores,
        model: Callable[[], ModelMetadata | None],
        journal: Journal | None,
        indicators: TechnicalIndicators,
        signals: SignalSettings,
        clock: Clock,
    ) -> None:
        """Keep the parts.

        Args:
            documents: Where trades are read and reviews are kept.
            scores: Of the ledger.
            model: Reads the model in production from disk; raises `ModelCorrupt`.
            journal: Asks the LLM; None where none is configured.
            indicators: Hold the settings in force.
            signals: Settings that decide which signals are sent.
            clock: Tells the age of trades.
        """
        self._documents = documents
        self._scores = scores
        self._model = model
        self._advisor = Advisor(journal, SelfAnalysisReply, purpose=PURPOSE) if journal else None
        self._indicators = indicators
        self._signals = signals
        self._clock = clock
        self._lock = asyncio.Lock()

    async def newest(self, collection: Collection, limit: int, days: int) -> list[Document]:
        """Return at most `limit` documents of the last days, newest first, each with its key as `_id` too.

        Raises:
            StorageUnavailable: the store does not answer.
        """
        oldest = self._clock.now() - timedelta(days=days)
        found = await self._documents.newest(collection, limit)
        return [_with_id(collection, document) for document in found if document["created_at"] >= oldest]

    async def analyze(self) -> SelfAnalysis:
        """Review the measured figures and store the result; one review at a time.

        Raises:
            StorageUnavailable: the store does not answer.
            ModelCorrupt: the registry's file of aliases cannot be read.
        """
        async with self._lock:
            evidence = await self._evidence()
            found, origin = await self._judged(evidence, await asyncio.to_thread(review, evidence))
            suggestions = await self._keep(CONFIG_SUGGESTIONS, _suggestions(evidence, found, origin))
            advice = await self._keep(SELF_ANALYSES, _advice(found, origin))
        logger.bind(
            source=origin["source"],
            trades=found.statistics.total_trades,
            recommendation=found.advice.recommendation if found.advice else None,
        ).info("self-analysis completed")
        return SelfAnalysis(found, suggestions, advice)

    async def _evidence(self) -> ReviewEvidence:
        oldest = self._clock.now() - timedelta(days=DAYS)
        reviewed = await self._documents.newest(TRADE_ANALYSES, MAX_TRADES)
        return ReviewEvidence(
            trades=believed_trades(document for document in reviewed if document["created_at"] >= oldest),
            days=DAYS,
            records=await self._scores.track_record(RecordQuery(DAYS)),
            model=await asyncio.to_thread(self._model),
            indicators=self._indicators.settings.model_dump(mode="json"),
            signal=self._signals.model_dump(mode="json"),
        )

    async def _judged(self, evidence: ReviewEvidence, measured: Review) -> tuple[Review, dict[str, Any]]:
        """Return the review, with the LLM's judgement where there is one, and its origin."""
        rules = {"source": AnalysisSource.TECHNICAL, "model": None, "groundedness": None, "fallback_reason": None}
        if self._advisor is None or not (measured.suggestions or measured.advice):
            return measured, rules
        prompt = self_analysis_prompt(evidence)
        try:
            advised = await self._advisor.ask(
                prompt, "", lambda reply, check: held_to_the_facts(reply, prompt.facts, measured, check)
            )
        except LlmUnavailable as unavailable:
            return measured, rules | {"fallback_reason": count_fallback(unavailable)}
        origin = {
            "source": AnalysisSource.LLM,
            "model": advised.model,
            "groundedness": advised.groundedness,
            "fallback_reason": None,
        }
        return advised.value, origin

    async def _keep(self, collection: Collection, document: Document | None) -> Document | None:
        if document is None:
            return None
        now, key = self._clock.now(), uuid4().hex
        kept = {"created_at": now, "timestamp": now.isoformat(), **document}
        await self._documents.put(collection, key, kept)
        return _with_id(collection, {**kept, collection.key_field: key})


def _suggestions(evidence: ReviewEvidence, found: Review, origin: Mapping[str, Any]) -> Document | None:
    if found.suggestions is None:
        return None
    said = found.suggestions
    by_section = {
        section: {change.setting: _change(change) for change in said.changes if change.setting in settings}
        for section, settings in (("indicator", evidence.indicators), ("signal", evidence.signal))
    }
    return {
        "status": PENDING if said.changes else NOTHING_TO_CHANGE,
        "current_config": {"indicators": dict(evidence.indicators), "signal": dict(evidence.signal)},
        "trade_stats": asdict(found.statistics),
        "suggestions": {
            "analysis": {
                "root_cause": said.root_cause,
                "key_issues": list(said.key_issues),
                "data_quality": said.data_quality,
            },
            "indicator_suggestions": by_section["indicator"],
            "signal_suggestions": by_section["signal"],
            "summary": said.summary,
            "confidence": said.confidence,
            "auto_apply_safe": False,
            "risk_assessment": said.risk_assessment,
            **origin,
        },
        "applied_changes": [],
    }


def _advice(found: Review, origin: Mapping[str, Any]) -> Document | None:
    if found.advice is None:
        return None
    return {**asdict(found.advice), "suggested_actions": list(found.advice.suggested_actions), **origin}


def _change(change: Change) -> dict[str, Any]:
    return {"current": change.current, "suggested": change.suggested, "reason": change.reason}


def _with_id(collection: Collection, document: Document) -> dict[str, Any]:
    return {"_id": document[collection.key_field], **document}
