"""Candles out of a file: the one way in for the command line, the source `files` and tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from domain.errors import InvalidMarketData
from domain.market import CandleSeries, Timeframe
from domain.naming.file_names import file_market
from domain.naming.symbols import Symbol, spelling
from features.candle_reading.grid import joined_note, ordered, series_of, with_length
from features.candle_reading.meant_columns import meant_columns, of_one_market
from features.candle_reading.one_series import require_one_table, require_one_timeframe
from features.candle_reading.price_order import require_opens
from features.candle_reading.rows import counted, far_note, market_rows
from features.candle_reading.selection import one_market
from features.candle_reading.splits import in_dollars, without_splits
from features.candle_reading.tables.binary_tables import FEATHER, OLD_FEATHER, PARQUET, feather_table, parquet_table
from features.candle_reading.tables.content import Unpacked, content_of
from features.candle_reading.tables.forms import form_of
from features.candle_reading.tables.json_tables import json_table, without_script
from features.candle_reading.tables.raw_table import RawTable
from features.candle_reading.tables.text_tables import text_of, text_table
from features.candle_reading.times.column_times import UTC_ASSUMED
from features.candle_reading.times.market_clocks import with_clock
from features.candle_reading.unfinished import without_unfinished


@dataclass(frozen=True)
class ReadCandles:
    """The candles of a file.

    Attributes:
        series: All of them, oldest first, the last one possibly still forming.
        symbol: The market that the file names in a column or beside its rows, as it is written there.
        named: The market in the name of the file or else of the member of a zip, as this service spells it.
        form: Name of the export, "Kraken export", or of a plain file, "CSV".
        notes: What was understood or done beyond reading plain candles, in words.
    """

    series: CandleSeries
    symbol: str | None
    named: str | None
    form: str
    notes: tuple[str, ...]

    @property
    def summary(self) -> str:
        """All of it in one line."""
        found = f"read as {self.form}: {counted(len(self.series), 'candle')} of {self.series.timeframe}"
        return ", ".join((found, *self.notes))


def read_candles(path: Path, now_ms: int, symbol: str | None = None, timeframe: Timeframe | None = None) -> ReadCandles:
    """Return the candles of a file in one of the usual forms; see docs/files.md.

    Args:
        path: CSV, TXT, TSV, JSON, Parquet or Feather, plain, in gzip or in a zip, whatever its ending.
        now_ms: The clock: no candle opens after it.
        symbol: The market to read where the file has several.
        timeframe: The timeframe to read where a column has several.

    Raises:
        InvalidMarketData: it cannot be read, or holds what no market makes; with file, row and remedy.
    """
    try:
        return read_content(content_of(path), path.name, now_ms, symbol, timeframe)
    except InvalidMarketData as error:
        raise InvalidMarketData(f"{path.name}: {error.message}") from error


def read_content(
    unpacked: Unpacked, name: str, now_ms: int, symbol: str | None, timeframe: Timeframe | None
) -> ReadCandles:
    """Return the candles of content that is unpacked.

    Args:
        unpacked: CSV, TXT, TSV, JSON, Parquet or Feather, and the names of the members of a zip that it came out of.
        name: Of the file that it comes from, which may name the market; empty where there is none.
        now_ms: The clock: no candle opens after it.
        symbol: The market to read where there are several.
        timeframe: The timeframe to read where a column has several.

    Raises:
        SeveralSeries: there are several markets or timeframes, and none of them is the one that is named.
        InvalidMarketData: it cannot be read, or holds what no market makes; with row and remedy.
    """
    table = one_market(_table(unpacked.content), symbol)
    read = _read(table, _named((name, *unpacked.members)), symbol, timeframe, now_ms)
    try:
        read.series.require_opened_by(now_ms)
    except InvalidMarketData as error:
        assumed = "; its times have no offset and were read as UTC: write the offset, or name the zone as in Time (EET)"
        hint = assumed if UTC_ASSUMED in read.notes else ""
        raise InvalidMarketData(f"{error.message}{hint}") from error
    return read


def _named(names: Sequence[str]) -> str | None:
    """Return the market of the first name whose spelling tells what is traded, or else of the first that has one."""
    found = [symbol for name in names if (symbol := file_market(name).symbol)]
    return next((symbol for symbol in found if Symbol.of(symbol).kind is not None), next(iter(found), None))


def _table(content: bytes) -> RawTable:
    if content.startswith(PARQUET):
        return parquet_table(content)
    if content.startswith((FEATHER, OLD_FEATHER)):
        return feather_table(content)
    text = without_script(text_of(content))
    start = text[:200].lstrip()
    if start[:1] in (b"[", b"{") or start.startswith((b'"[', b'"{')):
        return json_table(text)
    return text_table(text)


def _read(
    table: RawTable, name: str | None, symbol: str | None, timeframe: Timeframe | None, now_ms: int
) -> ReadCandles:
    columns, found = of_one_market(meant_columns(table), symbol, timeframe)
    columns, values = columns.values()
    rows = market_rows(values, columns.place)
    columns = columns.with_rows(rows.kept)
    market = table.symbol or found
    known = symbol or market or name
    spelled = known and spelling(known)
    times = with_clock(columns.times(), columns.zone, spelled, columns.of_broker)
    placed = ordered(times.ms, rows.values, columns.at, table.place)
    placed = in_dollars(placed, table, spelled)
    require_opens(placed.values)
    if found is None:
        require_one_table(placed.times_ms, placed.values, placed.at, columns.headers, table.place)
    length_ms, placed = with_length(placed, columns.has_close_times)
    require_one_timeframe(placed.times_ms, placed.at, length_ms, table.place)
    placed = without_unfinished(without_splits(placed, table), table, length_ms, now_ms)
    far = far_note(placed.values, placed.at, table.place)
    form = table.form or form_of(table.names, columns.roles, len(table.columns), times.words)
    series = series_of(placed, length_ms, known, table.place)
    done = (times.words, *placed.notes, *columns.notes, *rows.notes, far, joined_note(length_ms, series))
    notes = tuple(filter(None, (*done, *_gap_notes(series))))
    return ReadCandles(series, market, name, f"{form} export" if form else table.kind, notes)


def _gap_notes(series: CandleSeries) -> Iterator[str]:
    """Yield what gaps of the series are no holes."""
    sessions = series.sessions
    if not sessions.continuous:
        yield f"nights, weekends and holidays are no gaps ({sessions.name})"
    if sessions.untraded_ms:
        untraded = sessions.untraded_between(series.times_ms, series.timeframe.ms)
        yield f"{counted(untraded, 'candle')} without trades left out in the file"
