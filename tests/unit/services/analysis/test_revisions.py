"""Closed candles that are posted again: what is a revision, what is refused, and what is remembered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from domain.errors import CandlesRevised
from domain.market import Candle, CandleSeries, Timeframe
from services.analysis.revisions import MAX_CANDLES, Revisions
from services.replicas.hints import Hints
from storage.sqlite.store import SqliteStore
from tests.fixtures.llm_clients import sample
from tests.fixtures.stores import FaultyStore, save_candles

pytest_plugins = ["tests.fixtures.logs"]

H1 = Timeframe.H1
FIRST_MS = 1_700_006_400_000
COUNT = 100
NOW_MS = FIRST_MS + COUNT * H1.ms + 1
SYMBOL = "BTCUSDT"


def candles(count: int = COUNT, first: int = 0) -> list[Candle]:
    return [Candle(FIRST_MS + n * H1.ms, 100.0, 101.0, 99.0, 100.0 + n / 1000, 5.0) for n in range(first, count)]


def changed(at: int, **prices: Any) -> list[Candle]:
    """Return the candles, one of them with other prices."""
    sent = candles()
    sent[at] = sent[at]._replace(**prices)
    return sent


async def post(
    revisions: Revisions, sent: Sequence[Candle], timeframe: Timeframe = H1, symbol: str = SYMBOL
) -> dict[Timeframe, CandleSeries]:
    return await revisions.accept(symbol, {timeframe: CandleSeries(timeframe, sent)}, NOW_MS)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "store.db")
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def revisions(store: SqliteStore) -> Revisions:
    return Revisions(store, 1.2, Hints())


async def test_candles_between_those_posted_before_or_off_the_minute_are_left_out(
    revisions: Revisions, store: SqliteStore
) -> None:
    await save_candles(store, candles(50))
    for distance_ms in (H1.ms // 2, 12_345):
        shifted = [candle._replace(timestamp=candle.timestamp + distance_ms) for candle in candles(90)]
        assert await post(revisions, shifted) == {}
    assert set(await post(revisions, candles(90, first=40))) == {H1}


async def test_candles_that_go_on_and_repeat_are_no_revision(revisions: Revisions) -> None:
    before = sample("candle_revisions_total", outcome="accepted")
    await post(revisions, candles(90))
    await post(revisions, candles(COUNT, first=5))
    await post(revisions, candles())
    assert sample("candle_revisions_total", outcome="accepted") == before


async def test_a_small_change_is_a_revision_that_is_counted_logged_and_remembered(
    revisions: Revisions, log_facts: list[str]
) -> None:
    before = sample("candle_revisions_total", outcome="accepted")
    await post(revisions, candles())
    await post(revisions, changed(50, high=119.0, close=118.0))
    assert sample("candle_revisions_total", outcome="accepted") == before + 1
    facts = {"symbol": SYMBOL, "timeframe": "1h", "candles": 1, "factor": round(118 / 100.05, 6)}
    assert [line.strip() for line in log_facts] == [f"INFO revision of closed candles accepted {facts}"]
    await post(revisions, changed(50, high=140.0, close=140.0))  # of what was posted last


@pytest.mark.parametrize(
    ("prices", "name", "before", "after"),
    [
        ({"close": 121.0, "high": 121.0}, "close", "100.05", "121"),
        ({"low": 82.4}, "low", "99", "82.4"),
        ({"high": 1e9}, "high", "101", "1000000000"),
        ({"open": 83.0, "low": 83.0}, "open", "100", "83"),
    ],
)
async def test_a_price_beyond_the_factor_is_refused_and_the_message_has_all_of_it(
    revisions: Revisions, prices: dict[str, float], name: str, before: str, after: str
) -> None:
    refused = sample("candle_revisions_total", outcome="refused")
    await post(revisions, candles())
    with pytest.raises(CandlesRevised) as caught:
        await post(revisions, changed(50, **prices))
    message = caught.value.message
    assert message.startswith(f"BTCUSDT 1h candle of 2023-11-17T02:00:00Z ({FIRST_MS + 50 * H1.ms}) has {name} {after}")
    assert f"posted before with {before}: " in message
    assert "a factor of at most 1.2 (analysis.max_revision_factor)" in message
    assert message.endswith("DELETE /ai/storage/candles/BTCUSDT?timeframe=1h")
    assert sample("candle_revisions_total", outcome="refused") == refused + 1
    await post(revisions, candles())


async def test_a_refusal_is_told_to_the_caller_and_not_to_the_log(revisions: Revisions, log_facts: list[str]) -> None:
    await post(revisions, candles())
    with pytest.raises(CandlesRevised):
        await post(revisions, changed(50, close=121.0, high=121.0))
    assert log_facts == []


async def test_the_factor_itself_is_still_a_revision(revisions: Revisions) -> None:
    await post(revisions, changed(50, close=100.0))
    await post(revisions, changed(50, close=120.0, high=120.0))


async def test_another_volume_is_no_revision(revisions: Revisions) -> None:
    await post(revisions, candles())
    await post(revisions, changed(50, volume=1e9))


async def test_a_new_series_is_compared_with_stored_candles(store: SqliteStore) -> None:
    await save_candles(store, candles())
    with pytest.raises(CandlesRevised):
        await post(Revisions(store, 1.2, Hints()), changed(99, close=150.0, high=150.0))
    await post(Revisions(store, 1.2, Hints()), candles())


async def test_older_candles_than_those_known_are_read_from_the_store(store: SqliteStore) -> None:
    await save_candles(store, candles())
    revisions = Revisions(store, 1.2, Hints())
    await post(revisions, candles(COUNT, first=60))
    with pytest.raises(CandlesRevised):
        await post(revisions, changed(10, low=50.0))


async def test_one_refused_timeframe_refuses_all_of_the_request(revisions: Revisions) -> None:
    await post(revisions, candles())
    half = [candle._replace(timestamp=FIRST_MS + n * Timeframe.M30.ms) for n, candle in enumerate(candles())]
    both = {
        Timeframe.M30: CandleSeries(Timeframe.M30, half),
        H1: CandleSeries(H1, changed(3, low=10.0)),
    }
    with pytest.raises(CandlesRevised):
        await revisions.accept(SYMBOL, both, NOW_MS)
    half[0] = half[0]._replace(low=10.0)
    await post(revisions, half, Timeframe.M30)  # nothing of the refused ones is known


async def test_one_of_two_contradicting_posts_at_the_same_moment_is_refused(revisions: Revisions) -> None:
    both = (post(revisions, candles()), post(revisions, changed(50, low=10.0)))
    outcomes = await asyncio.gather(*both, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [dict, CandlesRevised]


async def test_a_store_that_is_down_means_no_check() -> None:
    faulty = FaultyStore()
    faulty.failing = True
    await post(Revisions(faulty, 1.2, Hints()), candles())


async def test_symbols_and_timeframes_are_held_apart_and_forgotten_apart(revisions: Revisions) -> None:
    half = [candle._replace(timestamp=FIRST_MS + n * Timeframe.M30.ms) for n, candle in enumerate(candles())]
    await post(revisions, candles())
    await post(revisions, half, Timeframe.M30)
    await post(revisions, changed(50, low=10.0), symbol="ETHUSDT")
    await revisions.forget(SYMBOL, Timeframe.M30)
    with pytest.raises(CandlesRevised):
        await post(revisions, changed(50, low=10.0))
    await revisions.forget(SYMBOL, None)
    await post(revisions, changed(50, low=10.0))


async def test_the_memory_is_bounded_and_forgets_the_series_posted_longest_ago() -> None:
    store = FaultyStore()
    revisions = Revisions(store, 1.2, Hints())
    many = candles(5000)
    symbols = [f"S{number:03d}" for number in range(MAX_CANDLES // len(many) + 1)]
    for symbol in symbols:
        await post(revisions, many, symbol=symbol)
    asked = len(store.calls)
    await post(revisions, many, symbol=symbols[-1])
    assert len(store.calls) == asked
    await post(revisions, many, symbol=symbols[0])
    assert len(store.calls) == asked + 1


@pytest.mark.parametrize("timeframe", [H1, None])
async def test_candles_that_another_replica_has_forgotten_are_forgotten_here(
    store: SqliteStore, timeframe: Timeframe | None
) -> None:
    here, there = Hints(), Hints()
    there.send_by(here.take)
    revisions, of_another = Revisions(store, 1.2, here), Revisions(store, 1.2, there)
    await post(revisions, candles())
    with pytest.raises(CandlesRevised):
        await post(revisions, changed(50, close=150.0, high=150.0))
    await of_another.forget(SYMBOL, timeframe)
    await post(revisions, changed(50, close=150.0, high=150.0))
