"""How the prices of closed candles differ from those that were known of the same open times before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from domain.arrays import FloatArray, IntArray
from domain.market import CandleSeries, Timeframe
from domain.values import utc_time

_PRICES = ("open", "high", "low", "close")


@dataclass(frozen=True)
class PriceChange:
    """The greatest change of a price among the candles of one timeframe.

    Attributes:
        timeframe: Of the candles.
        candles: How many of them have another price than before.
        factor: Of the greatest change, up or down, above 1.
        time_ms: Open time of its candle, epoch ms.
        price: open, high, low or close.
        before: The price that was known.
        after: The price now.
    """

    timeframe: Timeframe
    candles: int
    factor: float
    time_ms: int
    price: str
    before: float
    after: float

    def words(self, symbol: str, known: str, max_factor: float) -> str:
        """Return why it is refused; `known` says how the price before is known."""
        time = utc_time(self.time_ms).strftime("%Y-%m-%dT%H:%M:%SZ")
        return (
            f"{symbol} {self.timeframe} candle of {time} ({self.time_ms}) has {self.price} {self.after:.10g}, "
            f"and {known} with {self.before:.10g}: a closed candle may change by a factor of at most "
            f"{max_factor:g} (analysis.max_revision_factor)"
        )


def greatest_change(times_ms: IntArray, prices: FloatArray, series: CandleSeries) -> PriceChange | None:
    """Return the greatest change from known candles to those of a series, None where no price differs.

    Args:
        times_ms: Shape (n,), open times of the known candles, ascending.
        prices: Shape (n, 4): open, high, low, close.
        series: The candles now; those of other open times are new and no change.
    """
    if not len(times_ms) or not len(series):
        return None
    at = np.searchsorted(times_ms, series.times_ms).clip(max=len(times_ms) - 1)
    again = times_ms[at] == series.times_ms
    before, after = prices[at[again]], series.values[again, :4]
    if np.array_equal(before, after):
        return None
    factors = np.maximum(before / after, after / before)
    row, column = divmod(int(factors.argmax()), len(_PRICES))
    return PriceChange(
        timeframe=series.timeframe,
        candles=int((factors > 1).any(axis=1).sum()),
        factor=float(factors[row, column]),
        time_ms=int(series.times_ms[again][row]),
        price=_PRICES[column],
        before=float(before[row, column]),
        after=float(after[row, column]),
    )
