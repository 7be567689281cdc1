"""`bias`: find what looks ahead, and how much history everything needs, on a file of candles."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.candles.reading import known_market, read_closed, tell
from commands.console import show, working
from commands.manager import close_registry
from commands.options import CandleFile, FileSymbol, Horizon, Json, Leader, SeriesTimeframe
from commands.versions import choose_version, read_leader
from config.settings import Settings
from config.sources import load_settings
from domain.errors import InvalidRequest

if TYPE_CHECKING:
    from features.candle_reading.reading import ReadCandles
    from services.bias.reports import BiasSubject

bias = typer.Typer(help="Find what looks ahead, and how much history is needed.", no_args_is_help=True)

Model = Annotated[str | None, typer.Option("--model", metavar="VERSION", help="Check this version's forecasts too.")]
Moments = Annotated[
    int | None, typer.Option(min=1, max=1_000, help="Moments to change the future after; from the settings by default.")
]


@bias.callback()
def about() -> None:
    """Find what looks ahead, and how much history is needed."""


@bias.command()
def lookahead(
    file: CandleFile,
    timeframe: SeriesTimeframe = None,
    symbol: FileSymbol = None,
    model: Model = None,
    horizon: Horizon = None,
    leader: Leader = None,
    moments: Moments = None,
    as_json: Json = False,
) -> None:
    """Cut off and replace the future after many moments, and name what changes: it looks ahead.

    Ends with status 1 when something does.
    """
    settings = load_settings()
    with working() as now:
        from services.bias.reports import lookahead_report

        read, subject = _subject(file, timeframe, symbol, (model, horizon), leader, settings, now)
        document = lookahead_report(subject, moments or settings.bias.moments, _percent(now))
    if not as_json:
        tell(file, read)

    from commands.tables.bias import lookahead_table

    show(document, lookahead_table(document), as_json)
    if document["culprits"]:
        raise typer.Exit(1)


@bias.command()
def recursive(
    file: CandleFile,
    timeframe: SeriesTimeframe = None,
    symbol: FileSymbol = None,
    model: Model = None,
    horizon: Horizon = None,
    leader: Leader = None,
    as_json: Json = False,
) -> None:
    """Measure the newest candles with short and long histories: how many candles each value needs."""
    settings = load_settings()
    with working() as now:
        from services.bias.reports import history_report

        read, subject = _subject(file, timeframe, symbol, (model, horizon), leader, settings, now)
        document = history_report(subject, _percent(now))
    if not as_json:
        tell(file, read)

    from commands.tables.bias import history_table

    show(document, history_table(document), as_json)


def _subject(
    file: Path,
    timeframe: SeriesTimeframe,
    symbol: str | None,
    version: tuple[str | None, int | None],
    leader: Path | None,
    settings: Settings,
    now: Callable[[str], None],
) -> tuple[ReadCandles, BiasSubject]:
    """Return the candles as they were read, and what is checked on them."""
    from services.bias.reports import BiasSubject

    now(f"reading {file.name}")
    model, horizon = version
    if model is None:
        if horizon is not None:
            raise InvalidRequest("--horizon is that of a model: name one by --model, or leave --horizon out")
        if leader is not None:
            raise InvalidRequest("--leader is read by models alone: name one by --model, or leave --leader out")
        read = read_closed(file, timeframe, symbol)
        market = known_market(read, file, symbol)
        return read, BiasSubject(market, read.series, settings.analysis, settings.indicators)

    from models.serving.loaded_models import load_version

    registry = close_registry(settings, model, horizon)
    chosen = choose_version(registry, model, file, symbol, timeframe)
    forecaster = load_version(registry, chosen.version)
    led_by = read_leader(forecaster.metadata, [chosen.symbol], chosen.series.timeframe, leader)
    subject = BiasSubject(
        symbol=chosen.symbol,
        series=chosen.series,
        analysis=settings.analysis,
        indicators=settings.indicators,
        forecaster=forecaster,
        leader=next(iter(led_by.values()), None),
    )
    return chosen.read, subject


def _percent(now: Callable[[str], None]) -> Callable[[str, float], None]:
    return lambda words, share: now(f"{words} ({share:.0%})")
