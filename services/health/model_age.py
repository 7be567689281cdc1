"""The age of a model: what it was trained on may be too long ago for the market of today."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from models.registry.aliases import ScopeAliases

MAX_AGE = timedelta(days=365)


def age_warning(of: ScopeAliases, version: str, market: str, trained_until_ms: int | None, now: datetime) -> str | None:
    """Return that the candles of a training are older than a year, and what to do; None while they are not.

    Args:
        of: The symbol (or `*`) and timeframe that the version serves.
        version: In production.
        market: What it foretells, in words.
        trained_until_ms: Close of its newest candle, epoch ms; None where that is not known.
        now: Aware UTC time.
    """
    if trained_until_ms is None:
        return None
    until = datetime.fromtimestamp(trained_until_ms / 1000, UTC)
    last = until - timedelta(milliseconds=1)
    if now - until <= MAX_AGE:
        return None
    whose = "comes with the service and " if of.is_shipped(version) else ""
    return (
        f"{version}, which serves {market}, {whose}was trained on candles up to "
        f"{last:%Y-%m-%d}, {(now - until).days} days ago: train one on newer candles"
    )
