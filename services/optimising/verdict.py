"""Whether found settings may be used instead of the present ones."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from backtesting.figures.account import DailyReturns
from backtesting.figures.overfitting import Overfitting
from domain.arrays import FloatArray
from domain.values import Frozen, Share
from models.evaluation.bootstrap import MIN_BLOCKS, Resampling, interval, resampled_means

# The found settings have to be better by more than this probability of chance,
# and less likely than this to be a choice of luck.
MAX_CHANCE = 0.05
MAX_OVERFITTING = 0.25
_RUNS = 2000
# Positions last days: neighboring days are drawn together.
_BLOCK_DAYS = 10


class SharpeGain(Frozen):
    """By how much the found settings were better than the present ones on the same days, annualized.

    Attributes:
        sharpe_ratio: Ratio of the found settings less that of the present ones.
        low, high: Ends of its 95 % interval; None for too few days.
        p_value: Share of draws without a gain, the real days counted as one more draw.
    """

    sharpe_ratio: float
    low: float | None
    high: float | None
    p_value: Share


@dataclass(frozen=True)
class SearchVerdict:
    """Whether the found settings may be used, and why, for a person."""

    use: bool
    words: str


def sharpe_gain(found: DailyReturns, present: DailyReturns, seed: int) -> SharpeGain:
    """Return the gain in the Sharpe ratio, with its uncertainty by a paired bootstrap over blocks of days.

    Args:
        found, present: Returns of n >= 1 equal days.
        seed: The same seed draws the same days.

    Source: Ledoit and Wolf, Robust Performance Hypothesis Testing with the Sharpe Ratio (2008), without its
    studentized form.
    """
    days, year = len(found.values), math.sqrt(found.per_year)
    resampling = Resampling(_RUNS, max(1, min(_BLOCK_DAYS, days // MIN_BLOCKS)), seed)
    columns = np.column_stack((found.values, found.values**2, present.values, present.values**2))
    draws = year * _gains(resampled_means(columns, resampling))
    ends = interval(draws, days, resampling)
    return SharpeGain(
        sharpe_ratio=year * float(_gains(columns.mean(axis=0)[None])[0]),
        low=ends and ends.low,
        high=ends and ends.high,
        p_value=float((1 + (draws <= 0.0).sum()) / (1 + _RUNS)),
    )


def judge(found: DailyReturns, present: DailyReturns, gain: SharpeGain, luck: Overfitting | None) -> SearchVerdict:
    """Return whether to use the found settings: only where they are better by more than chance, and not by luck.

    Args:
        found, present: Returns out of sample.
        gain: Of the found settings.
        luck: Probability of overfitting; None where it is unknown.
    """
    ratios = (
        f"out of sample the chosen settings had a Sharpe ratio of {_annual(found):.2f}, the present ones of "
        f"{_annual(present):.2f}; {p_value_words(gain.p_value)}"
    )
    against = []
    if gain.sharpe_ratio <= 0.0 or gain.p_value > MAX_CHANCE:
        against.append(f"they are not better by more than chance (p at most {MAX_CHANCE:g})")
    if luck is None:
        against.append("the probability of overfitting is not known, since fewer than two settings had enough trades")
        overfit = ""
    else:
        overfit = f"the probability of overfitting is {luck.probability:.2f}"
        if luck.probability >= MAX_OVERFITTING:
            against.append(f"{overfit}, not below {MAX_OVERFITTING:g}")
    if against:
        return SearchVerdict(False, f"keep the present settings: {ratios}; {', and '.join(against)}")
    loses = ", though they lose too" if _annual(found) <= 0.0 else ""
    return SearchVerdict(True, f"use the found settings: {ratios}; {overfit}, below {MAX_OVERFITTING:g}{loses}")


def p_value_words(p_value: float) -> str:
    """Return a p-value with three decimals."""
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"


def _annual(returns: DailyReturns) -> float:
    """Return the Sharpe ratio a year with two decimals, never a minus before zero."""
    return round((returns.sharpe or 0.0) * math.sqrt(returns.per_year), 2) + 0.0


def _gains(means: FloatArray) -> FloatArray:
    """Return the differences of two Sharpe ratios from means and mean squares, shape (draws, 4)."""
    found, present = _sharpe(means[:, 0], means[:, 1]), _sharpe(means[:, 2], means[:, 3])
    return found - present


def _sharpe(means: FloatArray, squares: FloatArray) -> FloatArray:
    """Return mean over deviation; 0 where nothing varies."""
    variances = np.maximum(squares - means**2, 0.0)
    varies = variances > 1e-18 + 1e-12 * means**2
    return np.divide(means, np.sqrt(variances), out=np.zeros_like(means), where=varies)
