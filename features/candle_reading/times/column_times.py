"""Times of candles in epoch ms, whichever unit or words a file has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from domain.arrays import BoolArray, FloatArray, IntArray
from domain.errors import InvalidMarketData
from domain.hours.clocks import DAY_MS
from features.candle_reading.numbers import is_text, numbers_of
from features.candle_reading.times.date_orders import are_digits
from features.candle_reading.times.dates import ms_of_dates
from features.candle_reading.times.split_times import OFFSET, text_of_cells, with_time_of_day, with_zones
from features.candle_reading.times.written_times import moments_in, readable, without_zones

# Numbers of these sizes are times from 1979 to 2099 in one unit; no two units overlap.
UNITS = (("seconds", 3e8, 1e3), ("milliseconds", 3e11, 1.0), ("microseconds", 3e14, 1e-3), ("nanoseconds", 3e17, 1e-6))
_UNIT_SPAN = 13.7
# Excel keeps six digits of long numbers: whole thousands of seconds, which no timeframe consists of.
_EXCEL_STEP_MS, _FEWEST_ROUND = 1_000_000, 3
_EXCEL_EPOCH_DAYS = 25_569
_FEWEST_WEEKDAYS = 10
# A longer cell is no time.
_LONGEST = 100
_FIRST_DAY_OF_R = 7_305  # 1990
# The year 2286: a number beyond it in any unit is no time of a candle.
_FARTHEST_MS = 1e13
_EARLIEST_MS = -5_364_662_400_000  # 1800
UTC_ASSUMED = "times without an offset read as UTC"
_LIKE_DATES = (
    r"\d{1,4}[-./ ][\da-zA-Z]{1,9}[-./, ]\s?\d{1,4}|[A-Za-z]{3,9}\.? \d{1,2},|^(?:19|20)\d{6}[-_ ]\d{1,2}:\d{2}"
)


@dataclass(frozen=True)
class Times:
    """The times of n rows.

    Attributes:
        ms: Epoch ms, 0 where there is none.
        wrong: n flags, true where a row has no time that can be read.
        words: What they were, for a person: "seconds", "times without an offset read as UTC"; may be empty.
        local: Whether they have no offset, and UTC is only assumed.
    """

    ms: IntArray
    wrong: BoolArray
    words: str
    local: bool = False


def times_of(column: pd.Series, clock: pd.Series | None = None, zones: pd.Series | None = None) -> Times:
    """Return the times of a column, or of one with dates and one with times of day, perhaps with zones in another.

    Raises:
        InvalidMarketData: day and month cannot be told apart, or digits are lost.
    """
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return _of_datetimes(column)
    if clock is not None:
        column = with_time_of_day(column, clock)
    if not is_text(column):
        return _of_numbers(column)
    if pd.api.types.infer_dtype(column) not in {"string", "empty"}:  # dates, and text beside numbers
        column = column.astype(str).where(column.notna())
    if column.dropna().head(50).str.fullmatch(r"\d,\d+[eE]\+\d+|\d{5},\d+").any():  # of spreadsheets: decimal commas
        column = column.str.replace(",", ".", regex=False)
    if _are_mostly_words(column.dropna().head(50).reset_index(drop=True)):
        return _of_text(column if zones is None else with_zones(column, zones))
    numbers = numbers_of(column)
    if numbers.wrong.sum() * 2 > len(column):
        return _of_text(column)
    exact = pd.to_numeric(column, errors="coerce")  # whole numbers stay exact
    return _of_numbers(exact if exact.notna().any() else pd.Series(numbers.floats))


def _are_mostly_words(cells: pd.Series) -> bool:
    return bool(numbers_of(cells).wrong.sum() * 2 > len(cells))


def is_clock(column: pd.Series) -> bool:
    """Return whether cells are times of day: 12:00 or 12:00:00."""
    cells = column.dropna().head(50).astype(str).str.strip()
    return bool(len(cells)) and bool(cells.str.fullmatch(r"\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?(\s*[apAP][mM])?").all())


def looks_like_times(column: pd.Series) -> bool:
    """Return whether values can be times of candles; used where no name tells."""
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return True
    cells = column.dropna().head(50)
    if cells.empty:
        return False
    numbers = numbers_of(cells.reset_index(drop=True))
    if not numbers.wrong.any():
        values = numbers.floats[~np.isnan(numbers.floats)]
        return bool(len(values)) and bool((_units(values) >= 0).all() or are_digits(values).all())
    text = cells.astype(str)
    return bool(text.str.contains(_LIKE_DATES).all())


def has_whole_times(column: pd.Series) -> bool:
    """Return whether values are dates with times, nearly all of whole minutes or of the last moment of one."""
    if not looks_like_times(column):
        return False
    try:
        times = times_of(column)
    except InvalidMarketData:
        return False
    ms = times.ms[~times.wrong] + 1
    whole = (ms % 1_000 <= 1) & ((ms // 1_000 + 1) % 60 <= 1)
    return len(ms) * 2 > len(column) and float(whole.mean()) > 0.9


def _of_datetimes(column: pd.Series) -> Times:
    aware = isinstance(column.dtype, pd.DatetimeTZDtype)
    plain = column.dt.tz_convert("UTC").dt.tz_localize(None) if aware else column
    ms = plain.to_numpy().astype("datetime64[ms]")
    wrong = np.isnat(ms) | (ms.astype(np.int64) < _EARLIEST_MS)
    words = "" if aware else UTC_ASSUMED
    return Times(np.where(wrong, 0, ms.astype(np.int64)), wrong, words, local=not aware)


def _of_numbers(column: pd.Series) -> Times:
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    wrong = ~np.isfinite(values)
    known = np.where(wrong, 0.0, values)
    if not wrong.all() and are_digits(known[~wrong][:1]).all() and are_digits(known[~wrong]).all():
        return _of_text(column)
    units = _units(known)
    found = units[units >= 0]
    if not len(found):
        return _of_serial_days(known, wrong)
    usual = int(np.bincount(found).argmax())
    # A number of no unit's size, as in the first years of Unix time, has the unit of the others.
    units = np.where(units < 0, usual, units)
    whole = column.to_numpy() if pd.api.types.is_integer_dtype(column.dtype) else None
    ms = np.zeros(len(known), dtype=np.int64)
    for unit in np.unique(units[~wrong]):
        here, factor = (units == unit) & ~wrong, UNITS[unit][2]
        far = here & (np.abs(known * factor) > _FARTHEST_MS)
        here, wrong = here & ~far, wrong | far
        if whole is not None and factor <= 1:
            ms[here] = whole[here].astype(np.int64) // round(1 / factor)
        else:
            ms[here] = np.floor(known[here] * factor + 1e-3).astype(np.int64)
    if not wrong.all():
        _require_digits(ms[~wrong], known[~wrong][0])
    names = [UNITS[unit][0] for unit in np.unique(units[~wrong])]
    return Times(ms, wrong, " and ".join(names) if names != ["milliseconds"] else "")


def _units(values: FloatArray) -> IntArray:
    """Return the number of each value's unit in `UNITS`, -1 where it has the size of none."""
    units = np.full(len(values), -1, dtype=np.int64)
    for number, (_, smallest, _) in enumerate(UNITS):
        units[(values >= smallest) & (values < smallest * _UNIT_SPAN)] = number
    return units


