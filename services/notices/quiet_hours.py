"""Quiet hours of the day, in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta


@dataclass(frozen=True)
class QuietHours:
    """From one time of the day until another, possibly over midnight; none where either is None or both are equal."""

    begin: time | None
    end: time | None

    def until(self, now: datetime) -> datetime | None:
        """Return when the quiet hours end that `now`, an aware time, lies in; None outside of them."""
        if self.begin is None or self.end is None or self.begin == self.end:
            return None
        now = now.astimezone(UTC)
        end = datetime.combine(now.date(), self.end, UTC)
        if end <= now:
            end += timedelta(days=1)
        begin = datetime.combine(end.date(), self.begin, UTC)
        if begin >= end:
            begin -= timedelta(days=1)
        return end if begin <= now else None
