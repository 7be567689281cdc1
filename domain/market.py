"""Timeframes, candles and the rules that a series of candles obeys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from hashlib import blake2b
from typing import NamedTuple, Protocol

import numpy as np
import pandas as pd

from domain.arrays import FloatArray, IntArray
from domain.errors import InvalidMarketData

# Beyond these no market exists, and arithmetic on squares of prices would overflow.
MIN_PRICE = 1e-12
MAX_PRICE = 1e12
MAX_VOLUME = 1e18


class Timeframe(StrEnum):
    """Length of a candle, shortest first."""

    M1 = "1m"
    M3 = "3m"
    M5 = "5m"
    M15 = "15m"
    M30 = "30m"
    H1 = "1h"
    H4 = "4h"
    D1 = "1d"

    @property
    def ms(self) -> int:
        """Length in milliseconds."""
        return _TIMEFRAME_MINUTES[self] * 60_000


_TIMEFRAME_MINUTES = {
    Timeframe.M1: 1,
    Timeframe.M3: 3,
    Timeframe.M5: 5,
    Timeframe.M15: 15,
    Timeframe.M30: 30,
    Timeframe.H1: 60,
    Timeframe.H4: 240,
    Timeframe.D1: 1440,
}


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


class Candle(NamedTuple):
    """One candle: open time in epoch ms (UTC), prices in MIN_PRICE..MAX_PRICE, volume >= 0 in base currency."""

    timestamp: int
    open: float
    high: float
    low: float
    close: float
    volume: float


@dataclass(frozen=True)
class CandleSeries:
    """Candles of one timeframe, oldest first; build it with `checked` when they come from outside."""

    timeframe: Timeframe
    candles: Sequence[CandleLike]

    @classmethod
    def checked(cls, timeframe: Timeframe, candles: Sequence[CandleLike]) -> CandleSeries:
        """Return the series after holding it to the rules of a market.

        Args:
            timeframe: Length of each candle.
            candles: Candles with prices and volume inside the bounds above.

        Raises:
            InvalidMarketData: low above high, open or close outside low..high, not
                ascending, duplicated, or not a multiple of the timeframe apart.
        """
        step = timeframe.ms
        previous: int | None = None
        for position, candle in enumerate(candles):
            low, high = candle.low, candle.high
            if not (low <= candle.open <= high and low <= candle.close <= high):
                raise InvalidMarketData(
                    f"{timeframe} candle {position} is impossible: it needs low <= open, close <= high, received "
                    f"open {candle.open}, high {high}, low {low}, close {candle.close}"
                )
            time = candle.timestamp
            # Neighbors are nearly always one step apart, so the rest of the rule is seldom looked at.
            if previous is not None and (gap := time - previous) != step and (gap <= 0 or gap % step):
                raise InvalidMarketData(_spacing_message(timeframe, position, previous, time))
            previous = time
        return cls(timeframe, candles)

    def require_opened_by(self, latest_open_ms: int) -> None:
        """Refuse candles of the future.

        Raises:
            InvalidMarketData: the newest candle opens after `latest_open_ms`.
        """
        if self.candles and self.last_open_ms > latest_open_ms:
            raise InvalidMarketData(
                f"the last {self.timeframe} candle opens in the future: {self.last_open_ms} is after the server's clock"
            )

    def __len__(self) -> int:
        return len(self.candles)

    @property
    def last_open_ms(self) -> int:
        """Open time of the newest candle in epoch ms; the series must not be empty."""
        return self.candles[-1].timestamp

    @property
    def last_close_ms(self) -> int:
        """Close time of the newest candle in epoch ms; the series must not be empty."""
        return self.last_open_ms + self.timeframe.ms

    @property
    def missing(self) -> int:
        """Number of candles missing in gaps between the first and the last."""
        if not self.candles:
            return 0
        span = (self.last_open_ms - self.candles[0].timestamp) // self.timeframe.ms + 1
        return span - len(self.candles)

    @cached_property
    def times_ms(self) -> IntArray:
        """Open times of n candles in epoch ms, oldest first."""
        return np.fromiter((candle.timestamp for candle in self.candles), np.int64, len(self.candles))

    def closed_by(self, as_of_ms: int) -> CandleSeries:
        """Return the candles that had closed at `as_of_ms`: the rest were still forming."""
        end = len(self.candles)
        while end and self.candles[end - 1].timestamp + self.timeframe.ms > as_of_ms:
            end -= 1
        if end == len(self.candles):
            return self
        closed: CandleSeries | None = self.__dict__.get("_closed")
        if closed is None or len(closed) != end:
            closed = CandleSeries(self.timeframe, self.candles[:end])
            closed.__dict__.update(times_ms=self.times_ms[:end], values=self.values[:end])
            # Like the arrays, it is computed once: a series is kept for as long as clients send the same candles.
            self.__dict__["_closed"] = closed
        return closed

    def tail(self, count: int) -> CandleSeries:
        """Return the newest `count` candles."""
        return self if count >= len(self.candles) else CandleSeries(self.timeframe, self.candles[-count:])

    @cached_property
    def values(self) -> FloatArray:
        """Array of shape (n, 5): open, high, low, close, volume."""
        rows = [(c.open, c.high, c.low, c.close, c.volume) for c in self.candles]
        return np.array(rows, dtype=np.float64).reshape(len(rows), 5)

    @cached_property
    def digest(self) -> bytes:
        """Return 16 bytes that are the same for the same timeframe and the same candles, volumes included."""
        content = self.timeframe.encode(), self.times_ms.tobytes(), self.values.tobytes()
        return blake2b(b" ".join(content), digest_size=16).digest()

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
        return pd.DataFrame(self.values, columns=["open", "high", "low", "close", "volume"])

    def resample(self, target: Timeframe) -> CandleSeries:
        """Return complete candles of a longer timeframe; a bucket with a candle missing is left out.

        Raises:
            InvalidMarketData: `target` is not a multiple of this timeframe.
        """
        if target.ms % self.timeframe.ms:
            raise InvalidMarketData(f"{target} candles cannot be made from {self.timeframe} candles")
        per_bucket = target.ms // self.timeframe.ms
        buckets: dict[int, list[CandleLike]] = {}
        for candle in self.candles:
            buckets.setdefault(candle.timestamp - candle.timestamp % target.ms, []).append(candle)
        whole = (merge_candles(start, part) for start, part in buckets.items() if len(part) == per_bucket)
        return CandleSeries(target, list(whole))


def merge_candles(start_ms: int, candles: Sequence[CandleLike]) -> Candle:
    """Return the one candle that opens at `start_ms` and covers `candles`, oldest first."""
    return Candle(
        start_ms,
        candles[0].open,
        max(c.high for c in candles),
        min(c.low for c in candles),
        candles[-1].close,
        sum(c.volume for c in candles),
    )


def _spacing_message(timeframe: Timeframe, position: int, previous: int, time: int) -> str:
    if time == previous:
        return f"{timeframe} candle {position} repeats the open time {time}; each candle may come once"
    if time < previous:
        return f"{timeframe} candle {position} is out of order: {time} comes after {previous}; send oldest first"
    return (
        f"{timeframe} candle {position} opens {time - previous} ms after the one before; "
        f"{timeframe} candles are a multiple of {timeframe.ms} ms apart"
    )
