"""The candles of a job that come from a market-data source, read by the job itself."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from domain.candles.columns import CandleLike
from domain.errors import MarketDataUnavailable
from domain.jobs import JobProgress, TellProgress
from domain.market import CandleSeries, Timeframe
from domain.session_finder import with_sessions
from domain.values import epoch_ms
from services.job_candles.series import HistoryRequest, JobSeries
from services.market_data.history.paging import Pager
from services.market_data.sources.opening import open_history
from utils.clock import Clock

# Of the whole job; a page takes a moment, a training or a backtest minutes.
FETCHING_SHARE = 0.1


async def fetch_past(
    symbol: str, timeframe: Timeframe, history: HistoryRequest, report: TellProgress, clock: Clock, undone: str
) -> CandleSeries:
    """Return the newest closed candles of a market, at most as many as requested, in its sessions.

    Args:
        symbol: Market.
        timeframe: Length of a candle.
        history: Where from, since when and how many.
        report: Takes how far it is, as shares up to `FETCHING_SHARE`.
        clock: Decides which candles have closed.
        undone: What a failure leaves undone, for its message.

    Raises:
        MarketDataUnavailable: the source failed too often, or wants to be left alone for long.
    """
    market = f"{symbol} {timeframe}"
    candles: list[CandleLike] = []

    def tell(pause: str = "") -> None:
        count = min(len(candles), history.candles)
        stage = f"fetching candles {count:,} of {history.candles:,}{pause}"
        report(JobProgress(stage=stage, share=FETCHING_SHARE * count / history.candles))

    tell()
    async with open_history(history.source, history.settings, clock) as source:
        pager = Pager(source, lambda reason: tell(f" ({reason})"))
        end_ms = epoch_ms(clock.now())
        try:
            async for series in pager.pages(symbol, timeframe, history.since_ms, end_ms):
                candles += series.candles
                tell()
        except MarketDataUnavailable as failure:
            fetched = f"{len(candles):,} of {history.candles:,} candles of {market} were fetched"
            unfinished = MarketDataUnavailable(f"{fetched}: {failure.message}; {undone}")
            unfinished.transient = failure.transient
            raise unfinished from failure
    return with_sessions(symbol, CandleSeries.ordered(timeframe, candles[-history.candles :]))


def read_candles(
    series: Sequence[JobSeries], report: TellProgress, clock: Clock, undone: str = "nothing was tested"
) -> tuple[list[tuple[str, CandleSeries]], TellProgress]:
    """Return the candles of each series, and the report for what comes after they were read.

    Args:
        series: What to read.
        report: Takes the progress of the reading.
        clock: Decides which candles have closed.
        undone: What a failure leaves undone, for its message.

    Raises:
        MarketDataUnavailable: a source of candles failed too often.
    """
    candles = asyncio.run(_candles(series, report, clock, undone))
    fetched = any(wanted.history for wanted in series)
    return candles, _after_fetching(report) if fetched else report


async def _candles(
    series: Sequence[JobSeries], report: TellProgress, clock: Clock, undone: str
) -> list[tuple[str, CandleSeries]]:
    found = []
    for number, wanted in enumerate(series):

        def tell(progress: JobProgress, number: int = number) -> None:
            done = (number + progress.share / FETCHING_SHARE) / len(series)
            stage = progress.stage if len(series) == 1 else f"{progress.stage} of {series[number].symbol}"
            report(progress.model_copy(update={"stage": stage, "share": FETCHING_SHARE * min(done, 1.0)}))

        if wanted.history is None:
            candles = wanted.series
        else:
            candles = await fetch_past(wanted.symbol, wanted.timeframe, wanted.history, tell, clock, undone)
        found.append((wanted.symbol, candles))
    return found


def _after_fetching(report: TellProgress) -> TellProgress:
    """Return a report of the work that begins where the fetching ended."""

    def shifted(progress: JobProgress) -> None:
        share = FETCHING_SHARE + (1 - FETCHING_SHARE) * progress.share
        report(progress.model_copy(update={"share": min(share, 1.0)}))

    return shifted
