"""The ledger's store, opened for a command; the service may run meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from config.settings import StorageSettings

if TYPE_CHECKING:
    from services.ledger.reader import LedgerReader


@asynccontextmanager
async def open_reader(settings: StorageSettings) -> AsyncIterator[LedgerReader]:
    """Give the ledger for readers."""
    from services.ledger.reader import LedgerReader
    from storage.factory import open_ledger
    from utils.clock import SystemClock

    async with open_ledger(settings) as store:
        yield LedgerReader(store, SystemClock())
