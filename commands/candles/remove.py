"""`candles remove`: candles of a market out of the store of the service."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from rich.prompt import Confirm

from commands.candles.opening import open_candles
from commands.candles.reading import market_name
from commands.console import REFUSED, errors, say, show
from commands.options import Json
from config.settings import StorageSettings
from config.sources import load_settings
from domain.market import Timeframe


def remove(
    symbol: Annotated[str, typer.Argument(metavar="SYMBOL", help="Market, such as BTCUSDT.")],
    timeframe: Annotated[Timeframe | None, typer.Option(help="Timeframe; all of them by default.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Remove them without asking.")] = False,
    as_json: Json = False,
) -> None:
    """Remove the candles of a market from the store, so that others are taken in their place."""
    settings, market = load_settings().storage, market_name(symbol)
    stored = asyncio.run(_stored(settings, market, timeframe))
    if stored and not yes and not _agreed(f"Remove the stored {', '.join(stored)} candles of {market}?"):
        say("nothing is removed: answer y, or give --yes")
        raise typer.Exit(REFUSED)
    removed = asyncio.run(_removed(settings, market, timeframe)) if stored else 0
    words = f"{removed:,} stored{f' {timeframe}' if timeframe else ''} candles of {market} removed"
    show({"symbol": market, "timeframe": timeframe, "removed_candles": removed}, words, as_json)


def _agreed(question: str) -> bool:
    """Return the answer to a question on stderr; at the end of the input, and at Ctrl-C, it is no."""
    try:
        return Confirm.ask(question, console=errors, default=False)
    except (EOFError, KeyboardInterrupt):
        errors.print()
        return False


async def _stored(settings: StorageSettings, symbol: str, timeframe: Timeframe | None) -> list[Timeframe]:
    """Return the timeframes that have candles."""
    async with open_candles(settings) as store:
        newest = dict.fromkeys([timeframe] if timeframe else Timeframe, 1)
        found = await store.latest_candles_by_timeframe(symbol, newest)
        return [one for one, candles in found.items() if candles]


async def _removed(settings: StorageSettings, symbol: str, timeframe: Timeframe | None) -> int:
    async with open_candles(settings) as store:
        return await store.remove_candles(symbol, timeframe)
