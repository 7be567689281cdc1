"""What columns without names mean, as far as their values tell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from domain.errors import InvalidMarketData
from features.candle_reading.headers import PRICES, Role
from features.candle_reading.numbers import is_text, numbers_of
from features.candle_reading.times import is_clock, looks_like_times

ASK_FOR_NAMES = "add a first line that names the columns: time,open,high,low,close,volume in the order of the file"
# An answer of Kraken's API: time, open, high, low, close, average price, volume, trades.
_COLUMNS_WITH_AVERAGE = 8
# More rows than this whose open or close lies outside low..high mean that the columns have another order.
_MOST_OUTSIDE = 0.2


def guessed_roles(columns: Sequence[pd.Series]) -> dict[Role, int]:
    """Return the column of each role: a market or nothing, time, perhaps time of day, open, high, low, close, volume.

    Raises:
        InvalidMarketData: no column has times, four prices do not follow, or prices have another order.
    """
    time = next((at for at, column in enumerate(columns[:4]) if looks_like_times(column)), None)
    if time is None:
        raise InvalidMarketData(f"has no header, and no column of times: {ASK_FOR_NAMES}")
    roles = {Role.TIME: time}
    if time and is_text(columns[0]):
        roles[Role.SYMBOL] = 0
    first = time + 1
    if first < len(columns) and (is_clock(columns[first]) or _is_packed_clock(columns, time)):
        roles[Role.CLOCK] = first
        first += 1
    if len(columns) < first + len(PRICES):
        raise InvalidMarketData(f"has no header, and fewer than four prices after the time: {ASK_FOR_NAMES}")
    roles |= {role: first + at for at, role in enumerate(PRICES)}
    _require_order(columns, roles)
    volume = first + len(PRICES)
    if volume < len(columns) and not columns[volume].isna().all():
        average = len(columns) - time == _COLUMNS_WITH_AVERAGE and _is_average(columns, roles, volume)
        roles[Role.VOLUME] = volume + average
    return roles


def _is_packed_clock(columns: Sequence[pd.Series], time: int) -> bool:
    """Return whether the column after dates such as 20260908 has times such as 120000."""
    column, dates = columns[time + 1], columns[time]
    if is_text(column) or is_text(dates) or dates.max() > 2.2e7 or len(columns) < time + 2 + len(PRICES):
        return False
    values = column.dropna().to_numpy(dtype=np.float64)
    return bool(((values % 100 < 60) & (values // 100 % 100 < 60) & (values < 240_000) & (values % 1 == 0)).all())


def _require_order(columns: Sequence[pd.Series], roles: dict[Role, int]) -> None:
    open_, high, low, close = (numbers_of(columns[roles[role]]).floats for role in PRICES)
    with np.errstate(invalid="ignore"):
        outside = (np.maximum(open_, close) > high) | (np.minimum(open_, close) < low)
    known = ~np.isnan(open_ + high + low + close)
    if known.any() and (outside & known).sum() > _MOST_OUTSIDE * known.sum():
        raise InvalidMarketData(
            f"has no header, and its prices are not in the order open, high, low, close: {ASK_FOR_NAMES}"
        )


def _is_average(columns: Sequence[pd.Series], roles: dict[Role, int], at: int) -> bool:
    """Return whether values lie between low and high, 0 apart: an average price, no volume."""
    values = numbers_of(columns[at]).floats
    low, high = (numbers_of(columns[roles[role]]).floats for role in (Role.LOW, Role.HIGH))
    with np.errstate(invalid="ignore"):
        return bool(((values == 0) | np.isnan(values) | ((values >= low * 0.999) & (values <= high * 1.001))).all())
