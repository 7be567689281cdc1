"""A document store that keeps no caller waiting for a slow database, and loses no document."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from storage.adapter_ports import DocumentDatabase
from storage.document_ports import Collection, Document, DocumentStore, DocumentWrite, Total, Where
from storage.resilience import document_writes
from storage.resilience.backlog import Backlog
from storage.resilience.document_writes import DOCUMENTS, PendingDocument
from storage.resilience.pace import Pace
from storage.resilience.resilient import Resilient
from storage.resilience.spool import Spool
from storage.resilience.store_calls import StoreCalls

T = TypeVar("T")


class ResilientDocuments(Resilient[PendingDocument]):
    """A document store whose calls end within seconds, and at once while the database is known to be down.

    Reads, `insert` and `replace` need the database, and raise `StorageUnavailable` without it. Documents that are put
    wait for it, in a spool that outlives the process; `get` and `replace` never take one that waits for missing.
    """

    def __init__(
        self,
        store: DocumentDatabase,
        *,
        pace: Pace,
        spool: Spool | None = None,
        max_waiting: int = 10_000,
    ) -> None:
        """Wrap a store that is not opened yet.

        Args:
            store: Raises `StorageUnavailable` when it fails.
            pace: Of the writes, and the time limit of a read (`query_seconds`).
            spool: Where documents wait while the store is down; None: in memory.
            max_waiting: Documents in memory at most; beyond it the oldest are dropped.
        """
        super().__init__(
            store,
            self._save,
            items=DOCUMENTS,
            backlog=Backlog(DOCUMENTS, max_items=max_waiting),
            spool=spool,
            pace=pace,
            subject="document store",
            consequence="what needs it waits or says so",
        )
        self._store = store
        self._calls = StoreCalls(store.kind, self._availability, pace.query_seconds, prefix="document_")

    async def settle(self) -> None:
        """Return when everything that was taken outlives this process."""
        await self._behind.settle()

    def first(self, work: Callable[[DocumentStore], Awaitable[None]]) -> None:
        """Run work on the store after the writes of earlier processes and before new ones."""
        self._behind.first(lambda: work(self._store))

    async def ping(self) -> None:
        """Return when the store answers."""
        await self._call("ping", self._store.ping)

    async def put(self, collection: Collection, key: str, document: Document) -> None:
        """Return when the store or the spool has the document."""
        await self._behind.keep(PendingDocument(collection, key, document))

    async def keep_new(self, key: str, documents: Mapping[Collection, Document]) -> None:
        """Return when the store or the spool has all of them."""
        pending = (PendingDocument(collection, key, kept, once=True) for collection, kept in documents.items())
        await self._behind.keep(*pending)

    def put_later(self, collection: Collection, key: str, document: Document, *, once: bool = False) -> None:
        """Take a document and return; it is kept soon."""
        if not (once and (collection.name, key) in self._queue):
            self._behind.put(PendingDocument(collection, key, document, once))

    def discard_later(self, collection: Collection, key: str) -> None:
        """Remove the document of the key, soon."""
        self._behind.put(PendingDocument(collection, key, None))

    async def put_many(self, collection: Collection, writes: Sequence[DocumentWrite]) -> None:
        """Return when the store or the spool has all of them."""
        for write in writes:
            self.put_later(collection, write.key, write.document, once=write.once)
        await self.settle()

    async def discard(self, collection: Collection, keys: Sequence[str]) -> None:
        """Return when the documents are removed, or their removal is in the spool."""
        for key in keys:
            self.discard_later(collection, key)
        await self.settle()

    async def insert(self, collection: Collection, key: str, document: Document) -> bool:
        """Keep the document unless the key has one already; return whether it was kept."""
        await self._flush_for(collection, key)
        return await self._call("insert", lambda: self._store.insert(collection, key, document))

    async def replace(self, collection: Collection, key: str, document: Document, where: Where) -> bool:
        """Keep the document in place of the one of its key, if that has these values; return whether it had them."""
        await self._flush_for(collection, key)
        replaced = await self._call("replace", lambda: self._store.replace(collection, key, document, where))
        return replaced or self._known_missing((collection.name, key))

    async def get(self, collection: Collection, key: str) -> Document | None:
        """Return the document of the key."""
        await self._flush_for(collection, key)
        document = await self._call("get", lambda: self._store.get(collection, key))
        if document is None:
            self._known_missing((collection.name, key))
        return document

    async def newest(self, collection: Collection, limit: int, where: Where | None = None) -> list[Document]:
        """Return the newest documents with these values."""
        await self.flush()
        return await self._call("newest", lambda: self._store.newest(collection, limit, where))

    async def totals(
        self,
        collection: Collection,
        since: datetime,
        sums: Sequence[str] = (),
        *,
        by: Sequence[str] = (),
        where: Where | None = None,
    ) -> list[Total]:
        """Count and add up by group."""
        await self.flush()
        return await self._call("totals", lambda: self._store.totals(collection, since, sums, by=by, where=where))

    async def remove(self, collection: Collection, older_than: datetime) -> int:
        """Remove the documents created before `older_than`."""
        return await self._call("remove", lambda: self._store.remove(collection, older_than))

    async def _flush_for(self, collection: Collection, key: str) -> None:
        if (collection.name, key) in self._behind:
            await self.flush()

    async def _save(self, group: Sequence[PendingDocument]) -> None:
        with self._calls.counted("write"):
            await document_writes.write(self._store, group)

    async def _call(self, operation: str, call: Callable[[], Awaitable[T]]) -> T:
        await self._behind.tried(self._pace.query_seconds)
        if not self._availability.available:
            self._calls.skip(operation)
            raise self._calls.unavailable()
        return await self._calls.run(operation, call)
