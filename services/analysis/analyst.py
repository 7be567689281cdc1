"""The port of the rules, the LLM and what stands between them."""

from __future__ import annotations

from typing import Protocol

from domain.analysis import Analysis
from rules.judgement import Judgement


class Analyst(Protocol):
    """Turns a judged market into an analysis."""

    async def analyze(self, judgement: Judgement) -> Analysis:
        """Return the analysis of the market; its `source` says who answered."""
