"""Keeps a document store that is slow or down from holding anybody up for long."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TypeVar

from loguru import logger

from domain.errors import StorageUnavailable
from storage.document_ports import Collection, Document, DocumentStore, DocumentWrite, Total, Where
from storage.recovery import describe
from utils import metrics

T = TypeVar("T")

CALL_SECONDS = 2.0


class ResilientDocuments:
    """A document store whose every call ends within 2 s, and at once while the store is known to be down.

    It opens the store when it is first needed, and again after each failure. What cannot be kept is the caller's
    to keep and try again: unlike an analysis, a document is never dropped in silence.
    """

    def __init__(
        self, store: DocumentStore, *, retry_seconds: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Wrap a store that is not opened yet.

        Args:
            store: Raises `StorageUnavailable` when it fails.
            retry_seconds: How long a store that failed is left alone.
            monotonic: Seconds that never jump back.
        """
        self._store = store
        self._retry_seconds = retry_seconds
        self._monotonic = monotonic
        self._opening = asyncio.Lock()
        self._opened = False
        self._down_until: float | None = None

    @property
    def kind(self) -> str:
        """Short name of the store within."""
        return self._store.kind

    async def open(self) -> None:
        """Do nothing yet: a store that cannot be reached must not delay the start."""

    async def close(self) -> None:
        """Close the store."""
        self._opened = False
        try:
            async with asyncio.timeout(CALL_SECONDS):
                await self._store.close()
        except (StorageUnavailable, TimeoutError) as error:
            logger.bind(store=self.kind, reason=describe(error)).warning("document store did not close")

    async def ping(self) -> None:
        """Return when the store answers."""
        await self._call("ping", self._store.ping)

    async def put(self, collection: Collection, key: str, document: Document) -> None:
        """Keep the document under its key, in place of the one that was there."""
        await self._call("put", lambda: self._store.put(collection, key, document))

    async def insert(self, collection: Collection, key: str, document: Document) -> bool:
        """Keep the document unless the key has one already; return whether it was kept."""
        return await self._call("insert", lambda: self._store.insert(collection, key, document))

    async def put_many(self, collection: Collection, writes: Sequence[DocumentWrite]) -> None:
        """Keep all of them."""
        await self._call("put_many", lambda: self._store.put_many(collection, writes))

    async def get(self, collection: Collection, key: str) -> Document | None:
        """Return the document of the key."""
        return await self._call("get", lambda: self._store.get(collection, key))

    async def newest(self, collection: Collection, limit: int, where: Where | None = None) -> list[Document]:
        """Return the newest documents with these values."""
        return await self._call("newest", lambda: self._store.newest(collection, limit, where))

    async def totals(
        self,
        collection: Collection,
        since: datetime,
        sums: Sequence[str] = (),
        *,
        by: str | None = None,
        where: Where | None = None,
    ) -> list[Total]:
        """Count and add up by group."""
        return await self._call("totals", lambda: self._store.totals(collection, since, sums, by=by, where=where))

    async def remove(self, collection: Collection, older_than: datetime) -> int:
        """Remove what was created before."""
        return await self._call("remove", lambda: self._store.remove(collection, older_than))

    async def _call(self, operation: str, call: Callable[[], Awaitable[T]]) -> T:
        if self._down_until is not None and self._monotonic() < self._down_until:
            self._count(operation, "skipped")
            raise StorageUnavailable(f"the {self.kind} store is not available now")
        refusal: StorageUnavailable | None = None
        try:
            async with asyncio.timeout(CALL_SECONDS):
                await self._ensure_open()
                try:
                    result = await call()
                except StorageUnavailable as error:
                    await self._store.ping()  # where it answers, it refused this one call, and others may go on
                    refusal = error
        except (StorageUnavailable, TimeoutError) as error:
            self._count(operation, "failed")
            self._rest(error)
            raise StorageUnavailable(f"the {self.kind} store is not available now") from error
        if refusal is not None:
            self._count(operation, "failed")
            raise refusal
        self._count(operation, "ok")
        return result

    def _rest(self, error: StorageUnavailable | TimeoutError) -> None:
        if self._opened or self._down_until is None:
            log = logger.bind(store=self.kind, reason=describe(error))
            log.warning("document store is down; what needs it waits or says so")
        self._opened = False
        self._down_until = self._monotonic() + self._retry_seconds

    async def _ensure_open(self) -> None:
        async with self._opening:
            if not self._opened:
                await self._store.open()
                self._opened = True
                if self._down_until is not None:
                    self._down_until = None
                    logger.bind(store=self.kind).info("document store is back")

    def _count(self, operation: str, outcome: str) -> None:
        metrics.STORE_OPERATIONS.labels(self.kind, f"document_{operation}", outcome).inc()
