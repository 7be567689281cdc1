"""What a candle offers, and candles as arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Generic, Protocol, Self, TypeVar, overload

import numpy as np

from domain.arrays import FloatArray, IntArray

if TYPE_CHECKING:
    import pandas as pd

Made = TypeVar("Made")


class CandleLike(Protocol):
    """What a candle must offer: open time in epoch ms, prices in quote currency, base volume."""

    @property
    def timestamp(self) -> int: ...
    @property
    def open(self) -> float: ...
    @property
    def high(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def close(self) -> float: ...
    @property
    def volume(self) -> float: ...


class CandleColumns:
    """The arrays of candles, each made once."""

    candles: Sequence[CandleLike]

    def with_arrays(self, times_ms: IntArray, values: FloatArray) -> Self:
        """Keep arrays that hold the same candles, and return the series: then none are made of the candles.

        Args:
            times_ms: n open times in epoch ms.
            values: Array of shape (n, 5): open, high, low, close, volume.
        """
        self.__dict__.update(times_ms=times_ms, values=values)
        return self

    @cached_property
    def times_ms(self) -> IntArray:
        """Open times of n candles in epoch ms, oldest first."""
        return np.fromiter((candle.timestamp for candle in self.candles), np.int64, len(self.candles))

    @cached_property
    def values(self) -> FloatArray:
        """Array of shape (n, 5): open, high, low, close, volume."""
        rows = [(c.open, c.high, c.low, c.close, c.volume) for c in self.candles]
        return np.array(rows, dtype=np.float64).reshape(len(rows), 5)

    @property
    def opens(self) -> FloatArray:
        """Opens of n candles, oldest first."""
        return self.values[:, 0]

    @property
    def highs(self) -> FloatArray:
        """Highs of n candles, oldest first."""
        return self.values[:, 1]

    @property
    def lows(self) -> FloatArray:
        """Lows of n candles, oldest first."""
        return self.values[:, 2]

    @property
    def closes(self) -> FloatArray:
        """Closes of n candles, oldest first."""
        return self.values[:, 3]

    @cached_property
    def frame(self) -> pd.DataFrame:
        """Frame of n rows with columns open, high, low, close, volume and a RangeIndex.

        The index carries no time on purpose: `ta` 0.11 misreads a DatetimeIndex on pandas 3.
        """
        import pandas as pd  # not before a table is made: a serving process does without its 40 MB

        return pd.DataFrame(self.values, columns=["open", "high", "low", "close", "volume"])


class ArrayCandles(Sequence[Made], Generic[Made]):
    """Candles over arrays: 100,000 objects take a tenth of a second and 20 MB, and few are looked at one by one."""

    def __init__(self, times_ms: IntArray, values: FloatArray, make: Callable[..., Made]) -> None:
        """Keep the arrays, which must not change any more.

        Args:
            times_ms: n open times in epoch ms.
            values: Array of shape (n, 5): open, high, low, close, volume.
            make: Makes a candle of its time and five numbers.
        """
        self._times_ms = times_ms
        self._values = values
        self._make = make

    def __len__(self) -> int:
        return len(self._times_ms)

    @overload
    def __getitem__(self, at: int) -> Made: ...
    @overload
    def __getitem__(self, at: slice) -> ArrayCandles[Made]: ...
    def __getitem__(self, at: int | slice) -> Made | ArrayCandles[Made]:
        if isinstance(at, slice):
            return ArrayCandles(self._times_ms[at], self._values[at], self._make)
        return self._make(int(self._times_ms[at]), *self._values[at].tolist())

    def __iter__(self) -> Iterator[Made]:
        return map(self._make, self._times_ms.tolist(), *self._values.T.tolist())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # how Python says that it has none
