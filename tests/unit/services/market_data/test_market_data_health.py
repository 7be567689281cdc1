"""The chain of sources: rests of a source in trouble, its health, what is logged and counted."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import REGISTRY

from domain.analysis import DataSource
from domain.errors import MarketDataUnavailable
from domain.market import Candle, Timeframe
from domain.values import epoch_ms
from services.market_data.fetching import SourceFailed
from services.market_data.health import SourceHealth
from services.market_data.sources.synthetic import SyntheticSource
from tests.fixtures.clocks import NOW, SettableClock
from tests.fixtures.markets import TIMEFRAMES, history
from tests.fixtures.patience import PATIENCE_SECONDS
from tests.fixtures.sources import SYMBOL, FakeSource, chain, failing, refusal_of

pytest_plugins = ["tests.fixtures.logs"]


async def test_a_source_that_hangs_is_left_in_time_and_rests() -> None:
    clock = SettableClock()
    engine, binance = FakeSource(DataSource.ENGINE), FakeSource(DataSource.BINANCE)
    engine.hanging = {Timeframe.H4}
    market_data = chain(engine, binance, clock=clock, timeout_seconds=0.5)
    for _ in range(8):
        assert (await market_data.snapshot(SYMBOL)).source_data is DataSource.BINANCE
    assert len(engine.calls) == len(TIMEFRAMES)
    assert engine.at_once == 0
    binance.behavior = failing(MarketDataUnavailable("knows no symbol BTCUSDT"))
    assert "engine: rests for 30 s more: it did not answer in 0.5 s" in await refusal_of(market_data)
    engine.hanging = set()
    clock.advance(31)
    assert (await market_data.snapshot(SYMBOL)).source_data is DataSource.ENGINE


async def test_a_rest_that_a_source_asked_for_outlasts_an_answer_under_way() -> None:
    clock = SettableClock()
    binance = FakeSource(DataSource.BINANCE)
    binance.hanging = {Timeframe.H4}
    market_data = chain(binance, clock=clock)
    under_way = asyncio.create_task(market_data.snapshot("ETHUSDT"))
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(binance.calls) < len(TIMEFRAMES) or binance.at_once > 1:
            await asyncio.sleep(0)
    binance.hanging, binance.behavior = set(), failing(SourceFailed("answered with status 429", 90))
    assert "429" in await refusal_of(market_data)
    binance.release.set()
    binance.behavior = history
    assert (await under_way).source_data is DataSource.BINANCE
    calls = len(binance.calls)
    clock.advance(89)
    assert "rests for 1 s more" in await refusal_of(market_data)
    assert len(binance.calls) == calls
    clock.advance(2)
    assert (await market_data.snapshot(SYMBOL)).source_data is DataSource.BINANCE


async def test_a_later_shorter_rest_does_not_cut_a_longer_one(log_facts: list[str]) -> None:
    clock = SettableClock()
    health = SourceHealth(DataSource.BINANCE, clock.monotonic)
    for failure in (SourceFailed("answered with status 429", 90), SourceFailed("cannot be reached", 30)):
        health.failed(failure)
    clock.advance(60)
    assert health.resting() == "rests for 30 s more: it answered with status 429"
    clock.advance(30)
    assert health.resting() is None
    assert len(log_facts) == 1


async def test_of_several_failures_the_longest_rest_counts_and_the_other_requests_end() -> None:
    def behavior(timeframe: Timeframe) -> list[Candle]:
        raise MarketDataUnavailable("x") if timeframe is Timeframe.M15 else SourceFailed("429", 60)

    binance = FakeSource(DataSource.BINANCE, behavior)
    binance.hanging = {Timeframe.H4}
    market_data = chain(binance)
    assert "binance: 429" in await refusal_of(market_data)
    assert binance.at_once == 0
    assert "rests" in await refusal_of(market_data)


async def test_a_failure_without_a_rest_is_asked_again_at_once() -> None:
    engine = FakeSource(DataSource.ENGINE, failing(SourceFailed("answered with status 500")))
    market_data = chain(engine)
    await refusal_of(market_data)
    engine.behavior = history
    assert (await market_data.snapshot(SYMBOL)).source_data is DataSource.ENGINE


async def test_health_changes_are_logged_once_each_way(log_facts: list[str]) -> None:
    engine, binance = FakeSource(DataSource.ENGINE), FakeSource(DataSource.BINANCE)
    market_data = chain(engine, binance)
    assert market_data.health() == {"engine": None, "binance": None}
    for behavior in (failing(SourceFailed("answered with status 500")), history):
        engine.behavior = behavior
        for _ in range(3):
            await market_data.snapshot(SYMBOL)
        assert market_data.health()["engine"] is (behavior is history)
    assert [line.split(" {")[0] for line in log_facts] == [
        "WARNING market-data source failed",
        "INFO market-data source recovered",
    ]
    assert "answered with status 500" in log_facts[0]


async def test_a_source_that_lacks_a_market_works(log_facts: list[str]) -> None:
    sources = [
        FakeSource(DataSource.STORED, lambda timeframe: []),
        FakeSource(DataSource.ENGINE, lambda timeframe: history(timeframe, closed_ago=9)),
        FakeSource(DataSource.BINANCE, failing(MarketDataUnavailable("knows no symbol BTCUSDT"))),
    ]
    market_data = chain(*sources)
    await refusal_of(market_data)
    assert market_data.health() == {"stored": True, "engine": True, "binance": True}
    assert log_facts == []


async def test_synthetic_data_in_use_is_announced_once_with_the_reasons(log_facts: list[str]) -> None:
    clock = SettableClock()
    synthetic = SyntheticSource(1, (SYMBOL, "ETHUSDT"), clock)
    market_data = chain(FakeSource(DataSource.STORED, lambda timeframe: []), synthetic, clock=clock)
    for symbol in (SYMBOL, "ETHUSDT", SYMBOL):
        snapshot = await market_data.snapshot(symbol)
        assert snapshot.source_data is DataSource.SYNTHETIC
        assert snapshot.newest_candle_ms <= epoch_ms(NOW)
    assert len(log_facts) == 1
    assert log_facts[0].startswith("WARNING synthetic market data in use")
    assert "stored: has no 15m, 1h, 4h candles" in log_facts[0]


async def test_every_question_to_a_source_is_counted_by_its_outcome() -> None:
    def counted(source: str, outcome: str) -> float:
        labels = {"source": source, "outcome": outcome}
        return REGISTRY.get_sample_value("market_data_requests_total", labels) or 0.0

    asked = [("stored", "refused"), ("engine", "failed"), ("binance", "ok")]
    before = [counted(*labels) for labels in asked]
    engine = FakeSource(DataSource.ENGINE, failing(SourceFailed("cannot be reached", 30)))
    market_data = chain(FakeSource(DataSource.STORED, lambda t: []), engine, FakeSource(DataSource.BINANCE))
    for _ in range(2):
        await market_data.snapshot(SYMBOL)
    assert [counted(*labels) for labels in asked] == [before[0] + 2, before[1] + 1, before[2] + 2]


async def test_a_defect_in_a_source_is_not_taken_for_missing_data() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        await chain(FakeSource(DataSource.ENGINE, failing(ZeroDivisionError()))).snapshot(SYMBOL)
    assert caught.group_contains(ZeroDivisionError)
