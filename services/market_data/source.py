"""The port to a source of candles."""

from __future__ import annotations

from typing import Protocol

from domain.analysis import DataSource
from domain.market import CandleSeries, Timeframe


class MarketDataSource(Protocol):
    """Gives the newest candles of a market."""

    @property
    def name(self) -> DataSource:
        """The `source_data` of an analysis of these candles."""

    async def candles(self, symbol: str, timeframe: Timeframe, limit: int) -> CandleSeries:
        """Return up to `limit` newest candles, checked, the last one possibly still forming.

        Raises:
            MarketDataUnavailable: the source has none, cannot be reached or answers nonsense.
        """
