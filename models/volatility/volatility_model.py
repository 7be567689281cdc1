"""How volatile the next candles will be: coefficients fitted on many markets, for any market."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Self

import numpy as np
from pydantic import Field, model_validator

from domain.arrays import FloatArray
from domain.forecasting import VolatilityForecast, VolatilitySkill
from domain.market import CandleSeries, Timeframe
from domain.naming.symbols import DOLLAR_COINS, Symbol
from domain.values import Frozen
from models.volatility.variances import WINDOWS, newest_variance_rows, variance_rows

MAX_STEPS = 30
# Shares of outcomes beyond a quantile, on each side; the quantiles of others lie between.
TAILS = (0.005, 0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25)
PLAIN_CANDLES = 20
_DOLLARS = frozenset[str | None]({"USD", *DOLLAR_COINS})
_SHIPPED_FILE = Path(__file__).resolve().parents[2] / "config" / "volatility.json"

Quantiles = Annotated[tuple[float, ...], Field(min_length=len(TAILS), max_length=len(TAILS))]


class StepVolatility(Frozen):
    """The forecast for one number of candles ahead.

    Attributes:
        weights: Of the columns of `VarianceRows`.
        quantiles: Of the sizes of the moves, in deviations, > 0: one in `TAILS` falls further, and one rises further.
        scales: By market, its own such quantiles as a multiple of these, > 0: hours of BTC and ETH follow each other
            more than those of other coins, so that a day of theirs moves further.
    """

    weights: Annotated[tuple[float, ...], Field(min_length=len(WINDOWS), max_length=len(WINDOWS))]
    quantiles: Quantiles
    scales: Mapping[str, Annotated[float, Field(gt=0)]]


class VolatilityModel(Frozen):
    """A heterogeneous autoregression of the logarithm of the variance: over 1, 6, 24, 120 and 480 candles.

    The variance over h candles is the usual one times exp(weights of h . columns). The weights have no unit, so that
    they serve any market and timeframe. Source: Corsi, A Simple Approximate Long-Memory Model of Realized Volatility
    (2009).

    Attributes:
        markets: On whose candles it was fitted.
        timeframe: Of these candles.
        fitted_until_ms: Close of the newest one, epoch ms.
        rows: Their number.
        steps: Of 1 to 30 candles ahead.
    """

    markets: tuple[str, ...]
    timeframe: Timeframe
    fitted_until_ms: int
    rows: Annotated[int, Field(ge=1)]
    steps: Annotated[tuple[StepVolatility, ...], Field(min_length=MAX_STEPS, max_length=MAX_STEPS)]

    @model_validator(mode="after")
    def _quantiles_in_order(self) -> Self:
        for step in self.steps:
            if list(step.quantiles) != sorted(step.quantiles, reverse=True) or step.quantiles[-1] <= 0:
                raise ValueError("quantiles have to fall with their tails, and to be above zero")
        return self

    def deviations(self, values: FloatArray) -> FloatArray:
        """Return the standard deviation of the log return over 1 to 30 candles after each of n, shape (n, 30), >= 0.

        Args:
            values: Shape (n, 5): open, high, low, close > 0, volume; oldest first.
        """
        rows = variance_rows(values)
        return np.sqrt(rows.usual[:, None] * np.exp(rows.columns @ self._weights.T))

    def forecasts(
        self, many: Sequence[CandleSeries], horizon: int, skill: VolatilitySkill | None = None
    ) -> list[VolatilityForecast]:
        """Return the volatility over the next `horizon` candles; beyond 30 variance grows with the candles.

        Args:
            many: Series of two closed candles or more each, of which the newest 601 are read.
            horizon: Candles ahead, >= 1.
            skill: Of such forecasts, where it was measured.
        """
        if not many:
            return []
        step, longer = min(horizon, MAX_STEPS), max(horizon / MAX_STEPS, 1.0)
        rows = newest_variance_rows([series.values for series in many])
        # Added up row by row: a product of all would round each by its place among them.
        logs = (rows.columns * self._weights[step - 1]).sum(axis=1)
        deviations = np.sqrt(rows.usual * np.exp(logs) * longer)
        plain = [np.diff(np.log(series.closes[-PLAIN_CANDLES - 1 :])).std() * np.sqrt(horizon) for series in many]
        return [
            VolatilityForecast(deviation=deviation, last_20_candles=float(last), skill=skill)
            for deviation, last in zip(deviations.tolist(), plain, strict=True)
        ]

    def quantiles(self) -> FloatArray:
        """Return the quantiles of the sizes of moves in deviations, shape (30, tails)."""
        return np.array([step.quantiles for step in self.steps])

    def scales(self, market: str, timeframe: Timeframe) -> FloatArray:
        """Return how far a market moves over 1 to 30 candles, in deviations, as a multiple of all markets; shape (30,).

        It is that of the same coin in another dollar, over the same time; 1 of markets that were not fitted on.

        Args:
            market: Symbol.
            timeframe: Of the candles.
        """
        known = next((name for name in self.markets if _same_coin(name, market)), None)
        own = [step.scales.get(known, 1.0) for step in self.steps] if known else np.ones(MAX_STEPS)
        steps = np.arange(1, MAX_STEPS + 1)
        return np.interp(steps * timeframe.ms / self.timeframe.ms, steps, own)

    def knows(self, market: str) -> bool:
        """Return whether it was fitted on candles of a market."""
        return market in self.markets

    @cached_property
    def _weights(self) -> FloatArray:
        return np.array([step.weights for step in self.steps])


def _same_coin(one: str, other: str) -> bool:
    first, second = Symbol.of(one), Symbol.of(other)
    return first.base == second.base and {first.quote, second.quote} <= _DOLLARS


@cache
def shipped_volatility() -> VolatilityModel:
    """Return the model of `config/volatility.json`, which `cli.py models build-volatility` makes."""
    return VolatilityModel.model_validate_json(_SHIPPED_FILE.read_bytes())
