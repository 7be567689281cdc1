"""`ledger bands`: how the bands of prices held that were given out; the service may run meanwhile."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.console import show
from commands.options import Json
from config.settings import StorageSettings
from config.sources import load_settings
from services.ledger.scoring.queries import MAX_DAYS

if TYPE_CHECKING:
    from services.ledger.price_bands import BandCoverage


def bands(
    days: Annotated[int, typer.Option(min=1, max=MAX_DAYS, help="Days up to now in which they were given.")] = 30,
    as_json: Json = False,
) -> None:
    """Print the share of closes within the bands of prices that were given out, beside what they are meant to hold."""
    from commands.tables.records import band_table

    bands = asyncio.run(_coverage(load_settings().storage, days))
    document: dict[str, Any] = {"days": days, "price_bands": [asdict(band) for band in bands]}
    show(document, band_table(bands), as_json)


async def _coverage(settings: StorageSettings, days: int) -> list[BandCoverage]:
    from services.ledger.price_bands import PriceBands
    from storage.factory import open_documents
    from utils.clock import SystemClock

    async with open_documents(settings) as documents:
        return await PriceBands(documents, SystemClock()).coverage(days)
