"""Timeframes, candles and the rules that a series of candles obeys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from hashlib import blake2b
from typing import NamedTuple, Self

import numpy as np

from domain.arrays import FloatArray, IntArray
from domain.candles.columns import ArrayCandles, CandleColumns, CandleLike
from domain.candles.rules import check_distances, order_message, without_rounding
from domain.errors import InvalidMarketData
from domain.hours.buckets import buckets
from domain.hours.clocks import MINUTE_MS
from domain.hours.sessions import AROUND_THE_CLOCK, Sessions

# Beyond these no market exists, and arithmetic on squares of prices would overflow.
MIN_PRICE = 1e-12
MAX_PRICE = 1e12
MAX_VOLUME = 1e18


class Timeframe(StrEnum):
    """Length of a candle, shortest first.

    Attributes:
        ms: Length in milliseconds.
    """

    ms: int
    # As its text, and without the call of a Python function that other enums make.
    __hash__ = str.__hash__

    # A plain attribute, since each request looks at it some twenty times.
    def __new__(cls, text: str, minutes: int = 0) -> Self:
        """Return the member with this text and length."""
        member = str.__new__(cls, text)
        member._value_ = text
        member.ms = minutes * MINUTE_MS
        return member

    M1 = "1m", 1
    M3 = "3m", 3
    M5 = "5m", 5
    M15 = "15m", 15
    M30 = "30m", 30
    H1 = "1h", 60
    H4 = "4h", 4 * 60
    H8 = "8h", 8 * 60
    H12 = "12h", 12 * 60
    D1 = "1d", 24 * 60
    W1 = "1w", 7 * 24 * 60


class Candle(NamedTuple):
    """One candle: open time in epoch ms (UTC), prices in MIN_PRICE..MAX_PRICE.

    The volume is in base currency, >= 0, or NaN where it is not known.
    """

    timestamp: int
    open: float
    high: float
    low: float
    close: float
    volume: float


@dataclass(frozen=True)
class CandleSeries(CandleColumns):
    """Candles of one timeframe, oldest first; those from outside begin with `ordered` and `of_market`.

    Attributes:
        sessions: When the market trades; it decides which candle follows which, and when one has closed.
    """

    timeframe: Timeframe
    candles: Sequence[CandleLike]
    sessions: Sessions = AROUND_THE_CLOCK

    @classmethod
    def ordered(
        cls, timeframe: Timeframe, candles: Sequence[CandleLike], arrays: tuple[IntArray, FloatArray] | None = None
    ) -> CandleSeries:
        """Return the series after checking prices and order; `of_market` checks the distances.

        A high or low that is a step of rounding inside open or close, as adjusted prices have it, takes it in.

        Args:
            timeframe: Length of each candle.
            candles: Candles with prices and volume inside the bounds above.
            arrays: The same candles as times and values, see `with_arrays`, where they are known.

        Raises:
            InvalidMarketData: low above high, open or close outside low..high, not ascending, or duplicated.
        """
        series = cls(timeframe, candles)
        if arrays is not None:
            series.with_arrays(*arrays)
        opens, highs, lows, closes = series.values.T[:4]
        if not ((lows <= np.minimum(opens, closes)) & (np.maximum(opens, closes) <= highs)).all():
            return cls.ordered(timeframe, without_rounding(timeframe, candles, Candle))
        times = series.times_ms
        if not series.regular and (wrong := times[1:] <= times[:-1]).any():
            at = int(wrong.argmax())
            raise InvalidMarketData(order_message(timeframe, at + 1, int(times[at]), int(times[at + 1])))
        return series

    @classmethod
    def of_arrays(
        cls, timeframe: Timeframe, times_ms: IntArray, values: FloatArray, sessions: Sessions = AROUND_THE_CLOCK
    ) -> CandleSeries:
        """Return the unchecked series of n open times (ascending, epoch ms) and an array of shape (n, 5)."""
        return cls(timeframe, ArrayCandles(times_ms, values, Candle), sessions).with_arrays(times_ms, values)

    @cached_property
    def regular(self) -> bool:
        """Whether all candles are one step apart."""
        return bool((self.times_ms[1:] - self.times_ms[:-1] == self.timeframe.ms).all())

    def of_market(self, sessions: Sessions) -> CandleSeries:
        """Return the series as candles of a market with these sessions.

        Raises:
            InvalidMarketData: a distance that is neither a multiple of the timeframe nor a break between two sessions.
        """
        if not self.regular:
            check_distances(self.timeframe, self.timeframe.ms, self.times_ms, sessions)
        return self if sessions is self.sessions else self.part(0, len(self), sessions)

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

    @cached_property
    def last_open_ms(self) -> int:
        """Open time of the newest candle in epoch ms; the series must not be empty."""
        return self.candles[-1].timestamp

    @cached_property
    def last_close_ms(self) -> int:
        """Close time of the newest candle in epoch ms; the series must not be empty."""
        if self.sessions.continuous:
            return self.candles[-1].timestamp + self.timeframe.ms
        return self._close_ms(-1)

    @property
    def closes_ms(self) -> IntArray:
        """Close times of n candles in epoch ms."""
        return self.sessions.closes_ms(self.times_ms, self.timeframe.ms)

    @cached_property
    def missing_after(self) -> IntArray:
        """Number of candles missing between each of n candles and the next, n - 1 numbers."""
        return self.sessions.missing_between(self.times_ms, self.timeframe.ms)

    @property
    def missing(self) -> int:
        """Number of candles missing between the first and the last."""
        return 0 if self.regular else int(self.missing_after.sum())

    def closed_by(self, as_of_ms: int) -> CandleSeries:
        """Return the candles that had closed at `as_of_ms`: the rest were still forming."""
        end = len(self.candles)
        if not end or self.last_close_ms <= as_of_ms:
            return self
        while end and self._close_ms(end - 1) > as_of_ms:
            end -= 1
        closed: CandleSeries | None = self.__dict__.get("_closed")
        if closed is None or len(closed) != end:
            # Computed once, like the arrays: a series is kept for as long as clients send the same candles.
            closed = self.__dict__["_closed"] = self.part(0, end)
        return closed

    def tail(self, count: int) -> CandleSeries:
        """Return the newest `count` candles."""
        return self if count >= len(self.candles) else self.part(len(self.candles) - count, len(self.candles))

    def part(self, start: int, end: int, sessions: Sessions | None = None) -> CandleSeries:
        """Return the candles from one position to before another, with these sessions or their own."""
        part = CandleSeries(self.timeframe, self.candles[start:end], sessions or self.sessions)
        if sessions is None and "missing_after" in self.__dict__:
            part.__dict__["missing_after"] = self.missing_after[start : max(start, end - 1)]
        if self.__dict__.get("regular"):
            part.__dict__["regular"] = True
        # The arrays are views of what is known already.
        return part.with_arrays(self.times_ms[start:end], self.values[start:end])

    def _close_ms(self, position: int) -> int:
        opened = self.candles[position].timestamp
        if self.sessions.continuous:
            return opened + self.timeframe.ms
        return int(self.sessions.closes_ms(np.array([opened], dtype=np.int64), self.timeframe.ms)[0])

    @cached_property
    def digest(self) -> bytes:
        """Return 16 bytes that are the same for the same timeframe and the same candles, volumes included."""
        content = self.timeframe.encode(), self.times_ms.tobytes(), self.values.tobytes()
        return blake2b(b" ".join(content), digest_size=16).digest()

    def resample(self, target: Timeframe) -> CandleSeries:
        """Return the candles of a longer timeframe in which nothing tradable is missing; see `buckets`.

        Raises:
            InvalidMarketData: `target` is not a multiple of this timeframe.
        """
        if target.ms % self.timeframe.ms:
            raise InvalidMarketData(f"{target} candles cannot be made from {self.timeframe} candles")
        longer = buckets(self.times_ms, self.timeframe.ms, target.ms, self.sessions)
        values = longer.merged(self.values)[longer.whole]
        return CandleSeries.of_arrays(target, longer.opens_ms[longer.whole], values, self.sessions)


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
