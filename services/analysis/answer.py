"""What a query is answered with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from domain.analysis import Analysis, MarketSnapshot

# Is given the market of each analysis that the service makes by itself.
Follow = Callable[[MarketSnapshot], Awaitable[None]]


@dataclass(frozen=True)
class Answer:
    """An analysis, whether it was found in the cache or made for this query, and whether it is of the market now.

    Analyses of old candles and replays are not: they are neither broadcast nor cached nor archived, and never scored.
    `snapshot` is the market of one that was made.
    """

    analysis: Analysis
    cached: bool
    current: bool = True
    snapshot: MarketSnapshot | None = None
