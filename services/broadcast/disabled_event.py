"""The event that a lane or strategy is disabled or enabled, for every subscriber."""

from __future__ import annotations

from datetime import datetime

import msgspec

from domain.values import epoch_ms


def render_disabled_changed(name: str, disabled: bool, reason: str, by: str, at: datetime) -> str:
    """Return the `DisabledChanged` event as JSON."""
    data = {"name": name, "disabled": disabled, "reason": reason or None, "by": by, "changed_at": epoch_ms(at)}
    return msgspec.json.encode({"type": "DisabledChanged", "data": data, "timestamp": at}).decode()
