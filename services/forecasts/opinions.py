"""What a model says of a market, for callers that work without it too."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass

from loguru import logger

from domain.analysis import MarketSnapshot
from domain.errors import AppError
from domain.forecasting import Forecast
from domain.market import Timeframe


@dataclass(frozen=True)
class Opinion:
    """A forecast, or the reason why there is none."""

    forecast: Forecast | None
    note: str | None


async def told(snapshot: MarketSnapshot, timeframe: Timeframe, forecast: Awaitable[Forecast]) -> Opinion:
    """Return a forecast, or in words why there is none."""
    try:
        return Opinion(await forecast, None)
    except AppError as error:
        return Opinion(None, error.message)
    except Exception as error:  # noqa: BLE001 - a defect of a model must not fail the analysis
        logger.bind(symbol=snapshot.symbol, timeframe=timeframe.value).opt(exception=error).error("forecast failed")
        return Opinion(None, "the model failed; the service's log says why")
