"""The job of a backtest: its parameters, and what its process does with them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from domain.jobs import JobProgress
from domain.market import CandleSeries
from domain.values import Frozen
from services.backtests.order import BacktestOrder
from services.backtests.run import Report, run_backtest
from services.job_candles.fetching import FETCHING_SHARE, after_fetching, fetch_past
from services.job_candles.order import SeriesOrder
from utils.clock import Clock


class BacktestJobOrder(Frozen):
    """One backtest, as JSON between the service and the job's process; the texts are shown with the job."""

    symbols: str
    lane: str
    order: BacktestOrder
    series: tuple[SeriesOrder, ...]


def run_job(parameters: dict[str, Any], report: Report, clock: Clock) -> dict[str, Any]:
    """Return the signed result of a backtest, whose candles are read first where the order does not bring them.

    Raises:
        MarketDataUnavailable: a source of candles failed too often.
        InvalidRequest, InsufficientData, InvalidMarketData: as `run_backtest`.
    """
    job = BacktestJobOrder.model_validate(parameters)
    candles, listener = read_candles(job.series, report, clock)
    return run_backtest(candles, job.order, listener, clock.now()).document


def read_candles(
    orders: Sequence[SeriesOrder], report: Report, clock: Clock, undone: str = "nothing was tested"
) -> tuple[list[tuple[str, CandleSeries]], Report]:
    """Return the candles of each order, and the report for what comes after they were read.

    Args:
        orders: What to read.
        report: Takes the progress of the reading.
        clock: Decides which candles have closed.
        undone: What a failure leaves undone, for its message.

    Raises:
        MarketDataUnavailable: a source of candles failed too often.
    """
    candles = asyncio.run(_candles(orders, report, clock, undone))
    fetched = any(order.history for order in orders)
    return candles, after_fetching(report) if fetched else report


async def _candles(
    orders: Sequence[SeriesOrder], report: Report, clock: Clock, undone: str
) -> list[tuple[str, CandleSeries]]:
    found = []
    for number, wanted in enumerate(orders):

        def tell(progress: JobProgress, number: int = number) -> None:
            done = (number + progress.share / FETCHING_SHARE) / len(orders)
            report(progress.model_copy(update={"share": FETCHING_SHARE * min(done, 1.0)}))

        if wanted.history is None:
            series = wanted.series
        else:
            series = await fetch_past(wanted.symbol, wanted.timeframe, wanted.history, tell, clock, undone)
        found.append((wanted.symbol, series))
    return found
