"""Candles that trusted clients posted and the store kept."""

from __future__ import annotations

from collections.abc import Collection

from domain.analysis import DataSource
from domain.continuity import since_break
from domain.errors import StorageUnavailable
from domain.market import CandleSeries, Timeframe
from domain.naming.symbols import Symbol
from services.market_data.fetching import SourceFailed
from services.market_data.parsing import series_of
from storage.ports import CandleStore


class StoredSource:
    """Reads stored closed candles; a market without any is normal."""

    def __init__(self, store: CandleStore) -> None:
        self._store = store

    @property
    def name(self) -> DataSource:
        """The `source_data` of an analysis of these candles."""
        return DataSource.STORED

    def lacks(self, symbol: Symbol) -> None:
        """Return None: only the store knows."""

    async def symbols(self) -> Collection[str]:
        """Return the symbols of the stored candles.

        Raises:
            SourceFailed: the store does not answer.
        """
        try:
            return await self._store.candle_symbols()
        except StorageUnavailable as error:
            raise SourceFailed("the store does not answer") from error

    async def candles(self, symbol: str, timeframe: Timeframe, limit: int) -> CandleSeries:
        """Return up to `limit` newest candles, all closed, back to the last long hole; possibly none.

        Raises:
            SourceFailed: the store does not answer, or holds candles that no market produces.
        """
        try:
            candles = await self._store.latest_candles(symbol, timeframe, limit)
        except StorageUnavailable as error:
            raise SourceFailed("the store does not answer") from error
        return since_break(series_of(symbol, timeframe, candles, limit))
