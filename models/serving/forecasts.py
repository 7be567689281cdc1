"""From the newest closed candles, or from the answers of a model, to a forecast."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from config.model_settings import ServingSettings
from domain.errors import InsufficientData, InvalidMarketData
from domain.forecasting import Driver, Forecast, VolatilityForecast
from domain.market import CandleSeries
from domain.naming.leaders import leader_of
from domain.values import Signal
from features.columns.feature_sets import FEATURE_SETS
from features.feature_engineering import FeatureEngineer
from models.architectures.outputs import unpack_horizons
from models.registry.metadata import ModelMetadata
from models.serving.forecaster import FeatureRows, Forecaster, Forecasts
from models.serving.recalibrated import recalibrated, stretched
from models.volatility.volatility_model import shipped_volatility


def newest_forecast(
    forecaster: Forecaster,
    symbol: str,
    series: CandleSeries,
    settings: ServingSettings,
    leader: CandleSeries | None = None,
) -> Forecast:
    """Return the forecast at the close of the newest candle.

    Args:
        forecaster: A version, loaded.
        symbol: Symbol of the candles.
        series: Closed candles of the version's timeframe; with more, indicators are nearer to their final values.
        settings: Probabilities from which the signal is Long or Short.
        leader: Closed candles of what leads the market, where the version reads them and they are known.

    Raises:
        InsufficientData: fewer candles than the window and the warm-up of its features take.
        InvalidMarketData: the model has no finite answer to candles that far from any market.
    """
    rows = newest_rows(forecaster, [(series, leader)])[0]
    of_each, volatility = forecaster.drivers(rows), newest_volatilities(forecaster.metadata, [series])[0]
    told, drivers = forecaster.forecast(rows), of_each[0] if of_each else None
    return to_forecast(symbol, forecaster, told, settings, volatility, drivers, led=leader is not None)


def newest_volatilities(model: ModelMetadata, many: Sequence[CandleSeries]) -> list[VolatilityForecast]:
    """Return the volatility over the horizon of a model, after each series of two closed candles or more."""
    return shipped_volatility().forecasts(many, model.horizon_candles, model.volatility)


def least_candles(forecaster: Forecaster) -> int:
    """Return the number of candles without which some row of the model's window would still be warming up."""
    return max(FEATURE_SETS[name].warm_up + length for name, length in forecaster.needs.items())


def newest_rows(
    forecaster: Forecaster, markets: Sequence[tuple[CandleSeries, CandleSeries | None]]
) -> list[FeatureRows]:
    """Return the newest rows of every feature set that a model reads, each as a batch of one, of each market.

    All are computed in one call.

    Args:
        forecaster: The model that reads them.
        markets: The candles of each, of the model's timeframe, and those of what leads it.

    Raises:
        InsufficientData: a market has fewer candles than the window and the warm-up of its features take.
    """
    needed = least_candles(forecaster)
    many, leaders = [series for series, _ in markets], [leader for _, leader in markets]
    if few := next((series for series in many if len(series) < needed), None):
        raise InsufficientData(
            f"{forecaster.metadata.version} needs {needed} closed {few.timeframe} candles, received {len(few)}"
        )
    windows = {name: _engineer(name).last_windows(many, length, leaders) for name, length in forecaster.needs.items()}
    return [{name: found[at][None] for name, found in windows.items()} for at in range(len(many))]


def to_forecast(
    symbol: str,
    forecaster: Forecaster,
    forecasts: Forecasts,
    settings: ServingSettings,
    volatility: VolatilityForecast,
    drivers: tuple[Driver, ...] | None = None,
    *,
    led: bool,
) -> Forecast:
    """Return the answer to the first of several windows, recalibrated where the version is.

    Args:
        symbol: Symbol of the window.
        forecaster: The version that gave them.
        forecasts: Its answers to one or more windows.
        settings: Probabilities from which the signal is Long or Short.
        volatility: Over the horizon of the version, after the same window.
        drivers: What moved the answer most.
        led: Whether the candles of what leads the market were read.

    Raises:
        InvalidMarketData: the probability is not finite.
    """
    model, by = forecaster.metadata, forecaster.recalibration
    if by is not None:
        calibration = by.of(symbol)
        forecasts = recalibrated(forecasts, calibration)
        drivers = drivers and stretched(drivers, calibration)
    probability = float(forecasts.probability_up[0])
    if not np.isfinite(probability):
        raise InvalidMarketData(f"the {model.type} model has no answer to candles so far from any market")
    return Forecast(
        symbol=symbol,
        timeframe=model.timeframe,
        probability_up=probability,
        signal=signal_of(probability, settings),
        confidence=float(forecasts.confidence[0]),
        individual_predictions={str(kind): float(values[0]) for kind, values in forecasts.members.items()},
        disagreement=float(forecasts.disagreement[0]),
        horizon_candles=model.horizon_candles,
        model_type=model.type,
        model_version=model.version,
        calibrated_at=by.at_ms if by else None,
        shipped=model.shipped,
        trained_until=model.trained_until_ms,
        verdict=model.skill,
        drivers=drivers,
        leader=leader_of(symbol) if led else None,
        volatility_forecast=volatility,
        **_expectations(model, forecasts),
    )


@cache
def _engineer(feature_set: str) -> FeatureEngineer:
    return FeatureEngineer(FEATURE_SETS[feature_set])


def signal_of(probability: float, settings: ServingSettings) -> Signal:
    """Return Long, Short or Neutral for a probability of a rise."""
    if probability >= settings.long_probability:
        return Signal.LONG
    return Signal.SHORT if probability <= settings.short_probability else Signal.NEUTRAL


def _expectations(model: ModelMetadata, forecasts: Forecasts) -> dict[str, dict[int, float]]:
    """Return the expected returns, drawdowns and rallies by horizon; empty of models that have none."""
    if model.graph is None or model.graph.outputs != "multi_horizon":
        return {"expected_returns": {}, "expected_drawdowns": {}, "expected_rallies": {}}
    horizons = unpack_horizons(forecasts.raw, model.graph.horizons_candles)
    parts = {"returns": horizons.returns, "drawdowns": horizons.drawdowns, "rallies": horizons.rallies}
    return {
        f"expected_{name}": {horizon: float(values[0]) for horizon, values in part.items()}
        for name, part in parts.items()
    }
