"""File descriptors: counted between two measurements, and said once when they run out."""

from __future__ import annotations

from api.server.descriptors import MEASURE_SECONDS, Descriptors

pytest_plugins = ["tests.fixtures.logs"]


class Process:
    """A process with a number of open descriptors, and a clock."""

    def __init__(self, found: int | None = 20) -> None:
        self.found = found
        self.now = 0.0

    def descriptors(self, limit: int = 100, reserve: int = 20) -> Descriptors:
        return Descriptors(reserve, limit, lambda: self.found, lambda: self.now)


def test_connections_are_counted_between_two_measurements() -> None:
    process = Process(found=20)
    descriptors = process.descriptors()
    assert descriptors.in_use == 20
    for _ in range(3):
        descriptors.opened()
    descriptors.closed()
    process.found = 40
    assert descriptors.in_use == 22
    process.now += MEASURE_SECONDS
    assert descriptors.in_use == 40
    descriptors.opened()
    assert descriptors.in_use == 41


def test_the_shortage_is_logged_once_and_ends_when_a_quarter_of_the_reserve_is_free(log_lines: list[str]) -> None:
    descriptors = Process(found=80).descriptors(limit=100, reserve=20)
    assert not descriptors.short
    descriptors.opened()
    assert descriptors.short
    assert descriptors.short
    for _ in range(5):
        descriptors.closed()
        assert descriptors.short
    descriptors.closed()
    assert not descriptors.short
    for _ in range(6):
        descriptors.opened()
    assert descriptors.short
    levels = [line.split()[0] for line in log_lines if "descriptors" in line]
    assert levels == ["WARNING", "INFO", "WARNING"]


def test_even_the_reserve_comes_to_an_end() -> None:
    descriptors = Process(found=90).descriptors(limit=100, reserve=20)
    assert (descriptors.short, descriptors.spent) == (True, False)
    descriptors.opened()
    assert descriptors.spent


def test_a_process_that_cannot_count_has_none_left() -> None:
    assert Process(found=None).descriptors().spent
