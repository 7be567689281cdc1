"""Candles that the trading engine keeps in MongoDB."""

from __future__ import annotations

import msgspec

from domain.analysis import DataSource
from domain.errors import StorageUnavailable
from domain.market import Candle, CandleSeries, Timeframe
from domain.naming.symbols import Symbol
from services.market_data.fetching import REST_SECONDS, SourceFailed
from services.market_data.parsing import CandlePrice, CandleTime, CandleVolume, candle_of, converted, series_of
from services.market_data.source import COINS, lacks_kind
from storage.ports import EngineCandles


class _Row(msgspec.Struct, gc=False):
    """A document of the engine."""

    open_time: CandleTime
    open_price: CandlePrice
    high_price: CandlePrice
    low_price: CandlePrice
    close_price: CandlePrice
    volume: CandleVolume

    def candle(self) -> Candle:
        prices = self.open_price, self.high_price, self.low_price, self.close_price
        return candle_of(self.open_time, *prices, self.volume)


class EngineDatabaseSource:
    """Reads the engine's candles, also while the engine itself is down."""

    def __init__(self, candles: EngineCandles) -> None:
        self._candles = candles

    @property
    def name(self) -> DataSource:
        """The `source_data` of an analysis of these candles."""
        return DataSource.ENGINE_DB

    def lacks(self, symbol: Symbol) -> str | None:
        """Return why the engine cannot have such a symbol: it trades coins."""
        return lacks_kind(symbol, COINS)

    async def candles(self, symbol: str, timeframe: Timeframe, limit: int) -> CandleSeries:
        """Return up to `limit` newest candles, the last one possibly still forming; possibly none.

        Raises:
            SourceFailed: the database does not answer, or holds candles that no market produces.
        """
        try:
            rows = await self._candles.newest(symbol, timeframe, limit)
        except StorageUnavailable as error:
            raise SourceFailed("the engine's database does not answer", REST_SECONDS) from error
        return series_of(symbol, timeframe, (row.candle() for row in converted(rows, list[_Row])), limit)
