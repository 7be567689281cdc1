"""Ways in which languages, spreadsheets and people write a time, in one that can be read."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from domain.arrays import BoolArray, IntArray
from features.candle_reading.times.split_times import OFFSET
from features.candle_reading.times.zones import MOST_ZONES, ZONE_WORDS, utc_of_local, zone_of

# Marks that spreadsheets and web pages leave: the direction of writing, and the apostrophe that makes a cell text.
_UNSEEN = "[\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]|^\\s*'|'\\s*$"
_FORMS: tuple[tuple[str, str], ...] = (
    (r"^/Date\((-?\d+)(?:[-+]\d{4})?\)/$", r"\1"),  # .NET
    (r"(\d{4})\s*年\s*(\d{1,2})\s*月\s*(\d{1,2})\s*日", r"\1-\2-\3"),
    (r"(\d{4})\.?\s*년\s*(\d{1,2})\s*월\s*(\d{1,2})\s*일", r"\1-\2-\3"),
    (r"^(\d{1,2})([A-Za-z]{3})(\d{4})(?::|(?=$|\s))", r"\1 \2 \3 "),  # SAS
    # Java and `date` of Unix have the year at the end: Wed Mar 03 00:00:00 UTC 2021.
    (
        r"^[A-Za-z]{3},? ([A-Za-z]{3}) +(\d{1,2}) +(\d{1,2}:\d{2}:\d{2})(?: +([A-Z]{2,5}))? +(\d{4})$",
        r"\2 \1 \5 \3 \4",
    ),
    # JavaScript: Wed Mar 03 2021 01:00:00 GMT+0100 (Central European Standard Time).
    (
        r"^[A-Za-z]{3} ([A-Za-z]{3}) +(\d{1,2}) +(\d{4}) (\d{1,2}:\d{2}:\d{2}) GMT([-+]\d{4})(?: \(.*\))?$",
        r"\2 \1 \3 \4 \5",
    ),
    (r"(\d{1,2})\s*[时時点]\s*(\d{1,2})\s*分(?:\s*(\d{1,2})\s*秒)?", r" \1:\2"),
    (r"(?:上午|午前|오전)\s*(\d{1,2}:\d{2}(?::\d{2})?)", r"\1 am"),
    (r"(?:下午|午後|오후)\s*(\d{1,2}:\d{2}(?::\d{2})?)", r"\1 pm"),
    (r"(?<=\d)(?:st|nd|rd|th)\b", ""),
    (r"(?<=[^\W_])\s+de\s+(?=[^\W_])", " "),
    (r"[\s,]+(?:at|à|um|a las|às)\s+(?=\d)", " "),
    (r"\s*(?:Uhr|\((?:UTC|GMT)\))$", ""),
    (r"\[[A-Za-z_/+-]+\]$", ""),  # Java: 2021-03-03T00:00+01:00[Europe/Berlin]
    (r"([-+]\d{2}:?\d{2}) [A-Z]{3,4}$", r"\1"),  # Go: 2021-03-03 00:00:00 +0000 UTC
)
# From when to when a candle lasts: by ISO 8601, by pandas, with both dates, and with the second time of day alone.
_TIME_OF_DAY = r"\d{1,2}:\d{2}(?::\d{2})?(?: ?[AaPp][Mm])?"
_TO = r"(?: - | ?[\u2013\u2014] ?| to | bis )"
_INTERVALS = (
    r"^(\d{4}-\d\d-\d\d[^/]*)/(\d{4}-\d\d-\d\d[^/]*)$",
    r"^[\[(]([^,]*\d{4}[^,]*), ([^,]*\d{4}[^,]*)[\])]$",
    rf"^(.*\d{{4}}.*?){_TO}(.*\d{{4}}.*)$",
    rf"^(.*\d{{4}}.*[T ]{_TIME_OF_DAY}){_TO}({_TIME_OF_DAY})$",
    rf"^(.*\d{{4}}.*[T ]{_TIME_OF_DAY})-({_TIME_OF_DAY})$",
)
_MOST_OFFSETS = 3  # of one file: what differs more is an end, 12:00-13:00
# Weeks and days of the year by ISO 8601, what is missing behind them, and how they are read.
_CALENDARS = (
    (r"\d{4}-W\d{2}", "-1", "%G-W%V-%u"),
    (r"\d{4}-W\d{2}-\d", "", "%G-W%V-%u"),
    (r"\d{4}-\d{3}", "", "%Y-%j"),
)
_ZONE = rf"(?<=[\d\sAPMapm])\s?\(?({ZONE_WORDS})\)?$"
_ZONE_BEHIND = re.compile(r"[_\s]((?:UTC|GMT)[-+]\d{1,2}|[A-Z]{3,4})$")
# Words that mean a zone, even if no single one: CST, AKDT, Europe/Nowhere.
_LIKE_ZONES = re.compile(r"(?:[A-Z]|A[CKW]|NZ)[SD]T|[A-Z][a-z]+/[A-Za-z_/]+")
_LOOKED_AT = 50


def readable(text: pd.Series) -> pd.Series:
    """Return cells in a form that `ms_of_dates` or pandas read, where the first ones show that it is needed."""
    text = text.str.replace(_UNSEEN, "", regex=True)
    sample = text.head(_LOOKED_AT).dropna().str.strip()
    if sample.str.fullmatch(r"\d{17}").any():  # milliseconds behind 20210303093000
        return text.str.strip().str[:14]
    for form, behind, written in _CALENDARS:
        if len(sample) and sample.str.fullmatch(form).all():
            days = pd.to_datetime(text.str.strip() + behind, format=written, errors="coerce")
            return days.dt.strftime("%Y-%m-%d").fillna("?")
    text = text.str.strip()
    if (interval := _interval(sample)) is not None:
        text = text.str.replace(interval, r"\1", regex=True)
        sample = text.head(_LOOKED_AT).dropna()
    if sample.str.fullmatch(r"[-\d:. /]*").all():
        return text
    for form, written in _FORMS:
        if any(re.search(form, cell) for cell in sample):
            text = text.str.replace(form, written, regex=True)
            sample = text.head(_LOOKED_AT).dropna()
    return text.str.strip()


def _interval(sample: pd.Series) -> str | None:
    """Return the pattern of cells with the beginning and the end of a candle; None where they are something else."""
    for form in _INTERVALS:
        ends = sample.str.extract(form)
        if len(ends) and ends.notna().to_numpy().all():
            offsets = [ends[side].str.contains(OFFSET, regex=True).any() for side in (0, 1)]
            told = form != _INTERVALS[-1] or ends[1].nunique() > _MOST_OFFSETS
            return form if told and offsets[0] == offsets[1] else None
    return None


def without_zones(text: pd.Series) -> tuple[pd.Series, pd.Series] | None:
    """Return cells without the zone at their ends, and the zones: `2021-03-03 09:30 EST`; None where they have none."""
    if not any(re.search(_ZONE, cell) for cell in text.head(_LOOKED_AT).dropna()):
        return None
    zones = text.str.extract(_ZONE, expand=False)
    names = set(zones.dropna().unique())
    if not names or len(names) > MOST_ZONES or names <= {"UTC", "GMT"} or any(zone_of(name) is None for name in names):
        return None
    return text.str.replace(_ZONE, "", regex=True).str.strip(), zones


def moments_in(local_ms: IntArray, zones: pd.Series) -> tuple[IntArray, BoolArray]:
    """Return the moments of times in their zones, epoch ms, and which rows have no zone."""
    moments, names = local_ms.copy(), [str(name) for name in zones.dropna().unique()]
    for name in names:
        here = (zones == name).to_numpy(dtype=np.bool_)
        zone = zone_of(name, beside=names)
        if zone is not None:
            moments[here] = utc_of_local(local_ms[here], zone)
    return moments, zones.isna().to_numpy(dtype=np.bool_)


def zone_in_name(name: str) -> str:
    """Return the zone in the name of a column, as `Time (EET)`, `Date (US/Eastern)` or `time_est`; else nothing.

    One that names no single zone, as `Time (CST)`, is returned too.
    """
    found = re.search(r"[(\[]([^)\]]+)[)\]]", name) or _ZONE_BEHIND.search(name.upper())
    words = found[1].strip() if found else ""
    return words if zone_of(words) is not None or _LIKE_ZONES.fullmatch(words) else ""
