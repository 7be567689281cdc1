"""A full backlog drops its oldest candles, then its oldest analyses, and says so."""

from __future__ import annotations

from domain.market import Timeframe
from storage.backlog import Backlog, Write
from storage.ports import NO_CANDLES
from tests.fixtures.analyses import make_analysis, make_candle

pytest_plugins = ["tests.fixtures.logs"]


def write_of(name: str, candles: int = 0, *, archive: bool = True) -> Write:
    series = {Timeframe.H1: [make_candle(hour) for hour in range(candles)]} if candles else NO_CANDLES
    return Write("key", make_analysis(analysis_id=name), archive, series)


def drain(backlog: Backlog) -> list[tuple[str, int]]:
    """Return the id and the number of candles of each write, first one first."""
    writes = []
    while write := backlog.oldest():
        backlog.remove(write)
        writes.append((write.analysis.analysis_id, write.count_candles()))
    return writes


def test_writes_come_in_the_order_they_were_kept() -> None:
    backlog = Backlog()
    for name, candles in [("a", 0), ("b", 2), ("c", 1)]:
        backlog.keep(write_of(name, candles))
    assert len(backlog) == 3
    assert drain(backlog) == [("a", 0), ("b", 2), ("c", 1)]
    assert not backlog


def test_analysis_for_the_cache_alone_is_not_kept() -> None:
    backlog = Backlog()
    backlog.keep(write_of("a", archive=False))
    assert not backlog


def test_oldest_analyses_are_dropped_with_one_warning_and_a_count(log_lines: list[str]) -> None:
    backlog = Backlog(max_analyses=2)
    for name in "abcde":
        backlog.keep(write_of(name))
    assert drain(backlog) == [("d", 0), ("e", 0)]
    assert backlog.dropped == 3
    assert log_lines == ["WARNING backlog of writes is full; the oldest are dropped from now on"]


def test_oldest_candles_are_dropped_by_their_number_and_their_analyses_stay(log_lines: list[str]) -> None:
    backlog = Backlog(max_candles=10)
    for name, candles in [("a", 4), ("b", 0), ("c", 4), ("d", 5)]:
        backlog.keep(write_of(name, candles))
    assert drain(backlog) == [("a", 0), ("b", 0), ("c", 4), ("d", 5)]
    assert backlog.dropped == 1
    assert log_lines == ["WARNING backlog of writes is full; the oldest are dropped from now on"]


def test_candles_without_an_archived_analysis_leave_nothing_when_dropped() -> None:
    backlog = Backlog(max_candles=5)
    backlog.keep(write_of("a", 4, archive=False))
    backlog.keep(write_of("b", 4))
    assert drain(backlog) == [("b", 4)]


def test_room_of_dropped_analyses_is_free_for_other_candles() -> None:
    backlog = Backlog(max_analyses=1, max_candles=8)
    for name in "abc":
        backlog.keep(write_of(name, 4))
    assert drain(backlog) == [("c", 4)]
    assert backlog.dropped == 2


def test_removing_a_write_that_was_dropped_is_no_error() -> None:
    backlog = Backlog(max_analyses=1)
    first, second = write_of("a"), write_of("b")
    backlog.keep(first)
    backlog.keep(second)
    backlog.remove(first)
    assert drain(backlog) == [("b", 0)]
