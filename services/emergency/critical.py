"""Whether a live record is surely below the critical bounds."""

from __future__ import annotations

from collections.abc import Sequence

from config.watch_settings import EmergencySettings
from domain.ledger.entries import NEXT_CANDLE, PLAN
from services.ledger.scoring.records import Record


def why_critical(records: Sequence[Record], settings: EmergencySettings) -> str | None:
    """Return why a lane or strategy is critical, None where it is not.

    A timeframe is judged where enough independent calls or plans are settled. It is critical where the whole interval
    of the hit rate, or of the plans' mean result after costs, is below its bound. The intervals hold at every look, so
    looking every hour does not find by chance what is not there. Every judged timeframe has to be critical: a lane
    that loses on minutes and holds on hours goes on.

    Args:
        records: Of one lane or strategy, by timeframe and horizon.
        settings: The bounds.
    """
    by_timeframe: dict[str, list[str]] = {}
    for record in records:
        if record.effective >= settings.min_calls:
            words = (
                _critical_plans(record, settings) if record.key.horizon == PLAN else _critical_calls(record, settings)
            )
            by_timeframe.setdefault(record.key.timeframe, []).extend([words] if words else [])
    if not by_timeframe or not all(by_timeframe.values()):
        return None
    return "; ".join(words for found in by_timeframe.values() for words in found)


def _critical_calls(record: Record, settings: EmergencySettings) -> str | None:
    if record.high is None or record.high >= settings.critical_hit_rate:
        return None
    return (
        f"{record.hit_rate:.1%} of {record.count} calls on {record.key.timeframe} were right, "
        f"{_ahead(record.key.horizon)} (at every look {record.low:.1%} to {record.high:.1%}), "
        f"critical below {settings.critical_hit_rate:.1%}"
    )


def _critical_plans(record: Record, settings: EmergencySettings) -> str | None:
    if record.r is None or record.r_high is None or record.r_low is None or record.net_r is None:
        return None
    cost = record.r - record.net_r
    if record.r_high - cost >= settings.critical_net_r:
        return None
    return (
        f"{record.count} plans on {record.key.timeframe} came to {record.net_r:+.3f} of their risk after costs "
        f"(at every look {record.r_low - cost:+.3f} to {record.r_high - cost:+.3f}), "
        f"critical below {settings.critical_net_r:+.3f}"
    )


def _ahead(horizon: int) -> str:
    return "one candle on" if horizon == NEXT_CANDLE else f"{horizon} candles on"
