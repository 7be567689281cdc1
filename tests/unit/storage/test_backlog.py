"""A full backlog drops its oldest candles, then its oldest analyses, and logs it."""

from __future__ import annotations

from domain.market import Timeframe
from storage.ports import NO_CANDLES, AnalysisWrite
from storage.resilience.analysis_writes import ANALYSES, count_candles
from storage.resilience.backlog import Backlog
from storage.resilience.item_type import ItemType
from tests.fixtures.analyses import make_analysis, make_candle

pytest_plugins = ["tests.fixtures.logs"]

TEXTS = ItemType(key=lambda text: text[0], encode=str, decode=str)
FULL = "ERROR too many writes wait for the store; the oldest are dropped"


def backlog_of(max_items: int = 100, max_weight: int = 100) -> Backlog[AnalysisWrite]:
    return Backlog(ANALYSES, max_items=max_items, max_weight=max_weight)


def keep(backlog: Backlog[AnalysisWrite], name: str, candles: int = 0, *, archive: bool = True) -> int:
    """Keep a write; return how many others lost their candles or their place."""
    series = {Timeframe.H1: [make_candle(hour) for hour in range(candles)]} if candles else NO_CANDLES
    return len(backlog.keep(AnalysisWrite("key", make_analysis(analysis_id=name), archive, series)))


def content(backlog: Backlog[AnalysisWrite]) -> list[tuple[str, int]]:
    """Return id and number of candles of each write, in order."""
    return [(write.analysis.analysis_id, count_candles(write)) for write in backlog.oldest(len(backlog))]


def test_writes_come_in_the_order_they_were_kept() -> None:
    backlog = backlog_of()
    for name, candles in [("a", 0), ("b", 2), ("c", 1)]:
        assert keep(backlog, name, candles) == 0
    assert content(backlog) == [("a", 0), ("b", 2), ("c", 1)]


def test_newer_item_of_a_key_takes_the_place_of_the_one_that_waits() -> None:
    backlog = Backlog(TEXTS, max_items=3)
    for item in ["a first", "b first", "a second"]:
        backlog.keep(item)
    assert backlog.oldest(9) == ["b first", "a second"]


def test_item_replaced_while_it_is_written_still_waits() -> None:
    backlog = Backlog(TEXTS, max_items=3)
    backlog.keep("a first")
    backlog.keep("b first")
    written = backlog.oldest(2)
    backlog.keep("a second")
    assert backlog.remove(written) == ["b"]
    assert backlog.oldest(9) == ["a second"]


def test_oldest_analyses_are_dropped_with_one_error(log_lines: list[str]) -> None:
    backlog = backlog_of(max_items=2)
    assert sum(keep(backlog, name) for name in "abcde") == 3
    assert content(backlog) == [("d", 0), ("e", 0)]
    assert log_lines == [FULL]


def test_oldest_candles_are_dropped_by_their_number_and_their_analyses_stay(log_lines: list[str]) -> None:
    backlog = backlog_of(max_weight=10)
    assert sum(keep(backlog, *write) for write in [("a", 4), ("b", 0), ("c", 4), ("d", 5)]) == 1
    assert content(backlog) == [("a", 0), ("b", 0), ("c", 4), ("d", 5)]
    assert log_lines == [FULL]


def test_candles_without_an_archived_analysis_leave_nothing_when_dropped() -> None:
    backlog = backlog_of(max_weight=5)
    keep(backlog, "a", 4, archive=False)
    keep(backlog, "b", 4)
    assert content(backlog) == [("b", 4)]


def test_dropped_analyses_make_room_for_other_candles() -> None:
    backlog = backlog_of(max_items=1, max_weight=8)
    assert sum(keep(backlog, name, 4) for name in "abc") == 2
    assert content(backlog) == [("c", 4)]
