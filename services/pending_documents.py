"""Documents on their way to the store: nobody waits for it, and nothing is lost while it is down."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from loguru import logger

from domain.errors import StorageUnavailable
from storage.document_ports import Collection, Document, DocumentStore
from utils.clock import Clock

RETRY_SECONDS = 1.0
MAX_WAITING = 10_000
# After so many refusals in a row the rest of the round would meet the same.
MAX_REFUSALS = 3
REMOVAL_INTERVAL = timedelta(days=1)


async def _nothing() -> None:
    """Do nothing before the first write."""


@dataclass(frozen=True)
class _Write:
    collection: Collection
    document: Document
    once: bool


class PendingDocuments:
    """Writes documents in the background, each until the store has it, and removes what is older than may be kept.

    When more wait than may, the oldest are dropped and an error is logged.
    """

    def __init__(
        self,
        documents: DocumentStore,
        clock: Clock,
        *,
        keep: Mapping[Collection, timedelta],
        before: Callable[[], Awaitable[None]] = _nothing,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """Take what is needed to write; nothing is written before `open`.

        Args:
            documents: Raises `StorageUnavailable` when it fails.
            clock: By which documents grow old.
            keep: How long, for the collections that do not grow for ever.
            before: Done before the first write, and again until it does not raise `StorageUnavailable`.
            sleep: Waits so many seconds.
        """
        self._documents = documents
        self._clock = clock
        self._keep = keep
        self._before = before
        self._sleep = sleep
        self._waiting: dict[tuple[str, str], _Write] = {}
        self._changed = asyncio.Event()
        self._began = asyncio.Event()
        self._removed_at: datetime | None = None
        self._failing = self._dropping = False
        self._task: asyncio.Task[None] | None = None

    async def open(self, patience_seconds: float) -> None:
        """Start to write, and wait for `before` at most so long: a store that is down must not delay the start."""
        self._changed.set()
        self._task = asyncio.create_task(self._run(), name="pending documents")
        with suppress(TimeoutError):
            await asyncio.wait_for(self._began.wait(), patience_seconds)

    async def close(self) -> None:
        """Write once more; what is lost is logged."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            await self._round()
        if self._waiting:
            logger.bind(documents=len(self._waiting)).error("documents are lost with the shutdown")

    def put(self, collection: Collection, key: str, document: Document, *, once: bool = False) -> None:
        """Take a document that is to be stored; `once` leaves one that is stored already as it is."""
        self._waiting[collection.name, key] = _Write(collection, document, once)
        if len(self._waiting) > MAX_WAITING:
            del self._waiting[next(iter(self._waiting))]
            if not self._dropping:
                logger.bind(waiting=MAX_WAITING).error("too many documents wait for the store; the oldest are dropped")
            self._dropping = True
        self._changed.set()

    async def _run(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                await self._round()
            except Exception:  # noqa: BLE001 - a fault of ours, and without this loop nothing would be stored any more
                logger.exception("storing documents failed unexpectedly")
            if self._waiting or not self._began.is_set():
                self._changed.set()
                await self._sleep(RETRY_SECONDS)

    async def _round(self) -> None:
        """Write what waits, each document by itself; what fails waits on."""
        failure: StorageUnavailable | None = None
        try:
            if not self._began.is_set():
                await self._before()
                self._began.set()
            failure = await self._write_all()
            await self._remove_old()
        except StorageUnavailable as error:
            failure = error
        self._tell(failure)

    async def _write_all(self) -> StorageUnavailable | None:
        failure, refusals = None, 0
        for name, key in list(self._waiting):
            write = self._waiting.get((name, key))
            if write is None:
                continue
            method = self._documents.insert if write.once else self._documents.put
            try:
                await method(write.collection, key, write.document)
            except StorageUnavailable as error:
                failure, refusals = error, refusals + 1
                if refusals >= MAX_REFUSALS:
                    break
                continue
            except ValueError:
                logger.bind(collection=name).exception("a document cannot be stored and is dropped")
            refusals = 0
            if self._waiting.get((name, key)) is write:  # or else it has changed during the call
                del self._waiting[name, key]
        return failure

    async def _remove_old(self) -> None:
        now = self._clock.now()
        if self._removed_at is not None and now - self._removed_at < REMOVAL_INTERVAL:
            return
        for collection, age in self._keep.items():
            await self._documents.remove(collection, now - age)
        self._removed_at = now

    def _tell(self, failure: StorageUnavailable | None) -> None:
        """Log when writing starts to fail and when it works again."""
        if failure is not None and not self._failing:
            log = logger.bind(reason=failure.message, documents=len(self._waiting))
            log.warning("documents cannot be stored now; they wait")
        if failure is None and self._failing:
            logger.info("documents are stored again")
        self._failing = failure is not None
