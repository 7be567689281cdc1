"""Figures of an account, from its equity curve."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from backtesting.trades import EquityCurve
from domain.arrays import FloatArray
from domain.hours.clocks import DAY_MS
from domain.trading.performance import YEAR_MS, max_drawdown
from domain.values import Frozen

# A market around the clock has a return for every day of the year.
DAYS_PER_YEAR = 365.0
_DAYS_PER_WEEK = 7
# Below this share of the mean, a deviation is rounding.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class DailyReturns:
    """Returns of an account from the end of one day (UTC) to the end of the next.

    Attributes:
        values: As fractions, shape (n,); the last day may be unfinished.
        per_year: Returns in a year, by which ratios are annualized.
    """

    values: FloatArray
    per_year: float

    @property
    def sharpe(self) -> float | None:
        """Mean over standard deviation (n - 1), not annualized, without a riskless rate; None where they do not vary.

        Source: Sharpe, The Sharpe Ratio (1994).
        """
        if len(self.values) < 2:
            return None
        return _ratio(float(self.values.mean()), float(self.values.std(ddof=1)))

    @property
    def sortino(self) -> float | None:
        """Mean over the root of the mean square of the losses (all days count), not annualized; None without losses.

        Source: Sortino and Price, Performance Measurement in a Downside Risk Framework (1994), target 0.
        """
        if len(self.values) < 2:
            return None
        losses = np.minimum(self.values, 0.0)
        return _ratio(float(self.values.mean()), math.sqrt(float(losses @ losses) / len(losses)))


class AccountFigures(Frozen):
    """Figures of an equity curve; returns are fractions, None is undefined.

    Attributes:
        total_return: After costs.
        gross_return: Of the same trades without costs.
        cagr: Compound return per year of 365.25 days; None where nothing is left to compound.
        sharpe_ratio, sortino_ratio: Of the daily returns, times the root of `days_per_year`.
        calmar_ratio: `cagr` over `max_drawdown`; None without a drawdown.
        max_drawdown: Largest fall from a high, at every moment of the curve.
        days: Number of daily returns.
        days_per_year: 365 around the clock, else the days of a year on which the market traded.
    """

    total_return: float
    gross_return: float
    cagr: float | None
    sharpe_ratio: float | None
    sortino_ratio: float | None
    calmar_ratio: float | None
    max_drawdown: float
    days: int
    days_per_year: float


def account_figures(curve: EquityCurve, returns: DailyReturns) -> AccountFigures:
    """Return the figures of an account.

    Args:
        curve: Of two moments or more.
        returns: Its daily returns.
    """
    total = float(curve.equity[-1] / curve.equity[0] - 1.0)
    fall = max_drawdown(curve.equity)
    yearly = _compound(total, float(curve.times_ms[-1] - curve.times_ms[0]) / YEAR_MS)
    return AccountFigures(
        total_return=total,
        gross_return=float(curve.gross_equity[-1] / curve.gross_equity[0] - 1.0),
        cagr=yearly,
        sharpe_ratio=_annual(returns.sharpe, returns.per_year),
        sortino_ratio=_annual(returns.sortino, returns.per_year),
        calmar_ratio=yearly / fall if yearly is not None and fall > 0.0 else None,
        max_drawdown=fall,
        days=len(returns.values),
        days_per_year=returns.per_year,
    )


def daily_returns(curve: EquityCurve, around_the_clock: bool) -> DailyReturns:
    """Return the daily returns of an account.

    Args:
        curve: Of two moments or more.
        around_the_clock: Whether one of its markets trades every day.

    Around the clock, days without a candle have the return 0; otherwise they are no days of the market. Of less than a
    year, the weekdays on which the market traded tell how many days its year has.
    """
    # A value of midnight is the last of the day before.
    days = (curve.times_ms - 1) // DAY_MS
    ends = np.flatnonzero(np.diff(days, append=days[-1] + 1))
    ends = ends[ends > 0]
    if around_the_clock and len(ends):
        ends = np.searchsorted(days, np.arange(days[ends[0]], days[ends[-1]] + 1), side="right") - 1
    values = curve.equity[np.concatenate(([0], ends))]
    before, after = values[:-1], values[1:]
    alive = before > 0.0
    returns = np.divide(after, before, out=np.ones(len(after)), where=alive) - 1.0
    if around_the_clock:
        return DailyReturns(returns, DAYS_PER_YEAR)
    years = float(curve.times_ms[-1] - curve.times_ms[0]) / YEAR_MS
    weekdays = len(np.unique(days[ends] % _DAYS_PER_WEEK))
    return DailyReturns(returns, len(ends) / years if years >= 1.0 else weekdays * DAYS_PER_YEAR / _DAYS_PER_WEEK)


def yearly_returns(curve: EquityCurve) -> dict[str, float]:
    """Return the total return after costs of each calendar year (UTC), the first and the last as far as they go."""
    # A value of midnight is the last of the year before; the first of all is where the first year begins.
    years = (curve.times_ms[1:] - 1).astype("datetime64[ms]").astype("datetime64[Y]")
    ends = np.flatnonzero(np.append(years[1:] != years[:-1], True)[: len(years)])
    values = np.concatenate((curve.equity[:1], curve.equity[1:][ends]))
    return {
        str(year): float(after / before - 1.0)
        for year, before, after in zip(years[ends], values, values[1:], strict=False)
        if before > 0.0
    }


def _compound(total: float, years: float) -> float | None:
    """Return the return per year, None where it is undefined or beyond all bounds."""
    if total < -1.0 or years <= 0.0:
        return None
    try:
        return float((1.0 + total) ** (1.0 / years) - 1.0)
    except OverflowError:
        return None


def _annual(ratio: float | None, per_year: float) -> float | None:
    return None if ratio is None else ratio * math.sqrt(per_year)


def _ratio(mean: float, deviation: float) -> float | None:
    return mean / deviation if deviation > _ROUNDING * abs(mean) else None
