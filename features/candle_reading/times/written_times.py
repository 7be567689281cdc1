"""Ways in which languages, spreadsheets and people write a time, in one that can be read."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from domain.arrays import BoolArray, IntArray
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
    (r"\[[A-Za-z_/+-]+\]$", ""),  # Java: 2021-03-03T00:00+01:00[Europe/Berlin]
    (r"([-+]\d{2}:?\d{2}) [A-Z]{3,4}$", r"\1"),  # Go: 2021-03-03 00:00:00 +0000 UTC
)
# Weeks and days of the year by ISO 8601, what is missing behind them, and how they are read.
_CALENDARS = (
    (r"\d{4}-W\d{2}", "-1", "%G-W%V-%u"),
    (r"\d{4}-W\d{2}-\d", "", "%G-W%V-%u"),
    (r"\d{4}-\d{3}", "", "%Y-%j"),
)
_ZONE = rf"(?<=[\d\sAPMapm])\s?\(?({ZONE_WORDS})\)?$"
_ZONE_BEHIND = re.compile(r"[_\s]((?:UTC|GMT)[-+]\d{1,2}|[A-Z]{3,4})$")
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
    if sample.str.fullmatch(r"[-\d:. /]*").all():
        return text
    text = text.str.strip()
    for form, written in _FORMS:
        if any(re.search(form, cell) for cell in sample):
            text = text.str.replace(form, written, regex=True)
            sample = text.head(_LOOKED_AT).dropna()
    return text.str.strip()


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
    """Return the zone in the name of a column, as `Time (EET)`, `Date (US/Eastern)` or `time_est`; else nothing."""
    found = re.search(r"[(\[]([^)\]]+)[)\]]", name) or _ZONE_BEHIND.search(name.upper())
    return found[1].strip() if found and zone_of(found[1]) is not None else ""
