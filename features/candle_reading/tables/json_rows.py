"""From a value of JSON to columns: rows as arrays or objects, or columns, with their names in it or beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from features.candle_reading.headers import MOST_COLUMNS, PRICES, Role, is_header, require_columns, roles_of

# Objects may have other names each, and a table of all of them is the square of what is sent.
_MOST_NAMES = 1_000

# Names, or none, and the columns.
Columns = tuple[tuple[str, ...], list[pd.Series]]


def columns_of(value: Any) -> Columns | None:
    """Return names and columns of a value that is a table.

    Raises:
        InvalidMarketData: a row of numbers is longer than one of candles.
    """
    if isinstance(value, list):
        return _of_rows(value)
    if not isinstance(value, Mapping) or not value:
        return None
    if isinstance(value.get("indicators"), Mapping) and isinstance(times := value.get("timestamp"), list):
        quotes = value["indicators"].get("quote")  # Yahoo's chart
        known = isinstance(quotes, list) and quotes and isinstance(quotes[0], Mapping)
        return columns_of({"timestamp": times, **quotes[0]}) if known else None
    names = [str(name) for name in value]
    if len(names) <= MOST_COLUMNS and (named := _named_rows(value)) is not None:
        return named
    if is_header(names):
        columns = dict(zip(names, value.values(), strict=True))
        lists = {name: column for name, column in columns.items() if isinstance(column, list)}
        if is_header(list(lists)) and len({len(column) for column in lists.values()}) == 1:
            return tuple(lists), [pd.Series(column) for column in lists.values()]
        keyed = {name: column for name, column in columns.items() if isinstance(column, Mapping)}
        if is_header(list(keyed)):  # pandas' form "columns": {"open": {"0": 1.0}}
            frame = pd.DataFrame({name: pd.Series(dict(column)) for name, column in keyed.items()})
            if Role.TIME not in roles_of(list(keyed)):  # the times are the index
                frame.insert(0, "time", frame.index)
            return _of_frame(frame)
        return None
    return _keyed_by_time(value)


def has_prices(columns: Columns) -> bool:
    """Return whether the names of columns are those of candles, or there are none."""
    names, _ = columns
    return not names or sum(role in PRICES for role in roles_of(names)) >= 3


def _named_rows(value: Mapping[str, Any]) -> Columns | None:
    """Return rows as arrays with the names of their columns beside them.

    So write pandas ("split"), Nasdaq Data Link, Tushare, Xueqiu, MOEX, InfluxDB, QuestDB and ClickHouse.
    """
    for names in filter(is_header, map(_names, value.values())):
        for rows in value.values():
            if isinstance(rows, list) and all(isinstance(row, list) and len(row) == len(names) for row in rows):
                frame = pd.DataFrame(rows, columns=names)
                index = value.get("index")
                if Role.TIME not in roles_of(names) and isinstance(index, list) and len(index) == len(frame):
                    frame.insert(0, "time", index)
                return _of_frame(frame)
    return None


def _names(value: Any) -> list[str]:
    """Return the names in a list of them or of objects such as {"name": "open", "type": "double"}; none of others."""
    if not isinstance(value, list):
        return []
    names = [cell.get("name") if isinstance(cell, Mapping) else cell for cell in value[:MOST_COLUMNS]]
    texts = [name for name in names if isinstance(name, str)]
    return texts if len(texts) == len(names) else []


def _keyed_by_time(value: Mapping[str, Any]) -> Columns | None:
    """Return rows that stand under their times: {"2026-09-08": {"1. open": ...}} or {"1788868800": [1, 2, ...]}."""
    first_key, first = next(iter(value.items()))
    if not any(map(str.isdigit, str(first_key))):
        return None
    times, rows = [str(time) for time in value], list(value.values())
    if all(isinstance(row, list) for row in rows):
        return _of_rows([[time, *row] for time, row in zip(times, rows, strict=True)])
    if all(isinstance(row, Mapping) for row in rows) and is_header(["time", *map(str, first)]):
        require_columns(len({name for row in rows for name in row}), _MOST_NAMES)
        frame = pd.DataFrame(rows)
        if Role.TIME not in roles_of(list(map(str, frame.columns))):
            frame.insert(0, "time", times)
        return _of_frame(frame)
    return None


def _of_rows(rows: list[Any]) -> Columns | None:
    if not rows:
        return None
    if all(isinstance(row, str) and row.count(",") >= 4 for row in rows):  # lines of CSV
        rows = [row.split(",") for row in rows]
    if all(isinstance(row, Mapping) for row in rows):
        if len(rows) == 1 and any(isinstance(cell, list) for cell in rows[0].values()):
            return None  # columns, or an answer around rows
        flat = [_flat(row) for row in rows]
        names = list(dict.fromkeys(str(name) for row in flat[:100] for name in row))
        if not is_header(names):
            return None
        require_columns(len({name for row in flat for name in row}), _MOST_NAMES)
        return _of_frame(pd.DataFrame(flat))
    if all(isinstance(row, list) for row in rows):
        header: list[str] = []
        if rows[0] and all(isinstance(cell, str) for cell in rows[0]) and is_header(rows[0]):
            header, rows = rows[0], rows[1:]
        width = max((len(row) for row in rows), default=0)
        if width < 5 or any(isinstance(cell, (list, Mapping)) for row in rows[:100] for cell in row):
            return None
        require_columns(width)
        frame = pd.DataFrame([row + [None] * (width - len(row)) for row in rows])
        header += [""] * (width - len(header)) if header else []
        return tuple(header), [frame[column] for column in frame]
    return None


def _flat(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an object with the prices of one inside it, as {"time": ..., "mid": {"o": ...}}."""
    inner = [value for value in row.values() if isinstance(value, Mapping)]
    if not inner:
        return row
    if any(_is_quote(name, value) for name, value in row.items()):
        return {name: _one_price(value) if isinstance(value, Mapping) else value for name, value in row.items()}
    flat = list(map(_flat, inner))
    priced = flat[0] if len(flat) == 1 else next(filter(_is_priced, flat), flat[0])
    return {**{name: value for name, value in row.items() if not isinstance(value, Mapping)}, **priced}


def _is_priced(row: Mapping[str, Any]) -> bool:
    return sum(role in PRICES for role in roles_of(list(map(str, row)))) >= 3


_QUOTED = ("bid", "mid", "lastTraded", "last", "ask")


def _is_quote(name: str, value: Any) -> bool:
    """Return whether a value has the sides of a quote, and its name is that of a price."""
    if not isinstance(value, Mapping) or value.keys().isdisjoint(_QUOTED):
        return False
    return not roles_of([name]).keys().isdisjoint(PRICES)


def _one_price(quote: Mapping[str, Any]) -> Any:
    """Return one price of a quote, as of {"bid": 1.1, "ask": 1.2, "lastTraded": null}; the bid before the others."""
    return next((quote[side] for side in _QUOTED if quote.get(side) is not None), None)


def _of_frame(frame: pd.DataFrame) -> Columns:
    return tuple(map(str, frame.columns)), [frame.iloc[:, at] for at in range(frame.shape[1])]
