"""Fit the forecast of volatility on the candles of many markets together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from domain.arrays import FloatArray, IntArray
from domain.errors import InsufficientData
from domain.market import CandleSeries
from features.datasets.candle_checks import unbroken_runs
from features.datasets.targets import forward_returns
from models.volatility.variances import WINDOWS, VarianceRows, candle_variances, variance_rows
from models.volatility.volatility_model import MAX_STEPS, TAILS, StepVolatility, VolatilityModel

# Rows below which quantiles at the least of `TAILS` are a matter of chance.
MIN_ROWS = 5_000
_DIGITS = 4
# Quantiles that give the scale of a market: few moves are further out, and bands hardly depend on those further in.
_SCALED = [at for at, tail in enumerate(TAILS) if 0.02 <= tail <= 0.15]


def fit_volatility(markets: Mapping[str, CandleSeries]) -> VolatilityModel:
    """Return the model of closed candles of one timeframe, by symbol.

    The weights are those of least squares on the logarithm of the mean variance of the next candles, and a constant
    then makes the mean of the squared returns in deviations 1. Quantiles are of the sizes of the returns in deviations,
    since no past tells whether a market will rise or fall; each market with `MIN_ROWS` rows has a scale of its own.

    Raises:
        InsufficientData: fewer than `MIN_ROWS` rows with full windows and known outcomes.
    """
    pooled = {symbol: _FitMarket.of(series) for symbol, series in markets.items()}
    rows = sum(max(0, len(series) - WINDOWS[-1]) for series in markets.values())
    if rows < MIN_ROWS:
        raise InsufficientData(
            f"a forecast of volatility needs {MIN_ROWS:,} candles after the first {WINDOWS[-1]} of each market, "
            f"received {rows:,}"
        )
    steps = [_fitted(pooled, step) for step in range(1, MAX_STEPS + 1)]
    any_series = next(iter(markets.values()))
    return VolatilityModel(
        markets=tuple(markets),
        timeframe=any_series.timeframe,
        fitted_until_ms=max(series.last_close_ms for series in markets.values()),
        rows=rows,
        steps=tuple(steps),
    )


@dataclass(frozen=True)
class _FitMarket:
    """A market and what was known at each of its candles."""

    rows: VarianceRows
    variances: FloatArray
    series: CandleSeries
    runs: IntArray

    @classmethod
    def of(cls, series: CandleSeries) -> Self:
        return cls(variance_rows(series.values), candle_variances(series.values), series, unbroken_runs(series))

    def part(self, step: int) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Return the rows with full windows and a known outcome: columns, target, usual variance, log return."""
        sums = np.concatenate([[0.0], np.cumsum(self.variances)])
        ahead = np.full(len(self.variances), np.nan)
        ahead[:-step] = (sums[1 + step :] - sums[1:-step]) / step
        moves = np.log1p(forward_returns(self.series.closes, step, self.runs))
        usable = np.isfinite(moves) & (ahead > 0) & (self.rows.ranged > 0)
        usable[: WINDOWS[-1]] = False
        targets = np.log(ahead[usable] / self.rows.ranged[usable])
        return self.rows.columns[usable], targets, self.rows.usual[usable], moves[usable]


def _fitted(markets: Mapping[str, _FitMarket], step: int) -> StepVolatility:
    parts = {symbol: market.part(step) for symbol, market in markets.items()}
    columns, targets, usual, moves = (np.concatenate(arrays) for arrays in zip(*parts.values(), strict=True))
    weights, *_ = np.linalg.lstsq(columns, targets, rcond=None)
    weights[0] += np.log(np.mean(moves**2 / (usual * np.exp(columns @ weights))))

    def quantiles(columns: FloatArray, usual: FloatArray, moves: FloatArray) -> FloatArray:
        sizes = np.abs(moves) / np.sqrt(usual * np.exp(columns @ weights))
        found: FloatArray = np.quantile(sizes, 1 - 2 * np.array(TAILS))
        return found

    whole = quantiles(columns, usual, moves)
    own = {symbol: quantiles(rows, usual, moves) for symbol, (rows, _, usual, moves) in parts.items() if _many(moves)}
    return StepVolatility(
        weights=tuple(weights.round(_DIGITS).tolist()),
        quantiles=tuple(whole.round(_DIGITS).tolist()),
        scales={
            symbol: round(float(np.mean(quantile[_SCALED] / whole[_SCALED])), _DIGITS)
            for symbol, quantile in own.items()
        },
    )


def _many(moves: FloatArray) -> bool:
    return len(moves) >= MIN_ROWS
