"""Price paths: the prices that a model expects, between bands that the volatility of the market sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from domain.arrays import FloatArray
from domain.errors import InvalidMarketData
from domain.forecasting import Forecast
from domain.market import CandleSeries
from models.volatility.bands import adaptive_bands
from models.volatility.volatility_model import shipped_volatility
from services.forecasts.horizon_returns import returns_of, why_impossible

# Log return beyond which no bound goes: prices stay finite whatever a market has done before.
_FARTHEST = 20.0

# A price of the model at one of its horizons, on the line between two, or held after the last; or without a model.
Basis = Literal["model", "interpolated", "held", "last_close"]


@dataclass(frozen=True)
class PriceStep:
    """The price `step` candles ahead: the expected one, and the bounds of the interval.

    Attributes:
        volatility: Forecast standard deviation of the log return over the step, a fraction >= 0.
        settled: Earlier intervals of this step, on the candles given, whose price is known.
        held: How many of them contained it.
    """

    step: int
    expected: float
    lower: float
    upper: float
    basis: Basis
    volatility: float
    settled: int
    held: int


def price_path(
    series: CandleSeries,
    forecast: Forecast | None,
    steps: int,
    coverage: float,
    further: Mapping[int, float] | None = None,
    market: str = "",
) -> list[PriceStep]:
    """Return the prices 1 to `steps` candles after the last close.

    The expected price is the last close times the return that the model expects: at its horizons, on a
    straight line between them, and unchanged after the last. Without a model it is the last close.

    The interval is that of `models.volatility.bands` about the expected price: quantiles of the market's moves in
    deviations that were forecast for them, times the deviation that is forecast now.

    Args:
        series: Two closed candles or more, oldest first.
        forecast: Of the model in production.
        steps: 1 to 30.
        coverage: Expected share of prices within the interval, 0.5 to 0.99.
        further: Expected returns of models of other horizons, fractions by candles ahead.
        market: Symbol of the candles, where it is known.

    Raises:
        InvalidMarketData: the model expects an impossible return.
    """
    volatility = shipped_volatility()
    bands = adaptive_bands(volatility, series.values, coverage, volatility.scales(market, series.timeframe))
    last = float(series.closes[-1])
    expected = {**(further or {}), **(_expected_returns(forecast, series.closes) if forecast else {})}
    horizons = sorted(expected)
    path = []
    for step in range(1, steps + 1):
        shift = float(np.interp(step, [0, *horizons], [0.0, *(expected[horizon] for horizon in horizons)]))
        center = last * (1 + shift)
        lower, upper = (
            float(center * np.exp(np.clip(bounds[step - 1], -_FARTHEST, _FARTHEST)))
            for bounds in (bands.lower, bands.upper)
        )
        path.append(
            PriceStep(
                step=step,
                expected=center,
                lower=lower,
                upper=upper,
                basis=_basis(step, horizons),
                volatility=float(bands.deviations[step - 1]),
                settled=int(bands.settled[step - 1]),
                held=int(bands.held[step - 1]),
            )
        )
    return path


def _expected_returns(forecast: Forecast, closes: FloatArray) -> dict[int, float]:
    expected = returns_of(forecast, closes)
    for horizon, value in expected.items():
        if impossible := why_impossible(forecast, horizon, value):
            raise InvalidMarketData(impossible)
    return expected


def _basis(step: int, horizons: Sequence[int]) -> Basis:
    if not horizons:
        return "last_close"
    if step in horizons:
        return "model"
    return "interpolated" if step < horizons[-1] else "held"
