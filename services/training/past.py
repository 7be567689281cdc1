"""The candles of a training that come from a market-data source, read by the job itself."""

from __future__ import annotations

from domain.errors import InsufficientData
from domain.market import CandleSeries
from models.training.learner import needed_candles
from services.job_candles.fetching import Report, fetch_past
from services.job_candles.order import HistoryOrder
from services.training.order import TrainingOrder
from utils.clock import Clock


async def read_past(order: TrainingOrder, history: HistoryOrder, report: Report, clock: Clock) -> CandleSeries:
    """Return the newest closed candles of the market, at most as many as ordered, and report how far it is.

    Raises:
        InsufficientData: the source has fewer than the training needs, with the numbers.
        MarketDataUnavailable: it failed too often, or wants to be left alone for long.
    """
    series = await fetch_past(order.symbol, order.timeframe, history, report, clock, "nothing was trained")
    needed = needed_candles(order.model_type, order.models, order.features)
    if len(series) < needed:
        market = f"{order.symbol} {order.timeframe}"
        raise InsufficientData(
            f"training needs {needed} closed candles at least, {history.source} has {len(series)} of {market}"
        )
    return series
