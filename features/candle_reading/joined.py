"""Rows as the series of a market; candles of a length that is no timeframe are joined into those of the next one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from domain.errors import InvalidMarketData
from domain.hours.buckets import buckets
from domain.hours.clocks import DAY_MS, MINUTE_MS
from domain.market import CandleSeries, Timeframe
from domain.naming.symbols import spelling
from domain.session_finder import find_sessions
from features.candle_reading.grid import OrderedRows
from features.datasets.candle_checks import length_words, no_timeframe


def market_series(rows: OrderedRows, length_ms: int, market: str | None, place: Callable[[int], str]) -> CandleSeries:
    """Return the rows as the series of a market, with its sessions.

    Args:
        rows: From `with_length`.
        length_ms: Of their candles.
        market: Its symbol; None where it is not known.
        place: Words for the place of a row's number.

    Raises:
        InvalidMarketData: a row is off the grid, or no candle of a timeframe can be made of such candles.
    """
    timeframe = _shortest_of(length_ms)
    sessions = find_sessions(market and spelling(market), rows.times_ms, length_ms)
    times, values = rows.times_ms, rows.values
    if timeframe.ms != length_ms:
        longer = buckets(times, length_ms, timeframe.ms, sessions)
        aligned = not sessions.continuous or not (times % length_ms).any()
        if not longer.whole.any() or not aligned:
            raise InvalidMarketData(
                f"candles of {length_words(length_ms)} are joined into those of {timeframe}, but these make no whole "
                f"ones: give more of them, that open at multiples of {length_words(length_ms)} UTC"
            )
        times, values = longer.opens_ms[longer.whole], longer.merged(values)[longer.whole]
    try:
        return CandleSeries.of_arrays(timeframe, times, values).of_market(sessions)
    except InvalidMarketData as error:
        off = np.flatnonzero(np.diff(rows.times_ms) % length_ms)
        named = f"{place(int(rows.at[off[0] + 1]))}: " if len(off) else ""
        raise InvalidMarketData(f"{named}{error.message}; delete the rows that are no candles") from error


def joined_note(length_ms: int, series: CandleSeries) -> str:
    """Return words for candles that were joined; empty where none were."""
    if series.timeframe.ms == length_ms:
        return ""
    return f"candles of {length_words(length_ms)} joined into whole ones of {series.timeframe}"


def _shortest_of(length_ms: int) -> Timeframe:
    """Return the timeframe of this length; else the shortest that such candles make, where a day is made of them."""
    divides_days = DAY_MS % length_ms == 0 == length_ms % MINUTE_MS
    for timeframe in Timeframe:
        if timeframe.ms == length_ms or (divides_days and timeframe.ms % length_ms == 0):
            return timeframe
    raise no_timeframe(length_ms)
