"""The past of a market in a file: fetched, resumed, and written whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from domain.arrays import FloatArray, IntArray
from domain.errors import Conflict
from domain.market import CandleSeries, Timeframe
from services.market_data.history.paging import Pager

# Two closes of one candle differ by less, however a source rounds; after a split or in another market they differ
# by more.
MAX_DIFFERENCE = 0.01
# A download that is killed loses at most as many candles, or a third of a larger number.
SAVED_EVERY = 50_000

Progress = Callable[[CandleSeries], None]


@dataclass(frozen=True)
class HistoryRange:
    """What to download: open times from `since_ms` on, None for all that the source has; closed by `until_ms`."""

    symbol: str
    since_ms: int | None
    until_ms: int


class _Columns(NamedTuple):
    """Open times in epoch ms, shape (n,); open, high, low, close, volume, shape (n, 5). 48 bytes a candle."""

    times: IntArray
    rows: FloatArray


class HistoryFile:
    """The candles of one market, in memory and in a `.csv.gz` or `.parquet` file.

    Attributes:
        path: Of the file.
        timeframe: Length of a candle.
        candles_before: In the file when it was opened.
    """

    def __init__(self, path: Path, timeframe: Timeframe, now_ms: int) -> None:
        """Read the file, if there is one.

        Raises:
            InvalidMarketData: it cannot be read.
            Conflict: it has candles of another timeframe.
        """
        self.path = path
        self.timeframe = timeframe
        self._parts: list[_Columns] = []
        self._unsaved = 0
        if path.exists():
            from features.candle_reading.reading import read_candles

            old = read_candles(path, now_ms).series
            if old.timeframe is not timeframe:
                raise Conflict(f"{path.name} has {old.timeframe} candles: move it, or name another folder with --out")
            self._parts.append(_columns(old))
        self.candles_before = len(self)

    def __len__(self) -> int:
        """Return the number of candles."""
        return sum(len(part.times) for part in self._parts)

    @property
    def times_ms(self) -> IntArray:
        """Open times in epoch ms, oldest first."""
        return self._joined().times

    @property
    def rows(self) -> FloatArray:
        """Array of shape (n, 5): open, high, low, close, volume."""
        return self._joined().rows

    async def fetch(self, pager: Pager, wanted: HistoryRange, progress: Progress) -> None:
        """Fetch what the file lacks after its end and then, if it begins later than wanted, before its beginning.

        Whatever ends it early, the candles after the end are kept, those before the beginning only if all are there.

        Args:
            pager: Of the source.
            wanted: Market and range.
            progress: Called after each page.

        Raises:
            MarketDataUnavailable: see `Pager.pages`.
            Conflict: the source's prices are not those of the file.
        """
        known = self.times_ms
        # The last candle may have been written while it was forming, the one before it had closed.
        start_ms = int(known[-2:][0]) if len(known) else wanted.since_ms or 0
        async for series in pager.pages(wanted.symbol, self.timeframe, start_ms, wanted.until_ms):
            self._append(_columns(series))
            progress(series)
        if len(known) and wanted.since_ms is not None:
            await self._fetch_before(pager, wanted.symbol, wanted.since_ms, int(known[0]), progress)

    def save(self) -> None:
        """Write the file if there is something new; a reader finds the old file or the new one.

        Raises:
            InvalidRequest: it cannot be written; the old file is as it was.
        """
        if not self._unsaved:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        from features.candle_reading.writing import write_columns

        write_columns(*self._joined(), self.path)
        self._unsaved = 0

    async def _fetch_before(self, pager: Pager, symbol: str, start_ms: int, end_ms: int, progress: Progress) -> None:
        before: list[_Columns] = []
        async for series in pager.pages(symbol, self.timeframe, start_ms, end_ms):
            before.append(_columns(series))
            progress(series)
        self._parts[:0] = before
        self._unsaved += sum(len(part.times) for part in before)

    def _append(self, new: _Columns) -> None:
        """Put candles after those that are there; of two with one open time the new one counts."""
        old = self._parts[-1] if self._parts else _join([])
        keep = int(np.searchsorted(old.times, new.times[0]))
        kept, again = (_Columns(old.times[part], old.rows[part]) for part in (slice(keep), slice(keep, None)))
        self._require_same_market(again, new)
        self._parts[-1:] = kept, new
        if not _equal(again, new):
            self._unsaved += len(new.times)
        if self._unsaved >= max(SAVED_EVERY, len(self) // 3):
            self.save()

    def _require_same_market(self, old: _Columns, new: _Columns) -> None:
        """Refuse candles with other closes than in the file, except for its last one, which may have been forming."""
        _, at_old, at_new = np.intersect1d(old.times[:-1], new.times, assume_unique=True, return_indices=True)
        closes, again = old.rows[at_old, 3], new.rows[at_new, 3]
        if not np.allclose(closes, again, rtol=MAX_DIFFERENCE, atol=0.0):
            raise Conflict(
                f"{self.path.name} closes at {closes[0]:g} where the source has {again[0]:g}: a split, or the file of "
                "another market or source; move it, or name another folder with --out"
            )

    def _joined(self) -> _Columns:
        if len(self._parts) != 1:
            self._parts = [_join(self._parts)]
        return self._parts[0]


def _columns(series: CandleSeries) -> _Columns:
    return _Columns(series.times_ms, series.values)


def _join(parts: Iterable[_Columns]) -> _Columns:
    parts = [_Columns(np.empty(0, np.int64), np.empty((0, 5))), *parts]
    return _Columns(np.concatenate([part.times for part in parts]), np.concatenate([part.rows for part in parts]))


def _equal(old: _Columns, new: _Columns) -> bool:
    return np.array_equal(old.times, new.times) and np.array_equal(old.rows, new.rows, equal_nan=True)
