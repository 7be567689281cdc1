"""Several analysts in a row: the next one answers where the LLM cannot."""

from __future__ import annotations

import asyncio

from loguru import logger

from domain.analysis import Analysis
from domain.errors import LlmUnavailable
from rules.judgement import Judgement
from services.analysis.analyst import Analyst
from services.llm.advisor import count_fallback

STOPPING = "stopping"


class FallbackAnalyst:
    """Asks the first, and when the LLM is unavailable the second, whose answer then says why."""

    def __init__(self, first: Analyst, second: Analyst, stopping: asyncio.Event) -> None:
        """Take the analysts, and what is set once the service stops and nobody waits for the first any longer."""
        self._first = first
        self._second = second
        self._stopping = stopping

    async def analyze(self, judgement: Judgement) -> Analysis:
        """Return the analysis of the first that has one; every other error is the caller's."""
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
        """Return the first's analysis, unless the service stops before it comes.

        A reply that comes before the process ends is still on record: only the wait for it ends.
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
