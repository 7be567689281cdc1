"""The event of a switch of safe mode, for every subscriber."""

from __future__ import annotations

from datetime import datetime

import msgspec

from domain.values import epoch_ms


def render_safe_mode_changed(enabled: bool, reason: str, at: datetime) -> str:
    """Return the `SafeModeChanged` event as JSON; `data` is the answer of `GET /ai/safe-mode`."""
    data = {"enabled": enabled, "reason": reason or None, "changed_at": epoch_ms(at)}
    return msgspec.json.encode({"type": "SafeModeChanged", "data": data, "timestamp": at}).decode()
