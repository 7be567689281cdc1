"""Several analysts in a row: the next one answers where the LLM cannot."""

from __future__ import annotations

from loguru import logger

from domain.analysis import Analysis
from domain.errors import LlmUnavailable
from services.analysts.analyst import Analyst
from services.analysts.judgement import Judgement
from services.llm.advisor import count_fallback


class FallbackAnalyst:
    """Asks the first, and when the LLM is unavailable the second, whose answer then says why."""

    def __init__(self, first: Analyst, second: Analyst) -> None:
        self._first = first
        self._second = second

    async def analyze(self, judgement: Judgement) -> Analysis:
        """Return the analysis of the first that has one; every other error is the caller's."""
        try:
            return await self._first.analyze(judgement)
        except LlmUnavailable as unavailable:
            logger.bind(symbol=judgement.context.symbol, reason=unavailable.reason).debug(
                "the rules answer for the LLM"
            )
            reason = count_fallback(unavailable)
        analysis = await self._second.analyze(judgement)
        return analysis.model_copy(update={"fallback_reason": reason})
