"""The port to an analyst: the rules, the LLM, or one with a fallback."""

from __future__ import annotations

from typing import Protocol

from domain.analysis import Analysis
from rules.judgement import Judgement


class Analyst(Protocol):
    """Turns a judged market into an analysis."""

    async def analyze(self, judgement: Judgement) -> Analysis:
        """Return the analysis of the market; its `source` names the analyst."""
