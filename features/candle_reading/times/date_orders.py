"""In which order dates in numbers have year, month and day."""

from __future__ import annotations

import numpy as np
import pandas as pd

from domain.arrays import BoolArray, FloatArray
from domain.errors import InvalidMarketData

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# Years of two digits from 70 on are of the last century.
_LAST_CENTURY = 70
# The candles of a file follow each other closely: read in a wrong order, their dates lie this many times wider apart.
_WIDER = 3.0
# Places of year, month and day.
_DAY_FIRST, _MONTH_FIRST, _YEAR_FIRST = (2, 1, 0), (2, 0, 1), (0, 1, 2)


def full_year(years: FloatArray) -> FloatArray:
    """Return years of two digits with their century, others as they are."""
    century = np.where(years < _LAST_CENTURY, 2000, 1900)
    return np.where(years < 100, years + century, years)


def ordered_parts(
    first: FloatArray, second: FloatArray, third: FloatArray, numbered: BoolArray, marks: pd.Series, text: pd.Series
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the parts of n dates, those that are `numbered` as year, month, day and the others as they are.

    A number above 12 proves the order, and so do rows of one day: their dates are next to each other in the right order
    alone.

    Args:
        first: What stands first in each date.
        second: What stands second.
        third: What stands last.
        numbered: Dates of three numbers whose first is no year of four digits.
        marks: What separates the parts.
        text: The cells, for messages.

    Raises:
        InvalidMarketData: rows contradict each other, or no order is proved.
    """
    if not numbered.any():
        return first, second, third
    parts = [part[numbered] for part in (first, second, third)]
    orders = [_DAY_FIRST, _MONTH_FIRST] + ([_YEAR_FIRST] if (parts[2] < 100).all() else [])
    found = {order: days_since_1970(full_year(parts[order[0]]), *(parts[at] for at in order[1:])) for order in orders}
    order = _proved(found, parts, marks[numbered], text[numbered])
    arranged = [part.copy() for part in (first, second, third)]
    for at, place in enumerate(order):
        arranged[at][numbered] = parts[place]
    arranged[0][numbered] = full_year(arranged[0][numbered])
    return arranged[0], arranged[1], arranged[2]


def _proved(
    days: dict[tuple[int, int, int], FloatArray], parts: list[FloatArray], marks: pd.Series, text: pd.Series
) -> tuple[int, int, int]:
    """Return the order that the dates prove."""
    valid = {order: float(np.ptp(found)) for order, found in days.items() if not np.isnan(found).any()}
    if not valid:
        return _contradicted(parts, text)
    narrowest = min(valid.values())
    if _YEAR_FIRST in valid and len(valid) > 1:
        others = {order: span for order, span in valid.items() if order != _YEAR_FIRST}
        if valid[_YEAR_FIRST] > _WIDER * min(others.values()):  # its dates lie years apart
            valid = others
        elif valid[_YEAR_FIRST] * _WIDER < min(others.values()):
            return _YEAR_FIRST
    if _DAY_FIRST in valid and (len(valid) == 1 or bool((marks == ".").all())):
        return _DAY_FIRST  # with dots, the day is first everywhere
    same_day = len(np.unique(np.column_stack(parts), axis=0)) < len(text)
    if same_day and narrowest > 0:
        valid = {order: span for order, span in valid.items() if span <= _WIDER * narrowest}
    if len(valid) == 1 or len({days[order].tobytes() for order in valid}) == 1:
        return next(iter(valid))
    cell, (one, two) = text.iloc[0], (int(parts[0][0]), int(parts[1][0]))
    if _YEAR_FIRST in valid:
        raise InvalidMarketData(
            f"the date {cell!r} has a year of two digits, and no other row tells which: write dates as 2026-09-08"
        )
    raise InvalidMarketData(
        f"the date {cell!r} may be {one} {_MONTHS[two - 1]} or {two} {_MONTHS[one - 1]}, and no other row tells: "
        "write dates as 2026-09-08"
    )


def _contradicted(parts: list[FloatArray], text: pd.Series) -> tuple[int, int, int]:
    by_first, by_second = parts[0] > 12, parts[1] > 12
    both = by_first & by_second
    if by_first.any() and by_second.any() and not both.any():
        one, other = text[by_first].iloc[0], text[by_second].iloc[0]
        raise InvalidMarketData(f"has the day first in {one!r} and the month first in {other!r}: write 2026-09-08")
    return _MONTH_FIRST if by_second.any() else _DAY_FIRST  # a date that does not exist: its row is named


def days_since_1970(year: FloatArray, month: FloatArray, day: FloatArray) -> FloatArray:
    """Return days since 1970, NaN where the calendar has no such day."""
    inside = (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31) & (year >= 1800) & (year <= 2200)
    months = (np.where(inside, year, 1970) - 1970) * 12 + np.where(inside, month, 1) - 1
    starts = months.astype(np.int64).astype("datetime64[M]")
    dates = starts.astype("datetime64[D]") + (np.where(inside, day, 1) - 1).astype("timedelta64[D]")
    inside &= dates.astype("datetime64[M]") == starts
    days: FloatArray = np.where(inside, dates.astype(np.int64), np.nan)
    return days


def are_digits(values: FloatArray) -> BoolArray:
    """Return which numbers are dates written without marks: 20260908, 202609081200 or 20260908120000(000)."""
    with np.errstate(invalid="ignore"):
        flags: BoolArray = np.zeros(len(values), dtype=np.bool_)
        for scale in (1.0, 1e4, 1e6, 1e9):
            date = np.floor(values / scale)
            month, day = date // 100 % 100, date % 100
            inside = (date >= 19_000_101) & (date <= 21_001_231)
            flags |= inside & (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
    return flags
