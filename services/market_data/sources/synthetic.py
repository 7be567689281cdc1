"""Demonstration data: an invented market, the same at every request."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import lru_cache

import numpy as np

from domain.analysis import DataSource
from domain.arrays import FloatArray
from domain.hours.buckets import grid_open
from domain.hours.clocks import MINUTE_MS
from domain.market import Candle, CandleSeries, Timeframe
from domain.naming.symbols import Symbol
from domain.values import epoch_ms
from services.market_data.sources.synthetic_path import BASE, BLOCK_MS, base_block, minute_block
from utils.clock import Clock

# Eight symbols with 250 days each; a block is 27 KB.
_CACHED_BLOCKS = 320
# Only the newest minutes of a symbol are read; a block is 400 KB.
_CACHED_MINUTE_BLOCKS = 24

Rows = FloatArray


class SyntheticSource:
    """Gives candles of invented markets, one path per symbol under all timeframes.

    A closed candle never changes, and the one still forming is made of the minutes that have
    passed by the clock.
    """

    def __init__(self, seed: int, symbols: Collection[str], clock: Clock) -> None:
        """Keep what makes the markets.

        Args:
            seed: Another one gives other markets.
            symbols: Those of the configuration; a mistyped symbol is no market to invent.
            clock: Ends their paths.
        """
        self._symbols = frozenset(symbols)
        self._clock = clock

        def base(symbol: str, block: int) -> Rows:
            return base_block(seed, symbol, block)

        def minutes(symbol: str, block: int) -> Rows:
            return minute_block(seed, symbol, block, self._base(symbol, block))

        self._base = lru_cache(_CACHED_BLOCKS)(base)
        self._minutes = lru_cache(_CACHED_MINUTE_BLOCKS)(minutes)

    @property
    def name(self) -> DataSource:
        """The `source_data` of an analysis of these candles."""
        return DataSource.SYNTHETIC

    def lacks(self, symbol: Symbol) -> str | None:
        """Return why it invents no candles of a symbol."""
        return None if symbol.name in self._symbols else "has the symbols of analysis.symbols alone"

    async def candles(self, symbol: str, timeframe: Timeframe, limit: int) -> CandleSeries:
        """Return the `limit` newest candles, the last one still forming unless it has just closed."""
        now_ms = epoch_ms(self._clock.now())
        end_ms = now_ms - now_ms % MINUTE_MS
        last_open_ms = grid_open(end_ms - MINUTE_MS, timeframe.ms)
        start_ms = last_open_ms - (limit - 1) * timeframe.ms
        if timeframe.ms < BASE.ms:
            rows, step_ms = _cut(self._minutes, symbol, start_ms, end_ms, MINUTE_MS), MINUTE_MS
        else:
            # Only the base candle that is still forming is made from minutes.
            base_end_ms = grid_open(end_ms, BASE.ms)
            closed = _cut(self._base, symbol, start_ms, base_end_ms, BASE.ms)
            forming = _merge(_cut(self._minutes, symbol, base_end_ms, end_ms, MINUTE_MS), BASE.ms // MINUTE_MS)
            rows, step_ms = np.concatenate((closed, forming)), BASE.ms
        merged = _merge(rows, timeframe.ms // step_ms)
        times = range(start_ms, last_open_ms + 1, timeframe.ms)
        return CandleSeries(timeframe, [Candle(t, *row) for t, row in zip(times, merged.tolist(), strict=True)])


def _cut(block_of: Callable[[str, int], Rows], symbol: str, start_ms: int, end_ms: int, step_ms: int) -> Rows:
    """Return the rows of `step_ms` each that open in start_ms..end_ms, from as many blocks as they span."""
    first_block = start_ms // BLOCK_MS
    blocks = [block_of(symbol, block) for block in range(first_block, (end_ms - 1) // BLOCK_MS + 1)]
    if not blocks:
        return np.empty((0, 5))
    offset_ms = first_block * BLOCK_MS
    rows: Rows = np.concatenate(blocks)[(start_ms - offset_ms) // step_ms : (end_ms - offset_ms) // step_ms]
    return rows


def _merge(rows: Rows, count: int) -> Rows:
    """Return one row for each `count` rows of open, high, low, close, volume; the last may have fewer."""
    if count == 1 or not len(rows):
        return rows
    starts = np.arange(0, len(rows), count)
    ends = np.minimum(starts + count, len(rows)) - 1
    return np.column_stack(
        (
            rows[starts, 0],
            np.maximum.reduceat(rows[:, 1], starts),
            np.minimum.reduceat(rows[:, 2], starts),
            rows[ends, 3],
            np.add.reduceat(rows[:, 4], starts),
        )
    )
