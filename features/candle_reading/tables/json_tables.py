"""From JSON to a table: rows as arrays or objects, columns, lines of objects, and the answers that wrap them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from domain.errors import InvalidMarketData
from domain.market import Timeframe
from domain.naming.symbols import Symbol, is_symbol
from features.candle_reading.headers import PRICES, Role, is_header, plain_name, roles_of
from features.candle_reading.tables.raw_table import RawTable, row_place
from features.candle_reading.times.zones import UNNAMED, NamedZone

# Answers wrap their rows two or three deep.
_DEEPEST = 5


def json_table(text: bytes) -> RawTable:
    """Return the table in a JSON document, or in one document a line.

    Raises:
        InvalidMarketData: it is no JSON, or has no rows of candles.
    """
    document = _document(text)
    found = dict(_tables(document, "", 0))
    if not found:
        said = next((value for name, value in _pairs(document) if name in _MESSAGES and isinstance(value, str)), "")
        if said:
            raise InvalidMarketData(f"has the message {said[:100]!r} and no candles: ask again, or export it again")
        raise InvalidMarketData(
            "has no rows of candles: it needs arrays [time, open, high, low, close, volume] or objects with these names"
        )
    if len(found) > 1:
        # One table under the name of each market or timeframe: they become one table with a column for it.
        return _joined(found, next(iter(_symbols(document, 0)), None))
    symbol = next(iter(_symbols(document, 0)), None)
    ((name, table),) = found.items()
    if symbol is None and name == name.upper() and is_symbol(name) and Symbol.of(name).kind is not None:
        symbol = name  # {"bars": {"AAPL": [...]}}
    return replace(_raw(*table, symbol=symbol), zone=next(iter(_zones(document, 0)), UNNAMED))


# Under which answers say why they have no candles.
_MESSAGES = {"msg", "message", "error", "errormessage", "errmsg", "detail", "note", "information"}


def _pairs(document: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(document, Mapping):
        yield from ((plain_name(str(name)), value) for name, value in document.items())


def _document(text: bytes) -> Any:
    # MongoDB's tools write {"$numberLong": "1"} for a number, and so for dates.
    unwrap = _unwrapped if b'"$' in text else None
    try:
        document = json.loads(text, object_hook=unwrap)
        # Text that was made JSON twice.
        return json.loads(document) if isinstance(document, str) else document
    except RecursionError as error:
        raise InvalidMarketData("is nested too deep for candles: export it again") from error
    except ValueError as error:
        try:
            return [json.loads(line, object_hook=unwrap) for line in text.splitlines() if line.strip()]
        except (ValueError, RecursionError):
            place = f"line {getattr(error, 'lineno', 1)}"
            raise InvalidMarketData(f"{place} is no JSON ({getattr(error, 'msg', error)}): export it again") from error


def _unwrapped(value: dict[str, Any]) -> Any:
    (name, inner), *more = value.items() or [("", None)]
    return inner if name.startswith("$") and not more else value


Columns = tuple[tuple[str, ...], list[pd.Series]]


def _tables(value: Any, name: str, depth: int) -> Iterator[tuple[str, Columns]]:
    """Yield every table in a document with the key that it stands under."""
    if depth > _DEEPEST:
        return
    if (table := _table(value)) is not None:
        yield name, table
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _tables(inner, str(key), depth + 1)
    elif isinstance(value, list) and len(value) == 1:
        yield from _tables(value[0], name, depth + 1)


def _table(value: Any) -> Columns | None:
    """Return names and columns of a value that is a table."""
    if isinstance(value, list):
        return _of_rows(value)
    if not isinstance(value, Mapping) or not value:
        return None
    if isinstance(value.get("indicators"), Mapping) and isinstance(times := value.get("timestamp"), list):
        quotes = value["indicators"].get("quote")  # Yahoo's chart
        known = isinstance(quotes, list) and quotes and isinstance(quotes[0], Mapping)
        return _table({"timestamp": times, **quotes[0]}) if known else None
    names = [str(name) for name in value]
    if isinstance(value.get("columns"), list) and isinstance(value.get("data"), list):  # pandas' form "split"
        index = value.get("index") or []
        rows = value["data"]
        if is_header(cells := list(map(str, value["columns"]))):
            frame = pd.DataFrame(rows, columns=cells)
            if Role.TIME not in roles_of(cells) and len(index) == len(frame):
                frame.insert(0, "time", index)
            return _of_frame(frame)
    if is_header(names):
        columns = dict(zip(names, value.values(), strict=True))
        lists = {name: column for name, column in columns.items() if isinstance(column, list)}
        if is_header(list(lists)) and len({len(column) for column in lists.values()}) == 1:
            return tuple(lists), [pd.Series(column) for column in lists.values()]
        keyed = {name: column for name, column in columns.items() if isinstance(column, Mapping)}
        if is_header(list(keyed)):  # pandas' form "columns": {"open": {"0": 1.0}}
            return _of_frame(pd.DataFrame({name: pd.Series(dict(column)) for name, column in keyed.items()}))
        return None
    first = next(iter(value.values()))
    times = any(map(str.isdigit, names[0])) and all(isinstance(row, Mapping) for row in value.values())
    if times and is_header(["time", *map(str, first)]):  # {"2026-09-08 12:00": {"1. open": ...}}
        frame = pd.DataFrame(list(value.values()))
        if Role.TIME not in roles_of(list(map(str, frame.columns))):
            frame.insert(0, "time", names)
        return _of_frame(frame)
    return None


def _of_rows(rows: list[Any]) -> Columns | None:
    if not rows:
        return None
    if all(isinstance(row, str) and row.count(",") >= 4 for row in rows):  # lines of CSV
        rows = [row.split(",") for row in rows]
    if all(isinstance(row, Mapping) for row in rows):
        flat = [_flat(row) for row in rows]
        names = list(dict.fromkeys(str(name) for row in flat[:100] for name in row))
        return _of_frame(pd.DataFrame(flat)) if is_header(names) else None
    if all(isinstance(row, list) for row in rows):
        header: list[str] = []
        if rows[0] and all(isinstance(cell, str) for cell in rows[0]) and is_header(rows[0]):
            header, rows = rows[0], rows[1:]
        width = max((len(row) for row in rows), default=0)
        if width < 5 or any(isinstance(cell, (list, Mapping)) for row in rows[:100] for cell in row):
            return None
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
    return {**{name: value for name, value in row.items() if not isinstance(value, Mapping)}, **inner[0]}


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


def _symbols(value: Any, depth: int) -> Iterator[str]:
    """Yield the markets that stand beside the rows, as {"ticker": "AAPL", "results": [...]}."""
    if isinstance(value, list) and len(value) == 1:
        (value,) = value
    if not isinstance(value, Mapping) or depth > _DEEPEST:
        return
    names = list(map(str, value))
    at = roles_of([*names]).get(Role.SYMBOL)
    if depth == 0 and at is not None and names[at] == "code":
        at = None  # of the answer, "0" where all is well
    if at is not None and isinstance(symbol := list(value.values())[at], str):
        yield symbol
    for inner in value.values():
        yield from _symbols(inner, depth + 1)


def _zones(value: Any, depth: int) -> Iterator[NamedZone]:
    """Yield the time zones that stand beside the rows, as {"meta": {"exchange_timezone": "America/New_York"}}."""
    if not isinstance(value, Mapping) or depth > _DEEPEST:
        return
    for name, inner in value.items():
        plain = plain_name(str(name))
        if isinstance(inner, str) and plain in {"timezone", "tz", "exchangetimezone", "exchangetimezonename"}:
            yield NamedZone(inner, of_exchange=plain.startswith("exchange"))
        yield from _zones(inner, depth + 1)


def _raw(names: tuple[str, ...], columns: list[pd.Series], symbol: str | None) -> RawTable:
    series = tuple(column.reset_index(drop=True) for column in columns)
    return RawTable(series, names, row_place, symbol=symbol, kind="JSON")


def _joined(found: Mapping[str, Columns], symbol: str | None) -> RawTable:
    timeframes = set(found) <= set(Timeframe)
    parts = []
    for key, (names, columns) in found.items():
        labels = names or tuple(map(str, range(len(columns))))
        part = pd.DataFrame({label: list(column) for label, column in zip(labels, columns, strict=True)})
        parts.append(part.assign(**{"timeframe" if timeframes else "symbol": key}) if names else part)
    if all(names for names, _ in found.values()):
        return _raw(*_of_frame(pd.concat(parts, ignore_index=True)), symbol=symbol if timeframes else None)
    listed = ", ".join(found)
    raise InvalidMarketData(f"holds tables of {listed}: keep one of them in the file")
