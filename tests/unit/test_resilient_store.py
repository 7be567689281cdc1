"""A store that is down or refuses a write costs callers nothing and loses nothing."""

from __future__ import annotations

import asyncio

import pytest

from domain.errors import StorageUnavailable
from domain.market import Timeframe
from storage.resilient import ResilientStore
from tests.fixtures.analyses import LATER, NOON, make_candle
from tests.fixtures.stores import TIMEOUT_MS, FaultyStore, eventually, read, save

pytest_plugins = ["tests.fixtures.logs", "tests.fixtures.resilient"]

DOWN = "WARNING store is down; requests do without it"
BACK = "INFO store is back"


async def test_working_store_is_passed_through(store: ResilientStore, log_lines: list[str]) -> None:
    assert store.available
    assert store.kind == "faulty"
    await store.ping()
    await save(store, "a", candles={Timeframe.H1: [make_candle(0, 100.0)]})
    assert await read(store) == [100.0]
    assert (await store.statistics()).archived_analyses == 1
    assert await store.clear_cache() == 1
    assert log_lines == []


async def test_failing_store_gives_nothing_and_takes_writes(store: ResilientStore, faulty: FaultyStore) -> None:
    faulty.failing = True
    assert await read(store) == []
    await save(store, "a", candles={Timeframe.H1: [make_candle(0)]})
    assert await store.latest_analysis("key", NOON, LATER) is None
    assert not store.available


async def test_store_that_is_down_is_not_called_for_requests(store: ResilientStore, faulty: FaultyStore) -> None:
    faulty.failing = True
    await read(store)
    faulty.calls.clear()
    for number in range(20):
        assert await store.latest_analysis("key", NOON, LATER) is None
        await save(store, f"a-{number}")
    assert set(faulty.calls) <= {"open"}


async def test_break_and_healing_are_logged_once_each(
    store: ResilientStore, faulty: FaultyStore, log_lines: list[str]
) -> None:
    faulty.failing = True
    await asyncio.gather(*(read(store) for _ in range(50)), *(save(store, f"a-{n}") for n in range(50)))
    calls = len(faulty.calls)
    await eventually(lambda: len(faulty.calls) > calls + 2)  # checked in vain a few times
    assert log_lines == [DOWN]
    faulty.failing = False
    await eventually(lambda: store.available)
    assert log_lines == [DOWN, BACK]


async def test_store_that_breaks_while_nobody_asks_is_noticed(store: ResilientStore, faulty: FaultyStore) -> None:
    faulty.failing = True
    await eventually(lambda: not store.available)


async def test_writes_that_failed_or_came_while_down_are_saved_in_order_on_healing(
    store: ResilientStore, faulty: FaultyStore
) -> None:
    faulty.failing = True
    await save(store, "failed", candles={Timeframe.H1: [make_candle(0, 10.0)]})
    await save(store, "while down", candles={Timeframe.H1: [make_candle(0, 11.0)]})
    faulty.failing = False
    await eventually(lambda: store.available)
    assert faulty.saved == ["failed", "while down"]
    assert [candle.close for candle in faulty.candles] == [10.0, 11.0]


async def test_analyses_for_the_cache_alone_are_not_saved_later(store: ResilientStore, faulty: FaultyStore) -> None:
    faulty.failing = True
    await save(store, "failed", archive=False)
    await save(store, "while down", archive=False)
    faulty.failing = False
    await eventually(lambda: store.available)
    assert faulty.saved == []


async def test_store_that_is_down_at_the_start_heals_and_gets_its_writes(log_lines: list[str]) -> None:
    faulty = FaultyStore()
    faulty.failing = True
    store = ResilientStore(faulty, timeout_ms=TIMEOUT_MS, retry_seconds=0.02)
    await store.open()
    try:
        assert not store.available
        await save(store, "early")
        faulty.failing = False
        await eventually(lambda: store.available)
        assert faulty.saved == ["early"]
        assert log_lines == [DOWN, BACK]
    finally:
        await store.close()


async def test_write_that_the_store_refuses_holds_up_no_other(
    store: ResilientStore, faulty: FaultyStore, log_lines: list[str]
) -> None:
    faulty.refused = "poison"
    for name in ["poison", "good", "better"]:
        await save(store, name)
    await eventually(lambda: store.available and faulty.saved == ["good", "better"])
    assert [line for line in log_lines if line.startswith("ERROR")] == ["ERROR store refuses a write; it is given up"]


async def test_statistics_and_clearing_are_not_faked(store: ResilientStore, faulty: FaultyStore) -> None:
    faulty.failing = True
    for _ in range(2):  # the first call finds the store failing, the second knows it
        with pytest.raises(StorageUnavailable):
            await store.statistics()
        with pytest.raises(StorageUnavailable):
            await store.clear_cache()
        with pytest.raises(StorageUnavailable):
            await store.ping()


async def test_fault_of_ours_reaches_the_caller(store: ResilientStore, faulty: FaultyStore) -> None:
    faulty.bug = ZeroDivisionError("a bug")
    with pytest.raises(ZeroDivisionError):
        await read(store)
    with pytest.raises(ZeroDivisionError):
        await save(store, "a")


async def test_close_before_open_and_twice_is_safe(faulty: FaultyStore) -> None:
    store = ResilientStore(faulty, timeout_ms=TIMEOUT_MS, retry_seconds=60)
    await store.close()
    await store.open()
    await store.open()
    await store.close()
    await store.close()
    with pytest.raises(StorageUnavailable):
        await store.statistics()
