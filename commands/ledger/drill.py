"""`drill`: the ledger from end to end on simulated candles, to see whether it finds an edge only where there is one."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from commands.console import fail, show, working
from commands.options import Json
from config.sources import load_settings
from domain.market import Timeframe
from services.ledger.drill.parameters import (
    MAX_DAYS,
    MAX_EDGE,
    MAX_SYMBOLS,
    DrillParameters,
    DrillSettings,
    SimulatedWalk,
)


def drill(
    days: Annotated[int, typer.Option(min=1, max=MAX_DAYS, help="Simulated days with answers.")] = 30,
    symbols: Annotated[int, typer.Option(min=1, max=MAX_SYMBOLS, help="Simulated markets.")] = 8,
    timeframe: Annotated[Timeframe, typer.Option(help="Of their candles: 5m to 4h; an answer at each.")] = Timeframe.H1,
    edge: Annotated[
        float,
        typer.Option(min=0, max=MAX_EDGE, help="Planted drift of trends, in standard deviations a candle; 0: none."),
    ] = 0.0,
    correlation: Annotated[float, typer.Option(min=0, max=1, help="Of the returns of any two markets.")] = 0.5,
    seed: Annotated[int, typer.Option(min=0, help="Of the simulated candles.")] = 1,
    as_json: Json = False,
) -> None:
    """Answer, record, settle and score simulated candles; exit status 1 where the ledger does not find the truth."""
    from commands.tables.drill import drill_tables
    from services.ledger.drill.document import drill_document
    from services.ledger.drill.job import run_drill
    from storage.factory import open_scratch

    parameters = DrillParameters(days, symbols, timeframe, SimulatedWalk(edge, correlation, seed))
    with working() as now:
        settings = DrillSettings.of(load_settings())
        result = asyncio.run(run_drill(parameters, settings, open_scratch, lambda words, _: now(words)))
    show(drill_document(result), drill_tables(result), as_json)
    failures = list(result.failures())
    for failure in failures:
        fail(failure)
    if failures:
        raise typer.Exit(1)
