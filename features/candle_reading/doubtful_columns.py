"""Which columns hold the times of the candles and the volume, where their names do not settle it.

A volume is not the turnover, and it is ticks where the exchange has no volume.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from domain.arrays import FloatArray
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
# Of contracts: dollars that one is worth if it is settled in coins, and how equal the share of a coin is in all rows.
_DOLLARS, _EXACT = (10.0, 100.0), 1e-6
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
    """Return the column of the base volume where another one is named as volume; None where there is none.

    The same word means the volume in some exports, the turnover in others: `vol` of HTX and of Tushare. That of swaps
    counts contracts, of a share of a coin or of some dollars each, and OKX and Binance have the base volume beside it.
    """
    comma = has_decimal_comma([table.columns[roles[role]].head(_SAMPLE) for role in PRICES], table.delimiter)
    closes, named = (
        numbers_of(table.columns[roles[role]].head(_SAMPLE), comma).floats for role in (Role.CLOSE, Role.VOLUME)
    )
    others = {
        at: numbers_of(column.head(_SAMPLE), comma).floats
        for at, column in enumerate(table.columns)
        if at not in roles.values()
    }
    if any(_are_products(other, named, closes) for other in others.values()):
        return None
    sizes = _DOLLARS if (np.floor(named) == named).all() else ()
    for at, other in others.items():
        # Half of a volume, that of takers, must not pass for coins.
        of_dollars = any(_are_products(named, other, closes / size, _NEAR / 4) for size in sizes)
        if of_dollars or _are_products(named, other, closes):
            return at
    for at, other in others.items():
        if _are_multiples(other, named) and any(_are_products(one, other, closes) for one in others.values()):
            return at
    return None


def _are_products(turnovers: FloatArray, volumes: FloatArray, closes: FloatArray, near: float = _NEAR) -> bool:
    """Return whether turnovers are those of volumes and closes, as far as a close is the price of all trades."""
    shares = _known(turnovers, volumes, closes)
    return len(shares) >= _FEWEST_ROWS and bool((np.abs(np.quantile(shares, (0.05, 0.95)) - 1) < near).all())


def _are_multiples(volumes: FloatArray, contracts: FloatArray) -> bool:
    """Return whether one contract is the same volume in all rows."""
    shares = _known(volumes, contracts)
    return len(shares) >= _FEWEST_ROWS and bool(np.ptp(shares) < _EXACT * shares[0])


def _known(numerators: FloatArray, denominators: FloatArray, closes: FloatArray | float = 1.0) -> FloatArray:
    """Return finite numerators over denominators and closes."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        shares = numerators / (denominators * closes)
    return shares[np.isfinite(shares)]


def is_traded(volumes: pd.Series) -> bool:
    """Return whether a volume may be above zero anywhere."""
    return is_text(volumes) or bool((volumes > 0).any())
