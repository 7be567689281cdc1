"""Rows that are of one market and one timeframe: what shows that a file holds several without saying so."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from domain.arrays import FloatArray, IntArray
from domain.errors import InvalidMarketData
from domain.hours.clocks import DAY_MS
from domain.market import Timeframe
from features.datasets.candle_checks import length_words

# A candle that is written again, as one that was still forming is, keeps its open; a step of rounding is no change.
_OTHER_OPEN = 1.00001
# Closes of one candle that differ by more than this factor are those of two markets.
_OTHER_MARKET = 1.02
# It is so in half of this many rows or more: one row may be mistyped.
_LEAST_REPEATS = 3
# A candle opens near the close before. After rows that count but are not those of their series it opens this many times
# farther away than usual.
_FARTHER = 5.0
# Between two candles that follow each other, and have a second header between them, the price of one market changes by
# at most this factor. A week: nights, holidays and the step of the longest timeframe.
_OTHER_TABLE = 2.0
_ADJACENT_MS = 7 * DAY_MS
# So many rows in a row that lie another timeframe apart, always the same, are no chance.
_OTHER_TIMEFRAME_ROWS = 24


def require_one_market(times_ms: IntArray, values: FloatArray, at: IntArray, place: Callable[[int], str]) -> None:
    """Refuse rows of which those with the same time are not the same candle, written again.

    Args:
        times_ms: n times in epoch ms, ascending; of rows with one time the last one counts.
        values: n rows of open, high, low, close, volume.
        at: The number of each row in the file.
        place: Words for the place of such a number.

    Raises:
        InvalidMarketData: most of them have another open or close, or do not lead to the candle that follows.
    """
    again = np.flatnonzero(np.diff(times_ms) == 0)
    if len(again) < _LEAST_REPEATS:
        return
    opens, closes = (np.abs(np.log(values[again + 1, role] / values[again, role])) for role in (0, 3))
    other = (opens > np.log(_OTHER_OPEN)) | (closes > np.log(_OTHER_MARKET))
    if other.mean() > 0.5:
        raise _two_tables(int(again[other.argmax()]), values, at, place)
    # Rows that are left out, of which the one that counts closes elsewhere and is followed by the next candle.
    left = again[np.append(np.diff(times_ms) > 0, False)[again + 1] & (closes > np.log(_OTHER_OPEN))]
    if len(left) < _LEAST_REPEATS:
        return
    usual = np.median(np.abs(np.log(values[1:, 0] / values[:-1, 3]))[np.diff(times_ms) > 0])
    by_left, by_kept = (np.abs(np.log(values[left + 2, 0] / values[left + row, 3])).mean() for row in (0, 1))
    if by_kept > by_left and by_kept > _FARTHER * usual:
        raise _two_tables(int(left[0]), values, at, place)


def _two_tables(row: int, values: FloatArray, at: IntArray, place: Callable[[int], str]) -> InvalidMarketData:
    one, other = (
        f"{place(int(at[row]))} (open {values[row, 0]:g}, close {values[row, 3]:g})" for row in (row, row + 1)
    )
    return InvalidMarketData(
        f"{one} and {other} have the same time, and so have other rows: these are two markets, two timeframes or two "
        "tables; write each into a file of its own, or add a column symbol"
    )


def require_one_table(
    times_ms: IntArray, values: FloatArray, at: IntArray, headers: Sequence[int], place: Callable[[int], str]
) -> None:
    """Refuse rows in which a second header separates the prices of two markets, one after the other in time.

    Args:
        times_ms: m times in epoch ms, ascending, each once.
        values: m rows of open, high, low, close, volume.
        at: The number of each row in the file.
        headers: Numbers of the rows that repeat the header, ascending.
        place: Words for the place of such a number.

    Raises:
        InvalidMarketData: at a second header the price jumps as that of no market does.
    """
    if not headers:
        return
    beyond = np.searchsorted(headers, at)
    jump = np.abs(np.log(values[1:, 0] / values[:-1, 3])) > np.log(_OTHER_TABLE)
    wrong = jump & (np.diff(beyond) != 0) & (np.diff(times_ms) <= _ADJACENT_MS)
    if wrong.any():
        first = int(wrong.argmax())
        one, other = sorted((int(at[row]), float(values[row, 3])) for row in (first, first + 1))
        above, below = (f"{place(row)} (close {close:g})" for row, close in (one, other))
        raise InvalidMarketData(
            f"{above} and {below} follow each other in time, with a second header between them: these are two markets "
            "or two tables; write each into a file of its own, or delete the second header where it is one market"
        )


def require_one_timeframe(times_ms: IntArray, at: IntArray, length_ms: int, place: Callable[[int], str]) -> None:
    """Refuse rows of which many, one after the other, lie another timeframe apart.

    Args:
        times_ms: m times in epoch ms, ascending, each once.
        at: The number of each row in the file.
        length_ms: Length of the candles of most rows.
        place: Words for the place of such a number.

    Raises:
        InvalidMarketData: these are candles of two timeframes.
    """
    steps = np.diff(times_ms)
    for other in Timeframe:
        if other.ms <= length_ms:
            continue
        breaks = np.flatnonzero(np.concatenate([[True], steps != other.ms, [True]]))
        runs = np.diff(breaks) - 1
        if len(runs) and runs.max() >= _OTHER_TIMEFRAME_ROWS:
            first = int(breaks[runs.argmax()])
            raise InvalidMarketData(
                f"{place(int(at[first]))} is one of {int(runs.max())} rows that lie {other} apart, while most lie "
                f"{length_words(length_ms)}: these are two timeframes; write each into a file of its own"
            )
