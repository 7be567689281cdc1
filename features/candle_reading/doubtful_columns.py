"""Which columns hold the times of the candles and the volume, where their names do not settle it.

A volume is not the turnover, and it is ticks where the exchange has no volume.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from features.candle_reading.headers import PRICES, Role, plain_name, roles_of, times_by_name
from features.candle_reading.numbers import has_decimal_comma, is_text, numbers_of
from features.candle_reading.tables.raw_table import RawTable
from features.candle_reading.times.column_times import has_whole_times, looks_like_times
from features.candle_reading.times.split_times import text_of_cells

# What MetaTrader counts where the exchange has no volume.
TICKS = {"tickvol", "tickvolume"}
# Rows that are looked at.
_SAMPLE = 2_000
# The fewest rows that tell whether a volume is the turnover: the price of all trades of a candle is this near to its
# close.
_FEWEST_ROWS, _NEAR = 10, 0.2
_DATE, _CLOCK = ("year", "month", "day"), ("hour", "minute")


def with_whole_times(table: RawTable) -> RawTable:
    """Return a table with one column of times in the place of year, month and day, perhaps also hour and minute.

    Beside another column of times, as the parts by which tables are divided, they stay.
    """
    places = {name: at for at, name in enumerate(map(plain_name, table.names)) if name in (*_DATE, *_CLOCK)}
    kept = [at for at in range(len(table.names)) if at not in places.values()]
    names = [table.names[at] for at in kept]
    if not places.keys() >= set(_DATE) or not {Role.TIME, Role.CLOSE_TIME}.isdisjoint(roles_of(names)):
        return table
    texts = {name: text_of_cells(table.columns[at]).str.strip().str.zfill(2) for name, at in places.items()}
    times = texts["year"] + "-" + texts["month"] + "-" + texts["day"]
    if "hour" in texts:
        times = times + " " + texts["hour"] + ":" + texts.get("minute", "00")
    return replace(table, columns=(times, *(table.columns[at] for at in kept)), names=("time", *names))


def with_best_time(table: RawTable, roles: dict[Role, int]) -> dict[Role, int]:
    """Return the roles with the first of the columns with a name of times whose values can be those of candles.

    A time that is the same in every row is none of a candle, nor is that of a trade, beside one of whole minutes.
    """
    if Role.CLOCK in roles and _are_of_trades(table.columns[roles[Role.TIME]], table.columns[roles[Role.CLOCK]]):
        return _by_time(roles, roles[Role.TIME])
    taken = [at for role, at in roles.items() if role not in {Role.TIME, Role.CLOCK}]
    candidates = times_by_name(table.names, taken)
    if len(candidates) < 2:
        return roles
    if Role.CLOCK in roles and has_whole_times(table.columns[roles[Role.CLOCK]].head(_SAMPLE)):
        # Of a date and a time that has a date too, as of two such times, the first that tells the rows apart counts.
        first, second = (_sample(table, roles[role]).nunique() for role in (Role.TIME, Role.CLOCK))
        return _by_time(roles, roles[Role.TIME if first >= second else Role.CLOCK])
    for at in candidates:
        sample = _sample(table, at)
        if (sample != sample.iloc[0]).any() and has_whole_times(table.columns[at].head(_SAMPLE)):
            if at in {roles[Role.TIME], roles.get(Role.CLOCK)}:
                break
            return _by_time(roles, at)
    return roles


def _sample(table: RawTable, at: int) -> pd.Series:
    """Return cells as text: in JSON they may be lists, which cannot be compared."""
    return table.columns[at].head(_SAMPLE).astype(str)


def _are_of_trades(dates: pd.Series, clock: pd.Series) -> bool:
    """Return whether times of day beside dates that all differ have seconds, as those of the last trade of a day."""
    seconds = clock.head(_SAMPLE).astype(str).str.fullmatch(r"\d{1,2}:\d{2}:(?!00)\d{2}")
    return bool(seconds.mean() > 0.5) and dates.astype(str).is_unique


def _by_time(roles: dict[Role, int], at: int) -> dict[Role, int]:
    """Return the roles with a column that has dates with times, and none for the time of day."""
    return {**{role: place for role, place in roles.items() if role != Role.CLOCK}, Role.TIME: at}


def columns_of_times(table: RawTable, roles: dict[Role, int]) -> list[int]:
    """Return the column without a known name whose values are times, such as `id`; none where several are."""
    free = [at for at in range(len(table.columns)) if at not in roles.values()]
    found = [at for at in free if looks_like_times(table.columns[at])]
    return found if len(found) == 1 else []


def base_volume(table: RawTable, roles: dict[Role, int]) -> int | None:
    """Return the column of which the one named as volume is the product with the price; None where there is none.

    The same word means the volume in some exports, the turnover in others: `vol` of HTX and of Tushare.
    """
    comma = has_decimal_comma([table.columns[roles[role]].head(_SAMPLE) for role in PRICES], table.delimiter)
    samples = [column.head(_SAMPLE) for column in table.columns]
    closes, named = (numbers_of(samples[roles[role]], comma).floats for role in (Role.CLOSE, Role.VOLUME))
    for at in range(len(table.columns)):
        if at not in roles.values():
            with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
                shares = named / (numbers_of(samples[at], comma).floats * closes)
            known = shares[np.isfinite(shares)]
            if len(known) >= _FEWEST_ROWS and (np.abs(np.quantile(known, (0.05, 0.95)) - 1) < _NEAR).all():
                return at
    return None


def is_traded(volumes: pd.Series) -> bool:
    """Return whether a volume may be above zero anywhere."""
    return is_text(volumes) or bool((volumes > 0).any())
