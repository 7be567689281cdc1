"""How well volatility was forecast: against the plain volatility of the last 20 candles, on the same rows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from domain.arrays import FloatArray, IntArray
from domain.forecasting import VolatilitySkill
from domain.market import CandleSeries
from features.datasets.candle_checks import unbroken_runs
from features.datasets.targets import forward_returns
from models.evaluation.bootstrap import Resampling, interval, resampled_means
from models.volatility.volatility_model import MAX_STEPS, PLAIN_CANDLES, VolatilityModel


def measure_volatility(
    model: VolatilityModel, markets: Mapping[str, CandleSeries], horizon: int, first_ms: int, resampling: Resampling
) -> VolatilitySkill | None:
    """Return the skill on the candles of markets from a moment on, after those that the coefficients were fitted on.

    Args:
        model: Of markets it was fitted on, candles up to its own end are left out.
        markets: Closed candles by symbol.
        horizon: Candles ahead, 1 to 30.
        first_ms: Open time of the first candle, epoch ms.
        resampling: For the interval; rows of several markets stand in the order of time.

    Returns:
        None without such candles, or for a longer horizon.
    """
    if horizon > MAX_STEPS:
        return None
    parts = [
        _losses(model, series, horizon, max(first_ms, model.fitted_until_ms if model.knows(symbol) else 0))
        for symbol, series in markets.items()
    ]
    times: IntArray = np.concatenate([part_times for part_times, _ in parts])
    losses = np.concatenate([part_losses for _, part_losses in parts])[np.argsort(times, kind="stable")]
    if not len(losses):
        return None
    loss, plain = losses.mean(axis=0).tolist()
    # To first order this is what a row adds to the skill.
    resampling = resampling.fitted(losses[:, 0] - loss / plain * losses[:, 1])
    draws = resampled_means(losses, resampling)
    ends = interval(1 - draws[:, 0] / draws[:, 1], len(losses), resampling)
    return VolatilitySkill(
        predictions=len(losses),
        loss=loss,
        last_20_loss=plain,
        skill=1 - loss / plain,
        low=ends.low if ends else None,
        high=ends.high if ends else None,
    )


def _losses(model: VolatilityModel, series: CandleSeries, horizon: int, first_ms: int) -> tuple[IntArray, FloatArray]:
    """Return open times, shape (n,), and the losses of forecast and plain volatility, shape (n, 2)."""
    moves = np.log1p(forward_returns(series.closes, horizon, unbroken_runs(series)))
    returns = np.diff(np.log(series.closes), prepend=np.nan)
    plain = pd.Series(returns).rolling(PLAIN_CANDLES).var(ddof=0).to_numpy() * horizon
    forecast = model.deviations(series.values)[:, horizon - 1] ** 2
    rows = (series.times_ms >= first_ms) & np.isfinite(moves) & (moves != 0) & (plain > 0) & (forecast > 0)
    ratios = moves[rows, None] ** 2 / np.column_stack([forecast, plain])[rows]
    return series.times_ms[rows], ratios - np.log(ratios) - 1
