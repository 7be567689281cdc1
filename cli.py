"""The command line: serve, analyze a file of candles without a server, and make features of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from config.settings import Settings
from config.sources import load_settings
from domain.analysis import Analysis, DataSource, MarketSnapshot
from domain.errors import AppError, InvalidRequest
from domain.market import CandleSeries, Timeframe
from services.strategies import STRATEGY_NAMES
from utils.clock import SystemClock, epoch_ms

cli = typer.Typer(
    help="AI trading signals: candles in, Long, Short or Neutral out.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)
errors = Console(stderr=True)
LIST_WIDTH = 160


@cli.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")] = None,
) -> None:
    """Run the service: REST on /ai, signals on /ws, documentation on /docs."""
    from api.app import create_app  # FastAPI is only needed to serve
    from api.server import serve as serve_app
    from container import check_adapters
    from utils.logging import configure_logging

    server = {key: value for key, value in {"host": host, "port": port}.items() if value is not None}
    settings = load_settings(overrides={"server": server})
    check_adapters(settings)
    configure_logging(settings.logging, settings.secret_values())
    serve_app(create_app(settings), settings)


@cli.command()
def analyze(
    file: Annotated[Path, typer.Argument(help="CSV or CSV.gz: timestamp,open,high,low,close,volume.")],
    symbol: Annotated[str | None, typer.Option(help="Market; the file's name up to the first '-' by default.")] = None,
    timeframe: Annotated[
        Timeframe | None, typer.Option(help="Timeframe of the signal; that of the file by default.")
    ] = None,
) -> None:
    """Analyze the newest candles of a file by the rules; higher timeframes are made from it."""
    from services.market_data.csv_candles import higher_timeframes, read_candles
    from services.report import render_report

    settings = load_settings()
    with _working() as now:
        now(f"reading {file.name}")
        series = read_candles(file, epoch_ms(SystemClock().now()))
        now("making higher timeframes")
        base = _at_timeframe(series, timeframe or series.timeframe)
        frames = higher_timeframes(base)
        now("analyzing")
        analysis = _analyze(symbol or file.name.partition("-")[0].upper(), frames, base.timeframe, settings)
    Console().print(render_report(analysis))


@cli.command()
def features(
    file: Annotated[
        Path | None, typer.Argument(help="CSV or CSV.gz: timestamp,open,high,low,close,volume.", show_default=False)
    ] = None,
    set_name: Annotated[
        Literal["standard", "wide"] | None, typer.Option("--set", help="Which columns; standard by default.")
    ] = None,
    timeframe: Annotated[Timeframe | None, typer.Option(help="Timeframe; that of the file by default.")] = None,
    output: Annotated[
        Path | None, typer.Option(help="File to write: .csv, .csv.gz or .parquet.", show_default=False)
    ] = None,
    show_list: Annotated[
        bool, typer.Option("--list", help="Print every indicator, or with --set the columns of the set, instead.")
    ] = False,
) -> None:
    """Write the feature table of a file, one row per candle; cells still warming up are empty."""
    from features.feature_engineering import FeatureEngineer
    from features.feature_sets import FEATURE_SETS
    from services.feature_table import check_output, render_catalogue, render_columns, write_table
    from services.market_data.csv_candles import read_candles

    if show_list:
        console = Console()
        # A pipe has no width; 80 characters would fold the table more than a file needs.
        listed = render_columns(FEATURE_SETS[set_name]) if set_name else render_catalogue()
        (console if console.is_terminal else Console(width=LIST_WIDTH)).print(listed)
        return
    if file is None or output is None:
        raise InvalidRequest("features needs a FILE and --output, or --list")
    check_output(output, file)
    engineer = FeatureEngineer(FEATURE_SETS[set_name or "standard"])
    with _working() as now:
        now(f"reading {file.name}")
        series = read_candles(file, epoch_ms(SystemClock().now()))
        series = _at_timeframe(series, timeframe or series.timeframe)
        now(f"computing {len(engineer.feature_columns)} columns of {len(series):,} candles")
        table = engineer.transform(series)
        now(f"writing {output.name}")
        write_table(table, output)
    found = engineer.feature_set
    written = f"{output}: {len(table)} rows, {len(found.columns)} columns, set {found.name} {found.id}"
    errors.print(written, highlight=False, markup=False, soft_wrap=True)


@contextmanager
def _working() -> Iterator[Callable[[str], None]]:
    """Show what is being done, and for how long, while a terminal looks on; give what changes the words."""
    columns = SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn()
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as progress:
        task = progress.add_task("", total=None)
        yield lambda words: progress.update(task, description=words)


def _at_timeframe(series: CandleSeries, timeframe: Timeframe) -> CandleSeries:
    if timeframe.ms < series.timeframe.ms:
        raise InvalidRequest(f"the file has {series.timeframe} candles: {timeframe} candles cannot be made from them")
    return series if timeframe is series.timeframe else series.resample(timeframe)


def _analyze(symbol: str, frames: dict[Timeframe, CandleSeries], primary: Timeframe, settings: Settings) -> Analysis:
    from features.technical_indicators import TechnicalIndicators
    from services.analysts.context import build_context
    from services.analysts.technical import TechnicalAnalyst

    price = frames[primary].candles[-1].close if len(frames[primary]) else 0.0
    snapshot = MarketSnapshot(symbol, frames, price, None, DataSource.FILE)
    rules = settings.analysis.model_copy(update={"primary_timeframes": (primary,)})
    context = build_context(
        snapshot, STRATEGY_NAMES, rules, TechnicalIndicators(settings.indicators), SystemClock().now()
    )
    return asyncio.run(TechnicalAnalyst().analyze(context))


def main() -> None:
    """Run the command line; an error of the service's own is one line, not a traceback."""
    try:
        cli()
    except AppError as error:
        errors.print(f"[red]error:[/red] {error.message}", highlight=False, soft_wrap=True)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
