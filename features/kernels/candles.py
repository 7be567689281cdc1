"""The columns of candles, and intermediate results that several indicators share."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

import numpy as np

from domain.arrays import FloatArray

if TYPE_CHECKING:
    import pandas as pd

Parameters = ParamSpec("Parameters")
Source = TypeVar("Source", bound="Candles")
COLUMNS = ("open", "high", "low", "close", "volume")


class Candles:
    """n candles, oldest first, as contiguous columns; or several series of n candles, one a row.

    Attributes:
        open, high, low, close: Prices in quote currency, > 0.
        volume: In base currency, >= 0.
        memory: Intermediate results by kernel and parameters; never changed in place.
    """

    __slots__ = ("close", "high", "low", "memory", "open", "volume")

    def __init__(self, columns: FloatArray) -> None:
        """Take an array of shape (5, n), or (5, series, n): open, high, low, close, volume."""
        rows = np.ascontiguousarray(columns, dtype=np.float64)
        self.open: FloatArray = rows[0]
        self.high: FloatArray = rows[1]
        self.low: FloatArray = rows[2]
        self.close: FloatArray = rows[3]
        self.volume: FloatArray = rows[4]
        self.memory: dict[Hashable, FloatArray] = {}

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Candles:
        """Return the candles of a frame with columns open, high, low, close and volume."""
        return cls(np.array([frame[name].to_numpy(np.float64) for name in COLUMNS]))

    def frame(self) -> pd.DataFrame:
        """Return the candles of one series as a frame with a RangeIndex."""
        import pandas as pd

        return pd.DataFrame({name: getattr(self, name) for name in COLUMNS})

    def __len__(self) -> int:
        return int(self.close.shape[-1])


def shared(
    make: Callable[Concatenate[Source, Parameters], FloatArray],
) -> Callable[Concatenate[Source, Parameters], FloatArray]:
    """Let a kernel run once per candles and parameters: its result is kept with the candles."""

    def once(candles: Source, /, *args: Parameters.args, **kwargs: Parameters.kwargs) -> FloatArray:
        key = (make, args)
        found = candles.memory.get(key)
        if found is None:
            found = candles.memory[key] = make(candles, *args, **kwargs)
        return found

    return once


def newest(values: FloatArray, count: int) -> FloatArray:
    """Return the last `count` values of each series."""
    return values[..., values.shape[-1] - count :]


def share(part: FloatArray, whole: FloatArray) -> FloatArray:
    """Return part / whole, and 0 where the whole, and so its part, is 0."""
    shares: FloatArray = part / (whole + (whole == 0))
    return shares


@shared
def typical(candles: Candles) -> FloatArray:
    """Return (high + low + close) / 3 of each candle."""
    return (candles.high + candles.low + candles.close) / 3


@shared
def moves(candles: Candles) -> FloatArray:
    """Return the change of the close, from the second candle on."""
    return candles.close[..., 1:] - candles.close[..., :-1]


def change(values: FloatArray, rows: int) -> FloatArray:
    """Return the relative change against `rows` >= 1 values before, as a fraction; not finite after a zero."""
    return values[..., rows:] / values[..., :-rows] - 1.0


@shared
def returns(candles: Candles) -> FloatArray:
    """Return the relative change of the close as a fraction, from the second candle on."""
    return change(candles.close, 1)


@shared
def true_highs(candles: Candles) -> FloatArray:
    """Return the higher of high and previous close, from the second candle on."""
    return np.maximum(candles.high[..., 1:], candles.close[..., :-1])


@shared
def true_lows(candles: Candles) -> FloatArray:
    """Return the lower of low and previous close, from the second candle on."""
    return np.minimum(candles.low[..., 1:], candles.close[..., :-1])


@shared
def true_ranges(candles: Candles) -> FloatArray:
    """Return Wilder's true range from the second candle on, the first with a previous close."""
    return true_highs(candles) - true_lows(candles)
