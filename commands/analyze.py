"""`analyze`: analyze the newest candles of a file by the rules, without a server."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.candles.reading import market_of, read_series, tell
from commands.console import show, working
from commands.options import CandleFile, Json
from config.settings import Settings
from config.sources import load_settings
from domain.analysis import Analysis, DataSource, MarketSnapshot
from domain.market import CandleSeries, Timeframe
from domain.values import epoch_ms
from utils.clock import SystemClock


def analyze(
    file: CandleFile,
    symbol: Annotated[
        str | None, typer.Option(help="Market, of several in the file; the one that the file names by default.")
    ] = None,
    timeframe: Annotated[
        Timeframe | None, typer.Option(help="Timeframe of the signal; that of the file by default.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Analyze the newest candles of a file by the rules; higher timeframes are made from it."""
    from rich.console import Console

    from services.market_data.longer_timeframes import higher_timeframes
    from services.reports.analysis_report import render_report

    settings = load_settings()
    with working() as now:
        now(f"reading {file.name}")
        read = read_series(file, timeframe, symbol)
        base = read.series
        now("making higher timeframes")
        frames = higher_timeframes(base)
        now("analyzing")
        analysis = _analyze(market_of(read, file, symbol), frames, base.timeframe, settings)
    if as_json:
        show(analysis.model_dump(mode="json"), "", as_json)
        return
    tell(file, read)
    Console().print(render_report(analysis))


def _analyze(symbol: str, frames: dict[Timeframe, CandleSeries], primary: Timeframe, settings: Settings) -> Analysis:
    from features.indicators.technical_indicators import TechnicalIndicators
    from rules.context import build_context
    from rules.judgement import judge
    from rules.strategies import STRATEGY_NAMES
    from rules.technical import TechnicalAnalyst
    from services.evidence.file import open_weigher

    price, as_of_ms, now = 0.0, None, SystemClock().now()
    if len(own := frames[primary]):
        # A file is judged as of its end, however long ago that was.
        price, as_of_ms = own.candles[-1].close, min(own.last_close_ms, epoch_ms(now))
    snapshot = MarketSnapshot(symbol, frames, price, None, DataSource.FILES, as_of_ms)
    rules = settings.analysis.model_copy(update={"primary_timeframes": (primary,)})
    indicators, weigher = TechnicalIndicators(settings.indicators), open_weigher(settings.trading)
    context = build_context(snapshot, STRATEGY_NAMES, rules, indicators, now, weigher)
    return TechnicalAnalyst().assess(judge(context))
