"""`ledger export`, `verify` and `regrade`: a day in a file, and everything in it computed again."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from commands.candles.reading import own_market, read_closed
from commands.console import fail, show, working
from commands.ledger.opening import open_reader
from commands.options import Json
from config.files import whole_file
from config.sources import load_settings
from domain.errors import InvalidRequest
from domain.ledger.days import ExportForm
from domain.ledger.entries import PLAN

if TYPE_CHECKING:
    from domain.market import CandleSeries, Timeframe
    from services.ledger.proofs.checking import CheckedExport
    from services.ledger.proofs.export import DayExport
    from services.ledger.proofs.regrading import Regrade

Exports = Annotated[list[Path], typer.Argument(metavar="EXPORT", help="Files of /ai/ledger/export or ledger export.")]
# An error in the arguments or the file is 2.
EXIT_WRONG = 1
# Differences that are printed.
MAX_SHOWN = 20


def export(
    day: Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"], metavar="DAY", help="UTC day, YYYY-MM-DD.")],
    out: Annotated[Path | None, typer.Option(help="File to write; ledger-DAY.ndjson by default.")] = None,
    form: Annotated[ExportForm, typer.Option("--format", help="Form of the file.")] = ExportForm.NDJSON,
    as_json: Json = False,
) -> None:
    """Write a day of the ledger into a file."""

    async def read() -> DayExport:
        async with open_reader(load_settings().storage) as reader:
            return await reader.export(day.date())

    with working() as tell:
        tell(f"reading {day:%Y-%m-%d}")
        exported = asyncio.run(read())
        path = out or Path(f"ledger-{day:%Y-%m-%d}.{form}")
        with whole_file(path) as part:
            part.write_bytes(exported.content(form))
    root = exported.root.root if exported.root else None
    table = Table("file", "entries", "settlements", "root")
    table.add_row(str(path), f"{len(exported.entries):,}", f"{len(exported.settlements):,}", root or "the day is open")
    show({"file": str(path), "entries": len(exported.entries), "root": root}, table, as_json)


def verify_exports(
    files: Exports,
    root: Annotated[str | None, typer.Option(help="Root that was announced for the day, of one file.")] = None,
    as_json: Json = False,
) -> None:
    """Compute digests, roots and chain of exports again; the exit code is 1 where one does not fit."""
    from services.ledger.proofs.checking import check_chain

    checked = [_checked(file) for file in files]
    wrong = [f"{day.day}: {sentence}" for day in checked for sentence in day.wrong] + check_chain(checked)
    if root is not None and [day.root for day in checked] != [root.lower()]:
        stated = ", ".join(day.root or f"none of {day.day}, which is not closed" for day in checked)
        wrong.append(f"the announced root is {root}, and the export states {stated}")
    table = Table("day", "entries", "root", "verdict")
    days = {day.day for day in checked}
    for day in checked:
        gap = day.day != min(days) and day.day - timedelta(days=1) not in days
        intact = "intact, but the day before it is not among the files" if gap else "intact"
        state = "open: no root yet" if day.root is None else intact
        table.add_row(f"{day.day}", f"{len(day.entries):,}", day.root or "-", "changed" if day.wrong else state)
    document = [{"day": day.day.isoformat(), "entries": len(day.entries), "root": day.root} for day in checked]
    show({"days": document, "wrong": wrong}, table, as_json)
    for sentence in wrong:
        fail(sentence)
    if wrong:
        raise typer.Exit(EXIT_WRONG)


def regrade_export(
    file: Annotated[Path, typer.Argument(metavar="EXPORT", help="File of /ai/ledger/export or ledger export.")],
    candles: Annotated[list[Path], typer.Argument(metavar="CANDLES", help="Your own candles of the markets.")],
    as_json: Json = False,
) -> None:
    """Settle an export's entries again by your own candles; the exit code is 1 where a settlement differs."""
    from services.ledger.proofs.regrading import regrade

    with working() as tell:
        tell(f"checking {file.name}")
        checked = _checked(file)
        if checked.wrong:
            raise InvalidRequest(f"{file.name}: {'; '.join(checked.wrong)}")
        tell("settling again")
        found = regrade(checked, _markets(candles, checked))
    show(_regrade_document(found), _regrade_table(found), as_json)
    if found.differing:
        fail(f"{len(found.differing)} of {found.stated} settlements differ from your candles")
        raise typer.Exit(EXIT_WRONG)
    if not found.confirmed:
        markets = sorted({f"{entry.symbol} {entry.timeframe}" for entry in checked.entries if entry.scored})
        if not found.stated:
            raise InvalidRequest("the export has no settlements: none of its entries was settled when it was made")
        raise InvalidRequest(f"these candles tell no settlement of the export, which has {', '.join(markets)}")


def _checked(file: Path) -> CheckedExport:
    from services.ledger.proofs.checking import check_export

    return check_export(file)


def _markets(files: list[Path], export: CheckedExport) -> dict[tuple[str, Timeframe], CandleSeries]:
    """Return the candles of the export's markets, longer timeframes made from shorter ones where there is no file."""
    wanted = {(entry.symbol, entry.timeframe) for entry in export.entries}
    read = [(own_market(found, file), found.series) for file in files for found in (read_closed(file, None),)]
    candles = {(symbol, series.timeframe): series for symbol, series in read}
    for symbol, timeframe in sorted(wanted - set(candles)):
        shorter = [series for name, series in read if name == symbol and timeframe.ms % series.timeframe.ms == 0]
        if shorter:
            candles[symbol, timeframe] = max(shorter, key=lambda series: series.timeframe.ms).resample(timeframe)
    return candles


def _regrade_document(regrade: Regrade) -> dict[str, Any]:
    from services.ledger.proofs.published import published_settlement

    differing = [
        {"stated": published_settlement(settlement.stated), "own": published_settlement(settlement.own)}
        for settlement in regrade.differing
    ]
    return {
        "stated": regrade.stated,
        "confirmed": regrade.confirmed,
        "unchecked": regrade.unchecked,
        "differing": differing,
        "at": datetime.now(UTC).isoformat(),
    }


def _regrade_table(regrade: Regrade) -> Table:
    table = Table("entry", "horizon", "stated", "by your candles", caption=_caption(regrade))
    for settlement in regrade.differing[:MAX_SHOWN]:
        horizon = "plan" if settlement.stated.horizon == PLAN else f"{settlement.stated.horizon}"
        stated, own = (f"{part.end or ''} {part.price:.8g}" for part in (settlement.stated, settlement.own))
        table.add_row(settlement.entry.id, horizon, stated, own)
    return table


def _caption(regrade: Regrade) -> str:
    return (
        f"{regrade.stated} settlements: {regrade.confirmed} confirmed, {len(regrade.differing)} differ, "
        f"{regrade.unchecked} not told by these candles"
    )
