"""`ledger scores`: the track record of the lanes, from the sums in the store; the service may run meanwhile."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.candles.reading import market_name
from commands.console import show
from commands.options import Json
from config.settings import StorageSettings
from config.sources import load_settings
from domain.ledger.entries import LedgerLane
from domain.market import Timeframe
from services.ledger.scoring.queries import HORIZON_NAMES, MAX_DAYS, Grouping, HorizonName, RecordQuery

if TYPE_CHECKING:
    from services.ledger.scoring.records import Record


def scores(
    days: Annotated[int, typer.Option(min=1, max=MAX_DAYS, help="UTC days up to today.")] = 30,
    group: Annotated[Grouping, typer.Option(help="By what records are told apart.")] = Grouping.LANE,
    lane: Annotated[LedgerLane | None, typer.Option(help="One lane only.")] = None,
    symbol: Annotated[str | None, typer.Option(help="One market only.")] = None,
    timeframe: Annotated[Timeframe | None, typer.Option(help="One timeframe only.")] = None,
    horizon: Annotated[HorizonName | None, typer.Option(help="One horizon only: candles, or plan.")] = None,
    as_json: Json = False,
) -> None:
    """Print the results of the settled calls of each lane, with intervals that hold at every look."""
    from commands.tables.records import record_table
    from services.ledger.scoring.documents import record_document

    market = None if symbol is None else market_name(symbol, "--symbol: ")
    query = RecordQuery(days, group, lane, market, timeframe, HORIZON_NAMES[horizon] if horizon else None)
    found = asyncio.run(_records(load_settings().storage, query))
    document: dict[str, Any] = {
        "days": days,
        "group": group.value,
        "count": len(found),
        "records": [record_document(record) for record in found],
    }
    show(document, record_table(found), as_json)


async def _records(settings: StorageSettings, query: RecordQuery) -> list[Record]:
    from services.ledger.scoring.scores import LedgerScores
    from storage.factory import open_ledger
    from utils.clock import SystemClock

    async with open_ledger(settings) as store:
        return await LedgerScores(store, SystemClock()).track_record(query)
