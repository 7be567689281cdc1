"""Bands of prices that adapt: quantiles of past moves in forecast deviations, corrected after every candle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from domain.arrays import FloatArray, IntArray
from models.volatility.volatility_model import MAX_STEPS, TAILS, VolatilityModel

# How far a quantile moves after a candle, in deviations; by the step, since outcomes of long steps overlap.
RATE = 0.1
# Candles without which a forecast of volatility says little.
WARM_UP = 20
# Newest candles after each of which the quantiles are corrected, at most.
REPLAYED = 500
_STEPS: IntArray = np.arange(1, MAX_STEPS + 1)
_TAILS: FloatArray = np.array(TAILS)
_RATES: FloatArray = (RATE / _STEPS)[:, None, None]


@dataclass(frozen=True)
class Bands:
    """Bounds of the log returns after the newest candle, and how earlier ones of the same market held.

    Attributes:
        lower: Shape (30,), <= 0, falling with the step.
        upper: Shape (30,), >= 0, rising with the step.
        deviations: Shape (30,), forecast standard deviations of the log returns.
        settled: Shape (30,): earlier bands of each step whose outcome is known.
        held: Shape (30,): how many of them held the price.
    """

    lower: FloatArray
    upper: FloatArray
    deviations: FloatArray
    settled: IntArray
    held: IntArray


def adaptive_bands(
    model: VolatilityModel, values: FloatArray, coverage: float, scales: FloatArray | None = None
) -> Bands:
    """Return the bands after the newest of n candles, for 1 to 30 steps.

    The quantiles of falls and rises begin as the model's, times the scales of the market, in deviations that it
    forecasts. After each candle those that the price went beyond are raised and the others lowered, by `RATE` / step
    times (1 or 0 less their tail), so that in the long run each is exceeded as often as its tail says, in any market. A
    band counts as issued with the quantiles of its own candle.

    Args:
        model: Forecasts the deviations, and gives the first quantiles.
        values: Shape (n, 5) with n >= 2: open, high, low, close > 0, volume; oldest first.
        coverage: Share of prices that a band shall hold, 0.5..0.99.
        scales: Shape (30,), of the market, as `VolatilityModel.scales` gives them; None of a market that is not known.

    Source: Angelopoulos, Candes and Tibshirani, Conformal PID Control for Time Series Prediction (2023), section 2.1
    (quantile tracking), with normalized scores; quantiles are put in order after Chernozhukov, Fernandez-Val and
    Galichon, Quantile and Probability Curves without Crossing (2010).
    """
    deviations = model.deviations(values)
    scores = _scores(deviations, np.log(values[:, 3]))
    first = model.quantiles() * (1.0 if scales is None else scales[:, None])
    issued = _issued(np.repeat(first[:, None], 2, axis=1), scores)
    tail = np.clip((1 - coverage) / 2, TAILS[0], TAILS[-1])
    place = float(np.interp(np.log(tail), np.log(_TAILS), np.arange(len(_TAILS))))
    below = min(int(place), len(_TAILS) - 2)
    reach = (below + 1 - place) * issued[..., below] + (place - below) * issued[..., below + 1]
    known = ~np.isnan(scores).any(axis=2)
    falls, rises = (reach[-1] * deviations[-1][:, None]).T
    return Bands(
        lower=-np.maximum.accumulate(falls),
        upper=np.maximum.accumulate(rises),
        deviations=deviations[-1],
        settled=known.sum(axis=0),
        held=(known & (scores <= reach).all(axis=2)).sum(axis=0),
    )


def _scores(deviations: FloatArray, logs: FloatArray) -> FloatArray:
    """Return the fall and the rise after each candle in its deviations, shape (n, 30, 2).

    NaN while the outcome is not known, where nothing was forecast, and of older candles than are replayed.
    """
    count = len(logs)
    scores = np.full((count, MAX_STEPS, 2), np.nan)
    for step in range(1, MAX_STEPS + 1):
        first, last = max(WARM_UP, count - REPLAYED - step), count - step
        if first < last:
            moves, sizes = logs[first + step :] - logs[first:last], deviations[first:last, step - 1]
            beyond = np.where(moves == 0, 0.0, np.copysign(np.inf, moves))
            rises = np.divide(moves, sizes, out=beyond, where=sizes > 0)
            scores[first:last, step - 1] = np.column_stack([-rises, rises])
    return scores


def _issued(current: FloatArray, scores: FloatArray) -> FloatArray:
    """Return the quantiles as they were at each candle, shape (n, 30, 2, tails), falling with the tail.

    Args:
        current: The first ones, shape (30, 2, tails).
        scores: As `_scores` returns them.
    """
    count = len(scores)
    begin = max(0, count - REPLAYED)
    # Each outcome is known at a later candle: `told[now]` are those that became known now.
    told = np.full_like(scores, np.nan)
    for step in range(1, min(MAX_STEPS, count - 1) + 1):
        told[step:, step - 1] = scores[:-step, step - 1]
    known = ~np.isnan(told)
    issued = np.empty((count, *current.shape))
    issued[:begin] = current
    for now in range(begin, count):
        before = issued[np.maximum(now - _STEPS, 0), _STEPS - 1]
        missed = told[now][..., None] > before
        current = np.maximum(current + _RATES * known[now][..., None] * (missed - _TAILS), 0.0)
        issued[now] = np.sort(current, axis=-1)[..., ::-1]
    return issued
