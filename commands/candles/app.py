"""`candles`: say what a file holds, write it in the plain form or into the store, remove stored ones, download."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from commands.candles.download import download
from commands.candles.reading import known_market, read_series
from commands.candles.remove import remove
from commands.candles.store import store
from commands.console import say, show, working
from commands.options import CandleFile, FileSymbol, Json, SeriesTimeframe
from domain.errors import InsufficientData
from domain.values import epoch_ms, utc_time
from services.candle_downloads.report import candle_document
from utils.clock import SystemClock

if TYPE_CHECKING:
    from features.candle_reading.reading import ReadCandles

candles = typer.Typer(help="Download, check, convert and store candles, and remove stored ones.", no_args_is_help=True)


@candles.callback()
def about() -> None:
    """Download, check, convert and store candles, and remove stored ones."""


@candles.command()
def check(
    file: CandleFile, timeframe: SeriesTimeframe = None, symbol: FileSymbol = None, as_json: Json = False
) -> None:
    """Read a file and print what it holds, what is missing, and how it was understood."""
    with working() as now:
        now(f"reading {file.name}")
        read = read_series(file, timeframe, symbol)
        if not len(read.series):
            raise InsufficientData(f"{file.name} has no whole candle of {timeframe}")
    document = _document(read, known_market(read, file, symbol))
    show(document, _table(document), as_json)


@candles.command()
def convert(
    source: Annotated[Path, typer.Argument(metavar="IN", help="File of candles: CSV, JSON, Parquet or an export.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="File to write: .csv, .csv.gz, .parquet or .json.")],
    timeframe: SeriesTimeframe = None,
    symbol: FileSymbol = None,
    force: Annotated[bool, typer.Option("--force", help="Replace OUT if it is there.")] = False,
) -> None:
    """Write a file with columns timestamp (open time, epoch ms), open, high, low, close, volume."""
    from features.candle_reading.writing import check_target, write_candles  # pandas

    check_target(target, force)
    with working() as now:
        now(f"reading {source.name}")
        read = read_series(source, timeframe, symbol)
        now(f"writing {target.name}")
        write_candles(read.series, target)
    say(f"{source.name}: {read.summary}")
    say(f"{target}: {len(read.series):,} candles of {read.series.timeframe}")


candles.command()(download)
candles.command()(remove)
candles.command()(store)


def _document(read: ReadCandles, symbol: str | None) -> dict[str, Any]:
    series = read.series
    notes = [f"read as {read.form}", *read.notes]
    if series.last_close_ms > epoch_ms(SystemClock().now()):
        notes.append("the last candle is still forming")
    return {
        "symbol": symbol,
        "timeframe": series.timeframe,
        "candles": len(series),
        "missing": series.missing,
        "first": candle_document(series.candles[0]),
        "last": candle_document(series.candles[-1]),
        "notes": notes,
    }


def _table(document: dict[str, Any]) -> Table:
    table = Table(show_header=False)
    table.add_row("symbol", document["symbol"] or "unknown: neither the file nor its name tells")
    table.add_row("candles", f"{document['candles']:,} of {document['timeframe']}, {document['missing']:,} missing")
    for name in ("first", "last"):
        candle = document[name]
        opened = utc_time(candle["timestamp"])
        volume = "unknown" if candle["volume"] is None else f"{candle['volume']:,.10g}"
        prices = "  ".join(f"{word[0].upper()} {candle[word]}" for word in ("open", "high", "low", "close"))
        table.add_row(name, f"{opened:%Y-%m-%d %H:%M} UTC  {prices}  volume {volume}")
    for number, note in enumerate(document["notes"]):
        table.add_row("" if number else "notes", note)
    return table
