"""Candles that trusted clients posted and the store kept."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress

from domain.analysis import DataSource
from domain.continuity import since_break
from domain.errors import StorageUnavailable
from domain.market import Candle, CandleSeries, Timeframe
from domain.naming.symbols import Symbol
from services.market_data.fetching import SourceFailed
from services.market_data.parsing import series_of
from storage.ports import CandleKey, CandleStore

# A candle is made of at most so many shorter ones: a day of hours.
MAX_JOINED = 24


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
            raise SourceFailed(error.message) from error

    async def candles(self, symbol: str, timeframe: Timeframe, limit: int) -> CandleSeries:
        """Return up to `limit` newest candles, all closed, back to the last long hole; possibly none.

        Where none of this timeframe are stored, whole ones are made of the longest shorter ones that are.

        Raises:
            SourceFailed: the store does not answer, or holds candles that no market produces.
        """
        key = symbol, timeframe
        read = await self._read({key: limit})
        if not read[key]:
            # One more, since the oldest may not be whole.
            limits = {(symbol, shorter): (limit + 1) * times for shorter, times in _parts(timeframe)}
            stored = await self._read(limits) if limits else {}
            for part, most in limits.items():
                if stored[part]:
                    return _series(part, stored[part], most).resample(timeframe).tail(limit)
        return _series(key, read[key], limit)

    async def candles_of(self, limits: Mapping[CandleKey, int]) -> dict[CandleKey, CandleSeries]:
        """Return the stored candles of several markets, with one call of the store; see `candles`.

        Those of which it holds candles that no market produces are left out.

        Raises:
            SourceFailed: the store does not answer.
        """
        found = dict[CandleKey, CandleSeries]()
        for key, candles in (await self._read(limits)).items():
            with suppress(SourceFailed):
                found[key] = _series(key, candles, limits[key])
        return found

    async def _read(self, limits: Mapping[CandleKey, int]) -> dict[CandleKey, list[Candle]]:
        try:
            return await self._store.latest_candles_of(limits)
        except StorageUnavailable as error:
            raise SourceFailed(error.message) from error


def _parts(timeframe: Timeframe) -> list[tuple[Timeframe, int]]:
    """Return the timeframes of which one is made, longest first, with their number in it."""
    parts = [(shorter, timeframe.ms // shorter.ms) for shorter in Timeframe if timeframe.ms % shorter.ms == 0]
    return [(shorter, times) for shorter, times in reversed(parts) if 1 < times <= MAX_JOINED]


def _series(key: CandleKey, candles: list[Candle], limit: int) -> CandleSeries:
    return since_break(series_of(*key, candles, limit))
