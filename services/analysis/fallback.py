"""The fallback of the LLM: the rules answer where it cannot."""

from __future__ import annotations

import asyncio

from loguru import logger

from domain.analysis import Analysis
from domain.errors import LlmUnavailable
from rules.judgement import Judgement
from services.analysis.analyst import Analyst
from services.llm.advisor import count_fallback
from utils import metrics

STOPPING = "stopping"


class FallbackAnalyst:
    """Asks the first analyst, and the second when the LLM is unavailable; the answer then has the reason."""

    def __init__(self, first: Analyst, second: Analyst, stopping: asyncio.Event) -> None:
        """Keep the analysts, and the event that ends the wait for the first when the service stops."""
        self._first = first
        self._second = second
        self._stopping = stopping
        metrics.start_at_zero(metrics.LLM_FALLBACKS, [STOPPING])

    async def analyze(self, judgement: Judgement) -> Analysis:
        """Return the analysis of the first analyst that has one; other errors are raised."""
        try:
            return await self._of_the_first(judgement)
        except LlmUnavailable as unavailable:
            logger.bind(symbol=judgement.context.symbol, reason=unavailable.reason).debug(
                "the rules answer for the LLM"
            )
            reason = count_fallback(unavailable)
        analysis = await self._second.analyze(judgement)
        return analysis.model_copy(update={"fallback_reason": reason})

    async def _of_the_first(self, judgement: Judgement) -> Analysis:
        """Return the first analyst's analysis, unless the service stops before.

        A reply that arrives before the process ends is still stored: only the wait for it ends.
        """
        asking = asyncio.ensure_future(self._first.analyze(judgement))
        stopped = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait({asking, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                raise LlmUnavailable("the LLM is no longer waited for: the service stops", STOPPING)
            return asking.result()
        finally:
            asking.cancel()
            stopped.cancel()
