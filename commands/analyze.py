"""`analyze`: analyze the newest candles of a file by the rules, without a server."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated

import typer

from commands.candles import file_symbol, read_series
from commands.console import working
from commands.options import CandleFile
from config.settings import Settings
from config.sources import load_settings
from domain.analysis import Analysis, DataSource, MarketSnapshot
from domain.market import CandleSeries, Timeframe
from utils.clock import SystemClock


def analyze(
    file: CandleFile,
    symbol: Annotated[str | None, typer.Option(help="Market; the one in the file's name by default.")] = None,
    timeframe: Annotated[
        Timeframe | None, typer.Option(help="Timeframe of the signal; that of the file by default.")
    ] = None,
) -> None:
    """Analyze the newest candles of a file by the rules; higher timeframes are made from it."""
    from rich.console import Console

    from services.market_data.csv_candles import higher_timeframes
    from services.reports.analysis_report import render_report

    settings = load_settings()
    with working() as now:
        now(f"reading {file.name}")
        base = read_series(file, timeframe)
        now("making higher timeframes")
        frames = higher_timeframes(base)
        now("analyzing")
        analysis = _analyze(symbol or file_symbol(file), frames, base.timeframe, settings)
    Console().print(render_report(analysis))


def _analyze(symbol: str, frames: dict[Timeframe, CandleSeries], primary: Timeframe, settings: Settings) -> Analysis:
    from features.indicators.technical_indicators import TechnicalIndicators
    from rules.judgement import judge
    from rules.strategies import STRATEGY_NAMES
    from rules.technical import TechnicalAnalyst
    from services.market_reader import MarketReader

    price = frames[primary].candles[-1].close if len(frames[primary]) else 0.0
    snapshot = MarketSnapshot(symbol, frames, price, None, DataSource.FILES)
    rules = settings.analysis.model_copy(update={"primary_timeframes": (primary,)})
    with ThreadPoolExecutor(1) as executor:
        reader = MarketReader(TechnicalIndicators(settings.indicators), None, rules, SystemClock(), executor)
        context = asyncio.run(reader.measure(snapshot, STRATEGY_NAMES))
    return TechnicalAnalyst().assess(judge(context))
