"""`ledger list` and `show`: what was said, and the outcomes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group
from rich.table import Table

from commands.candles.reading import market_name
from commands.console import say, show
from commands.ledger.opening import open_reader
from commands.options import Json
from config.sources import load_settings
from domain.ledger.entries import PLAN, EntryKind, LedgerEntry, LedgerLane
from domain.market import Timeframe
from domain.values import Signal, utc_time

if TYPE_CHECKING:
    from domain.ledger.settlements import LedgerRecord, Settlement
    from services.ledger.reader import LedgerPage

MAX_ENTRIES = 500


def list_entries(
    lane: Annotated[LedgerLane | None, typer.Option(help="Lane.")] = None,
    symbol: Annotated[str | None, typer.Option(help="Market.")] = None,
    timeframe: Annotated[Timeframe | None, typer.Option(help="Timeframe.")] = None,
    side: Annotated[Signal | None, typer.Option(help="Side.")] = None,
    kind: Annotated[EntryKind | None, typer.Option(help="A side, or why there is none.")] = None,
    scored: Annotated[
        bool | None, typer.Option("--scored/--apart", help="Only entries that count, or the rest.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=MAX_ENTRIES, help="Entries at most.")] = 20,
    cursor: Annotated[str | None, typer.Option(help="Where the page before ended.")] = None,
    as_json: Json = False,
) -> None:
    """List entries of the ledger, the newest first."""
    from storage.ledger_ports import EntryFilter

    market = None if symbol is None else market_name(symbol, "--symbol: ")
    wanted = EntryFilter(lane=lane, symbol=market, timeframe=timeframe, side=side, kind=kind, scored=scored)

    async def read() -> LedgerPage:
        async with open_reader(load_settings().storage) as reader:
            return await reader.page(wanted, limit, cursor)

    page = asyncio.run(read())
    document = {"entries": [entry_document(record) for record in page.records], "next": page.next}
    show(document, _table(page.records), as_json)
    if page.next and not as_json:
        say(f"more: --cursor {page.next}")


def show_entry(
    entry_id: Annotated[str, typer.Argument(metavar="ID", help="Of the entry.")], as_json: Json = False
) -> None:
    """Show one entry with its settlements."""

    async def read() -> LedgerRecord:
        async with open_reader(load_settings().storage) as reader:
            return await reader.record(entry_id)

    record = asyncio.run(read())
    show(entry_document(record), Group(_details(record), _settlements(record.settlements)), as_json)


def entry_document(record: LedgerRecord) -> dict[str, Any]:
    """Return an entry as everyone may see it, with its settlements."""
    from services.ledger.proofs.published import published, published_settlement

    settlements = [published_settlement(settlement) for settlement in record.settlements]
    return {
        **published(record.entry),
        "scored": record.entry.scored,
        "settled": record.entry.scored and record.settled,
        "repeats": record.repeats,
        "settlements": settlements,
    }


def _table(records: Sequence[LedgerRecord]) -> Table:
    table = Table("known (UTC)", "lane", "market", "said")
    for name in ("confidence", "price"):
        table.add_column(name, justify="right")
    table.add_column("result of the plan")
    table.add_column("id", no_wrap=True)
    for record in records:
        entry = record.entry
        ends = {settlement.horizon: settlement for settlement in record.settlements}
        table.add_row(
            _moment(entry.known_ms),
            entry.lane,
            f"{entry.symbol} {entry.timeframe}",
            entry.side if entry.kind is EntryKind.SIDE else entry.kind,
            f"{entry.confidence:.2f}",
            f"{entry.price:.8g}",
            _outcome(ends.get(PLAN))
            if entry.scored and entry.has_plan
            else f"apart: {entry.apart}"
            if entry.apart
            else "-",
            entry.id,
        )
    return table


def _details(record: LedgerRecord) -> Table:
    table = Table(title=record.entry.id, show_header=False)
    for name, value in _facts(record.entry):
        table.add_row(name, value)
    table.add_row("given again", f"{record.repeats} times")
    return table


def _facts(entry: LedgerEntry) -> list[tuple[str, str]]:
    plan = "none"
    if entry.stop is not None and entry.target is not None:
        plan = f"stop {entry.stop:.8g}, target {entry.target:.8g}, {entry.horizon_candles} candles"
    return [
        ("lane", f"{entry.lane} {entry.lane_id}, {entry.origin}, {'given' if entry.given else 'beside the answer'}"),
        ("market", f"{entry.symbol} {entry.timeframe}, candles from {entry.source_data}"),
        ("known", f"{_moment(entry.known_ms)} UTC, candles up to {_moment(entry.closed_ms)}"),
        ("said", f"{entry.side} ({entry.kind}) at {entry.price:.8g}, confidence {entry.confidence:.3f}"),
        ("plan", plan),
        ("counts", "yes" if entry.scored else f"no: {entry.apart}"),
    ]


def _settlements(settlements: Sequence[Settlement]) -> Table:
    table = Table("horizon", "price", "move", "result", "ended (UTC)", "settled (UTC)", "candles")
    for settlement in settlements:
        table.add_row(
            "plan" if settlement.horizon == PLAN else f"{settlement.horizon}",
            "-" if settlement.price is None else f"{settlement.price:.8g}",
            "-" if settlement.move is None else f"{settlement.move:+.2%}",
            _outcome(settlement) if settlement.horizon == PLAN else "",
            _moment(settlement.ended_ms),
            _moment(settlement.settled_ms),
            settlement.source,
        )
    return table


def _outcome(plan: Settlement | None) -> str:
    if plan is None:
        return "open"
    if plan.end is None:
        return "missing"
    return plan.end if plan.r is None else f"{plan.end} {plan.r:+.2f} R"


def _moment(time_ms: int) -> str:
    return utc_time(time_ms).strftime("%Y-%m-%d %H:%M:%S")
