"""A store that is down or refuses a write delays no caller and loses nothing that it can keep."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from domain.errors import StorageUnavailable
from domain.market import Timeframe
from storage.ports import StoreState
from storage.resilience.pace import Pace
from storage.resilience.spool import Spool
from storage.resilience.store import ResilientStore
from tests.fixtures.analyses import LATER, NOON, make_candle
from tests.fixtures.patience import PATIENCE_SECONDS, eventually
from tests.fixtures.stores import PACE, TIMEOUT_MS, FaultyStore, read, save

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
    assert await read(store) is None
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
    await eventually(lambda: not store.available)
    calls = len(faulty.calls)
    await eventually(lambda: len(faulty.calls) > calls + 2)  # checked in vain a few times
    assert log_lines == [DOWN]
    faulty.failing = False
    await eventually(lambda: store.available)
    assert log_lines == [DOWN, BACK]


async def test_failure_of_an_idle_store_is_noticed(store: ResilientStore, faulty: FaultyStore) -> None:
    faulty.failing = True
    await eventually(lambda: not store.available)


async def test_writes_that_failed_or_came_while_down_are_saved_in_order_on_healing(
    store: ResilientStore, faulty: FaultyStore
) -> None:
    faulty.failing = True
    await save(store, "failed", candles={Timeframe.H1: [make_candle(0, 10.0)]})
    await save(store, "while down", candles={Timeframe.H1: [make_candle(0, 11.0)]})
    await eventually(lambda: not store.available)
    faulty.failing = False
    await eventually(lambda: faulty.saved == ["failed", "while down"])
    assert [candle.close for candle in faulty.candles] == [10.0, 11.0]


async def test_cache_only_analyses_are_not_saved_after_an_outage_except_the_one_that_proves_the_store(
    store: ResilientStore, faulty: FaultyStore
) -> None:
    faulty.failing = True
    for name in ("a", "b"):
        await save(store, name, archive=False)
    await eventually(lambda: not store.available)
    await save(store, "while down", archive=False)
    faulty.failing = False
    await eventually(lambda: store.available)
    assert faulty.saved == ["b"]
    assert store.state.waiting == 0


async def test_store_counts_as_back_when_it_takes_a_write_not_when_it_is_read(
    store: ResilientStore, faulty: FaultyStore, log_lines: list[str]
) -> None:
    faulty.readonly = True
    await save(store, "a")
    await eventually(lambda: not store.available)
    calls = len(faulty.calls)
    await eventually(lambda: len(faulty.calls) > calls + 4)  # it opens each time
    assert log_lines == [DOWN]
    assert store.state == StoreState(available=False, waiting=1, spooled=0, dropped=0, reason="faulty is read-only")
    faulty.readonly = False
    await eventually(lambda: faulty.saved == ["a"])
    assert log_lines == [DOWN, BACK]
    assert store.state == StoreState(available=True, waiting=0, spooled=0, dropped=0, reason=None)


async def test_store_that_is_down_at_the_start_heals_and_gets_its_writes(log_lines: list[str]) -> None:
    faulty = FaultyStore()
    faulty.failing = True
    store = ResilientStore(faulty, timeout_ms=TIMEOUT_MS, pace=PACE)
    await store.open()
    try:
        assert not store.available
        await save(store, "early")
        faulty.failing = False
        await eventually(lambda: faulty.saved == ["early"])
        assert log_lines == [DOWN, BACK]
    finally:
        await store.close()


async def test_refused_write_does_not_hold_up_others(
    store: ResilientStore, faulty: FaultyStore, log_lines: list[str]
) -> None:
    faulty.refused = "poison"
    for name in ["poison", "good", "better"]:
        await save(store, name)
    await eventually(lambda: faulty.saved == ["good", "better"])
    assert store.available
    assert store.state.dropped == 1
    assert [line for line in log_lines if line.startswith("ERROR")] == ["ERROR store refuses a write; it is given up"]


async def test_statistics_and_clearing_raise_while_the_store_is_down(
    store: ResilientStore, faulty: FaultyStore
) -> None:
    faulty.failing = True
    for _ in range(2):  # the first call finds the store failing, the second knows it
        with pytest.raises(StorageUnavailable):
            await store.statistics()
        with pytest.raises(StorageUnavailable):
            await store.clear_cache()
        with pytest.raises(StorageUnavailable):
            await store.ping()


async def test_cache_is_not_cleared_before_a_slow_write_that_would_bring_an_analysis_back(faulty: FaultyStore) -> None:
    store = ResilientStore(faulty, timeout_ms=TIMEOUT_MS, pace=replace(PACE, flush_seconds=0.01))
    await store.open()
    await store.flush()
    faulty.delay_seconds = 0.5
    await save(store, "slow")
    with pytest.raises(StorageUnavailable):
        await store.clear_cache()
    assert "clear_cache" not in faulty.calls
    faulty.delay_seconds = 0.0
    await eventually(lambda: faulty.saved == ["slow"])
    await store.flush()
    assert await store.clear_cache() == 1
    await store.close()


class GatedSpool(Spool):
    """A spool on a disk that is slow until the gate opens."""

    gate = threading.Event()
    reached = threading.Event()

    def append(self, texts: Sequence[str]) -> None:
        self.reached.set()
        assert self.gate.wait(60)
        super().append(texts)


@pytest.mark.parametrize("taken_back", ["clear_cache", "remove_candles"])
async def test_what_is_on_its_way_into_the_spool_does_not_come_back(
    faulty: FaultyStore, tmp_path: Path, taken_back: str
) -> None:
    GatedSpool.gate.clear()
    GatedSpool.reached.clear()
    spool = GatedSpool(tmp_path, "analyses", 10_000_000)
    store = ResilientStore(faulty, timeout_ms=TIMEOUT_MS, pace=replace(PACE, flush_seconds=60), spool=spool)
    await store.open()
    await store.flush()
    faulty.delay_seconds = 0.3  # longer than the store may take before a write goes to the spool too
    await save(store, "slow", candles={Timeframe.H1: [make_candle(0)]})
    await asyncio.to_thread(GatedSpool.reached.wait, 60)
    await eventually(lambda: faulty.saved == ["slow"] and store.state.waiting == 0)
    faulty.delay_seconds = 0.0
    call = store.clear_cache() if taken_back == "clear_cache" else store.remove_candles("BTCUSDT", None)
    taking = asyncio.create_task(call)
    for _ in range(50):
        await asyncio.sleep(0)
    assert taken_back not in faulty.calls
    GatedSpool.gate.set()
    await taking
    await store.close()
    assert faulty.calls.index(taken_back) > max(at for at, name in enumerate(faulty.calls) if name == "save_analyses")


async def test_bug_in_a_read_reaches_the_caller(store: ResilientStore, faulty: FaultyStore) -> None:
    await store.flush()
    faulty.bug = ZeroDivisionError("a bug")
    with pytest.raises(ZeroDivisionError):
        await read(store)


async def test_bug_in_a_write_is_logged_and_loses_nothing(
    store: ResilientStore, faulty: FaultyStore, log_lines: list[str]
) -> None:
    faulty.bug = ZeroDivisionError("a bug")
    await save(store, "a")
    await eventually(lambda: any("failed unexpectedly" in line for line in log_lines))
    faulty.bug = None
    await eventually(lambda: faulty.saved == ["a"])
    assert len([line for line in log_lines if "failed unexpectedly" in line]) == 1


async def test_saving_does_not_wait_for_the_store(store: ResilientStore, faulty: FaultyStore) -> None:
    faulty.delay_seconds = 3_600
    async with asyncio.timeout(PATIENCE_SECONDS):
        for number in range(100):
            await save(store, f"a-{number}")
    assert faulty.saved == []


async def test_writes_are_made_in_groups(store: ResilientStore, faulty: FaultyStore) -> None:
    for number in range(450):
        await save(store, f"a-{number}")
    await store.flush()
    assert faulty.saved == [f"a-{number}" for number in range(450)]
    assert faulty.calls.count("save_analyses") == 3


async def test_group_of_writes_is_bounded_by_its_candles(faulty: FaultyStore) -> None:
    store = ResilientStore(faulty, timeout_ms=TIMEOUT_MS, pace=replace(PACE, group_weight=100))
    await store.open()
    try:
        for number, candles in enumerate([40, 40, 40, 0, 250, 10, 90]):
            await save(store, f"a-{number}", candles={Timeframe.H1: [make_candle(hour) for hour in range(candles)]})
        await store.flush()
        assert faulty.groups == [2, 2, 1, 2]
        assert faulty.saved == [f"a-{number}" for number in range(7)]
    finally:
        await store.close()


async def test_group_from_the_spool_is_bounded_by_its_candles(faulty: FaultyStore, tmp_path: Path) -> None:
    spool = Spool(tmp_path, "analyses", 1_000_000)
    store = ResilientStore(faulty, timeout_ms=TIMEOUT_MS, pace=replace(PACE, group_weight=100), spool=spool)
    faulty.failing = True
    await store.open()
    try:
        for number in range(6):
            await save(store, f"a-{number}", candles={Timeframe.H1: [make_candle(hour) for hour in range(40)]})
        await eventually(lambda: store.state.spooled == 6)
        faulty.failing = False
        await eventually(lambda: store.state.waiting == 0)
        assert faulty.groups == [2, 2, 2]
    finally:
        await store.close()


async def test_candle_history_is_complete_or_an_error(store: ResilientStore, faulty: FaultyStore) -> None:
    await save(store, "a", candles={Timeframe.H1: [make_candle(0, 100.0)]})
    history = await store.candle_history("BTCUSDT", Timeframe.H1, 10)
    assert [candle.close for candle in history] == [100.0]
    assert await store.candle_symbols() == ["BTCUSDT"]
    faulty.failing = True
    with pytest.raises(StorageUnavailable):
        await store.candle_history("BTCUSDT", Timeframe.H1, 10)
    with pytest.raises(StorageUnavailable):
        await store.candle_symbols()
    with pytest.raises(StorageUnavailable):
        await store.latest_candles("BTCUSDT", Timeframe.H1, 10)


async def test_close_before_open_and_twice_is_safe(faulty: FaultyStore) -> None:
    store = ResilientStore(faulty, timeout_ms=TIMEOUT_MS, pace=Pace(retry_seconds=60))
    await store.close()
    await store.open()
    await store.open()
    await store.close()
    await store.close()
    with pytest.raises(StorageUnavailable):
        await store.statistics()
