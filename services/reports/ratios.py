"""Win rates and Sharpe ratios with their counts and intervals, which hold at every look."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from services.ledger.scoring.intervals import LEAST_FOR_MEANS, mean_reach, share_sequence

# Markets of coins are open every day; days without a result count as 0.
DAYS_PER_YEAR = 365


@dataclass(frozen=True)
class MeasuredRatio:
    """A figure, the number of observations that it is of, and its 95 % interval; None where they are too few."""

    value: float | None
    count: int
    low: float | None
    high: float | None

    def figures(self) -> dict[str, Any]:
        """Return it as JSON-like values."""
        return asdict(self)


def win_rate(wins: int, count: int) -> MeasuredRatio:
    """Return the share of wins among independent results, 0 to 1."""
    if not count:
        return MeasuredRatio(None, 0, None, None)
    low, high = share_sequence(np.array([float(wins)]), np.array([float(count)]))
    return MeasuredRatio(wins / count, count, float(low[0]), float(high[0]))


def sharpe_ratio(daily: Sequence[float]) -> MeasuredRatio:
    """Return the annual Sharpe ratio of daily results, without a riskless rate: mean by deviation, times sqrt(365).

    The interval is that of the mean, by the deviation. With fewer than 30 days, or results that do not vary, there is
    no figure.

    Source: Sharpe, The Sharpe Ratio (1994).
    """
    values = np.asarray(daily, dtype=float)
    deviation = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    if len(values) < LEAST_FOR_MEANS or deviation <= 0 or not math.isfinite(deviation):
        return MeasuredRatio(None, len(values), None, None)
    scale = math.sqrt(DAYS_PER_YEAR) / deviation
    mean = float(values.mean())
    reach = float(mean_reach(np.array([deviation]), np.array([float(len(values))]))[0])
    return MeasuredRatio(mean * scale, len(values), (mean - reach) * scale, (mean + reach) * scale)
