"""Candles from a folder of files that the operator provides."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from functools import lru_cache
from pathlib import Path

from loguru import logger

from domain.analysis import DataSource
from domain.errors import ConfigurationError, InvalidMarketData, MarketDataUnavailable, UnknownSymbol
from domain.market import CandleSeries, Timeframe
from domain.naming.file_names import FileMarket, file_market
from domain.naming.symbols import Symbol
from domain.values import epoch_ms
from services.market_data.fetching import SourceFailed
from services.market_data.source import HistoryPage, first_page
from utils.clock import Clock

# As `convert` writes them first, then as others do; what is in a file, its content says.
ENDINGS = (
    *(".csv", ".csv.gz", ".parquet", ".json", ".json.gz", ".feather", ".csv.zip", ".json.zip", ".zip"),
    *(".tsv", ".txt", ".tsv.gz", ".txt.gz"),
)
# A candle takes 48 bytes: at most 5 MB for a file.
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
    """Reads the file whose name has the market, and makes a timeframe that has no file from a shorter one.

    `domain/naming/file_names.py` reads the names; of several for the same candles the first in the order of endings
    counts, then of the alphabet. A file is read again when it has changed. Its name comes from the folder's listing,
    so that no symbol leads out of the folder.
    """

    def __init__(self, folder: str, clock: Clock) -> None:
        """Keep the folder, and the clock by which a candle may have opened.

        Raises:
            ConfigurationError: there is no such folder.
        """
        self._folder = folder_of_candles(folder)
        self._clock = clock
        self._kept = lru_cache(_KEPT_FILES)(self._parse)
        self._told: set[tuple[str, ...]] = set()

    @property
    def name(self) -> DataSource:
        """The `source_data` of an analysis of these candles."""
        return DataSource.FILES

    def lacks(self, symbol: Symbol) -> None:
        """Return None: only the folder knows."""

    async def symbols(self) -> Collection[str]:
        """Return the symbols in the names of the files.

        Raises:
            SourceFailed: the folder cannot be read.
        """
        return {market.symbol for market in await asyncio.to_thread(self._listing) if market.symbol}

    async def candles(self, symbol: str, timeframe: Timeframe, limit: int) -> CandleSeries:
        """Return up to `limit` newest candles of the files; candles made from shorter ones are complete.

        Raises:
            UnknownSymbol: no file has this symbol.
            MarketDataUnavailable: none of its files has candles that are short enough.
            SourceFailed: the folder or the file cannot be read, or holds no candles of a market.
        """
        return await asyncio.to_thread(self._read, symbol, timeframe, limit)

    async def page(self, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> HistoryPage:
        """Return what the files have of a range, all at once; see `candles`."""
        series = await self.candles(symbol, timeframe, _KEPT_CANDLES)
        return first_page(symbol, timeframe, series.candles, start_ms, end_ms, _KEPT_CANDLES + 1)

    def _read(self, symbol: str, timeframe: Timeframe, limit: int) -> CandleSeries:
        for path in self._files(symbol, timeframe):
            series = self._open(path, symbol)
            if series.timeframe is timeframe:
                return series.tail(limit)
            if timeframe.ms % series.timeframe.ms == 0:
                per_candle = timeframe.ms // series.timeframe.ms
                return series.tail((limit + 1) * per_candle).resample(timeframe).tail(limit)
            if file_market(path.name).timeframe:
                raise SourceFailed(f"{path.name} holds {series.timeframe} candles")
        raise MarketDataUnavailable(f"has no file of {symbol} for {timeframe} candles")

    def _open(self, path: Path, symbol: str) -> CandleSeries:
        try:
            status = path.stat()
            return self._kept(path, symbol, status.st_mtime_ns, status.st_size)
        except (OSError, InvalidMarketData) as error:
            raise SourceFailed(getattr(error, "message", f"{path.name} cannot be read")) from error

    def _parse(self, path: Path, symbol: str, modified_ns: int, size: int) -> CandleSeries:  # noqa: ARG002 - a key
        from features.candle_reading.reading import read_candles

        return read_candles(path, epoch_ms(self._clock.now()), symbol).series.tail(_KEPT_CANDLES)

    def _files(self, symbol: str, timeframe: Timeframe) -> list[Path]:
        """Return the files that the timeframe can be made from, best first: of the longest timeframe that it holds.

        Files whose name has no timeframe come last.
        """
        usable = [shorter for shorter in Timeframe if shorter.ms <= timeframe.ms and timeframe.ms % shorter.ms == 0]
        claims = {found: names for (market, found), names in self._listing().items() if market == symbol}
        if not claims:
            raise UnknownSymbol(f"has no file of {symbol}")
        for names in claims.values():
            self._tell_unused(names)
        named = [claims[shorter][0] for shorter in reversed(usable) if shorter in claims]
        return [self._folder / name for name in (*named, *claims.get(None, ()))]

    def _listing(self) -> dict[FileMarket, list[str]]:
        """Return the files by the market and timeframe in their names, the one to read first."""
        try:
            names = [path.name for path in self._folder.iterdir()]
        except OSError as error:
            raise SourceFailed("its folder cannot be read") from error
        found: dict[FileMarket, list[str]] = {}
        for _, name in sorted((rank, name) for name in names if (rank := _rank(name)) is not None):
            found.setdefault(file_market(name), []).append(name)
        return found

    def _tell_unused(self, names: list[str]) -> None:
        """Log once that several files have the same market and timeframe in their names."""
        if len(names) > 1 and tuple(names) not in self._told:
            self._told.add(tuple(names))
            logger.bind(used=names[0], unused=names[1:]).warning("several files of one market and timeframe")


def _rank(name: str) -> int | None:
    """Return the place of a file's ending in their order, or None where it is no file of candles."""
    endings = (rank for rank, ending in enumerate(ENDINGS) if name.lower().endswith(ending))
    return next(endings, None)
