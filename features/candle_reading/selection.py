"""One market and one timeframe out of a table that may hold several."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from domain.arrays import BoolArray
from domain.errors import SeveralSeries
from domain.market import Timeframe
from domain.naming.symbols import spelling
from features.candle_reading.tables.raw_table import RawTable

_NAMED = 10
_UNITS = {
    "m": 60,
    "min": 60,
    "minute": 60,
    "h": 3600,
    "hour": 3600,
    "d": 86_400,
    "day": 86_400,
    "w": 604_800,
    "week": 604_800,
}
_MINUTES = re.compile(r"[0-9]{1,9}")
_NUMBER_FIRST = re.compile(r"(?:pt?)?(?P<number>[0-9]{0,9})\s*(?P<unit>[a-z]+?)s?")
_UNIT_FIRST = re.compile(r"(?P<unit>[a-z]+)(?P<number>[0-9]{1,9})")
_WORDS = {"daily": 86_400, "hourly": 3600, "weekly": 604_800}


def one_market(table: RawTable, symbol: str | None) -> RawTable:
    """Return the columns of one market, where the header has several.

    Raises:
        SeveralSeries: there are several, and none of them is `symbol`.
    """
    markets = list(dict.fromkeys(market.strip() for market in table.markets[1:] if market.strip()))
    if not markets:
        return table
    chosen = markets[0] if len(markets) == 1 else _chosen(markets, symbol, "its header")
    padded = [*table.markets, *[""] * (len(table.columns) - len(table.markets))]
    kept = [at for at, market in enumerate(padded) if at == 0 or market.strip() in ("", chosen)]
    names = tuple(table.names[at] for at in kept)
    return replace(table, columns=tuple(table.columns[at] for at in kept), names=names, symbol=chosen, markets=())


def rows_of_market(column: pd.Series, name: str, symbol: str | None) -> tuple[BoolArray, str | None]:
    """Return flags of the rows of one market, and its name; the name of the column is that of a repeated header.

    Raises:
        SeveralSeries: there are several, and none of them is `symbol`.
    """
    cells = column.astype(str).str.strip()
    markets = [str(market) for market in cells[column.notna()].unique() if market and market != name]
    if len(markets) <= 1:
        return np.ones(len(column), dtype=np.bool_), markets[0] if markets else None
    chosen = _chosen(markets, symbol, f"column {name}" if name else "the first column")
    return (cells == chosen).to_numpy(dtype=np.bool_), chosen


def rows_of_timeframe(column: pd.Series, name: str, timeframe: Timeframe | None) -> BoolArray:
    """Return flags of the rows of one timeframe.

    Raises:
        SeveralSeries: there are several, and none of them is `timeframe`.
    """
    cells = column.astype(str).str.strip()
    found = [str(value) for value in cells[column.notna()].unique() if value and value != name]
    if len(found) <= 1:
        return np.ones(len(column), dtype=np.bool_)
    lengths_ms = {value: _seconds(value) * 1000 for value in found}
    fitting = [value for value in found if timeframe is not None and lengths_ms[value] == timeframe.ms]
    if not fitting:
        known = {one.ms: one.value for one in Timeframe}
        raise SeveralSeries(
            f"{_number(len(found))} timeframes in column {name}: {_listed(found)}; name one with --timeframe",
            timeframes=tuple(
                known[length_ms] for length_ms in dict.fromkeys(lengths_ms.values()) if length_ms in known
            ),
        )
    return (cells == fitting[0]).to_numpy(dtype=np.bool_)


def _chosen(markets: Sequence[str], symbol: str | None, where: str) -> str:
    fitting = [market for market in markets if symbol is not None and _spelled(market) == _spelled(symbol)]
    if not fitting:
        raise SeveralSeries(
            f"{_number(len(markets))} markets in {where}: {_listed(markets)}; name one with --symbol",
            symbols=tuple(markets),
        )
    return fitting[0]


def _spelled(symbol: str) -> str:
    """Return the letters and digits of a market: BTC/USDT and btc_usdt are BTCUSDT, XXBTZUSD is XBTUSD."""
    return re.sub(r"[^A-Z0-9]", "", (spelling(symbol) or symbol).upper())


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _number(count: int) -> str:
    return {2: "two", 3: "three", 4: "four"}.get(count, str(count))


def _seconds(words: str) -> int:
    """Return the length that a word for a timeframe means, 0 if none: 1h, 60, 60m, H1, PT1H, daily."""
    text = words.strip().casefold()
    if text in _WORDS:
        return _WORDS[text]
    if _MINUTES.fullmatch(text):
        return int(text) * 60
    if found := _NUMBER_FIRST.fullmatch(text) or _UNIT_FIRST.fullmatch(text):
        return int(found["number"] or 1) * _UNITS.get(found["unit"], 0)
    return 0
