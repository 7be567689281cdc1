"""`candles store`: the candles of files into the store of the service."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from commands.candles.opening import open_candles
from commands.candles.reading import market_name, market_of, read_closed
from commands.console import INTERRUPTED, REFUSED, downloading, fail, say, show
from commands.options import FilesSymbol, Json, SeriesTimeframe
from config.sources import load_settings
from domain.errors import AppError, StorageUnavailable
from domain.values import minute_text

if TYPE_CHECKING:
    from domain.jobs import TellShare
    from services.candle_files.storing import StoredFiles


def store(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Files of candles, of a market each.")],
    timeframe: SeriesTimeframe = None,
    symbol: FilesSymbol = None,
    as_json: Json = False,
) -> None:
    """Put the closed candles of files into the store, as if a client had posted them; the service may run meanwhile."""
    settings = load_settings()

    from services.candle_files.storing import StoredFiles

    async def store_all(tell: TellShare) -> tuple[list[dict[str, Any]], list[str]]:
        documents, refusals = [], []
        async with open_candles(settings.storage) as opened:
            stored = StoredFiles(opened, settings)
            for file in files:
                try:
                    documents.append(await _store(file, symbol, timeframe, stored, tell))
                except StorageUnavailable as failure:
                    failure.message = f"{file.name}: {failure.message}"
                    raise
                except AppError as refusal:
                    refusals.append(
                        refusal.message if file.name in refusal.message else f"{file.name}: {refusal.message}"
                    )
        return documents, refusals

    try:
        with downloading() as tell:
            documents, refusals = asyncio.run(store_all(tell))
    except KeyboardInterrupt:
        say("interrupted: what was written stays stored; the same command stores the others")
        raise typer.Exit(INTERRUPTED) from None
    for refusal in refusals:
        fail(refusal)
    if documents:
        show(documents[0] if len(files) == 1 else {"files": documents}, _table(documents), as_json)
    if refusals:
        raise typer.Exit(REFUSED)


async def _store(
    file: Path, symbol: str | None, timeframe: SeriesTimeframe, stored: StoredFiles, tell: TellShare
) -> dict[str, Any]:
    tell(f"reading {file.name}", 0.0)
    read = await asyncio.to_thread(read_closed, file, timeframe, symbol)
    market = market_name(market_of(read, file, symbol), "--symbol: " if symbol else "")
    return {"file": str(file), **await stored.save(market, read.series, tell), "notes": [read.summary]}


def _table(documents: Sequence[dict[str, Any]]) -> Table:
    table = Table("file", "market", caption="Stored as candles that a client posted: their source is `stored`.")
    for name in ("candles", "new", "revised", "too old", "stored now", "missing", "from", "to"):
        table.add_column(name, justify="right")
    for one in documents:
        counts = (f"{one[name]:,}" for name in ("read", "added", "revised", "left_out", "candles", "missing"))
        ends = (minute_text(one[end]["timestamp"]) for end in ("first", "last"))
        table.add_row(one["file"], f"{one['symbol']} {one['timeframe']}", *counts, *ends)
    return table
