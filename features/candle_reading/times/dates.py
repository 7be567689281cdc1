"""Dates and times in words: year, month and day in any order, and the time of day behind them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from domain.arrays import BoolArray, FloatArray, IntArray
from domain.hours.clocks import DAY_MS
from features.candle_reading.times.date_orders import days_since_1970, full_year, ordered_parts

# The beginnings of the names of each month, without accents: English, German, French, Spanish, Portuguese, Italian,
# Dutch, Swedish, Polish, Turkish, Indonesian and Russian.
_MONTHS = (
    *("jan ene gen sty oca янв", "feb fev lut sub фев", "mar mrz mrt maa мар", "apr avr abr kwi nis апр"),
    *("may mai mei maj mag маи мая", "jun juin giu cze haz июн", "jul juil lug lip tem июл"),
    *("aug aou ago agu sie авг", "sep set wrz eyl сен", "oct okt out ott paz eki окт"),
    *("nov lis kas ноя", "dec dez dic des gru ara дек"),
)
_MONTH_OF = {start: float(month) for month, starts in enumerate(_MONTHS, start=1) for start in starts.split()}
_WORD = r"[^\W\d_]"
_DATE = (
    rf"^\s*(?:{_WORD}{{2,10}}\.?,?\s+)?"  # a weekday
    rf"(?:(?P<a>\d{{1,4}})(?P<mark>[-./\s])\s?(?P<b>\d{{1,2}}|{_WORD}{{3,10}})\.?[-./,\s]\s?(?P<c>\d{{1,4}})\.?"
    rf"|(?P<word>{_WORD}{{3,10}})\.?\s+(?P<day>\d{{1,2}}),?\s+(?P<year>\d{{4}})"
    r"|(?P<digits>(?:19|20)\d{6})(?=\D|$|\d{4,6}))"
)
_CLOCK = (
    r"^(?:[td_,\s]*|-(?=\d{1,2}:\d{2}:))(?:(?P<h>\d{1,2})[:.h](?P<m>\d{2})(?:[:.](?P<s>\d{2})(?:[.,:](?P<f>\d{1,9}))?)?"
    r"|(?P<h0>\d{1,2})(?=[-\s]*[ap]m)|(?P<hms>\d{4,6}))?"
    r"[-\s]*(?P<half>[ap]\.?\s?m\.?)?\s*(?:utc|gmt|z)?\s*(?P<offset>[-+]\d{2}:?(?:\d{2})?)?\s*$"
)


def ms_of_dates(text: pd.Series) -> tuple[IntArray, BoolArray, bool]:
    """Return epoch ms of dates in words, which rows could not be read, and whether an offset from UTC was given.

    Args:
        text: Cells without nulls, as 08.09.2026 12:00, 9/8/2026 1:00 PM, Sep 08, 2026, 2026.09.08 or 20260908 120000.

    Returns:
        Times, n flags that are true where a cell is no date, and whether any cell has an offset.

    Raises:
        InvalidMarketData: day and month cannot be told apart, or years have two digits.
    """
    # Of many spaces the patterns would try every share between their parts.
    lower = _plain(text).str.replace(r"\s+", " ", regex=True)
    date = lower.str.extract(_DATE)
    rest = lower.str.replace(_DATE, "", n=1, regex=True)
    year, month, day = _parts(date, text)
    clock = rest.str.extract(_CLOCK)
    ms, offset = _clock_ms(clock)
    known = rest.str.fullmatch(_CLOCK).to_numpy(dtype=bool) & ~np.isnan(year + month + day + ms)
    days = days_since_1970(np.where(known, year, 1970), np.where(known, month, 1), np.where(known, day, 1))
    known &= ~np.isnan(days)
    times = np.where(known, np.nan_to_num(days) * DAY_MS + np.nan_to_num(ms), 0)
    return times.astype(np.int64), ~known, offset


def _plain(text: pd.Series) -> pd.Series:
    """Return cells in small letters without accents."""
    lower = text.str.casefold()
    if "".join(lower).isascii():
        return lower
    return lower.str.normalize("NFKD").str.replace("[\u0300-\u036f]", "", regex=True)


def _number(cells: pd.Series) -> FloatArray:
    return _floats(pd.to_numeric(cells, errors="coerce"))


def _floats(cells: pd.Series) -> FloatArray:
    return cells.to_numpy(dtype=np.float64, na_value=np.nan)


def _parts(date: pd.DataFrame, text: pd.Series) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return years, months and days, NaN where there is no date."""
    a, b, c = _number(date["a"]), _number(date["b"]), _number(date["c"])
    first_length = _floats(date["a"].str.len())
    last_length = _floats(date["c"].str.len())
    named = _month(date["b"].where(np.isnan(b)))
    short = (first_length <= 2) & (last_length <= 2)
    numbered = ~np.isnan(b) & (first_length <= 2)
    a, b, c = ordered_parts(a, b, c, numbered, date["mark"], text)
    year_first, year_last = (first_length == 4) | (numbered & short), (last_length == 4) & (first_length <= 2)
    if (short & ~numbered).any():  # 03-Mar-21
        c = np.where(short & ~numbered, full_year(c), c)
        year_last |= short & ~numbered
    digits = _number(date["digits"])
    year = np.select([numbered | year_first, year_last], [a, c], _number(date["year"]))
    month = np.select([~np.isnan(named), numbered | year_first], [named, b], _month(date["word"]))
    day = np.select([numbered | year_first, year_last], [c, a], _number(date["day"]))
    plain = ~np.isnan(digits)
    return (
        np.where(plain, digits // 10_000, year),
        np.where(plain, digits // 100 % 100, month),
        np.where(plain, digits % 100, day),
    )


def _month(words: pd.Series) -> FloatArray:
    return _floats(words.str[:4].map(_MONTH_OF).fillna(words.str[:3].map(_MONTH_OF)))


def _clock_ms(clock: pd.DataFrame) -> tuple[FloatArray, bool]:
    """Return ms since midnight, NaN where there is no such time, and whether any row has an offset from UTC."""
    packed = clock["hms"].fillna("").str.ljust(6, "0")
    has_packed = (packed != "000000").to_numpy() & clock["hms"].notna().to_numpy()
    hour = np.nan_to_num(np.where(clock["h0"].notna(), _number(clock["h0"]), _number(clock["h"])))
    hour = np.where(has_packed, np.nan_to_num(_number(packed.str[:2])), hour)
    minute = np.where(has_packed, np.nan_to_num(_number(packed.str[2:4])), np.nan_to_num(_number(clock["m"])))
    second = np.where(has_packed, np.nan_to_num(_number(packed.str[4:6])), np.nan_to_num(_number(clock["s"])))
    fraction = np.nan_to_num(_number("0." + clock["f"].fillna("0")))
    half = clock["half"].fillna("").str[:1]
    hour = np.where(half == "p", hour % 12 + 12, np.where(half == "a", hour % 12, hour))
    offset = clock["offset"].fillna("").str.replace(":", "", regex=False).str.ljust(5, "0")
    sign = np.where(offset.str.startswith("-"), -1, 1)
    ahead = sign * (np.nan_to_num(_number(offset.str[1:3])) * 60 + np.nan_to_num(_number(offset.str[3:5])))
    # Down to the millisecond: .999999 is still the last moment of its candle.
    ms = ((hour * 60 + minute - ahead) * 60 + second) * 1000 + np.floor(fraction * 1000 + 1e-6)
    wrong = (hour > 24) | (minute > 59) | (second > 60)
    return np.where(wrong, np.nan, ms), bool(clock["offset"].notna().any())
