"""`candles`: check and convert files of candles."""

from __future__ import annotations

import typer

from commands.candles import read_series
from commands.console import say
from commands.download import download
from commands.options import CandleFile, SeriesTimeframe

candles = typer.Typer(help="Files of candles: check, convert.", no_args_is_help=True)


@candles.callback()
def about() -> None:
    """Check files of candles, and convert them."""


@candles.command()
def check(file: CandleFile, timeframe: SeriesTimeframe = None) -> None:
    """Read a file of candles and say what it holds."""
    series = read_series(file, timeframe)
    say(f"{file.name}: {len(series)} candles of {series.timeframe}")


candles.command()(download)
