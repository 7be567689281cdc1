"""Price paths: the prices that a model expects, between quantiles of the market's own returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from domain.arrays import FloatArray
from domain.errors import InvalidMarketData
from domain.forecasting import Forecast

MAX_STEPS = 30
# Expected returns outside of this range are an error of the model.
LEAST_RETURN, GREATEST_RETURN = -0.9, 10.0

# Of the model at one of its horizons, on the line between two, held after its last; or without a model.
Basis = Literal["model", "interpolated", "held", "last_close"]


@dataclass(frozen=True)
class PriceStep:
    """The price `step` candles ahead: the expected one, and the bounds of the interval."""

    step: int
    expected: float
    lower: float
    upper: float
    basis: Basis


def price_path(closes: FloatArray, forecast: Forecast | None, steps: int, coverage: float) -> list[PriceStep]:
    """Return the prices 1 to `steps` candles after the last close.

    The expected price is the last close times the return that the model expects: at its horizons, on a
    straight line between them, and unchanged after the last. A model that gives a probability p alone is
    read as (2 p - 1) times the mean absolute return over its horizon. Without a model it is the last close.

    The interval has the quantiles (1 - coverage) / 2 and (1 + coverage) / 2 of the market's one-candle log
    returns about their median, times the square root of the step: it widens as those of independent returns do.

    Args:
        closes: Shape (n,) with n >= 2, oldest first.
        forecast: Of the model in production.
        steps: 1 to 30.
        coverage: Expected share of prices within the interval, between 0 and 1.

    Raises:
        InvalidMarketData: the model expects an impossible return.
    """
    logs = np.log(closes)
    returns = np.diff(logs)
    low, high = np.quantile(returns - np.median(returns), [(1 - coverage) / 2, (1 + coverage) / 2])
    expected = _expected_returns(logs, forecast)
    horizons = sorted(expected)
    path = []
    for step in range(1, steps + 1):
        shift = float(np.interp(step, [0, *horizons], [0.0, *(expected[horizon] for horizon in horizons)]))
        center, width = float(closes[-1]) * (1 + shift), np.sqrt(step)
        lower, upper = (float(center * np.exp(bound * width)) for bound in (low, high))
        path.append(PriceStep(step, center, lower, upper, _basis(step, horizons)))
    return path


def _expected_returns(logs: FloatArray, forecast: Forecast | None) -> dict[int, float]:
    """Return the expected returns by horizon in candles, as fractions; empty without a forecast."""
    if forecast is None:
        return {}
    expected = forecast.expected_returns or _of_probability(logs, forecast)
    for horizon, value in expected.items():
        if not LEAST_RETURN < value < GREATEST_RETURN:
            raise InvalidMarketData(f"{forecast.model_version} expects a return of {value:g} over {horizon} candles")
    return dict(expected)


def _of_probability(logs: FloatArray, forecast: Forecast) -> dict[int, float]:
    horizon = forecast.horizon_candles
    if horizon >= len(logs):
        return {}
    size = float(np.abs(logs[horizon:] - logs[:-horizon]).mean())
    return {horizon: float(np.expm1((2 * forecast.probability_up - 1) * size))}


def _basis(step: int, horizons: Sequence[int]) -> Basis:
    if not horizons:
        return "last_close"
    if step in horizons:
        return "model"
    return "interpolated" if step < horizons[-1] else "held"
