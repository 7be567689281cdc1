"""Times of the schedule: cron expressions in UTC, which has no changes of the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from croniter import croniter


def last_slot(cron: str, now: datetime) -> datetime:
    """Return the newest time of a cron expression that is not after now, in UTC."""
    found: datetime = croniter(cron, now.astimezone(UTC) + timedelta(microseconds=1)).get_prev(datetime)
    return found


def next_slot(cron: str, now: datetime) -> datetime:
    """Return the next time of a cron expression after now, in UTC."""
    found: datetime = croniter(cron, now.astimezone(UTC)).get_next(datetime)
    return found
