"""Candles from a folder of files that the operator provides."""

from __future__ import annotations

import asyncio
from functools import lru_cache
from pathlib import Path

from domain.analysis import DataSource
from domain.errors import ConfigurationError, InvalidMarketData, MarketDataUnavailable
from domain.market import CandleSeries, Timeframe
from domain.values import epoch_ms
from features.candle_reading.reading import read_candles
from services.market_data.fetching import SourceFailed
from services.market_data.source import HistoryPage, first_page
from utils.clock import Clock

# As `convert` writes them first, then as others do; what is in a file, its content says.
ENDINGS = (
    *(".csv", ".csv.gz", ".parquet", ".json", ".json.gz", ".feather", ".csv.zip", ".json.zip", ".zip"),
    *(".tsv", ".txt", ".tsv.gz", ".txt.gz"),
)
# A candle takes about 300 bytes: at most 30 MB for a file.
_KEPT_CANDLES = 100_000
_KEPT_FILES = 6


def folder_of_candles(path: str) -> Path:
    """Return the configured folder.

    Raises:
        ConfigurationError: there is no such folder.
    """
    if not path or not Path(path).is_dir():
        raise ConfigurationError(
            f"market_data.files_path: the source files needs a folder of candles, {path or 'nothing'} is none"
        )
    return Path(path)


class FilesSource:
    """Reads `SYMBOL-TIMEFRAME` with one of the endings, and makes a timeframe that has no file from a shorter one.

    A file is read again when it has changed. Its name is looked up in the folder's listing, so that no symbol
    leads out of the folder.
    """

    def __init__(self, folder: str, clock: Clock) -> None:
        """Keep the folder, and the clock by which a candle may have opened.

        Raises:
            ConfigurationError: there is no such folder.
        """
        self._folder = folder_of_candles(folder)
        self._clock = clock
        self._kept = lru_cache(_KEPT_FILES)(self._parse)

    @property
    def name(self) -> DataSource:
        """The `source_data` of an analysis of these candles."""
        return DataSource.FILES

    async def candles(self, symbol: str, timeframe: Timeframe, limit: int) -> CandleSeries:
        """Return up to `limit` newest candles of the files; candles made from shorter ones are complete.

        Raises:
            MarketDataUnavailable: no file has candles of this symbol that are short enough.
            SourceFailed: the folder or the file cannot be read, or holds no candles of a market.
        """
        return await asyncio.to_thread(self._read, symbol, timeframe, limit)

    async def page(self, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> HistoryPage:
        """Return what the files have of a range, all at once; see `candles`."""
        series = await self.candles(symbol, timeframe, _KEPT_CANDLES)
        return first_page(symbol, timeframe, series.candles, start_ms, end_ms, _KEPT_CANDLES + 1)

    def _read(self, symbol: str, timeframe: Timeframe, limit: int) -> CandleSeries:
        path = self._best_file(symbol, timeframe)
        try:
            status = path.stat()
            series = self._kept(path, symbol, status.st_mtime_ns, status.st_size)
        except (OSError, InvalidMarketData) as error:
            raise SourceFailed(getattr(error, "message", f"{path.name} cannot be read")) from error
        if timeframe.ms % series.timeframe.ms:
            raise SourceFailed(f"{path.name} holds {series.timeframe} candles")
        if series.timeframe is timeframe:
            return series.tail(limit)
        per_candle = timeframe.ms // series.timeframe.ms
        return series.tail((limit + 1) * per_candle).resample(timeframe).tail(limit)

    def _parse(self, path: Path, symbol: str, modified_ns: int, size: int) -> CandleSeries:  # noqa: ARG002 - a key
        return read_candles(path, epoch_ms(self._clock.now()), symbol).series.tail(_KEPT_CANDLES)

    def _best_file(self, symbol: str, timeframe: Timeframe) -> Path:
        """Return the file of the longest timeframe that the wanted one can be made from."""
        try:
            names = {path.name for path in self._folder.iterdir()}
        except OSError as error:
            raise SourceFailed("its folder cannot be read") from error
        usable = [shorter for shorter in Timeframe if shorter.ms <= timeframe.ms and timeframe.ms % shorter.ms == 0]
        for shorter in reversed(usable):
            for ending in ENDINGS:
                if (name := f"{symbol}-{shorter}{ending}") in names:
                    return self._folder / name
        raise MarketDataUnavailable(f"has no file of {symbol} for {timeframe} candles")
