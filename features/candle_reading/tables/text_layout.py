"""How a text of rows is laid out: what separates its columns, and where header and rows begin."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from domain.errors import InvalidMarketData
from features.candle_reading.affixes import plain_names
from features.candle_reading.headers import PRICES, Role, is_header, require_candles, require_columns, roles_of
from features.candle_reading.numbers import PREFIX, SIGN, SIZE, UNIT

# A comma last but one, since a decimal comma looks like one; spaces last, since dates have them.
DELIMITERS = (";", "\t", "|", ",", " ")
SAMPLE_BYTES = 256 * 1024
SAMPLE_ROWS = 200
# Time of a candle and its four prices.
FEWEST_COLUMNS = 5

NUMBER = re.compile(
    rf"[-+\u2212]?(?:{SIGN}|{PREFIX})?\s?(?:\d+(?:[.,'\u2019 \u00a0\u2009\u202f]\d+)*\.?|\.\d+)"
    rf"(?:[eE][-+]?\d+)?\s?(?:(?i:{SIZE}|%)?\s?(?:{SIGN}|{UNIT})?)"
)
# Lines that draw a table: |---|:---:|, +-----+-----+.
_RULE = re.compile(r"[-+|:=\s]+")
_SECOND_HEADERS = {"ticker", "tickers", "symbol", "date", "datetime", "timestamp", "price", ""}


@dataclass(frozen=True)
class TextLayout:
    """How the columns of a text are found.

    Attributes:
        delimiter: One of `DELIMITERS`.
        names: Names of the columns, or none.
        markets: The market of each column, where a row below or above the names has it.
        first_line: Number of the line, from 0, with the first row.
        width: Number of columns.
        texts: Columns to be kept as text: as a number, 000001 of Shenzhen would be 1, and a volume of 1.200 beside
            prices such as 12,50 would be 1.2.
    """

    delimiter: str
    names: tuple[str, ...]
    markets: tuple[str, ...]
    first_line: int
    width: int
    texts: tuple[int, ...] = ()


def layout_of(text: str) -> TextLayout:
    """Return the layout of a text, from its first rows.

    Raises:
        InvalidMarketData: it has no row of candles.
    """
    lines = text.split("\n")
    kept = [(at, line) for at, line in enumerate(lines) if line.strip()][:SAMPLE_ROWS]
    best: list[tuple[int, list[str]]] = []
    delimiter, most = ",", 0
    for candidate in DELIMITERS:
        rows = [(at, _cells(line, candidate)) for at, line in kept]
        found = sum(is_row(cells) for _, cells in rows)
        if found > most:
            best, delimiter, most = rows, candidate, found
    if not most:
        raise InvalidMarketData(_no_rows(kept))
    first = next(at for at, (_, cells) in enumerate(best) if is_row(cells))
    require_columns(len(best[first][1]))
    header = next((at for at in range(first - 1, -1, -1) if is_header(plain_names(best[at][1]).names)), None)
    if header is None:
        for _, cells in best[:first]:
            require_candles(cells)
        width = max(len(cells) for _, cells in best[first:])
        volumes = range(FEWEST_COLUMNS, width) if _has_decimal_commas(best[first:]) else ()
        return TextLayout(delimiter, (), (), best[first][0], width, tuple(volumes))
    below = best[header + 1 : first]
    # Lines that draw the table, and units or types below the names.
    rules = sum(not any(map(_has_number, cells)) and not _is_second_header(cells) for at, cells in below)
    rules += sum(_is_rule(lines[at]) and _is_second_header(cells) for at, cells in below)
    seconds = [cells for at, cells in below if not _is_rule(lines[at]) and _is_second_header(cells)]
    above = best[header - 1][1] if header and _is_row_of_markets(best[header - 1][1], best[header][1]) else []
    names, affixes = plain_names(best[header][1])
    markets = next((cells for cells in [above, *seconds] if any(cell.strip() for cell in cells[1:])), affixes)
    start = header + 1 + len(seconds) + rules
    if delimiter == " ":
        names = _with_index(names, best[first][1])
        start = first if len(names) == len(best[first][1]) else start
    elif len(best[first][1]) == len(names) + 1 and Role.TIME not in roles_of(names):
        names, markets = ("", *names), ("", *markets)  # of pandas and R, which leave out the name of an index
    width = max(len(names), *(len(cells) for _, cells in best[start:]))
    roles = roles_of(names)
    as_text = [Role.SYMBOL, Role.VOLUME] if _has_decimal_commas(best[start:]) else [Role.SYMBOL]
    texts = tuple(roles[role] for role in as_text if role in roles)
    return TextLayout(delimiter, tuple(names), tuple(markets), best[start][0], width, texts)


def _is_row_of_markets(cells: Sequence[str], names: Sequence[str]) -> bool:
    """Return whether a row above the names has the market of each column, as yfinance and pandas write them."""
    first, markets = cells[0].strip().casefold(), Counter(map(str.strip, cells[1:]))
    every = len(cells) == len(names) and "" not in markets and min(markets.values()) >= len(PRICES)
    return first == "ticker" or (first == "" and every)


def _has_decimal_commas(rows: Sequence[tuple[int, Sequence[str]]]) -> bool:
    """Return whether a cell of the rows may have a decimal comma."""
    return any(re.fullmatch(r"[\d.]+,\d+", cell.strip()) for _, cells in rows for cell in cells)


def _with_index(names: tuple[str, ...], row: Sequence[str]) -> tuple[str, ...]:
    """Return names with one for the index that pandas prints without a name, and one for the clock behind a date."""
    surplus, at = len(row) - len(names), roles_of(names).get(Role.TIME)
    if surplus not in (1, 2):
        return names
    if at is not None and ":" in row[min(at + surplus, len(row) - 1)]:
        names, surplus = (*names[: at + 1], "clock", *names[at + 1 :]), surplus - 1
        return ("", *names) if surplus else names
    return ("", *names) if surplus == 1 else ("date", "clock", *names)


def is_row(cells: Sequence[str]) -> bool:
    """Return whether cells can be a candle: a time, which may be any text with digits, and four numbers."""
    if len(cells) < FEWEST_COLUMNS:
        return False
    numbers = sum(NUMBER.fullmatch(cell.strip()) is not None for cell in cells)
    return numbers >= FEWEST_COLUMNS or (
        numbers == FEWEST_COLUMNS - 1 and any(map(str.isdigit, cells[0] + cells[1] + cells[-1]))
    )


def _cells(line: str, delimiter: str) -> list[str]:
    if delimiter not in line:
        return [line]
    if delimiter == " ":
        return line.split()
    try:
        return next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
    except csv.Error:
        return [line]


def _is_rule(line: str) -> bool:
    return "--" in line and _RULE.fullmatch(line) is not None


def _has_number(cell: str) -> bool:
    """Return whether a cell begins with a number, as `$1.5`; the names of types such as f64 only end with one."""
    return re.match(r"\W*\d", cell) is not None


def _is_second_header(cells: Sequence[str]) -> bool:
    """Return whether a row below the names is one of yfinance's: `Ticker,MSFT,MSFT` or `Date,,`."""
    first = cells[0].strip().casefold() if cells else "-"
    is_drawn = not first and not cells[-1].strip()  # between the outer bars of a table
    return first in _SECOND_HEADERS and not is_drawn and not any(NUMBER.fullmatch(cell.strip()) for cell in cells)


def _unread(cells: Sequence[str]) -> str:
    """Return the first of the cells of a candle that has digits but is no number; nothing where there is none."""
    behind = (cell.strip() for cell in cells[1:FEWEST_COLUMNS])
    return next((cell for cell in behind if any(map(str.isdigit, cell)) and not NUMBER.fullmatch(cell)), "")


def _no_rows(kept: Sequence[tuple[int, str]]) -> str:
    start = " ".join(line for _, line in kept[:3]).lstrip().casefold()
    if start.startswith(("<!doctype", "<html", "<head", "<?xml", "<script", "<table")):
        return "is a web page or XML, no table of candles: download the file itself"
    for delimiter in DELIMITERS:
        for at, line in kept:
            if is_header(names := _cells(line, delimiter)):
                for below, other in kept:
                    cells = _cells(other, delimiter)
                    if below > at and len(cells) == len(names) and (cell := _unread(cells)):
                        return f"line {below + 1} has {cell[:40]!r}, which is no number: write it as 1234.5"
                return f"line {at + 1} is a header, but no row of candles follows: export it again"
    return "has no row of candles: a row has time, open, high, low, close and volume, or a header with these names"
