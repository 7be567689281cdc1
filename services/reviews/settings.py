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
from services.reviews.acceptance import Assessment
from services.reviews.findings import Change, Review, ReviewEvidence, review
from services.reviews.settings_by_llm import held_to_the_facts
from services.reviews.settings_prompt import self_analysis_prompt
from services.reviews.settings_reply import SelfAnalysisReply
from services.reviews.trade_figures import believed_trades
from services.reviews.week import WeekReader
from storage.document_ports import (
    CONFIG_SUGGESTIONS,
    SELF_ANALYSES,
    TRADE_ANALYSES,
    Collection,
    Document,
    DocumentStore,
    DocumentWrite,
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
        week: WeekReader,
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
            week: Reads the newest days.
            model: Reads the model in production from disk; raises `ModelCorrupt`.
            journal: Asks the LLM; None where none is configured.
            indicators: Hold the settings in force.
            signals: Settings that decide which signals are sent.
            clock: Tells the age of trades.
        """
        self._documents = documents
        self._scores = scores
        self._week = week
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

    async def analyze(self, evidence: ReviewEvidence | None = None) -> SelfAnalysis:
        """Review the measured figures and store the result; one review at a time.

        Args:
            evidence: As it was read already; None reads it.

        Raises:
            StorageUnavailable: the store does not answer.
            ModelCorrupt: the registry's file of aliases cannot be read.
        """
        async with self._lock:
            evidence = evidence or await self.evidence()
            found, origin = await self._judged(evidence, await asyncio.to_thread(review, evidence))
            suggestions = await self._keep(CONFIG_SUGGESTIONS, _suggestions(evidence, found, origin))
            advice = await self._keep(SELF_ANALYSES, _advice(evidence, found, origin))
        logger.bind(
            source=origin["source"],
            trades=found.statistics.total_trades,
            recommendation=found.advice.recommendation if found.advice else None,
        ).info("self-analysis completed")
        return SelfAnalysis(found, suggestions, advice)

    async def skip(self, evidence: ReviewEvidence, found: Assessment, saved_usd: float | None) -> Document:
        """Store and return that no advice was asked for.

        Args:
            evidence: What was measured.
            found: Why.
            saved_usd: What the question would have cost; None where that is not known.

        Raises:
            StorageUnavailable: neither the store nor the spool takes it.
        """
        return await self._keep_one(
            SELF_ANALYSES,
            {
                "recommendation": "wait",
                "confidence": None,
                "reasoning": "; ".join(found.reasons),
                "urgency": "low",
                "suggested_actions": [],
                "source": AnalysisSource.TECHNICAL,
                "model": None,
                "groundedness": None,
                "fallback_reason": None,
                "skipped": True,
                "outcome": found.outcome.value,
                "cost_saved_usd": saved_usd,
                "week": evidence.week.facts,
            },
        )

    async def evidence(self) -> ReviewEvidence:
        """Read the figures; raises as `analyze`."""
        oldest = self._clock.now() - timedelta(days=DAYS)
        # By the store: strangers could report so many that the newest are all theirs.
        reviewed = await self._documents.newest(TRADE_ANALYSES, MAX_TRADES, {"trusted": True})
        model = await asyncio.to_thread(self._model)
        return ReviewEvidence(
            trades=believed_trades(document for document in reviewed if document["created_at"] >= oldest),
            days=DAYS,
            records=await self._scores.track_record(RecordQuery(DAYS)),
            model=model,
            indicators=self._indicators.settings.model_dump(mode="json"),
            signal=self._signals.model_dump(mode="json"),
            week=await self._week.read(model),
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
        return None if document is None else await self._keep_one(collection, document)

    async def _keep_one(self, collection: Collection, document: Document) -> Document:
        now, key = self._clock.now(), uuid4().hex
        kept = {"created_at": now, "timestamp": now.isoformat(), **document}
        await self._documents.put_many(collection, [DocumentWrite(key, kept, once=True)])
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


def _advice(evidence: ReviewEvidence, found: Review, origin: Mapping[str, Any]) -> Document | None:
    if found.advice is None:
        return None
    advice = {**asdict(found.advice), "suggested_actions": list(found.advice.suggested_actions)}
    return {**advice, **origin, "skipped": False, "week": evidence.week.facts}


def _change(change: Change) -> dict[str, Any]:
    return {"current": change.current, "suggested": change.suggested, "reason": change.reason}


def _with_id(collection: Collection, document: Document) -> dict[str, Any]:
    return {"_id": document[collection.key_field], **document}
