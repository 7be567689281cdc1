"""The port of the rules, the LLM and what stands between them."""

from __future__ import annotations

from typing import Protocol

from domain.analysis import Analysis
from services.analysts.context import MarketContext


class Analyst(Protocol):
    """Turns a market context into an analysis."""

    async def analyze(self, context: MarketContext) -> Analysis:
        """Return the analysis of the context; its `source` says who answered."""
