"""A model or a forecast of a market, or in words why there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from loguru import logger

from domain.analysis import MarketSnapshot
from domain.errors import AppError, ModelUnavailable
from domain.forecasting import Forecast
from domain.market import Timeframe
from models.serving.forecaster import Forecaster
from models.serving.loaded_models import LoadedModels


@dataclass(frozen=True)
class Opinion:
    """A forecast, or the reason why there is none."""

    forecast: Forecast | None
    note: str | None


def opinion_of(snapshot: MarketSnapshot, timeframe: Timeframe, answer: Forecast | Exception) -> Opinion:
    """Return a forecast, or in words why there is none; a defect of a model must not fail the analysis."""
    if isinstance(answer, Forecast):
        return Opinion(answer, None)
    if isinstance(answer, AppError):
        return Opinion(None, answer.message)
    logger.bind(symbol=snapshot.symbol, timeframe=timeframe.value).opt(exception=answer).error("forecast failed")
    return Opinion(None, "the model failed; the service's log says why")


def find_model(models: LoadedModels, symbol: str, timeframe: Timeframe, horizon: int | None) -> Forecaster:
    """Return the model in production, loaded where it was not yet.

    Args:
        models: Of one registry.
        symbol: Of the market.
        timeframe: Of the market.
        horizon: The further horizon of these models, candles; None of the usual one.

    Raises:
        ModelUnavailable: there is none, or it cannot be loaded.
    """
    model = models.find(symbol, timeframe)
    if model is not None:
        return model
    if timeframe in models.timeframes(symbol):
        raise ModelUnavailable(f"the model in production for {symbol} {timeframe} cannot be loaded")
    raise ModelUnavailable(none_in_production(models, symbol, (timeframe,), horizon))


def none_in_production(models: LoadedModels, symbol: str, timeframes: Sequence[Timeframe], horizon: int | None) -> str:
    """Return in words that no model is in production for any of some timeframes, and how to train one."""
    shown = ", ".join(timeframes) if 0 < len(timeframes) < len(Timeframe) else "any timeframe"
    example = timeframes[0] if len(timeframes) == 1 else Timeframe.H1
    coins = " (those that come with the service know coins alone)" if models.for_coins_alone(symbol) else ""
    ahead, option = ("", "") if horizon is None else (f", {horizon} candles ahead", f" --horizon {horizon}")
    return (
        f"no model is in production for {symbol} on {shown}{ahead}{coins}; train one: "
        f"python cli.py train FILE --type lightgbm --symbol {symbol} --timeframe {example}{option}"
    )
