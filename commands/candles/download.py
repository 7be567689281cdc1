"""`candles download`: the past of markets, page by page, into a file for each."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from commands.candles.reading import market_name
from commands.console import INTERRUPTED, REFUSED, downloading, fail, say, show
from commands.options import MOMENT_FORMATS, Json, moment_ms
from config.sources import load_settings
from domain.errors import AppError, InvalidRequest
from domain.market import Timeframe
from domain.naming.symbols import spelling
from domain.values import epoch_ms, minute_text
from services.candle_downloads.origins import DownloadSource, usual_source
from utils.clock import SystemClock

if TYPE_CHECKING:
    from config.settings import MarketDataSettings
    from services.market_data.history.downloading import HistoryFile, HistoryRange


def download(
    symbols: Annotated[list[str], typer.Argument(metavar="SYMBOL", help="Markets, such as BTCUSDT or AAPL.")],
    timeframe: Annotated[Timeframe, typer.Option(help="Length of a candle.")] = Timeframe.H1,
    since: Annotated[
        datetime | None, typer.Option(formats=MOMENT_FORMATS, help="First candle, UTC; the source's first by default.")
    ] = None,
    until: Annotated[datetime | None, typer.Option(formats=MOMENT_FORMATS, help="End, UTC; now by default.")] = None,
    source: Annotated[
        DownloadSource | None, typer.Option(help="Where from; Binance for coins, Yahoo for all others by default.")
    ] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the files.")] = Path(),
    file_format: Annotated[Literal["csv.gz", "parquet"], typer.Option("--format", help="Of the files.")] = "csv.gz",
    as_json: Json = False,
) -> None:
    """Download the past of markets into files SYMBOL-TIMEFRAME; an older file is brought up to date."""
    settings = load_settings().market_data
    now_ms = epoch_ms(SystemClock().now())
    since_ms, until_ms = moment_ms(since), min(moment_ms(until) or now_ms, now_ms)
    if since_ms is not None and since_ms >= until_ms:
        raise InvalidRequest("--since has to be before --until and before now")

    from services.candle_downloads.files import file_report  # pandas
    from services.market_data.history.downloading import HistoryFile, HistoryRange

    documents: list[dict[str, Any]] = []
    refused = False
    for name in dict.fromkeys(symbols):
        symbol = spelling(name) or name
        try:
            wanted = HistoryRange(market_name(symbol), since_ms, until_ms)
            file = HistoryFile(out / f"{symbol}-{timeframe}.{file_format}", timeframe, now_ms)
            chosen = source or usual_source(symbol)
            _fill(file, wanted, chosen, settings)
        except AppError as error:
            refused = True
            fail(f"{symbol}: {error.message}")
            continue
        documents.append(file_report(file, wanted.symbol, chosen))
    if documents:
        whole = documents[0] if len(symbols) == 1 else {"files": documents}
        show(whole, "\n".join(_in_words(document) for document in documents), as_json)
    if refused:
        raise typer.Exit(REFUSED)


def _fill(file: HistoryFile, wanted: HistoryRange, source: DownloadSource, settings: MarketDataSettings) -> None:
    """Fetch what the file lacks and save it, also what was fetched before a failure or Ctrl-C.

    Raises:
        MarketDataUnavailable, Conflict: see `HistoryFile.fetch`.
        typer.Exit: after Ctrl-C.
    """
    from services.candle_downloads.files import fetch_into

    try:
        with downloading() as tell:
            asyncio.run(fetch_into(file, wanted, source, settings, SystemClock(), tell))
    except KeyboardInterrupt:
        file.save()
        say(f"interrupted: {_kept(file)}")
        raise typer.Exit(INTERRUPTED) from None
    except AppError as error:
        file.save()
        if len(file) > file.candles_before:
            error.message = f"{error.message}; {_kept(file)}"
        raise
    file.save()


def _in_words(document: Mapping[str, Any]) -> str:
    """Return what is in a file, and its holes."""
    from services.market_data.snapshots import duration_text

    market = f"{document['symbol']} {document['timeframe']}"
    if not document["candles"]:
        return f"{document['source']} has no closed candle of {market} in this time: no file is written"
    first, last = (minute_text(document[end]["timestamp"]) for end in ("first", "last"))
    lines = [
        f"{document['file']}: {document['candles']:,} candles of {market} from {document['source']}, "
        f"{document['added']:,} of them new, {first} to {last} UTC"
    ]
    if missing := document["holes"]:
        longest = max(missing, key=lambda hole: hole["to"] - hole["from"])
        several = f"{len(missing):,} holes" if len(missing) > 1 else "1 hole"
        lines.append(
            f"{several}, {document['missing']:,} candles; the longest {duration_text(longest['to'] - longest['from'])} "
            f"from {minute_text(longest['from'])}"
        )
    return "\n".join(lines)


def _kept(file: HistoryFile) -> str:
    if not len(file):
        return "nothing was fetched yet"
    last = minute_text(int(file.times_ms[-1]))
    return f"{file.path} has {len(file):,} candles to {last}; the same command goes on there"
