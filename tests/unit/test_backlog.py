"""A full backlog drops its oldest writes, and says so."""

from __future__ import annotations

from domain.market import Timeframe
from storage.backlog import AnalysisWrite, Backlog, CandleWrite, Write
from tests.fixtures.analyses import make_analysis, make_candle

pytest_plugins = ["tests.fixtures.logs"]


def analysis_write(name: str, *, archive: bool = True) -> AnalysisWrite:
    return AnalysisWrite("key", make_analysis(analysis_id=name), archive)


def candle_write(count: int) -> CandleWrite:
    return CandleWrite("BTCUSDT", Timeframe.H1, [make_candle(hour) for hour in range(count)])


def drain(backlog: Backlog) -> list[Write]:
    writes = []
    while write := backlog.oldest():
        backlog.remove(write)
        writes.append(write)
    return writes


def test_writes_come_in_the_order_they_were_kept() -> None:
    backlog = Backlog()
    writes: list[Write] = [analysis_write("a"), analysis_write("b"), candle_write(2), candle_write(1)]
    for write in writes:
        backlog.keep(write)
    assert len(backlog) == 4
    assert drain(backlog) == writes
    assert not backlog


def test_analysis_for_the_cache_alone_is_not_kept() -> None:
    backlog = Backlog()
    backlog.keep(analysis_write("a", archive=False))
    assert not backlog


def test_oldest_analyses_are_dropped_with_one_warning_and_a_count(log_lines: list[str]) -> None:
    backlog = Backlog(max_analyses=2)
    writes = [analysis_write(str(number)) for number in range(5)]
    for write in writes:
        backlog.keep(write)
    assert drain(backlog) == writes[-2:]
    assert backlog.dropped == 3
    assert log_lines == ["WARNING backlog of writes is full; the oldest are dropped from now on"]


def test_candles_are_limited_by_their_number_not_by_their_batches() -> None:
    backlog = Backlog(max_candles=10)
    writes = [candle_write(4), candle_write(4), candle_write(5)]
    for write in writes:
        backlog.keep(write)
    backlog.keep(analysis_write("a"))
    assert drain(backlog)[1:] == writes[1:]
    assert backlog.dropped == 1


def test_removing_a_write_that_was_dropped_is_no_error() -> None:
    backlog = Backlog(max_analyses=1)
    first, second = analysis_write("a"), analysis_write("b")
    backlog.keep(first)
    backlog.keep(second)
    backlog.remove(first)
    assert drain(backlog) == [second]
