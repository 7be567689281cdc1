"""Documents on their way to the store: their text in the spool, and how a group of them is written."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from storage.document_ports import COLLECTIONS, Collection, Document, DocumentStore, DocumentWrite
from storage.document_values import checked, from_json, to_json
from storage.resilience.item_type import ItemType

_BY_NAME = {collection.name: collection for collection in COLLECTIONS}


@dataclass(frozen=True, eq=False)
class PendingDocument:
    """A document to keep under its key; without one, the removal of the key."""

    collection: Collection
    key: str
    document: Document | None
    once: bool = False


def encode(pending: PendingDocument) -> str:
    """Return the document as JSON text.

    Raises:
        ValueError: it holds a value that a document cannot hold.
    """
    rest = {"collection": pending.collection.name, "key": pending.key, "once": pending.once}
    content = "null"
    if pending.document is not None:
        content = to_json(checked(pending.collection, pending.key, pending.document))
    return f'{json.dumps(rest, separators=(",", ":"))[:-1]},"document":{content}}}'


def decode(text: str) -> PendingDocument:
    """Return the document of a text by `encode`.

    Raises:
        ValueError, KeyError, TypeError: another version of the service made it.
    """
    found = from_json(text)
    return PendingDocument(_BY_NAME[found["collection"]], found["key"], found["document"], found["once"])


async def write(store: DocumentStore, group: Sequence[PendingDocument]) -> None:
    """Write a group in which no key stands twice, all its collections at the same time.

    Removals go last: where one document replaces another, one of them is always stored.
    """
    kept: defaultdict[Collection, list[DocumentWrite]] = defaultdict(list)
    gone: defaultdict[Collection, list[str]] = defaultdict(list)
    for pending in group:
        if pending.document is None:
            gone[pending.collection].append(pending.key)
        else:
            kept[pending.collection].append(DocumentWrite(pending.key, pending.document, pending.once))
    puts = (store.put_many(collection, writes) for collection, writes in kept.items())
    # Each ends before the group is written again.
    for ended in await asyncio.gather(*puts, return_exceptions=True):
        if isinstance(ended, BaseException):
            raise ended
    for collection, keys in gone.items():
        await store.discard(collection, keys)


DOCUMENTS = ItemType(key=lambda pending: (pending.collection.name, pending.key), encode=encode, decode=decode)
