"""What the service found out about itself: suggestions for its settings, advice on its models."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from storage.document_ports import Collection, Document, DocumentStore
from utils.clock import Clock


class SelfAnalyses:
    """Lists what is kept of them."""

    def __init__(self, documents: DocumentStore, clock: Clock) -> None:
        self._documents = documents
        self._clock = clock

    async def newest(self, collection: Collection, limit: int, days: int) -> list[Document]:
        """Return at most `limit` documents of the last days, newest first, each with its key as `_id` too.

        Raises:
            StorageUnavailable: the store does not answer.
        """
        oldest = self._clock.now() - timedelta(days=days)
        found = await self._documents.newest(collection, limit)
        return [_with_id(collection, each) for each in found if each["created_at"] >= oldest]


def _with_id(collection: Collection, document: Document) -> dict[str, Any]:
    return {"_id": document[collection.key_field], **document}
