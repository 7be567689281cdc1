"""What columns without names mean, as far as their values tell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from domain.arrays import FloatArray
from domain.errors import InvalidMarketData
from features.candle_reading.headers import PRICES, Role
from features.candle_reading.numbers import has_decimal_comma, is_text, numbers_of
from features.candle_reading.price_order import order_of_prices
from features.candle_reading.times.column_times import has_whole_times, is_clock, looks_like_times, times_of

ASK_FOR_NAMES = "add a first line that names the columns: time,open,high,low,close,volume in the order of the file"
# Rows that are looked at to tell what the columns are.
_SAMPLE = 2_000
# A column whose values are all this near to low..high holds prices, such as an average or those of the other side.
_NEAR = 0.02
_FEWEST_ROWS = 5
# Times stand in one of so many first columns, and as many others before the prices at most.
_USUAL_PLACES, _MOST_BEFORE = 4, 2


def guessed_roles(columns: Sequence[pd.Series], delimiter: str) -> dict[Role, int]:
    """Return the column of each role: a market or nothing, time, perhaps time of day, four prices, perhaps volume.

    Prices are open, high, low and close, unless their values prove another order.

    Args:
        columns: Of the table.
        delimiter: What separated them, empty where nothing did.

    Raises:
        InvalidMarketData: no column has times, four prices do not follow, or their order cannot be told.
    """
    time = _column_of_times(columns)
    if time is None:
        raise InvalidMarketData(f"has no header, and no column of times: {ASK_FOR_NAMES}")
    roles = {Role.TIME: time}
    if time and numbers_of(columns[0].head(_SAMPLE)).wrong.any():
        roles[Role.SYMBOL] = 0
    first = time + 1
    if first < len(columns) and (is_clock(columns[first]) or _is_packed_clock(columns, time)):
        roles[Role.CLOCK] = first
        first += 1
    # Where the times come last, the prices stand before them.
    places = list(range(first, len(columns))) if time < _USUAL_PLACES else list(range(time))
    if len(places) < len(PRICES):
        raise InvalidMarketData(f"has no header, and fewer than four prices after the time: {ASK_FOR_NAMES}")
    sample = [column.head(_SAMPLE) for column in columns]
    times_ms = times_of(sample[time], sample[roles[Role.CLOCK]] if Role.CLOCK in roles else None).ms
    comma = has_decimal_comma([sample[at] for at in places], delimiter)
    numbers = [numbers_of(sample[at], comma).floats for at in places]
    # Gate has the volume in the quote currency before the prices, Phemex the length and the close before.
    for start in range(min(_MOST_BEFORE + 1, len(numbers) - len(PRICES) + 1)):
        four = numbers[start : start + len(PRICES)]
        if any(np.isnan(column).all() for column in four):
            continue
        if order := order_of_prices(four, times_ms):
            roles |= {role: places[start + at] for at, role in enumerate(order)}
            words = [places[at] for at in range(start) if np.isnan(numbers[at]).all()]
            markets = [at for at in words if columns[at].notna().any() and not looks_like_times(columns[at])]
            if markets and Role.SYMBOL not in roles:
                roles[Role.SYMBOL] = markets[0]
            volume = _place_of_volume(numbers[start:], order)
            return roles if volume is None else roles | {Role.VOLUME: places[start + volume]}
    raise InvalidMarketData(
        f"has no header, and its prices are not in the order open, high, low, close: {ASK_FOR_NAMES}"
    )


def _column_of_times(columns: Sequence[pd.Series]) -> int | None:
    """Return the column of times: one of the first, or else one behind the prices whose times are whole minutes."""
    usual = [at for at, column in enumerate(columns[:_USUAL_PLACES]) if looks_like_times(column)]
    if usual:
        return usual[0]
    later = range(len(PRICES), len(columns))
    return next((at for at in later if has_whole_times(columns[at].head(_SAMPLE))), None)


def _place_of_volume(numbers: Sequence[FloatArray], order: Sequence[Role]) -> int | None:
    """Return the place of the first column after the prices that holds no prices itself; None where there is none."""
    low, high = (numbers[order.index(role)] for role in (Role.LOW, Role.HIGH))
    for at in range(len(order), min(len(order) + 2, len(numbers))):
        if not np.isnan(numbers[at]).all() and not _is_price(numbers[at], low, high):
            return at
    return None


def _is_packed_clock(columns: Sequence[pd.Series], time: int) -> bool:
    """Return whether the column after dates such as 20260908 has times such as 120000."""
    column, dates = columns[time + 1], columns[time]
    if is_text(column) or is_text(dates) or dates.max() > 2.2e7 or len(columns) < time + 2 + len(PRICES):
        return False
    values = column.dropna().to_numpy(dtype=np.float64)
    return bool(((values % 100 < 60) & (values // 100 % 100 < 60) & (values < 240_000) & (values % 1 == 0)).all())


def _is_price(values: FloatArray, low: FloatArray, high: FloatArray) -> bool:
    """Return whether values lie near low..high wherever they are not 0: prices, no volume."""
    known = np.isfinite(values + low + high) & (values != 0)
    near = (values >= low * (1 - _NEAR)) & (values <= high * (1 + _NEAR))
    return bool(known.sum() >= _FEWEST_ROWS and near[known].all())
