"""The counters of the rate limits: fixed windows by the monotonic clock."""

from __future__ import annotations

import pytest
from limits import parse
from limits.strategies import FixedWindowRateLimiter

from api.guard.monotonic_windows import MonotonicWindows
from api.guard.rate_limit import limiter
from tests.fixtures.clocks import SettableClock

LIMIT = parse("3/minute")


@pytest.fixture
def clock() -> SettableClock:
    """Return the seconds that the windows are counted in."""
    return SettableClock()


@pytest.fixture
def windows(clock: SettableClock) -> MonotonicWindows:
    """Return counters that are empty yet."""
    return MonotonicWindows(monotonic=clock.monotonic)


def test_a_window_begins_with_its_first_hit_and_opens_when_it_ends(
    windows: MonotonicWindows, clock: SettableClock
) -> None:
    strategy = FixedWindowRateLimiter(windows)
    assert [strategy.hit(LIMIT, "address") for _ in range(4)] == [True, True, True, False]
    assert strategy.get_window_stats(LIMIT, "address") == (clock.monotonic() + 60, 0)
    assert strategy.hit(LIMIT, "another address")
    clock.advance(59.9)
    assert not strategy.hit(LIMIT, "address")
    clock.advance(0.2)
    assert not strategy.test(parse("0/minute"), "address")
    assert [strategy.hit(LIMIT, "address") for _ in range(4)] == [True, True, True, False]


def test_windows_that_ended_take_no_memory(windows: MonotonicWindows, clock: SettableClock) -> None:
    for number in range(1_000):
        windows.incr(f"address {number}", 60 if number % 2 else 3_600)
    clock.advance(61)
    windows.incr("the next", 60)
    assert windows.reset() == 501


def test_a_window_that_was_cleared_begins_anew(windows: MonotonicWindows, clock: SettableClock) -> None:
    windows.incr("address", 60)
    clock.advance(30)
    windows.clear("address")
    assert (windows.get("address"), windows.get_expiry("address")) == (0, clock.monotonic())
    assert windows.incr("address", 60) == 1
    clock.advance(31)
    assert windows.incr("address", 60) == 2


def test_the_services_limiter_counts_in_them() -> None:
    assert isinstance(limiter.limiter.storage, MonotonicWindows)
