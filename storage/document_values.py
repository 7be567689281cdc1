"""Which values a document may hold, the same for every store, and its JSON text."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from domain.values import EPOCH
from storage.document_ports import COLLECTIONS, Collection, Document

_MILLISECOND = timedelta(milliseconds=1)
_DATE = "$date"


def checked(collection: Collection, key: str, document: Document) -> Document:
    """Return a copy to store: with its key, times in UTC and whole milliseconds, sequences as lists.

    Raises:
        ValueError: `created_at` is missing, or a value has no place in a document.
    """
    if not isinstance(document.get("created_at"), datetime):
        raise ValueError(f"a document of {collection.name} needs created_at, an aware datetime")  # noqa: TRY004
    if document.get(collection.key_field, key) != key:
        raise ValueError(f"a document of {collection.name} has another {collection.key_field} than its key")
    copy: Document = _checked(document, collection.name)
    return copy | {collection.key_field: key}


def check_fields(collection: Collection, where: Iterable[str] = (), by: Iterable[str] = ()) -> None:
    """Check a collection and the fields that a caller names.

    Args:
        collection: One of `COLLECTIONS`.
        where: Fields among its filters.
        by: Fields among its filters and groups.

    Raises:
        ValueError: the collection is not ours, or a field is not among them.
    """
    unknown = {*where} - {*collection.filters} | {*by} - {*collection.filters, *collection.groups}
    if collection not in COLLECTIONS or unknown:
        raise ValueError(f"{collection.name} is not looked up by {', '.join(sorted(unknown)) or 'name'}")


def whole_ms(moment: datetime) -> int:
    """Return an aware time as epoch milliseconds, rounded down as BSON dates are.

    Raises:
        ValueError: the time has no zone.
    """
    if moment.utcoffset() is None:
        raise ValueError("a stored time needs a zone")
    return (moment - EPOCH) // _MILLISECOND


def to_json(document: Document) -> str:
    """Return a checked document as JSON, times as {"$date": epoch milliseconds}, a name for them in MongoDB too."""
    return json.dumps(_tagged(document), ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def from_json(text: str) -> Document:
    """Return the document of a text by `to_json`."""
    document: Document = json.loads(text, object_hook=_untagged)
    return document


def _checked(value: Any, path: str) -> Any:
    match value:
        case None | bool() | int():
            return value
        case str():
            return str(value)  # an enumeration's member becomes its text
        case float() if math.isfinite(value):
            return value
        case datetime():
            return EPOCH + whole_ms(value) * _MILLISECOND
        case Mapping():
            return {str(name): _checked(item, f"{path}.{name}") for name, item in value.items()}
        case list() | tuple():
            return [_checked(item, path) for item in value]
    raise ValueError(f"{path}: a document cannot hold {value!r}")


def _tagged(value: Any) -> Any:
    match value:
        case datetime():
            return {_DATE: whole_ms(value)}
        case dict():
            # One more $ before a name that begins with one: a name from outside must not pass for a time.
            return {f"${name}" if name.startswith("$") else name: _tagged(item) for name, item in value.items()}
        case list():
            return [_tagged(item) for item in value]
    return value


def _untagged(tagged: dict[str, Any]) -> Any:
    if tagged.keys() == {_DATE}:
        return EPOCH + tagged[_DATE] * _MILLISECOND
    return {name.removeprefix("$"): item for name, item in tagged.items()}
