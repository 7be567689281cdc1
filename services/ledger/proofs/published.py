"""What everyone may see of an entry, and its form as text, over which the proofs are made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from enum import StrEnum
from typing import Any

from pydantic import TypeAdapter, ValidationError

from config.errors.needs import named_need_of
from domain.errors import InvalidRequest
from domain.ledger.entries import ENUMERATIONS, LedgerEntry
from domain.ledger.settlements import PlanEnd, Settlement
from services.ledger.proofs.merkle import leaf_hash

# The request id ties an entry to its caller.
_PRIVATE = "request_id"
ENTRY_FIELDS = tuple(field.name for field in fields(LedgerEntry) if field.name != _PRIVATE)
SETTLEMENT_FIELDS = tuple(field.name for field in fields(Settlement))
_ENTRY, _SETTLEMENT = TypeAdapter(LedgerEntry), TypeAdapter(Settlement)


def published(entry: LedgerEntry) -> dict[str, Any]:
    """Return the public fields of an entry as plain values."""
    return {name: _plain(getattr(entry, name)) for name in ENTRY_FIELDS}


def published_settlement(settlement: Settlement) -> dict[str, Any]:
    """Return a settlement as plain values."""
    return {name: _plain(getattr(settlement, name)) for name in SETTLEMENT_FIELDS}


def entry_of(row: Mapping[str, Any]) -> LedgerEntry:
    """Return the entry of its public fields.

    Raises:
        InvalidRequest: a field is missing, unknown, or has no such value.
    """
    _know(row, ENTRY_FIELDS, "entry")
    _check(_ENTRY, {**row, _PRIVATE: None}, f"entry {row['id']!r:.80}")
    values: dict[str, Any] = {name: kind(row[name]) for name, kind in ENUMERATIONS.items() if row[name] is not None}
    return LedgerEntry(**{**row, **values, _PRIVATE: None})


def settlement_of(row: Mapping[str, Any]) -> Settlement:
    """Return the settlement of its fields; raises as `entry_of`."""
    _know(row, SETTLEMENT_FIELDS, "settlement")
    _check(_SETTLEMENT, row, f"settlement of {row['entry_id']!r:.80}")
    return Settlement(**{**row, "end": None if row["end"] is None else PlanEnd(row["end"])})


def canonical(values: Mapping[str, Any]) -> bytes:
    """Return plain values as JSON: keys in order, no spaces, numbers in their shortest form, UTF-8."""
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def entry_hash(entry: LedgerEntry) -> bytes:
    """Return the hash of an entry's leaf."""
    return leaf_hash(canonical(published(entry)))


def _plain(value: Any) -> Any:
    """Return a word of the field as plain text, other values as they are."""
    return str(value) if isinstance(value, StrEnum) else value


def _check(kind: TypeAdapter[Any], row: Mapping[str, Any], what: str) -> None:
    """Check the types only: what is validated has 1.0 where the row has 1, and so another hash."""
    try:
        kind.validate_json(canonical(row), strict=True)
    except ValidationError as error:
        raise InvalidRequest(f"{what}: {named_need_of(error.errors()[0])}") from error
    except ValueError as error:  # NaN, or a text that is no Unicode
        raise InvalidRequest(f"{what}: {error}") from error


def _know(row: Mapping[str, Any], names: tuple[str, ...], what: str) -> None:
    missing, unknown = set(names) - set(row), set(row) - set(names)
    if missing or unknown:
        wrong = f"lacks {', '.join(sorted(missing))}" if missing else f"has unknown {', '.join(sorted(unknown))}"
        raise InvalidRequest(f"a {what} of the export {wrong}")
