"""Closed candles that a trusted client posts again: small changes of a price are revisions, large ones are refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from cachetools import FIFOCache
from loguru import logger

from domain.arrays import FloatArray, IntArray
from domain.errors import CandlesRevised, StorageUnavailable
from domain.hours.clocks import DAY_MS, MINUTE_MS
from domain.market import CandleSeries, Timeframe
from services.price_changes import PriceChange, greatest_change
from services.replicas.hints import Hint, Hints
from storage.ports import CandleStore
from utils import metrics

# All series together, 40 bytes each: 12 MB.
MAX_CANDLES = 300_000
# Remembered candles of one series, or more where one request posted more.
SERIES_CANDLES = 500
# The store is searched back for at most this many candles.
MAX_READ_CANDLES = 10_000


@dataclass(frozen=True)
class _Known:
    """Closed candles of one symbol and timeframe: all that the store has since `since_ms`.

    Attributes:
        times: Shape (n,), open times in epoch ms, ascending.
        prices: Shape (n, 4): open, high, low, close.
    """

    since_ms: int
    times: IntArray
    prices: FloatArray


class Revisions:
    """Compares candles with those posted before, in memory; the store is read for a new series."""

    def __init__(self, store: CandleStore, max_factor: float, hints: Hints) -> None:
        """Begin with nothing remembered.

        Args:
            store: Of posted candles.
            max_factor: By which a price may change, 1 or more.
            hints: To other replicas, which remember posted candles too.
        """
        self._store = store
        self._hints = hints
        self._max_factor = max_factor
        # Forgotten first: the series that was posted longest ago.
        self._known: FIFOCache[tuple[str, Timeframe], _Known] = FIFOCache(MAX_CANDLES, lambda known: len(known.times))
        hints.when(Hint.CANDLES_FORGOTTEN, self._forget_known)

    async def accept(
        self, symbol: str, closed: Mapping[Timeframe, CandleSeries], now_ms: int
    ) -> dict[Timeframe, CandleSeries]:
        """Remember closed candles of a symbol, and return them; without the store their prices are not checked.

        Timeframes whose candles open off the minute, or between those posted before, are left out: among the candles of
        others they would be none that a market has. Accepted revisions are logged here, refused ones by the caller.

        Raises:
            CandlesRevised: a price has changed by more than the factor since it was posted before.
        """
        posted = [series for series in closed.values() if len(series) and not series.candles[0].timestamp % MINUTE_MS]
        if unknown := [series for series in posted if not self._reaches_back(symbol, series)]:
            await self._recall(symbol, unknown, now_ms)
        # No `await` from here on: of two contradicting requests one is remembered before the other is checked.
        posted = [series for series in posted if self._fits(symbol, series)]
        changes = [change for series in posted if (change := self._change(symbol, series))]
        refused = max(changes, key=lambda change: change.factor, default=None)
        if refused is not None and refused.factor > self._max_factor:
            _count(changes, "refused")
            raise CandlesRevised(self._refusal(symbol, refused))
        _count(changes, "accepted")
        _log(symbol, changes)
        for series in posted:
            self._learn(symbol, series)
        return {series.timeframe: series for series in posted}

    async def forget(self, symbol: str, timeframe: Timeframe | None) -> int:
        """Remove the posted candles of a symbol, of one timeframe or all; return their number. New ones may be posted.

        Raises:
            StorageUnavailable: the store could not do it.
        """
        removed = await self._store.remove_candles(symbol, timeframe)
        key = f"{symbol} {timeframe or ''}"
        self._forget_known(key)
        self._hints.tell(Hint.CANDLES_FORGOTTEN, key)
        return removed

    def _forget_known(self, key: str) -> None:
        """Forget what is gone from the store; the key is that of the hint."""
        symbol, _, name = key.partition(" ")
        forgotten = {Timeframe(name)} if name else set(Timeframe)
        for known in [known for known in self._known if known[0] == symbol and known[1] in forgotten]:
            del self._known[known]

    def _reaches_back(self, symbol: str, series: CandleSeries) -> bool:
        known = self._known.get((symbol, series.timeframe))
        return known is not None and known.since_ms <= series.candles[0].timestamp

    async def _recall(self, symbol: str, posted: Sequence[CandleSeries], now_ms: int) -> None:
        """Read the stored candles back to the first candle of each series."""
        since_ms = {series.timeframe: series.candles[0].timestamp for series in posted}
        limits = {
            timeframe: min((now_ms - since) // timeframe.ms + 1, MAX_READ_CANDLES)
            for timeframe, since in since_ms.items()
        }
        try:
            stored = await self._store.latest_candles_by_timeframe(symbol, limits)
        except StorageUnavailable:
            return
        for timeframe, candles in stored.items():
            read, key = CandleSeries(timeframe, candles), (symbol, timeframe)
            found = _Known(since_ms[timeframe], read.times_ms, read.values[:, :4])
            self._remember(key, _merged(found, self._known.get(key)), limits[timeframe])

    def _change(self, symbol: str, series: CandleSeries) -> PriceChange | None:
        known = self._known.get((symbol, series.timeframe))
        return None if known is None else greatest_change(known.times, known.prices, series)

    def _fits(self, symbol: str, series: CandleSeries) -> bool:
        """Return whether candles are a multiple of their timeframe apart from those posted before.

        Days begin at the midnight of a place, and sessions at their own minute: both may shift with a clock.
        """
        known = self._known.get((symbol, series.timeframe))
        if known is None or not len(known.times) or not series.sessions.continuous or series.timeframe.ms >= DAY_MS:
            return True
        return not (series.candles[0].timestamp - int(known.times[-1])) % series.timeframe.ms

    def _learn(self, symbol: str, series: CandleSeries) -> None:
        key = symbol, series.timeframe
        posted = _Known(series.candles[0].timestamp, series.times_ms, series.values[:, :4])
        known = self._known.get(key)
        merged = posted if known is None else _merged(known, posted)
        self._remember(key, merged, max(SERIES_CANDLES, len(series)))

    def _remember(self, key: tuple[str, Timeframe], known: _Known, keep: int) -> None:
        keep = min(keep, MAX_CANDLES)
        if len(known.times) > keep:
            times = known.times[-keep:].copy()
            known = _Known(int(times[0]), times, known.prices[-keep:].copy())
        self._known[key] = known

    def _refusal(self, symbol: str, change: PriceChange) -> str:
        refusal = change.words(symbol, "was posted before", self._max_factor)
        return (
            f"{refusal}. None of the candles posted with it are kept. If the new price is right, an operator has the "
            f"earlier candles forgotten: DELETE /ai/storage/candles/{symbol}?timeframe={change.timeframe}"
        )


def _merged(older: _Known, newer: _Known | None) -> _Known:
    """Return both merged; of a candle in both, the newer one counts."""
    if newer is None:
        return older
    since_ms = min(older.since_ms, newer.since_ms)
    # A new market, which has nothing to be sorted in.
    if not len(older.times) or not len(newer.times):
        only = newer if len(newer.times) else older
        return _Known(since_ms, only.times.copy(), only.prices.copy())
    times, first = np.unique(np.concatenate((newer.times, older.times)), return_index=True)
    prices = np.concatenate((newer.prices, older.prices))[first]
    return _Known(since_ms, times, prices)


def _count(changes: Sequence[PriceChange], outcome: str) -> None:
    for change in changes:
        metrics.CANDLE_REVISIONS.labels(outcome).inc(change.candles)


def _log(symbol: str, changes: Sequence[PriceChange]) -> None:
    for change in changes:
        logger.bind(
            symbol=symbol, timeframe=change.timeframe.value, candles=change.candles, factor=round(change.factor, 6)
        ).info("revision of closed candles accepted")
