"""A store that is slow or hangs delays callers by the time-out at most and loses nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from domain.errors import StorageUnavailable
from domain.market import Timeframe
from storage.ports import AnalysisWrite
from storage.resilience.pace import Pace
from storage.resilience.store import ResilientStore
from storage.sqlite.store import SqliteStore
from tests.fixtures.analyses import LATER, NOON, make_analysis, make_candle
from tests.fixtures.patience import PATIENCE_SECONDS, eventually
from tests.fixtures.stores import PACE, TIMEOUT_MS, FaultyStore, read, save

pytest_plugins = ["tests.fixtures.logs", "tests.fixtures.resilient"]


async def test_store_that_hangs_at_the_start_does_not_hold_it_up() -> None:
    faulty = FaultyStore()
    faulty.delay_seconds = 3_600
    store = ResilientStore(faulty, timeout_ms=TIMEOUT_MS, pace=PACE)
    async with asyncio.timeout(PATIENCE_SECONDS):
        await store.open()
        await save(store, "early")
        assert await store.latest_analysis("key", NOON, LATER) is None
        faulty.delay_seconds = 0
    assert not store.available
    await store.close()
    assert faulty.saved == ["early"]  # a last try


async def test_slow_call_gives_nothing_but_goes_on(
    store: ResilientStore, faulty: FaultyStore, log_lines: list[str]
) -> None:
    faulty.delay_seconds = 0.2
    await save(store, "slow")
    assert faulty.saved == []
    assert await read(store) is None
    await eventually(lambda: faulty.saved == ["slow"])
    assert store.available
    assert log_lines == []


async def test_analysis_that_a_store_with_stuck_writes_has_not_taken_yet_is_not_missing(tmp_path: Path) -> None:
    goes_on = asyncio.Event()

    class Stuck(SqliteStore):
        async def save_analyses(self, writes: Sequence[AnalysisWrite]) -> None:
            await goes_on.wait()
            await super().save_analyses(writes)

    pace = replace(PACE, call_seconds=float(PATIENCE_SECONDS), flush_seconds=0.05)
    store = ResilientStore(Stuck(tmp_path / "store.db"), timeout_ms=TIMEOUT_MS, pace=pace)
    await store.open()
    assert await store.archived_analysis("a") is None
    await save(store, "a")
    with pytest.raises(StorageUnavailable, match="has not taken yet"):
        await store.archived_analysis("a")
    goes_on.set()
    await eventually(lambda: store.state.waiting == 0)
    assert await store.archived_analysis("a") == make_analysis(analysis_id="a")
    await store.close()


async def test_while_a_read_is_late_others_do_not_wait_too(store: ResilientStore, faulty: FaultyStore) -> None:
    limits = {Timeframe.H1: 10}
    faulty.delay_seconds = 0.3
    await read(store)
    reads_before = faulty.calls.count("latest_candles")
    assert await store.latest_candles_by_timeframe("BTCUSDT", limits) == {Timeframe.H1: []}
    assert faulty.calls.count("latest_candles") == reads_before
    faulty.delay_seconds = 0
    await eventually(lambda: not store._calls.late)
    await store.latest_candles_by_timeframe("BTCUSDT", limits)
    assert faulty.calls.count("latest_candles") == reads_before + 1


async def test_stored_candles_are_waited_for_longer_than_what_an_answer_can_do_without(faulty: FaultyStore) -> None:
    store = ResilientStore(faulty, timeout_ms=TIMEOUT_MS, pace=replace(PACE, candle_seconds=PATIENCE_SECONDS))
    await store.open()
    await save(store, "a", candles={Timeframe.H1: [make_candle(0, 100.0)]})
    await eventually(lambda: faulty.saved == ["a"])
    faulty.delay_seconds = 4 * TIMEOUT_MS / 1000
    assert await store.latest_candles_by_timeframe("BTCUSDT", {Timeframe.H1: 10}) == {Timeframe.H1: []}
    assert store._calls.late
    assert await read(store) == [100.0]
    await store.close()


async def test_busy_event_loop_neither_breaks_the_store_nor_loses_a_write(
    store: ResilientStore, faulty: FaultyStore, log_lines: list[str]
) -> None:
    faulty.delay_seconds = 0.001

    async def block() -> None:
        time.sleep(3 * TIMEOUT_MS / 1000)  # noqa: ASYNC251 - this is the fault

    await asyncio.gather(save(store, "a"), block(), save(store, "b"), read(store), block())
    await eventually(lambda: sorted(faulty.saved) == ["a", "b"])
    assert store.available
    assert log_lines == []


async def test_late_write_that_fails_is_saved_on_healing(store: ResilientStore, faulty: FaultyStore) -> None:
    faulty.delay_seconds = 0.1
    await save(store, "late")
    faulty.failing = True
    await eventually(lambda: not store.available)
    faulty.failing, faulty.delay_seconds = False, 0
    await eventually(lambda: faulty.saved == ["late"])
    await eventually(lambda: store.available)


async def test_write_that_hangs_is_cut_and_made_again(faulty: FaultyStore) -> None:
    store = ResilientStore(faulty, timeout_ms=TIMEOUT_MS, pace=replace(PACE, call_seconds=0.1))
    await store.open()
    faulty.delay_seconds = 3_600
    await save(store, "a")
    await eventually(lambda: not store.available)
    faulty.delay_seconds = 0
    await eventually(lambda: faulty.saved == ["a"])
    await store.close()


async def test_reader_sees_analyses_saved_before(store: ResilientStore, faulty: FaultyStore) -> None:
    faulty.delay_seconds = 0.1
    for number in range(3):
        await save(store, f"a-{number}")
    assert (await store.statistics()).archived_analyses == 3


async def test_statistics_of_a_store_that_hangs_raise(faulty: FaultyStore) -> None:
    store = ResilientStore(faulty, timeout_ms=TIMEOUT_MS, pace=replace(PACE, query_seconds=0.05))
    await store.open()
    faulty.delay_seconds = 0.5
    with pytest.raises(StorageUnavailable):
        await store.statistics()
    assert store.available
    await store.close()


async def test_bug_in_a_late_read_is_logged(store: ResilientStore, faulty: FaultyStore, log_lines: list[str]) -> None:
    faulty.delay_seconds, faulty.bug = 0.1, ZeroDivisionError("a bug")
    assert await read(store) is None
    await eventually(lambda: any(line.startswith("ERROR store call failed unexpectedly") for line in log_lines))


async def test_close_waits_for_writes_under_way(faulty: FaultyStore, log_lines: list[str]) -> None:
    store = ResilientStore(faulty, timeout_ms=TIMEOUT_MS, pace=Pace(retry_seconds=60))
    await store.open()
    faulty.delay_seconds = 0.1
    await save(store, "slow")
    await store.close()
    assert faulty.saved == ["slow"]
    assert faulty.closed
    assert not store.available
    assert log_lines == []


async def test_close_lets_a_group_under_way_end_instead_of_writing_it_again(faulty: FaultyStore) -> None:
    store = ResilientStore(faulty, timeout_ms=TIMEOUT_MS, pace=Pace(retry_seconds=60, close_seconds=20))
    await store.open()
    faulty.delay_seconds = 0.1
    await save(store, "under way")
    await eventually(lambda: "save_analyses" in faulty.calls)
    await save(store, "waiting")
    await store.close()
    assert faulty.saved == ["under way", "waiting"]
    assert faulty.groups == [1, 1]


async def test_close_logs_lost_writes(faulty: FaultyStore, log_lines: list[str]) -> None:
    store = ResilientStore(faulty, timeout_ms=TIMEOUT_MS, pace=Pace(retry_seconds=60))
    await store.open()
    faulty.delay_seconds = 3_600
    await save(store, "under way")
    async with asyncio.timeout(PATIENCE_SECONDS):
        await store.close()
    assert faulty.closed
    assert log_lines == [
        "WARNING writes could not be finished in time",
        "ERROR writes are lost with the shutdown",
    ]


async def test_no_task_is_left_behind(faulty: FaultyStore) -> None:
    before = asyncio.all_tasks()
    store = ResilientStore(faulty, timeout_ms=TIMEOUT_MS, pace=PACE)
    await store.open()
    faulty.delay_seconds = 60
    await asyncio.gather(*(save(store, f"a-{n}") for n in range(20)))
    await store.close()
    assert asyncio.all_tasks() == before
