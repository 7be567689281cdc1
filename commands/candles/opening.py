"""The store of candles, opened for a command; the service may run meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from config.settings import StorageSettings

if TYPE_CHECKING:
    from storage.adapter_ports import Store


@asynccontextmanager
async def open_candles(settings: StorageSettings) -> AsyncIterator[Store]:
    """Give the store, whose calls reach the database at once.

    Raises:
        StorageUnavailable: the database cannot be opened.
    """
    from storage.factory import build_store

    # A command does not set a damaged file aside: only a service that has to keep running does.
    opened = build_store(settings.model_copy(update={"when_damaged": "refuse"}))
    try:
        await opened.open()
        yield opened
    finally:
        await opened.close()
