"""The columns of a table by what they mean, and their values."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from domain.arrays import BoolArray, FloatArray, IntArray
from domain.errors import InvalidMarketData
from domain.market import Timeframe
from features.candle_reading.doubtful_columns import (
    TICKS,
    base_volume,
    columns_of_times,
    is_traded,
    with_best_time,
    with_whole_times,
)
from features.candle_reading.headerless import guessed_roles
from features.candle_reading.headers import PRICES, Role, plain_name, roles_of
from features.candle_reading.numbers import (
    Numbers,
    has_decimal_comma,
    has_decimal_point,
    is_text,
    numbers_of,
    require_one_reading,
)
from features.candle_reading.rows import counted
from features.candle_reading.selection import rows_of_market, rows_of_timeframe
from features.candle_reading.tables.raw_table import RawTable
from features.candle_reading.tables.word_rows import rows_without_prices
from features.candle_reading.times.column_times import Times, looks_like_times, times_of
from features.candle_reading.times.written_times import zone_in_name
from features.candle_reading.times.zones import NamedZone

# TradeStation and MultiCharts, whose volumes are those of rises and falls, write when a candle closed.
# BitMEX, Nautilus and Tardis do the same.
_STAMPED_AT_THE_CLOSE = (
    {"date", "time", "up", "down"},
    {"timestamp", "upvolume", "downvolume", "unchangedvolume"},
    {"homenotional", "foreignnotional"},
    {"bartype", "tsevent"},
    {"opentimestamp", "closetimestamp", "timestamp"},
)
# Of columns that hold nothing else.
_ZONE_NAMES = {"timezone", "tz"}
# Prices of 1e-9 as whole numbers, and the least that are taken for such: a thousandth.
_FIXED_POINT, _LEAST_FIXED = 1e9, 1e6


@dataclass(frozen=True)
class MeantColumns:
    """A table, the column of each role, and the rows to read.

    Attributes:
        table: All columns and rows.
        roles: The column of each role.
        has_close_times: Whether the times are those at which candles close.
        at: Numbers of the m rows to read, ascending.
        headers: Numbers of the rows that repeat the header, ascending.
        notes: What was done, in words.
    """

    table: RawTable
    roles: dict[Role, int]
    has_close_times: bool
    at: IntArray
    headers: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()

    def place(self, row: int) -> str:
        """Return the place in the file of one of the m rows."""
        return self.table.place(int(self.at[row]))

    def column(self, role: Role) -> pd.Series:
        """Return the m cells of a role."""
        column = self.table.columns[self.roles[role]]
        return column if len(self.at) == len(self.table) else column.iloc[self.at].reset_index(drop=True)

    def with_rows(self, flags: BoolArray) -> MeantColumns:
        """Return the columns with some of the m rows."""
        return self if flags.all() else replace(self, at=self.at[flags])

    def values(self) -> tuple[MeantColumns, FloatArray]:
        """Return the columns without repeated headers, and m rows of open, high, low, close, volume.

        Raises:
            InvalidMarketData: a cell is no number.
        """
        volumes = [self.column(Role.VOLUME)] if Role.VOLUME in self.roles else []
        prices = [self.column(role) for role in PRICES]
        require_one_reading(prices, volumes, self.table.delimiter)
        comma = has_decimal_comma(prices, self.table.delimiter, volumes)
        if comma:
            return replace(self, notes=(*self.notes, "decimal commas"))._values(comma)
        return self._values(comma)

    def _values(self, comma: bool) -> tuple[MeantColumns, FloatArray]:
        numbers = self._numbers(comma)
        wrong = np.logical_or.reduce([column.wrong for column in numbers.values()])
        if not wrong.any():
            return self, self._matrix(numbers)
        at = np.flatnonzero(wrong)
        columns = [self.column(role).iloc[at].astype(str).fillna("") for role in PRICES]
        unknown = np.logical_and.reduce([np.isnan(numbers[role].floats[at]) for role in PRICES])
        events, headers, words = rows_without_prices(columns, unknown, len(wrong))
        left_out = events | headers | words
        if not left_out.all():
            row = int(at[left_out.argmin()])
            role = next(role for role, column in numbers.items() if column.wrong[row])
            cell = str(self.column(role).iloc[row])[:40]
            raise InvalidMarketData(f"{self.place(row)}: {role} is {cell!r}, no number: correct or delete the row")
        counts = [int(flags.sum()) for flags in (headers, events, words)]
        kinds = (("repeated header", ""), ("row", " with a dividend or split"), ("row", " of words"))
        found = [f"{counted(n, noun)}{what} left out" for n, (noun, what) in zip(counts, kinds, strict=True) if n]
        repeated = tuple(self.at[at[headers]].tolist())
        left = replace(self.with_rows(~wrong), headers=repeated, notes=(*self.notes, *found))
        return left, left._matrix(left._numbers(comma))

    def times(self) -> Times:
        """Return the times of the m rows.

        Raises:
            InvalidMarketData: a row has no time that can be read; see also `times_of`.
        """
        clock, zones = (self.column(role) if role in self.roles else None for role in (Role.CLOCK, Role.ZONE))
        if zones is not None and not is_text(zones) and not self._name(Role.ZONE).casefold().endswith("offset"):
            zones = None  # of numbers, `zone` may count anything
        times = times_of(self.column(Role.TIME), clock, zones)
        if times.wrong.any():
            row = int(times.wrong.argmax())
            cell = str(self.column(Role.TIME).iloc[row])[:40]
            raise InvalidMarketData(
                f"{self.place(row)}: {cell!r} is no time: epoch seconds or 2026-09-08 12:00 is needed"
            )
        return times

    def _name(self, role: Role) -> str:
        return self.table.names[self.roles[role]] if self.table.names and role in self.roles else ""

    @property
    def zone(self) -> NamedZone:
        """What the file says of the time zone of its times."""
        if words := zone_in_name(self._name(Role.TIME)):
            return NamedZone(words)
        if plain_name(self._name(Role.ZONE)) in _ZONE_NAMES:
            return NamedZone(" ".join(self.column(Role.ZONE).dropna().astype(str).unique()))
        return self.table.zone

    @property
    def of_broker(self) -> bool:
        """Whether MetaTrader wrote the file: it alone counts ticks."""
        return not TICKS.isdisjoint(map(plain_name, self.table.names))

    def _numbers(self, comma: bool) -> dict[Role, Numbers]:
        numbers = {role: numbers_of(self.column(role), comma) for role in PRICES}
        if Role.VOLUME in self.roles:
            volumes = self.column(Role.VOLUME)
            # Prices without a comma have a decimal point: a comma in volumes is one only where a cell proves it.
            volume_comma = (comma and not has_decimal_point(volumes)) or has_decimal_comma([volumes], "")
            numbers[Role.VOLUME] = numbers_of(volumes, volume_comma)
        return numbers

    def _matrix(self, numbers: dict[Role, Numbers]) -> FloatArray:
        unknown = np.full(len(self.at), np.nan)
        volumes = numbers[Role.VOLUME].floats if Role.VOLUME in numbers else unknown
        if not (volumes > 0).any():  # a column of zeros alone knows nothing
            volumes = unknown
        prices = np.column_stack([numbers[role].floats for role in PRICES])
        return np.column_stack([prices / self._units_of_prices(prices), volumes])

    def _units_of_prices(self, prices: FloatArray) -> float:
        """Return the units of one: Databento and Nautilus write prices in whole numbers of 1e-9, beside `ts_event`."""
        known = prices[~np.isnan(prices)]
        fixed = "tsevent" in set(map(plain_name, self.table.names)) and len(known)
        return _FIXED_POINT if fixed and (known % 1 == 0).all() and known.min() >= _LEAST_FIXED else 1.0


def meant_columns(table: RawTable) -> MeantColumns:
    """Return what the columns of a table mean, by their names or else by their values.

    Raises:
        InvalidMarketData: a column is missing.
    """
    everything = np.arange(len(table))
    if not table.names:
        roles = guessed_roles(table.columns, table.delimiter)
        if Role.VOLUME in roles and (base := base_volume(table, roles)) is not None:
            roles[Role.VOLUME] = base
        return MeantColumns(table, roles, False, everything)
    table = with_whole_times(table)
    roles = roles_of(table.names)
    if Role.SYMBOL in roles and looks_like_times(table.columns[roles[Role.SYMBOL]]):
        del roles[Role.SYMBOL]  # `T` is a market in some answers, the close time in others
    if Role.TIMEFRAME in roles and Role.TIME not in roles and looks_like_times(table.columns[roles[Role.TIMEFRAME]]):
        del roles[Role.TIMEFRAME]  # `period` is the time of CoinCap's candles
    has_close_times = Role.TIME not in roles and Role.CLOSE_TIME in roles
    if has_close_times:
        roles[Role.TIME] = roles[Role.CLOSE_TIME]
    plain = set(map(plain_name, table.names))
    has_close_times = has_close_times or any(plain >= names for names in _STAMPED_AT_THE_CLOSE)
    if not has_close_times and Role.TIME in roles:
        roles = with_best_time(table, roles)
    if Role.TIME not in roles and (unnamed := columns_of_times(table, roles)):
        roles[Role.TIME] = unnamed[0]
    if missing := [role for role in (Role.TIME, *PRICES) if role not in roles]:
        raise InvalidMarketData(
            f"has no column for {', '.join(missing)} (its columns: {', '.join(filter(None, table.names))}): name them "
            "time, open, high, low, close, volume"
        )
    plain_names = [plain_name(name) for name in table.names]
    if all(plain_names.count(plain_names[roles[role]]) > 1 for role in PRICES):
        raise InvalidMarketData(
            "has several columns for each of the prices, as of several markets: name the market in them, as BTC_open, "
            "or keep one market in the file"
        )
    if Role.VOLUME in roles and not is_traded(table.columns[roles[Role.VOLUME]]):
        ticks = [at for at, name in enumerate(table.names) if plain_name(name) in TICKS]
        roles[Role.VOLUME] = ticks[0] if ticks else roles[Role.VOLUME]
    if Role.VOLUME in roles and (base := base_volume(table, roles)) is not None:
        roles[Role.VOLUME] = base
    return MeantColumns(table, roles, has_close_times, everything)


def of_one_market(
    columns: MeantColumns, symbol: str | None, timeframe: Timeframe | None
) -> tuple[MeantColumns, str | None]:
    """Return the rows of one market and timeframe, and the market that the file names.

    Raises:
        InvalidMarketData: there are several markets or timeframes, and none of them is the one given.
    """
    found = None
    names = columns.table.names
    if Role.SYMBOL in columns.roles:
        name = names[columns.roles[Role.SYMBOL]] if names else ""
        flags, found = rows_of_market(columns.column(Role.SYMBOL), name, symbol)
        columns = columns.with_rows(flags)
    if Role.TIMEFRAME in columns.roles:
        flags = rows_of_timeframe(columns.column(Role.TIMEFRAME), names[columns.roles[Role.TIMEFRAME]], timeframe)
        columns = columns.with_rows(flags)
    return columns, found
