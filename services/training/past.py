"""The candles of a training: those that its order brings, and those that the job reads from a source itself."""

from __future__ import annotations

from functools import partial

from domain.errors import InsufficientData
from domain.jobs import JobProgress, TellProgress
from domain.market import CandleSeries
from models.training.learner import needed_candles
from services.job_candles.fetching import FETCHING_SHARE, fetch_past
from services.job_candles.order import HistoryOrder, SeriesOrder
from services.training.order import TrainingOrder
from utils.clock import Clock


async def read_candles(order: TrainingOrder, report: TellProgress, clock: Clock) -> dict[str, CandleSeries]:
    """Return the closed candles of each market of an order, and report how far the reading of sources is.

    Raises:
        InvalidMarketData: candles of the order break a rule of the market.
        InsufficientData: a source has fewer of a market than the training needs, with the numbers.
        MarketDataUnavailable: it failed too often, or wants to be left alone for long.
    """
    markets, found = order.pool or (order,), dict[str, CandleSeries]()
    for number, market in enumerate(markets):
        if market.history is None:
            found[market.symbol] = market.series
        else:
            told = partial(_report_market, report, market.symbol, number, len(markets))
            found[market.symbol] = await _read_past(order, market, market.history, told, clock)
    return found


async def _read_past(
    order: TrainingOrder, market: SeriesOrder, history: HistoryOrder, report: TellProgress, clock: Clock
) -> CandleSeries:
    """Return the newest closed candles of a market, at most as many as ordered; raises as `read_candles`."""
    series = await fetch_past(market.symbol, market.timeframe, history, report, clock, "nothing was trained")
    needed = needed_candles(order.model_type, order.models, order.features)
    if len(series) < needed:
        name = f"{market.symbol} {market.timeframe}"
        raise InsufficientData(
            f"training needs {needed} closed candles at least, {history.source} has {len(series)} of {name}"
        )
    return series


def _report_market(report: TellProgress, symbol: str, number: int, markets: int, progress: JobProgress) -> None:
    """TellProgress how far the reading of one of several markets is, as a part of the reading of all."""
    if markets > 1:
        share = (number * FETCHING_SHARE + progress.share) / markets
        progress = progress.model_copy(update={"stage": f"{progress.stage} of {symbol}", "share": share})
    report(progress)
