"""The event of a closed day of the ledger, for every subscriber."""

from __future__ import annotations

import msgspec

from domain.ledger.days import DayRoot
from domain.values import utc_time


def render_day_closed(root: DayRoot) -> str:
    """Return the `LedgerDayClosed` event as JSON; who keeps it can tell later whether the day was changed."""
    data = {"day": root.day, "entries": root.entries, "root": root.root, "chained": root.chained}
    return msgspec.json.encode(
        {"type": "LedgerDayClosed", "data": data, "timestamp": utc_time(root.closed_ms)}
    ).decode()
