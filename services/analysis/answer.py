"""What a query is answered with."""

from __future__ import annotations

from dataclasses import dataclass

from domain.analysis import Analysis


@dataclass(frozen=True)
class Answer:
    """An analysis, whether it was found in the cache or made for this query, and whether it is of the market now.

    Analyses of old candles and replays are not: they are neither broadcast nor cached nor archived, and never scored.
    """

    analysis: Analysis
    cached: bool
    current: bool = True
