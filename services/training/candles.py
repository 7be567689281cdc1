"""The candles of a training: those that its parameters bring, and those that the job reads from a source itself."""

from __future__ import annotations

from functools import partial

from domain.errors import InsufficientData
from domain.jobs import JobProgress, TellProgress
from domain.market import CandleSeries
from models.training.learner import needed_candles
from services.job_candles.fetching import FETCHING_SHARE, fetch_past
from services.job_candles.series import HistoryRequest, JobSeries
from services.training.parameters import TrainingParameters
from utils.clock import Clock


async def read_candles(parameters: TrainingParameters, report: TellProgress, clock: Clock) -> dict[str, CandleSeries]:
    """Return the closed candles of each market of a training, and report how far the reading of sources is.

    Raises:
        InvalidMarketData: candles of the parameters break a rule of the market.
        InsufficientData: a source has fewer of a market than the training needs, with the numbers.
        MarketDataUnavailable: it failed too often, or wants to be left alone for long.
    """
    markets, found = parameters.pool or (parameters,), dict[str, CandleSeries]()
    for number, market in enumerate(markets):
        if market.history is None:
            found[market.symbol] = market.series
        else:
            told = partial(_report_market, report, market.symbol, number, len(markets))
            found[market.symbol] = await _read_past(parameters, market, market.history, told, clock)
    return found


async def _read_past(
    parameters: TrainingParameters, market: JobSeries, history: HistoryRequest, report: TellProgress, clock: Clock
) -> CandleSeries:
    """Return the newest closed candles of a market, at most as many as requested; raises as `read_candles`."""
    series = await fetch_past(market.symbol, market.timeframe, history, report, clock, "nothing was trained")
    needed = needed_candles(parameters.model_type, parameters.models, parameters.features)
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
