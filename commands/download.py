"""`candles download`: the past of markets, page by page, into a file for each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from commands.candles import candle_document, market_name
from commands.console import downloading, fail, say, show
from commands.options import Json
from config.sources import load_settings
from domain.continuity import Hole, holes
from domain.errors import AppError, InvalidRequest
from domain.market import Candle, CandleSeries, Timeframe
from domain.naming.symbols import Symbol, SymbolKind, spelling
from domain.session_finder import find_sessions
from domain.values import epoch_ms
from utils.clock import SystemClock

if TYPE_CHECKING:
    from config.settings import MarketDataSettings
    from services.market_data.history.downloading import HistoryFile, HistoryRange

Source = Literal["binance", "ccxt", "yahoo", "engine"]
INTERRUPTED = 130
REFUSED = 2
_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]


def download(
    symbols: Annotated[list[str], typer.Argument(metavar="SYMBOL...", help="Markets, such as BTCUSDT or AAPL.")],
    timeframe: Annotated[Timeframe, typer.Option(help="Length of a candle.")] = Timeframe.H1,
    since: Annotated[
        datetime | None, typer.Option(formats=_FORMATS, help="First candle, UTC; the source's first by default.")
    ] = None,
    until: Annotated[datetime | None, typer.Option(formats=_FORMATS, help="End, UTC; now by default.")] = None,
    source: Annotated[
        Source | None, typer.Option(help="Where from; Binance for coins, Yahoo for all others by default.")
    ] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the files.")] = Path(),
    file_format: Annotated[Literal["csv.gz", "parquet"], typer.Option("--format", help="Of the files.")] = "csv.gz",
    as_json: Json = False,
) -> None:
    """Download the past of markets into files SYMBOL-TIMEFRAME; an older file is brought up to date."""
    settings = load_settings().market_data
    now_ms = epoch_ms(SystemClock().now())
    since_ms, until_ms = _epoch_ms(since), min(_epoch_ms(until) or now_ms, now_ms)
    if since_ms is not None and since_ms >= until_ms:
        raise InvalidRequest("--since has to be before --until and before now")

    from services.market_data.history.downloading import HistoryFile, HistoryRange  # pandas

    documents: list[dict[str, Any]] = []
    refused = False
    for name in dict.fromkeys(symbols):
        symbol = spelling(name) or name
        try:
            wanted = HistoryRange(market_name(symbol), since_ms, until_ms)
            file = HistoryFile(out / f"{symbol}-{timeframe}.{file_format}", timeframe, now_ms)
            chosen = source or _usual_source(symbol)
            _fill(file, wanted, chosen, settings)
        except AppError as error:
            refused = True
            fail(f"{symbol}: {error.message}")
            continue
        documents.append(_document(file, wanted, chosen))
    if documents:
        whole = documents[0] if len(symbols) == 1 else {"files": documents}
        show(whole, "\n".join(_in_words(document) for document in documents), as_json)
    if refused:
        raise typer.Exit(REFUSED)


def _fill(file: HistoryFile, wanted: HistoryRange, source: Source, settings: MarketDataSettings) -> None:
    """Fetch what the file lacks and save it, also what was fetched before a failure or Ctrl-C.

    Raises:
        MarketDataUnavailable, Conflict: see `HistoryFile.fetch`.
        typer.Exit: after Ctrl-C.
    """
    try:
        with downloading() as tell:
            asyncio.run(_fetch(file, wanted, source, settings, tell))
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


async def _fetch(
    file: HistoryFile,
    wanted: HistoryRange,
    source: Source,
    settings: MarketDataSettings,
    tell: Callable[[str, float], None],
) -> None:
    from services.market_data.history.paging import Pager
    from services.market_data.sources.opening import open_history

    begin_ms, share, title = wanted.since_ms, 0.0, f"{wanted.symbol} from {source}"
    tell(title, share)

    def progress(series: CandleSeries) -> None:
        nonlocal begin_ms, share
        # A market is often younger than what is asked for: the bar begins with its first candle.
        begin_ms = max(begin_ms or 0, series.candles[0].timestamp) if not share else begin_ms
        share = (series.last_close_ms - (begin_ms or 0)) / max(wanted.until_ms - (begin_ms or 0), 1)
        tell(f"{title}: {len(file):,} candles, {_moment(series.last_close_ms)}", min(max(share, 0.0), 1.0))

    async with open_history(source, settings, SystemClock()) as history:
        pager = Pager(history, lambda reason: tell(f"{title}: {reason}", share))
        await file.fetch(pager, wanted, progress)


def _document(file: HistoryFile, wanted: HistoryRange, source: Source) -> dict[str, Any]:
    found = _holes(file, wanted.symbol) if len(file) else []
    return {
        "symbol": wanted.symbol,
        "timeframe": file.timeframe.value,
        "source": source,
        "file": str(file.path),
        "candles": len(file),
        "added": len(file) - file.candles_before,
        "first": _candle(file, 0) if len(file) else None,
        "last": _candle(file, -1) if len(file) else None,
        "missing": sum(hole.candles for hole in found),
        "holes": [{"from": hole.start_ms, "to": hole.end_ms, "candles": hole.candles} for hole in found],
    }


def _holes(file: HistoryFile, symbol: str) -> list[Hole]:
    sessions = find_sessions(symbol, file.times_ms, file.timeframe.ms)
    return holes(CandleSeries.of_arrays(file.timeframe, file.times_ms, file.rows, sessions))


def _candle(file: HistoryFile, at: int) -> dict[str, Any]:
    return candle_document(Candle(int(file.times_ms[at]), *file.rows[at].tolist()))


def _in_words(document: Mapping[str, Any]) -> str:
    """Return what is in a file, and its holes."""
    from services.market_data.snapshots import duration_text

    market = f"{document['symbol']} {document['timeframe']}"
    if not document["candles"]:
        return f"{document['source']} has no closed candle of {market} in this time: no file is written"
    first, last = (_moment(document[end]["timestamp"]) for end in ("first", "last"))
    lines = [
        f"{document['file']}: {document['candles']:,} candles of {market} from {document['source']}, "
        f"{document['added']:,} of them new, {first} to {last} UTC"
    ]
    if missing := document["holes"]:
        longest = max(missing, key=lambda hole: hole["to"] - hole["from"])
        several = f"{len(missing):,} holes" if len(missing) > 1 else "1 hole"
        lines.append(
            f"{several}, {document['missing']:,} candles; the longest {duration_text(longest['to'] - longest['from'])} "
            f"from {_moment(longest['from'])}"
        )
    return "\n".join(lines)


def _kept(file: HistoryFile) -> str:
    if not len(file):
        return "nothing was fetched yet"
    return f"{file.path} has {len(file):,} candles to {_moment(int(file.times_ms[-1]))}; the same command goes on there"


def _moment(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")


def _epoch_ms(moment: datetime | None) -> int | None:
    return None if moment is None else epoch_ms(moment.replace(tzinfo=UTC))


def _usual_source(symbol: str) -> Source:
    facts = Symbol.of(symbol)
    # Binance has no pairs with dollars; BTC-USD is Yahoo's.
    return "binance" if facts.kind is SymbolKind.CRYPTO and facts.quote != "USD" else "yahoo"
