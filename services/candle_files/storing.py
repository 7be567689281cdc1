"""The candles of a file into the store, where jobs, pages and replays find them as those that clients post."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np

from config.settings import Settings
from domain.errors import CandlesRevised, Conflict, StorageUnavailable
from domain.jobs import TellShare
from domain.market import CandleSeries
from services.candle_downloads.report import series_report
from services.market_data.fetching import SourceFailed
from services.market_data.parsing import series_of
from services.price_changes import greatest_change
from storage.ports import CandleIntake

# A running service writes between two of these groups.
CANDLES_AT_ONCE = 2_000
PAUSE_SECONDS = 0.01
# The number of missing candles counts all holes.
MAX_HOLES = 100


class StoredFiles:
    """Puts closed candles into a store by the rules of posted ones; the same again changes nothing."""

    def __init__(self, store: CandleIntake, settings: Settings) -> None:
        """Keep the store, and the settings with its bounds and with the factor of a revision."""
        self._store = store
        self._kept = settings.storage.candles_per_series
        self._max_factor = settings.analysis.max_revision_factor

    async def save(self, symbol: str, series: CandleSeries, tell: TellShare) -> dict[str, Any]:
        """Store the candles of a market; all of them are checked before the first is written.

        Args:
            symbol: Market.
            series: At least one closed candle.
            tell: Takes words and the share that is written, 0..1.

        Returns:
            `symbol, timeframe`; of the file's candles `read`, `added` (open times that the store did not have),
            `revised` (of other prices than stored before) and `left_out` (older than the newest
            `storage.candles_per_series` of the series); of what the store has now `candles, first, last, missing,
            holes` as `series_report`, the first 100 holes.

        Raises:
            CandlesRevised: a price differs by more than `analysis.max_revision_factor` from the stored one.
            Conflict: together with the stored ones they break a rule of the market.
            StorageUnavailable: the store is down or busy; the message has how many candles were written.
        """
        market = f"{symbol} {series.timeframe}"
        tell(f"{market}: looking at what is stored", 0.0)
        stored = await self._stored(symbol, series)
        change = greatest_change(stored.times_ms, stored.values[:, :4], series)
        if change is not None and change.factor > self._max_factor:
            refusal = change.words(symbol, "is stored", self._max_factor)
            raise CandlesRevised(f"{refusal}. None of the candles are stored. {_removal(symbol, series)}")
        times = np.union1d(stored.times_ms, series.times_ms)
        left_out = int(np.searchsorted(series.times_ms, times[-self._kept :][0]))
        added = await self._write(symbol, series.part(left_out, len(series)), tell)
        found = series_report(await self._stored(symbol, series))
        return {
            "symbol": symbol,
            "timeframe": series.timeframe.value,
            "read": len(series),
            "added": added,
            "revised": 0 if change is None else change.candles,
            "left_out": left_out,
            **found,
            "holes": found["holes"][:MAX_HOLES],
        }

    async def _write(self, symbol: str, series: CandleSeries, tell: TellShare) -> int:
        """Write in groups and return how many open times were new."""
        market, added = f"{symbol} {series.timeframe}", 0
        for start in range(0, len(series), CANDLES_AT_ONCE):
            part = series.candles[start : start + CANDLES_AT_ONCE]
            try:
                added += await self._store.save_candles(symbol, series.timeframe, part)
            except StorageUnavailable as failure:
                failure.message = (
                    f"{failure.message}; {start:,} of {len(series):,} candles of {market} are stored: the same command "
                    "stores the others"
                )
                raise
            done = start + len(part)
            tell(f"{market}: {done:,} of {len(series):,} candles are stored", done / len(series))
            await asyncio.sleep(PAUSE_SECONDS)
        return added

    async def _stored(self, symbol: str, series: CandleSeries) -> CandleSeries:
        """Return the stored candles of the market and timeframe.

        Raises:
            Conflict: together with those of the series they break a rule of the market.
        """
        candles = await self._store.candle_history(symbol, series.timeframe, self._kept)
        try:
            await asyncio.to_thread(
                series_of, symbol, series.timeframe, [*candles, *series.candles], len(candles) + len(series)
            )
            return await asyncio.to_thread(series_of, symbol, series.timeframe, candles, self._kept)
        except SourceFailed as failure:
            raise Conflict(
                f"the stored candles of {symbol} {series.timeframe} and those of the file cannot be of one market "
                f"({failure.message}). {_removal(symbol, series)}"
            ) from failure


def _removal(symbol: str, series: CandleSeries) -> str:
    command = f"cli.py candles remove {symbol} --timeframe {series.timeframe}"
    return f"If those of the file are right, remove the stored ones: {command}"
