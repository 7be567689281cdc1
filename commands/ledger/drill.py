"""`drill`: the ledger from end to end on simulated candles, to see whether it finds an edge only where there is one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import SecretStr

from commands.console import fail, show, working
from commands.options import Json
from config.settings import Settings
from config.sources import load_settings
from domain.market import Timeframe

if TYPE_CHECKING:
    from services.ledger.drill.result import DrillOrder, DrillResult


def drill(
    days: Annotated[int, typer.Option(min=1, max=90, help="Simulated days with answers.")] = 30,
    symbols: Annotated[int, typer.Option(min=1, max=50, help="Simulated markets.")] = 8,
    timeframe: Annotated[Timeframe, typer.Option(help="Of their candles: 5m to 4h; an answer at each.")] = Timeframe.H1,
    edge: Annotated[
        float, typer.Option(min=0, max=2, help="Planted drift of trends, in standard deviations a candle; 0: none.")
    ] = 0.0,
    correlation: Annotated[float, typer.Option(min=0, max=1, help="Of the returns of any two markets.")] = 0.5,
    seed: Annotated[int, typer.Option(min=0, help="Of the simulated candles.")] = 1,
    as_json: Json = False,
) -> None:
    """Answer, record, settle and score simulated candles; exit status 1 where the ledger does not find the truth."""
    from commands.tables.drill import drill_document, drill_tables
    from services.ledger.drill.markets import SimulatedWalk
    from services.ledger.drill.result import DrillOrder

    order = DrillOrder(days, symbols, timeframe, SimulatedWalk(edge, correlation, seed))
    with working() as now:
        result = asyncio.run(_run(order, load_settings(), now))
    show(drill_document(result), drill_tables(result), as_json)
    failures = list(result.failures())
    for failure in failures:
        fail(failure)
    if failures:
        raise typer.Exit(1)


async def _run(order: DrillOrder, settings: Settings, tell: Callable[[str], None]) -> DrillResult:
    """Run it in a database of its own in a temporary folder: the service's never sees a simulated entry."""
    from services.evidence_file import open_weigher
    from services.ledger.drill.running import Drill
    from storage.factory import build_ledger, open_documents
    from utils.concurrency import worker_threads

    with TemporaryDirectory(prefix="drill-") as folder, worker_threads(1, "drill") as executor:
        database = SecretStr(f"sqlite:///{Path(folder) / 'drill.db'}")
        storage = settings.storage.model_copy(update={"url": database, "spool_path": ""})
        writing = asyncio.Lock()
        ledger = build_ledger(storage, writing)
        await ledger.open()
        try:
            async with open_documents(storage, writing) as documents:
                weigher = open_weigher(settings.trading)
                return await Drill(order, settings, weigher, ledger, documents, executor, tell).run()
        finally:
            await ledger.close()
