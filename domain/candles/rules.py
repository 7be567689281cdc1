"""The rules for the prices and times of candles from outside, and the sentences for those who break them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from domain.arrays import FloatArray, IntArray
from domain.candles.columns import CandleLike
from domain.errors import InvalidMarketData
from domain.hours.clocks import DAY_MS, MINUTE_MS
from domain.hours.sessions import Sessions

# Clocks of exchanges differ from each other by quarters of an hour.
_CLOCK_STEP_MS = 15 * MINUTE_MS
# So many distances tell whether candles have the length that they are sent under. Sessions may have one candle alone of
# a longer timeframe.
_FEWEST_GAPS, _FOUR_HOURS_MS, _NEVER_APART_MS = 20, 240 * MINUTE_MS, 2**62
_CLOCK_CHANGE_MS = 60 * MINUTE_MS
# A day on which the clock is put forward.
_SHORTEST_DAY_MS = DAY_MS - 60 * MINUTE_MS
# One step of floating-point arithmetic, as a share of the price: adjusted prices are off by that.
ROUNDING_SHARE = 1e-9


def check_distances(timeframe: str, length_ms: int, times_ms: IntArray, sessions: Sessions) -> None:
    """Refuse candles that do not follow each other: not a multiple of their length apart, nor by a break of the market.

    Args:
        timeframe: For the message.
        length_ms: Length of a candle.
        times_ms: Open times of n candles, ascending, epoch ms.
        sessions: When the market trades.

    Raises:
        InvalidMarketData: two candles that are too close, or off the grid, or candles of a longer timeframe.
    """
    gaps = np.diff(times_ms)
    nearest = int(gaps.min(initial=_NEVER_APART_MS))
    if len(gaps) >= _FEWEST_GAPS and length_ms <= _FOUR_HOURS_MS and nearest >= 2 * length_ms:
        raise InvalidMarketData(
            f"no two {timeframe} candles are {length_ms} ms apart, the nearest are {nearest} ms: they are candles of "
            "a longer timeframe; send them as such"
        )
    wrong = gaps % length_ms != 0
    if length_ms >= DAY_MS:
        # Days from midnight to midnight of a place, on which its clock changes.
        wrong &= np.abs((gaps + length_ms // 2) % length_ms - length_ms // 2) != _CLOCK_CHANGE_MS
    if not sessions.continuous:
        # After a night, a weekend or a change of the clock, candles are counted from the new open.
        shortest = _SHORTEST_DAY_MS if length_ms >= DAY_MS else length_ms
        wrong &= (gaps < shortest) | (gaps % _CLOCK_STEP_MS != 0)
    if wrong.any():
        position = int(wrong.argmax())
        raise InvalidMarketData(
            f"{timeframe} candle {position + 1} opens {int(gaps[position])} ms after the one before; "
            f"{timeframe} candles are a multiple of {length_ms} ms apart"
        )


def without_rounding(
    timeframe: str, candles: Sequence[CandleLike], make: Callable[..., CandleLike]
) -> Sequence[CandleLike]:
    """Return candles whose high and low take in open and close where a step of rounding left these outside.

    Args:
        timeframe: For the message.
        candles: Prices inside the bounds of a market.
        make: Makes a candle of its time and five numbers.

    Raises:
        InvalidMarketData: open or close of a candle lies further outside.
    """
    repaired = list(candles)
    for position, candle in enumerate(candles):
        high, low = max(candle.open, candle.high, candle.close), min(candle.open, candle.low, candle.close)
        if high - candle.high > ROUNDING_SHARE * high or candle.low - low > ROUNDING_SHARE * high:
            raise InvalidMarketData(
                f"{timeframe} candle {position} is impossible: it needs low <= open, close <= high, received "
                f"open {candle.open}, high {candle.high}, low {candle.low}, close {candle.close}"
            )
        if high != candle.high or low != candle.low:
            repaired[position] = make(candle.timestamp, candle.open, high, low, candle.close, candle.volume)
    return repaired


def widened(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return rows whose high and low take in open and close, and by how much each row was widened.

    Args:
        values: n rows of open, high, low, close and possibly more, the prices above 0.

    Returns:
        The rows, those without an excess untouched, and n excesses as shares of the close: 0 where open and
        close lie in low..high, infinite where low is above high, which nothing explains.
    """
    open_, high, low, close = values[:, 0], values[:, 1], values[:, 2], values[:, 3]
    top, bottom = np.maximum(open_, close), np.minimum(open_, close)
    excess: FloatArray = np.maximum(np.maximum(top - high, low - bottom), 0.0) / close
    if not excess.any():
        return values, excess
    excess[low > high * (1 + ROUNDING_SHARE)] = np.inf
    repaired = values.copy()
    repaired[:, 1], repaired[:, 2] = np.maximum(top, high), np.minimum(bottom, low)
    return repaired, excess


def order_message(timeframe: str, position: int, previous_ms: int, time_ms: int) -> str:
    """Return the sentence for a candle that does not open after the one before it."""
    if time_ms == previous_ms:
        return f"{timeframe} candle {position} repeats the open time {time_ms}; each candle may come once"
    return f"{timeframe} candle {position} is out of order: {time_ms} comes after {previous_ms}; send oldest first"
