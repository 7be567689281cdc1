"""From JSON to a table: the rows in a document or in one a line, out of the answers that wrap them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, NamedTuple

import pandas as pd

from domain.errors import InvalidMarketData
from domain.market import Timeframe
from domain.naming.symbols import Symbol, is_symbol, spelling
from features.candle_reading.headers import MOST_COLUMNS, Role, plain_name, roles_of
from features.candle_reading.tables.json_rows import Columns, columns_of, has_prices
from features.candle_reading.tables.raw_table import RawTable, row_place
from features.candle_reading.times.zones import UNNAMED, NamedZone

# Answers wrap their rows two or three deep.
_DEEPEST = 5
# Answers to requests for the parts of a history, one after the other.
_MOST_PAGES = 2_000


# A call, an assignment or a guard that makes a script of a JSON document, as JSONP.
_SCRIPT = re.compile(
    rb"(?:/\*\*/)?\s*(?:[\w$.]+\s*\(|(?:(?:var|let|const)\s+)?[\w$.]+\s*=|\)\]\}',?|(?:for\s?\(;;\)|while\s?\(1\));)"
    rb"\s*(?=[\[{])"
)


class FoundTable(NamedTuple):
    """A table in a document.

    Attributes:
        keys: Under which it stands, the outermost first; of one in a list the market that is named beside it, or "".
        columns: Names and columns.
    """

    keys: tuple[str, ...]
    columns: Columns


def without_script(text: bytes) -> bytes:
    """Return the JSON document of a script that hands it over, as `callback([...]);`; any other text as it is."""
    script = _SCRIPT.match(text)
    return text[script.end() :].rstrip().rstrip(b";").rstrip().removesuffix(b")") if script else text


def json_table(text: bytes) -> RawTable:
    """Return the table in a JSON document, or in one document a line.

    Raises:
        InvalidMarketData: it is no JSON, has no rows of candles, or several tables that cannot be told apart.
    """
    document = _document(text)
    found = list(islice(_tables(document, (), 0), _MOST_PAGES + 1))
    if len(found) > _MOST_PAGES:
        raise InvalidMarketData(f"holds more than {_MOST_PAGES:,} tables: join them to one")
    found = [table for table in found if has_prices(table.columns)] or found
    if not found:
        said = next((value for name, value in _pairs(document) if name in _MESSAGES and isinstance(value, str)), "")
        if said:
            raise InvalidMarketData(f"has the message {said[:100]!r} and no candles: ask again, or export it again")
        raise InvalidMarketData(
            "has no rows of candles: it needs arrays [time, open, high, low, close, volume] or objects with these names"
        )
    symbol = next(iter(_symbols(document, 0)), None)
    if len(found) > 1:
        return _joined(found, symbol)
    ((keys, columns),) = found
    if symbol is None:
        symbol = next(filter(_is_market, reversed(keys)), None)  # {"bars": {"AAPL": {"1h": [...]}}}
    return replace(_raw(columns, symbol), zone=next(iter(_zones(document, 0)), UNNAMED))


# Under which answers say why they have no candles.
_MESSAGES = {"msg", "message", "error", "errormessage", "errmsg", "detail", "note", "information"}


def _pairs(document: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(document, Mapping) and len(document) <= MOST_COLUMNS:
        yield from ((plain_name(str(name)), value) for name, value in document.items())


def _document(text: bytes) -> Any:
    unwrap = _unwrapped if b'"$' in text or b'"nano' in text else None
    try:
        document = json.loads(text, object_hook=unwrap)
        # Text that was made JSON twice.
        return json.loads(document) if isinstance(document, str) else document
    except RecursionError as error:
        raise InvalidMarketData("is nested too deep for candles: export it again") from error
    except ValueError as error:
        try:
            # Lines copied out of an array end with its commas.
            lines = (line.strip().rstrip(b",") for line in text.splitlines())
            return [json.loads(line, object_hook=unwrap) for line in lines if line]
        except (ValueError, RecursionError):
            if re.match(rb"[\[{(\s]*'|\[\s*\(|.{,200}\bNone\b", text[:400]):
                raise InvalidMarketData("is text of Python, no JSON: write it by json.dump, or as CSV") from error
            place = f"line {getattr(error, 'lineno', 1)}"
            raise InvalidMarketData(f"{place} is no JSON ({getattr(error, 'msg', error)}): export it again") from error


def _unwrapped(value: dict[str, Any]) -> Any:
    """Return the number or date that is written as an object, any other object as it is.

    MongoDB's tools write {"$numberLong": "1"}, and T-Invest {"units": "180", "nano": 10000000} for 180.01.
    """
    if isinstance(nano := value.get("nano"), int) and re.fullmatch(r"-?[0-9]{1,15}", str(value.get("units"))):
        return round(int(value["units"]) + nano / 1e9, 9)
    (name, inner), *more = value.items() or [("", None)]
    return inner if name.startswith("$") and not more else value


def _tables(value: Any, keys: tuple[str, ...], depth: int) -> Iterator[FoundTable]:
    """Yield every table in a document."""
    if depth > _DEEPEST:
        return
    if (columns := columns_of(value)) is not None:
        yield FoundTable(keys, columns)
    elif isinstance(value, Mapping) and len(value) <= _MOST_PAGES:
        for key, inner in value.items():
            yield from _tables(inner, (*keys, str(key)), depth + 1)
    elif isinstance(value, list) and len(value) == 1:
        yield from _tables(value[0], keys, depth + 1)
    elif isinstance(value, list) and len(value) <= _MOST_PAGES:
        for inner in value:
            yield from _tables(inner, (*keys, next(iter(_symbols(inner, 0)), "")), depth + 1)


def _symbols(value: Any, depth: int) -> Iterator[str]:
    """Yield the markets that stand beside the rows, as {"ticker": "AAPL", "results": [...]}."""
    if isinstance(value, list) and len(value) == 1:
        (value,) = value
    if not isinstance(value, Mapping) or depth > _DEEPEST or len(value) > MOST_COLUMNS:
        return
    pair = [_asset(value.get(side)) for side in ("base", "quote")]
    if all(pair):
        yield "/".join(pair)
    names = list(map(str, value))
    at = roles_of(names).get(Role.SYMBOL)
    if depth == 0 and at is not None and names[at] == "code":
        at = None  # of the answer, "0" where all is well
    if at is not None and isinstance(symbol := list(value.values())[at], str):
        yield symbol
    for inner in value.values():
        yield from _symbols(inner, depth + 1)


def _is_market(key: str) -> bool:
    return key == key.upper() and Symbol.of(spelling(key) or "").kind is not None


def _asset(value: Any) -> str:
    """Return the name of one side of a pair: "BTC" or {"symbol": "BTC"}; nothing where it is none."""
    name = value.get("symbol") if isinstance(value, Mapping) else value
    return name if isinstance(name, str) and is_symbol(name.upper()) and not _is_number(name) else ""


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdecimal()


def _zones(value: Any, depth: int) -> Iterator[NamedZone]:
    """Yield the time zones that stand beside the rows, as {"meta": {"exchange_timezone": "America/New_York"}}."""
    if not isinstance(value, Mapping) or depth > _DEEPEST or len(value) > MOST_COLUMNS:
        return
    for name, inner in value.items():
        plain = plain_name(str(name))
        if isinstance(inner, str) and plain in {"timezone", "tz", "exchangetimezone", "exchangetimezonename"}:
            yield NamedZone(inner, of_exchange=plain.startswith("exchange"))
        yield from _zones(inner, depth + 1)


def _raw(columns: Columns, symbol: str | None) -> RawTable:
    names, found = columns
    return RawTable(
        tuple(column.reset_index(drop=True) for column in found), names, row_place, symbol=symbol, kind="JSON"
    )


def _joined(found: Sequence[FoundTable], symbol: str | None) -> RawTable:
    """Return one table of several: the pages of one, or those of markets and timeframes, with a column for each.

    Raises:
        InvalidMarketData: they are of several markets or timeframes, and their columns have no names.
    """
    labels = _labels([table.keys for table in found])
    parts = [_part(table.columns).assign(**own) for table, own in zip(found, labels, strict=True)]
    named = {bool(table.columns[0]) for table in found}
    if len(named) > 1 or (labels[0] and not all(named)):
        listed = ", ".join(dict.fromkeys(" ".join(own.values()) for own in labels)) or "several forms"
        raise InvalidMarketData(f"holds tables of {listed}: keep one of them in the file")
    frame = pd.concat(parts, ignore_index=True)
    names = tuple(map(str, frame.columns)) if all(named) else ()
    if "symbol" not in labels[0]:
        symbol = symbol or next(filter(is_symbol, found[0].keys), None)
    return _raw((names, [frame.iloc[:, at] for at in range(frame.shape[1])]), None if "symbol" in labels[0] else symbol)


def _part(columns: Columns) -> pd.DataFrame:
    names, found = columns
    return pd.DataFrame(dict(zip(names or range(len(found)), map(list, found), strict=True)))


def _labels(paths: Sequence[tuple[str, ...]]) -> list[dict[str, str]]:
    """Return the market and the timeframe of each table, as far as the keys that they stand under differ."""
    longest = max(map(len, paths))
    padded = [(*path, *[""] * (longest - len(path))) for path in paths]
    labels: list[dict[str, str]] = [{} for _ in paths]
    for keys in zip(*padded, strict=True):
        if len(set(keys)) > 1:
            column = "timeframe" if set(keys) <= set(Timeframe) else "symbol"
            for own, key in zip(labels, keys, strict=True):
                own[column] = " ".join(filter(None, (own.get(column), key)))
    return labels