def _of_serial_days(values: FloatArray, wrong: BoolArray) -> Times:
    """Return times that Excel wrote as days since 1900, or R and Arrow as days since 1970."""
    days = values[~wrong]
    if len(days) and ((days > _FIRST_DAY_OF_R) & (days < _EXCEL_EPOCH_DAYS) & (days % 1 == 0)).all():
        # As days of Excel the file would end before 1970.
        return Times(np.where(wrong, 0, values * DAY_MS).astype(np.int64), wrong, "days since 1970")
    if not len(days) or not ((days > _EXCEL_EPOCH_DAYS - 25_000) & (days < 80_000)).all():
        return Times(np.zeros(len(values), dtype=np.int64), np.ones(len(values), dtype=np.bool_), "")
    _require_days_since_1900(days)
    seconds = np.round((values - _EXCEL_EPOCH_DAYS) * 86_400)
    return Times(
        np.where(wrong, 0, seconds * 1000).astype(np.int64), wrong, "Excel's day numbers read as UTC", local=True
    )


def _require_days_since_1900(days: FloatArray) -> None:
    """Refuse day numbers that count from 1904, as far as weekdays tell: 1,462 days fewer are one weekday more.

    Raises:
        InvalidMarketData: they are Tuesdays to Saturdays, which are Mondays to Fridays since 1904.
    """
    dates = np.unique(np.floor(days)).astype(np.int64)
    weekdays = (dates - _EXCEL_EPOCH_DAYS + 3) % 7  # Monday is 0
    if len(dates) >= _FEWEST_WEEKDAYS and (weekdays == 5).any() and not np.isin(weekdays, (6, 0)).any():
        raise InvalidMarketData(
            "has day numbers that fall on Tuesdays to Saturdays: they count from 1904, as some spreadsheets do; write "
            "dates such as 2026-09-08"
        )


def _require_digits(ms: IntArray, first: float) -> None:
    """Refuse numbers of which a spreadsheet kept the first six digits, as 1.78887E+12: all are whole 1000 seconds."""
    if len(ms) >= _FEWEST_ROUND and not (ms % _EXCEL_STEP_MS).any():
        raise InvalidMarketData(
            f"its times have lost their last digits ({first:.5E}), as Excel writes long numbers, and cannot be "
            "recovered: export again without opening the file in a spreadsheet, or with dates such as 2026-09-08 12:00"
        )


def _of_text(column: pd.Series) -> Times:
    text = text_of_cells(column)
    empty = (column.isna() | (text.str.strip() == "")).to_numpy()
    dotnet = bool(text.head(50).dropna().str.contains("/Date(", regex=False).any())
    text = readable(text.where(text.str.len() <= _LONGEST, "?"))
    if dotnet:
        return _of_numbers(pd.to_numeric(text, errors="coerce"))
    if (zoned := without_zones(text)) is not None:
        ms, wrong, _ = _ms_of_text(zoned[0], empty)
        moments, without = moments_in(ms, zoned[1])
        wrong = wrong | without
        return Times(np.where(wrong, 0, moments), wrong, "")
    ms, wrong, has_offset = _ms_of_text(text, empty)
    known = ms[~wrong]
    if has_offset:
        words = ""
    elif len(known) and not (known % DAY_MS).any():
        words = "dates read as midnight UTC"
    else:
        words = UTC_ASSUMED
    return Times(np.where(wrong, 0, ms), wrong, words, local=not has_offset)


def _ms_of_text(text: pd.Series, empty: BoolArray) -> tuple[IntArray, BoolArray, bool]:
    stamps = pd.to_datetime(text, format="ISO8601", utc=True, errors="coerce")
    if stamps.isna().to_numpy()[~empty].any():
        ms, wrong, has_offset = ms_of_dates(text.where(~empty, "1970-01-01"))
        return ms, wrong | empty, has_offset
    moments = stamps.dt.tz_localize(None).to_numpy().astype("datetime64[ms]")
    has_offset = bool(text.head(50).str.contains(OFFSET, regex=True).any())
    ms = moments.astype(np.int64)
    return ms, empty | np.isnat(moments) | (ms < _EARLIEST_MS), has_offset
