"""The past of markets from a source into the store: only what it lacks, page by page."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from config.settings import Settings
from domain.errors import AppError, Conflict, JobFailed, StorageUnavailable
from domain.jobs import JobProgress, TellProgress, TellShare
from domain.market import CandleSeries
from domain.values import minute_text
from services.candle_downloads.capacity import require_room
from services.candle_downloads.missing_stretches import missing_stretches
from services.candle_downloads.origins import usual_source
from services.candle_downloads.parameters import DownloadParameters
from services.candle_downloads.progress import DownloadProgress
from services.candle_downloads.report import series_report
from services.market_data.fetching import SourceFailed
from services.market_data.history.downloading import MAX_DIFFERENCE
from services.market_data.history.paging import Pager
from services.market_data.parsing import series_of
from services.market_data.sources.opening import open_history
from storage.ports import CandleIntake
from utils.clock import Clock

# A result is one document of the store; the number of missing candles counts all holes.
MAX_HOLES = 100


class StoredDownloads:
    """The work of a job that downloads candles; each page is stored before the next is asked for."""

    def __init__(self, store: CandleIntake, settings: Settings, clock: Clock) -> None:
        """Keep the store, the addresses of the sources with the bounds of the store, and the clock."""
        self._store = store
        self._settings = settings
        self._clock = clock

    async def __call__(self, parameters: Mapping[str, Any], report: TellProgress) -> dict[str, Any]:
        """Download each market; one that fails does not stop the others.

        Args:
            parameters: As `DownloadParameters`.
            report: Told after each page, with the share of all markets and their time.

        Returns:
            `markets`: of each that was downloaded `symbol, timeframe, source, read, added` and, of the time that was
            asked for, `candles, first, last, missing, holes` as `series_report`; `failed`: reason by symbol.

        Raises:
            JobFailed: no market could be downloaded, or a source did not answer and another try may bring the rest.
            StorageUnavailable: the store is down.
        """
        wanted = DownloadParameters.model_validate(parameters)
        markets: list[dict[str, Any]] = []
        failures: dict[str, AppError] = {}
        for number, symbol in enumerate(wanted.symbols):
            tell = partial(_tell, report, number, len(wanted.symbols))
            try:
                markets.append(await self._download(symbol, wanted, tell))
                tell(f"{symbol}: {markets[-1]['candles']:,} candles are stored", 1.0)
            except StorageUnavailable:
                raise
            except AppError as failure:
                failures[symbol] = failure
        reasons = {symbol: failure.message for symbol, failure in failures.items()}
        passing = any(failure.transient for failure in failures.values())
        if passing or not markets:
            told = "; ".join(f"{symbol}: {reason}" for symbol, reason in reasons.items())
            raise JobFailed(f"{told}; what was read is stored, and another try goes on there", transient=passing)
        return {"markets": markets, "failed": reasons}

    async def _download(self, symbol: str, wanted: DownloadParameters, tell: TellShare) -> dict[str, Any]:
        source = wanted.source or usual_source(symbol)
        progress = DownloadProgress(f"{symbol} from {source}", wanted.since_ms, wanted.until_ms, tell)
        stored = await self._stored(symbol, wanted)
        read = added = 0
        async with open_history(source, self._settings.market_data, self._clock) as history:
            pager = Pager(history, progress.pause)
            for stretch in missing_stretches(stored, wanted.since_ms, wanted.until_ms):
                async for page in pager.pages(symbol, wanted.timeframe, *stretch):
                    _require_same_market(symbol, source, stored, page)
                    added += await self._store.save_candles(symbol, wanted.timeframe, page.candles)
                    read += len(page)
                    progress.read(page)
        now_stored = await self._stored(symbol, wanted)
        found = series_report(now_stored)
        return {
            "symbol": symbol,
            "timeframe": wanted.timeframe.value,
            "source": source,
            "read": read,
            "added": added,
            **found,
            "holes": found["holes"][:MAX_HOLES],
        }

    async def _stored(self, symbol: str, wanted: DownloadParameters) -> CandleSeries:
        """Return the stored candles of the time that is asked for, in the sessions of their market.

        Raises:
            Conflict: no market produces such candles.
            InvalidRequest: the store has newer ones, for which it would drop some of these.
            StorageUnavailable: the store is down.
        """
        kept = self._settings.storage.candles_per_series
        candles = await self._store.candle_history(symbol, wanted.timeframe, kept)
        if candles:
            newest_ms = candles[-1].timestamp + wanted.timeframe.ms
            until_ms = max(wanted.until_ms, newest_ms)
            await asyncio.to_thread(require_room, symbol, wanted.timeframe, wanted.since_ms, until_ms, kept)
        try:
            series = await asyncio.to_thread(series_of, symbol, wanted.timeframe, candles, kept)
        except SourceFailed as failure:
            raise Conflict(
                f"the stored candles of {symbol} {wanted.timeframe} break a rule of the market "
                f"({failure.message}): remove them by DELETE /ai/storage/candles/{symbol}?timeframe={wanted.timeframe}"
            ) from failure
        times = series.times_ms
        return series.part(
            *np.searchsorted(times, [wanted.since_ms, wanted.until_ms - wanted.timeframe.ms + 1]).tolist()
        )


def _require_same_market(symbol: str, source: str, stored: CandleSeries, page: CandleSeries) -> None:
    """Refuse a page with other closes than the stored candles of the same open times.

    Raises:
        Conflict: they differ by more than rounding: a split, or candles of another market or source.
    """
    _, at_stored, at_page = np.intersect1d(stored.times_ms, page.times_ms, assume_unique=True, return_indices=True)
    closes, again = stored.closes[at_stored], page.closes[at_page]
    differing = np.flatnonzero(~np.isclose(closes, again, rtol=MAX_DIFFERENCE, atol=0.0))
    if len(differing):
        at = int(differing[0])
        when = minute_text(int(page.times_ms[at_page[at]]))
        raise Conflict(
            f"the stored {page.timeframe} candle of {symbol} from {when} closes at {closes[at]:g} where {source} has "
            f"{again[at]:g}: a split, or candles of another market or source; remove the stored ones by "
            f"DELETE /ai/storage/candles/{symbol}?timeframe={page.timeframe}, or name another source"
        )


def _tell(report: TellProgress, number: int, count: int, words: str, share: float) -> None:
    report(JobProgress(stage=words, share=min((number + share) / count, 1.0)))
