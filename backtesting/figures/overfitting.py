"""What a good result is worth after several tries: deflated Sharpe ratio, probability of backtest overfitting."""

from __future__ import annotations

import math
from itertools import combinations
from statistics import NormalDist

import numpy as np

from domain.arrays import FloatArray
from domain.errors import InsufficientData
from domain.values import Frozen, Share

EULER_MASCHERONI = 0.5772156649015329
# 12,870 ways to halve them.
BLOCKS = 16
_ROUNDING = 1e-9
_NORMAL = NormalDist()


class Overfitting(Frozen):
    """How far the choice of the best setting was a choice of luck.

    Attributes:
        probability: Share of the halvings in which the best setting of one half was below the median of the other.
        loss_probability: Share in which it lost in the other half.
        settings: Number of settings.
        halvings: Number of ways in which the time was halved.
    """

    probability: Share
    loss_probability: Share
    settings: int
    halvings: int


def expected_highest(trials: int, deviation: float) -> float:
    """Return the highest Sharpe ratio to be expected of `trials` settings that are worth nothing.

    Args:
        trials: Independent settings tried, >= 1.
        deviation: Standard deviation of their Sharpe ratios, >= 0.

    Source: Bailey and Lopez de Prado, The Deflated Sharpe Ratio (2014), equation 1.
    """
    if trials < 2:
        return 0.0
    usual, rare = _NORMAL.inv_cdf(1 - 1 / trials), _NORMAL.inv_cdf(1 - 1 / (trials * math.e))
    return deviation * ((1 - EULER_MASCHERONI) * usual + EULER_MASCHERONI * rare)


def deflated_sharpe(returns: FloatArray, trials: int, deviation: float) -> float | None:
    """Return the probability that the true Sharpe ratio is above the highest that luck would bring, 0..1.

    Skewness and kurtosis of the returns are reckoned with. With one trial it is the probabilistic Sharpe ratio: that
    the true one is above 0.

    Args:
        returns: n returns of equal periods, as fractions.
        trials: Settings tried, >= 1.
        deviation: Standard deviation of their Sharpe ratios over the same period, not annualized.

    Returns:
        None for fewer than three returns, or returns that do not vary.

    Source: Bailey and Lopez de Prado, The Deflated Sharpe Ratio (2014), equation 2.
    """
    if len(returns) < 3:
        return None
    mean, spread = float(returns.mean()), float(returns.std())
    if spread <= _ROUNDING * abs(mean):
        return None
    standard = (returns - mean) / spread
    skew, kurtosis = float((standard**3).mean()), float((standard**4).mean())
    ratio = mean / float(returns.std(ddof=1))
    variance = 1 - skew * ratio + (kurtosis - 1) / 4 * ratio**2
    if variance <= 0:
        return None
    excess = ratio - expected_highest(trials, deviation)
    return _NORMAL.cdf(excess * math.sqrt((len(returns) - 1) / variance))


def overfitting(returns: FloatArray, blocks: int = BLOCKS) -> Overfitting:
    """Return the probability that the best of a family of settings was chosen by luck.

    Combinatorially symmetric cross-validation: the time is cut into blocks; for each way to take half of them, the
    setting with the best Sharpe ratio there is looked up among all settings in the other half.

    Args:
        returns: Of the settings in the same periods, shape (periods, settings).
        blocks: Even number of parts of the time.

    Raises:
        InsufficientData: fewer than two settings, or fewer than two periods a block.

    Source: Bailey, Borwein, Lopez de Prado and Zhu, The Probability of Backtest Overfitting (2015).
    """
    periods, settings = returns.shape
    if settings < 2 or periods < 2 * blocks:
        raise InsufficientData(
            f"the probability of overfitting needs 2 settings and {2 * blocks} periods at least, "
            f"received {settings} and {periods}"
        )
    size = periods // blocks
    # The oldest periods that fill no block are left out.
    parts = returns[periods - size * blocks :].reshape(blocks, size, settings)
    sums, squares = parts.sum(axis=1), (parts**2).sum(axis=1)
    halves = np.zeros((math.comb(blocks, blocks // 2), blocks))
    for row, chosen in enumerate(combinations(range(blocks), blocks // 2)):
        halves[row, chosen] = 1.0
    count = size * blocks // 2
    inside = _sharpe(halves @ sums, halves @ squares, count)
    outside = _sharpe((1 - halves) @ sums, (1 - halves) @ squares, count)
    best = inside.argmax(axis=1)
    found = outside[np.arange(len(best)), best][:, None]
    # Ties count half, so that equal settings are in the middle.
    rank = ((outside < found).sum(axis=1) + ((outside == found).sum(axis=1) + 1) / 2) / (settings + 1)
    return Overfitting(
        probability=float((rank <= 0.5).mean()),
        loss_probability=float((found < 0.0).mean()),
        settings=settings,
        halvings=len(halves),
    )


def _sharpe(sums: FloatArray, squares: FloatArray, count: int) -> FloatArray:
    """Return mean over standard deviation from sums and sums of squares; 0 where nothing varies."""
    means = sums / count
    variances = np.maximum(squares / count - means**2, 0.0)
    varies = variances > (_ROUNDING * means) ** 2
    return np.divide(means, np.sqrt(variances), out=np.zeros_like(means), where=varies)
