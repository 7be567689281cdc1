"""When the quiet hours of a day end."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notices.quiet_hours import QuietHours

NIGHT = QuietHours(time(22), time(6, 30))
YEARS: dict[str, Any] = {"min_value": datetime(2024, 1, 1), "max_value": datetime(2026, 1, 1)}  # noqa: DTZ001 - as hypothesis asks
NOON = QuietHours(time(12), time(13))


def at(hour: int, minute: int = 0, day: int = 10) -> datetime:
    return datetime(2025, 11, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "now", "end"),
    [
        (NIGHT, at(21, 59), None),
        (NIGHT, at(22), at(6, 30, day=11)),
        (NIGHT, at(23, 59), at(6, 30, day=11)),
        (NIGHT, at(0), at(6, 30)),
        (NIGHT, at(6, 29), at(6, 30)),
        (NIGHT, at(6, 30), None),
        (NOON, at(11, 59), None),
        (NOON, at(12, 30), at(13)),
        (NOON, at(13), None),
        (QuietHours(None, None), at(3), None),
        (QuietHours(time(3), time(3)), at(3), None),
    ],
)
def test_the_end_of_the_quiet_hours(hours: QuietHours, now: datetime, end: datetime | None) -> None:
    assert hours.until(now) == end


@given(st.times(), st.times(), st.datetimes(**YEARS).map(lambda now: now.replace(tzinfo=UTC)))
def test_quiet_hours_end_within_a_day_and_are_over_then(begin: time, end: time, now: datetime) -> None:
    until = QuietHours(begin, end).until(now)
    if until is not None:
        assert now < until <= now + timedelta(days=1)
        assert until.timetz() == end.replace(tzinfo=UTC)
        assert QuietHours(begin, end).until(until) is None
