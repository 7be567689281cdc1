"""Several analysts in a row: the next one answers where the LLM cannot."""

from __future__ import annotations

from loguru import logger

from domain.analysis import Analysis
from domain.errors import LlmUnavailable
from services.analysts.analyst import Analyst
from services.analysts.context import MarketContext
from utils import metrics


class FallbackAnalyst:
    """Asks the first, and when the LLM is unavailable the second, whose answer then says why."""

    def __init__(self, first: Analyst, second: Analyst) -> None:
        self._first = first
        self._second = second

    async def analyze(self, context: MarketContext) -> Analysis:
        """Return the analysis of the first that has one; every other error is the caller's."""
        try:
            return await self._first.analyze(context)
        except LlmUnavailable as unavailable:
            metrics.LLM_FALLBACKS.labels(unavailable.reason).inc()
            logger.bind(symbol=context.symbol, reason=unavailable.reason).debug("the rules answer for the LLM")
            reason = f"{unavailable.reason}: {unavailable.message}"
        analysis = await self._second.analyze(context)
        return analysis.model_copy(update={"fallback_reason": reason})
