"""The nightly self-analysis: the newest days first, and advice only where they are not acceptable."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from loguru import logger

from config.watch_settings import SelfAnalysisSettings
from domain.errors import AppError
from services.llm.cost_report import average_usd_for
from services.reviews.acceptance import WeekOutcome, assess
from services.reviews.findings import ReviewEvidence
from services.reviews.settings import PURPOSE, SelfAnalyses
from storage.document_ports import DocumentStore

# Gets the reason in words.
Retrain = Callable[[str], Awaitable[object]]


class NightlySelfAnalysis:
    """Looks at the newest days; where they are acceptable no LLM is asked, else rules and LLM advise."""

    def __init__(
        self,
        reviews: SelfAnalyses,
        documents: DocumentStore,
        settings: SelfAnalysisSettings,
        retrain: Retrain,
        *,
        asks_llm: bool,
    ) -> None:
        """Keep the parts.

        Args:
            reviews: Makes and keeps the reviews.
            documents: Has the books of the LLM.
            settings: The bounds, and whether advice may begin a training.
            retrain: Queues a training.
            asks_llm: Whether an LLM is configured.
        """
        self._reviews = reviews
        self._documents = documents
        self._settings = settings
        self._retrain = retrain
        self._asks_llm = asks_llm

    async def run(self) -> dict[str, Any]:
        """Look at the newest days once, keep what was found and follow the advice to retrain.

        Returns:
            `outcome` acceptable, insufficient_data, below_bounds; `reasons`; `skipped`; of a skipped one also
            `cost_saved_usd`, what a question like it cost in the past (None where none was paid for or no LLM is
            configured); of another `advice` and `retraining`.

        Raises:
            StorageUnavailable: a store does not answer.
            ModelCorrupt: the registry's file of aliases cannot be read.
        """
        evidence = await self._reviews.evidence()
        found = assess(evidence.week, self._settings)
        result: dict[str, Any] = {"outcome": found.outcome.value, "reasons": list(found.reasons)}
        if found.outcome is not WeekOutcome.BELOW:
            saved = await self._saved_usd()
            kept = await self._reviews.skip(evidence, found, saved)
            said = "what it would have cost is not known" if saved is None else f"about {saved:.4f} USD saved"
            logger.bind(outcome=found.outcome.value, saved_usd=saved).info(f"self-analysis skipped, {said}")
            return result | {"skipped": True, "analysis_id": kept["_id"], "cost_saved_usd": saved}
        reviewed = await self._reviews.analyze(evidence)
        advice = reviewed.advice
        result |= {"skipped": False, "analysis_id": advice["_id"] if advice else None, "advice": _plain(advice)}
        if advice is None:
            result["reasons"].append(reviewed.review.missing)
        return result | {"retraining": await self._follow(evidence, advice)}

    async def _saved_usd(self) -> float | None:
        average = await average_usd_for(self._documents, PURPOSE) if self._asks_llm else None
        return None if average is None else float(average)

    async def _follow(self, evidence: ReviewEvidence, advice: dict[str, Any] | None) -> dict[str, Any]:
        """Queue a training where that is advised and permitted, and return what was done and why."""
        if advice is None or advice["recommendation"] != "retrain":
            return {"asked": False, "reason": "it is not advised"}
        if not self._settings.may_retrain:
            return {"asked": False, "reason": "self_analysis.may_retrain is off"}
        if evidence.model is None:
            return {"asked": False, "reason": "no model is in production: the first one is trained by an operator"}
        reason = f"advised by the self-analysis ({advice['source']}): {advice['reasoning']}"
        try:
            done = await self._retrain(reason)
        except AppError as refusal:
            logger.bind(reason=refusal.message).warning("the training that the self-analysis advises is refused")
            return {"asked": False, "reason": refusal.message}
        return {"asked": True, "reason": reason, "result": done}


_ADVICE = ("recommendation", "confidence", "reasoning", "urgency", "suggested_actions", "source", "fallback_reason")


def _plain(advice: dict[str, Any] | None) -> dict[str, Any] | None:
    return None if advice is None else {name: advice[name] for name in _ADVICE}
