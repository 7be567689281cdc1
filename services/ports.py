"""What the use cases need from others: somebody who analyses, somebody who has candles."""

from __future__ import annotations

from typing import Protocol

from domain.analysis import Analysis, DataSource
from domain.market import CandleSeries, Timeframe
from services.analysts.context import MarketContext


class Analyst(Protocol):
    """Turns a market context into an analysis."""

    async def analyze(self, context: MarketContext) -> Analysis:
        """Return the analysis of the context; its `source` says who answered."""


class MarketDataSource(Protocol):
    """Gives the newest candles of a market."""

    @property
    def name(self) -> DataSource:
        """What an analysis of these candles carries as `source_data`."""

    async def candles(self, symbol: str, timeframe: Timeframe, limit: int) -> CandleSeries:
        """Return up to `limit` newest candles, checked, the last one possibly still forming.

        Raises:
            MarketDataUnavailable: the source has none, cannot be reached or answers nonsense.
        """
