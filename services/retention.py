"""Expiry of documents."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

from loguru import logger

from config.settings import Settings
from domain.errors import StorageUnavailable
from services.guards.given_sides import keep_for
from storage.document_ports import (
    GIVEN_SIDES,
    JOB_CANCELLATIONS,
    JOB_ORDERS,
    JOBS,
    LEDGER_PARITY,
    LEDGER_REVIEWED_DAYS,
    LEDGER_REVISIONS,
    LLM_CALLS,
    LLM_REPLIES,
    Collection,
    DocumentStore,
)
from utils.clock import Clock

PAUSE_SECONDS = 24 * 60 * 60.0
# Pause after a failure of the store.
RETRY_SECONDS = 10 * 60.0


def ages(settings: Settings) -> dict[Collection, timedelta]:
    """Return the greatest age of documents in collections whose documents expire."""
    ledger = timedelta(days=settings.ledger.retention_days)
    return {
        JOBS: timedelta(days=settings.jobs.keep_days),
        JOB_ORDERS: timedelta(days=settings.jobs.keep_days),
        JOB_CANCELLATIONS: timedelta(days=settings.jobs.keep_days),
        LLM_CALLS: timedelta(days=settings.llm.keep_calls_days),
        LLM_REPLIES: timedelta(days=settings.llm.keep_replies_days),
        GIVEN_SIDES: keep_for(settings.guards),
        LEDGER_REVISIONS: ledger,
        LEDGER_REVIEWED_DAYS: ledger,
        LEDGER_PARITY: ledger,
    }


class Retention:
    """Removes expired documents once a day."""

    def __init__(
        self,
        documents: DocumentStore,
        clock: Clock,
        keep: Mapping[Collection, timedelta],
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """Keep the greatest age of documents by collection; `sleep` waits a number of seconds."""
        self._documents = documents
        self._clock = clock
        self._keep = keep
        self._sleep = sleep

    async def run(self) -> None:
        """Remove expired documents every day until canceled; while the store is down, try every ten minutes."""
        while True:
            try:
                await self.remove()
            except StorageUnavailable as failure:
                logger.bind(reason=failure.message).info("old documents cannot be removed now")
                await self._sleep(RETRY_SECONDS)
            else:
                await self._sleep(PAUSE_SECONDS)

    async def remove(self) -> None:
        """Remove expired documents.

        Raises:
            StorageUnavailable: the store is down.
        """
        now = self._clock.now()
        for collection, age in self._keep.items():
            await self._documents.remove(collection, now - age)
