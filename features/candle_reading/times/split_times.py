"""Times that are split over several columns: a date, a time of day, a zone."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.candle_reading.numbers import is_text
from features.candle_reading.times.date_orders import are_digits
from features.candle_reading.times.zones import MOST_ZONES, offset_words, zone_of

_HOURS = 24
_BEYOND = 2.0**63  # the first number that is no integer of 64 bits
# Of a spreadsheet since 1900: the year 2119.
_MOST_DAYS = 80_000
# An offset from UTC at the end of a time in words.
OFFSET = r"(?i)(?:z|utc|gmt|[-+]\d{2}:?\d{2})\s*$|[t ]\d{1,2}:\d{2}[\d:.]*\s*(?:z|[-+]\d{2})"


def with_time_of_day(column: pd.Series, clock: pd.Series) -> pd.Series:
    """Return dates with times of day, where the column has dates alone; days of a spreadsheet with fractions of one."""
    if _is_date_alone(column):
        return text_of_cells(column).str.cat(_clock_text(clock), sep=" ")
    return column + clock if _is_part_of_day(column, clock) else column


def with_zones(column: pd.Series, zones: pd.Series) -> pd.Series:
    """Return times in words with the zones of another column behind, where they have none and all of these are such.

    Zones may be offsets from UTC in numbers.
    """
    text = text_of_cells(column)
    if text.head(50).str.contains(OFFSET, regex=True).any() or zones.isna().any():
        return column
    words = zones.astype(str).str.strip()
    named = words.unique()
    if len(named) > MOST_ZONES:
        return column
    words = words.map({word: offset_words(word) for word in named})
    return text.str.cat(words, sep=" ") if all(zone_of(word) is not None for word in words.unique()) else column


def text_of_cells(column: pd.Series) -> pd.Series:
    """Return cells as text, whole numbers without a decimal point."""
    if pd.api.types.is_float_dtype(column.dtype) and not (column % 1 > 0).any():
        column = column.where(column.abs() < _BEYOND).astype("Int64")
    return column.astype(str)


def _is_part_of_day(days: pd.Series, clock: pd.Series) -> bool:
    """Return whether days are numbers of a spreadsheet, and times of day the fractions that it has for them."""
    if is_text(days) or is_text(clock):
        return False
    return bool((days < _MOST_DAYS).all() and ((clock >= 0) & (clock < 1)).all())


def _clock_text(clock: pd.Series) -> pd.Series:
    """Return times of day as text, 120000 and 90000 as 12:00:00 and 09:00:00."""
    if is_text(clock):
        return clock.astype(str)
    if float(clock.max()) <= _HOURS and not (clock % 1 > 0).any():
        clock = clock * 100  # hours alone
    digits = text_of_cells(clock)
    short = digits.str.len().max() <= 4 if len(digits) else False
    digits = digits.str.zfill(4 if short else 6)
    parts = [digits.str[at : at + 2] for at in (range(0, 4, 2) if short else range(0, 6, 2))]
    text = parts[0]
    for part in parts[1:]:
        text = text.str.cat(part, sep=":")
    return text


def _is_date_alone(column: pd.Series) -> bool:
    if not is_text(column):
        return bool(are_digits(column.dropna().to_numpy(dtype=np.float64)).all())
    return not column.dropna().astype(str).head(50).str.contains(":", regex=False).any()
