"""A record of the ledger as plain values."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from domain.ledger.entries import PLAN
from services.ledger.scoring.records import Record


def record_document(record: Record) -> dict[str, Any]:
    """Return a record as plain values, as `/ai/track-record` names them."""
    figures = asdict(record)
    key = figures.pop("key")
    named = {
        "version": key.pop("lane_id"),
        "confidence_range": key.pop("bin"),
        "horizon": horizon_name(key.pop("horizon")),
        **key,
        **figures,
    }
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in named.items()}


def horizon_name(horizon: int) -> str:
    """Return a horizon in candles as text, or `plan`."""
    return "plan" if horizon == PLAN else str(horizon)
