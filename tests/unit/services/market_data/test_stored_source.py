"""Candles that clients posted: read from a real store, back to the last long pause."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from domain.analysis import DataSource
from domain.continuity import MAX_HOLE_CANDLES
from domain.errors import StorageUnavailable
from domain.market import CandleSeries, Timeframe
from services.market_data.fetching import SourceFailed
from services.market_data.sources.stored import StoredSource
from storage.adapter_ports import Store
from storage.resilience.store import ResilientStore
from storage.sqlite.store import SqliteStore
from tests.fixtures.analyses import make_analysis
from tests.fixtures.markets import history
from tests.fixtures.patience import eventually
from tests.fixtures.stores import PACE, FaultyStore, save_candles

SYMBOL = "BTCUSDT"
CANDLES = history(Timeframe.H1, 100)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = SqliteStore(tmp_path / "store.db")
    await store.open()
    yield store
    await store.close()


async def test_it_gives_the_newest_candles_of_the_store(store: Store) -> None:
    await save_candles(store, CANDLES, SYMBOL)
    source = StoredSource(store)
    assert source.name is DataSource.STORED
    assert list((await source.candles(SYMBOL, Timeframe.H1, 30)).candles) == CANDLES[-30:]


async def test_a_timeframe_that_is_not_stored_is_made_of_whole_shorter_candles(store: Store) -> None:
    stored = {Timeframe.M15: history(Timeframe.M15, 400), Timeframe.H1: CANDLES}
    await store.save_analysis("key", make_analysis(symbol=SYMBOL), archive=False, candles=stored)
    series = await StoredSource(store).candles(SYMBOL, Timeframe.H4, 20)
    hours = CandleSeries(Timeframe.H1, CANDLES)
    assert list(series.candles) == list(hours.resample(Timeframe.H4).tail(20).candles)
    assert len(series) == 20
    assert len(await StoredSource(store).candles(SYMBOL, Timeframe.M5, 20)) == 0


async def test_having_none_is_no_failure(store: Store) -> None:
    assert len(await StoredSource(store).candles("ETHUSDT", Timeframe.H1, 30)) == 0


@pytest.mark.parametrize(("lost", "kept"), [(1, 99), (MAX_HOLE_CANDLES, 90), (MAX_HOLE_CANDLES + 1, 39)])
async def test_candles_before_a_long_hole_are_left_out(store: Store, lost: int, kept: int) -> None:
    await save_candles(store, CANDLES[: 61 - lost] + CANDLES[61:], SYMBOL)
    series = await StoredSource(store).candles(SYMBOL, Timeframe.H1, 100)
    assert list(series.candles)[-39:] == CANDLES[-39:]
    assert len(series) == kept


async def test_impossible_candles_are_a_failure(store: Store) -> None:
    await save_candles(store, [*CANDLES[:5], CANDLES[5]._replace(low=1e6)], SYMBOL)
    with pytest.raises(SourceFailed, match="nonsense"):
        await StoredSource(store).candles(SYMBOL, Timeframe.H1, 30)


async def test_a_store_that_is_closed_is_a_failure(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.db")
    with pytest.raises(SourceFailed, match="the sqlite store is not open") as caught:
        await StoredSource(store).candles(SYMBOL, Timeframe.H1, 30)
    assert isinstance(caught.value.__cause__, StorageUnavailable)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [({"delay_seconds": 0.2}, "no answer in time"), ({"failing": True}, "faulty at latest_candles")],
    ids=["late", "down"],
)
async def test_a_store_that_does_not_answer_in_time_is_no_market_without_candles(
    fault: dict[str, Any], reason: str
) -> None:
    faulty = FaultyStore()
    store = ResilientStore(faulty, timeout_ms=20, pace=replace(PACE, candle_seconds=0.02))
    await store.open()
    await eventually(lambda: store.available)
    for name, value in fault.items():
        setattr(faulty, name, value)
    with pytest.raises(SourceFailed, match=f"the faulty store is not available now: {reason}"):
        await StoredSource(store).candles(SYMBOL, Timeframe.H1, 30)
    await store.close()
