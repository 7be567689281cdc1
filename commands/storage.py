"""`storage`: show the size of the database, prune it, return empty space to the disk, and back it up."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from commands.console import show, working
from commands.options import Json
from config.settings import StorageSettings
from config.sources import load_settings
from domain.values import epoch_ms
from utils.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from storage.adapter_ports import LedgerDatabase, Store, StoreSize

storage = typer.Typer(
    help="Manage the database: stats, prune, vacuum, backup; the service may run meanwhile.", no_args_is_help=True
)


@storage.command()
def stats(as_json: Json = False) -> None:
    """Show the documents and the disk space of each collection."""
    size = asyncio.run(_size(load_settings().storage))
    show(_document(size), _table(size), as_json)


@storage.command()
def prune(as_json: Json = False) -> None:
    """Remove data past its retention, as the running service does by itself."""
    settings = load_settings()
    old_ms = epoch_ms(SystemClock().now() - timedelta(days=settings.ledger.retention_days))

    async def prune_all() -> tuple[int, int, int]:
        analyses = candles = entries = 0
        async with _open(settings.storage) as (store, ledger):
            while True:
                step = await store.prune()
                analyses += step.analyses
                candles += step.candles
                tell(f"removed {analyses:,} analyses and {candles:,} candles")
                if step.complete:
                    break
            while removed := await ledger.prune_ledger(old_ms):
                entries += removed
                tell(f"removed {entries:,} entries of the ledger")
        return analyses, candles, entries

    with working() as tell:
        tell("looking for what is past its retention")
        analyses, candles, entries = asyncio.run(prune_all())
    table = Table("removed", "rows")
    table.add_row("archived analyses", f"{analyses:,}")
    table.add_row("posted candles", f"{candles:,}")
    table.add_row("entries of the ledger", f"{entries:,}")
    removed = {"removed_analyses": analyses, "removed_candles": candles, "removed_entries": entries}
    show(removed, table, as_json)


@storage.command()
def vacuum(as_json: Json = False) -> None:
    """Return empty space in the database to the disk; SQLite needs room for a second copy meanwhile."""
    settings = load_settings().storage

    async def compact() -> tuple[StoreSize, StoreSize]:
        from storage.factory import build_maintenance

        maintenance = build_maintenance(settings)
        before = await maintenance.size()
        await maintenance.vacuum()
        return before, await maintenance.size()

    with working() as tell:
        tell("compacting the database")
        before, after = asyncio.run(compact())
    table = Table("", "before", "after")
    table.add_row("on disk", _megabytes(before.total_bytes), _megabytes(after.total_bytes))
    table.add_row("of it empty", _megabytes(before.free_bytes), _megabytes(after.free_bytes))
    show({"before": _document(before), "after": _document(after)}, table, as_json)


@storage.command()
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="New file for the copy.")], as_json: Json = False
) -> None:
    """Copy the SQLite database as it is at one moment to a new file, while the service goes on writing."""
    from storage.factory import build_maintenance

    with working() as tell:
        tell("copying the database")
        size_bytes = asyncio.run(build_maintenance(load_settings().storage).backup(file))
    table = Table("copy", "size")
    table.add_row(str(file), _megabytes(size_bytes))
    show({"file": str(file), "size_bytes": size_bytes}, table, as_json)


@asynccontextmanager
async def _open(settings: StorageSettings) -> AsyncIterator[tuple[Store, LedgerDatabase]]:
    from storage.factory import build_ledger, build_store

    # A command does not set a damaged file aside: only a service that has to keep running does.
    settings = settings.model_copy(update={"when_damaged": "refuse"})
    writing = asyncio.Lock()
    store, ledger = build_store(settings, writing), build_ledger(settings, writing)
    try:
        await store.open()
        await ledger.open()
        yield store, ledger
    finally:
        await ledger.close()
        await store.close()


async def _size(settings: StorageSettings) -> StoreSize:
    from storage.factory import build_maintenance

    return await build_maintenance(settings).size()


def _document(size: StoreSize) -> dict[str, Any]:
    return {
        "collections": [
            {"name": collection.name, "documents": collection.documents, "size_bytes": collection.size_bytes}
            for collection in size.collections
        ],
        "total_bytes": size.total_bytes,
        "free_bytes": size.free_bytes,
    }


def _table(size: StoreSize) -> Table:
    table = Table("collection")
    for name in ("documents", "on disk"):
        table.add_column(name, justify="right")
    for collection in size.collections:
        size_on_disk = "?" if collection.size_bytes is None else _megabytes(collection.size_bytes)
        table.add_row(collection.name, f"{collection.documents:,}", size_on_disk)
    table.add_section()
    table.add_row("empty, for what comes", "", _megabytes(size.free_bytes))
    table.add_row("all", "", _megabytes(size.total_bytes))
    return table


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:,.1f} MB"
