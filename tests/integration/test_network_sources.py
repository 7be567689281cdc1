"""The network sources over real HTTP, against a server that speaks their API."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from domain.analysis import DataSource
from domain.errors import MarketDataUnavailable
from domain.market import Candle, Timeframe
from services.market_data.fetching import SourceFailed
from services.market_data.market_data import MarketData
from services.market_data.source import MarketDataSource
from services.market_data.sources.binance import BinanceSource
from services.market_data.sources.engine import EngineSource
from tests.fixtures.candle_apis import BINANCE, ENGINE, SYMBOL, Api, both, http_client, read
from tests.fixtures.clocks import SettableClock
from tests.fixtures.http_stand_in import Answer, Request, StandIn
from tests.fixtures.markets import TIMEFRAMES, history, market_settings

pytest_plugins = ["tests.fixtures.remote_server"]


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    async with http_client() as client:
        yield client


def approximately(candles: list[Candle]) -> list[Any]:
    # Binance writes eight decimals.
    return [pytest.approx(tuple(candle), rel=1e-6) for candle in candles]


def test_sources_have_their_names() -> None:
    client = http_client()
    assert EngineSource(client, "http://x").name is DataSource.ENGINE
    assert BinanceSource(client, "http://x").name is DataSource.BINANCE


async def test_the_engine_is_asked_by_its_path(server: StandIn, client: httpx2.AsyncClient) -> None:
    server.always(ENGINE.answer(ENGINE.rows()))
    assert await read(ENGINE, client, f"{server.url}/") == history(Timeframe.H1)
    assert server.requests == [Request("/api/market/candles/BTCUSDT/1h", {"limit": "100"})]


async def test_binance_is_asked_for_at_most_1000_klines(server: StandIn, client: httpx2.AsyncClient) -> None:
    server.always(BINANCE.answer(BINANCE.rows()))
    assert await read(BINANCE, client, server.url, limit=5000) == approximately(history(Timeframe.H1))
    query = {"symbol": SYMBOL, "interval": "1h", "limit": "1000"}
    assert server.requests == [Request("/api/v3/klines", query)]


@both
async def test_more_candles_than_asked_for_are_cut_to_the_newest(
    api: Api, server: StandIn, client: httpx2.AsyncClient
) -> None:
    server.always(api.answer(api.rows(count=100)))
    assert await read(api, client, server.url, limit=7) == approximately(history(Timeframe.H1)[-7:])


@both
async def test_unsorted_candles_are_sorted_and_of_duplicates_the_newest_wins(
    api: Api, server: StandIn, client: httpx2.AsyncClient
) -> None:
    candles = history(Timeframe.H1)
    outdated = candles[50]._replace(volume=candles[50].volume / 2)
    rows = [api.write(candle, Timeframe.H1) for candle in [outdated, *reversed(candles), *candles[20:30]]]
    server.always(api.answer(rows))
    assert await read(api, client, server.url) == approximately(candles)


@both
async def test_microseconds_are_recognized(api: Api, server: StandIn, client: httpx2.AsyncClient) -> None:
    rows = api.rows()
    for row in rows:
        row[api.keys["open_time"]] *= 1000
    server.always(api.answer(rows))
    assert await read(api, client, server.url) == approximately(history(Timeframe.H1))


@both
async def test_a_row_without_prices_volume_or_the_last_digit_costs_no_other_row(
    api: Api, server: StandIn, client: httpx2.AsyncClient
) -> None:
    rows, keys = api.rows(), api.keys
    rows[20][keys["close"]] = None
    rows[30][keys["volume"]] = None
    rows[31][keys["volume"]] = -1.0
    for name in ("open", "high", "low", "close"):
        rows[40][keys[name]] = 100.5
    rows[40][keys["high"]] = math.nextafter(100.5, 0)
    server.always(api.answer(rows))
    found = await read(api, client, server.url)
    whole = history(Timeframe.H1, 100)
    assert [candle.timestamp for candle in found] == [candle.timestamp for candle in whole[:20] + whole[21:]]
    assert [math.isnan(candle.volume) for candle in found[28:32]] == [False, True, True, False]
    assert found[39][1:5] == (100.5,) * 4


@both
async def test_no_candles_are_no_failure(api: Api, server: StandIn, client: httpx2.AsyncClient) -> None:
    server.always(api.answer([]))
    assert await read(api, client, server.url) == []


async def test_binance_knows_no_such_symbol(server: StandIn, client: httpx2.AsyncClient) -> None:
    server.always(Answer.of({"code": -1121, "msg": "Invalid symbol."}, 400))
    with pytest.raises(MarketDataUnavailable, match=r"^knows no symbol BTCUSDT$") as caught:
        await read(BINANCE, client, server.url)
    assert not isinstance(caught.value, SourceFailed)


async def test_binance_refuses_for_another_reason(server: StandIn, client: httpx2.AsyncClient) -> None:
    server.always(Answer.of({"code": -1120, "msg": "Invalid interval."}, 400))
    with pytest.raises(MarketDataUnavailable, match="refused to give 1h candles of BTCUSDT: code -1120"):
        await read(BINANCE, client, server.url)


@pytest.mark.parametrize(
    "answer",
    [
        Answer.of({"success": False, "error": "internals"}),
        Answer.of({"success": False, "data": None}),
        Answer.of({"success": False, "data": ENGINE.rows()}),
        Answer.of({"error": "internals"}, 404),
        Answer.of({"error": "internals"}, 400),
    ],
)
async def test_the_engine_does_not_follow_the_market(
    answer: Answer, server: StandIn, client: httpx2.AsyncClient
) -> None:
    server.always(answer)
    with pytest.raises(MarketDataUnavailable, match="has no 1h candles of BTCUSDT") as caught:
        await read(ENGINE, client, server.url)
    assert not isinstance(caught.value, SourceFailed)
    assert "internals" not in caught.value.message


def klines_of(request: Request) -> Answer:
    timeframe = Timeframe(request.query["interval"])
    return BINANCE.answer(BINANCE.rows(timeframe, int(request.query["limit"])))


async def test_the_chain_reads_a_market_over_http(server: StandIn, client: httpx2.AsyncClient) -> None:
    clock = SettableClock()
    server.answer = klines_of
    market_data = MarketData(
        [BinanceSource(client, server.url)], market_settings(), 60, (SYMBOL,), clock, clock.monotonic
    )
    snapshot = await market_data.snapshot(SYMBOL)
    assert snapshot.source_data is DataSource.BINANCE
    assert [len(snapshot.series[timeframe]) for timeframe in TIMEFRAMES] == [100, 100, 100]
    assert snapshot.price == pytest.approx(history(Timeframe.M15)[-1].close)


async def test_binance_is_left_alone_until_its_retry_after_ends(server: StandIn, client: httpx2.AsyncClient) -> None:
    clock = SettableClock()
    server.always(Answer(b"{}", 429, {"retry-after": "40"}))
    market_data = MarketData(
        [BinanceSource(client, server.url)], market_settings(), 60, (SYMBOL,), clock, clock.monotonic
    )
    with pytest.raises(MarketDataUnavailable, match="binance: answered with status 429"):
        await market_data.snapshot(SYMBOL)
    asked = len(server.requests)
    clock.advance(39)
    with pytest.raises(MarketDataUnavailable, match="binance: rests for 1 s more: it answered with status 429"):
        await market_data.snapshot("ETHUSDT")
    assert len(server.requests) == asked
    clock.advance(2)
    server.answer = klines_of
    assert (await market_data.snapshot(SYMBOL)).source_data is DataSource.BINANCE


async def test_binance_is_left_alone_before_its_weight_is_used_up(server: StandIn, client: httpx2.AsyncClient) -> None:
    clock = SettableClock()  # 31 s into its minute
    source = BinanceSource(client, server.url, clock)
    answer = BINANCE.answer(BINANCE.rows())
    server.always(replace(answer, headers={"x-mbx-used-weight-1m": "4799"}))
    await source.candles(SYMBOL, Timeframe.H1, 10)
    server.always(replace(answer, headers={"x-mbx-used-weight-1m": "4800"}))
    await source.candles(SYMBOL, Timeframe.H1, 10)
    asked = len(server.requests)
    clock.advance(9)
    with pytest.raises(SourceFailed, match="has little of its 6000 weight a minute left") as caught:
        await source.candles(SYMBOL, Timeframe.H1, 10)
    assert caught.value.rest_seconds == pytest.approx(20)
    assert len(server.requests) == asked
    clock.advance(20)
    await source.candles(SYMBOL, Timeframe.H1, 10)


async def test_a_clock_that_is_set_back_does_not_keep_binance_at_rest(
    server: StandIn, client: httpx2.AsyncClient
) -> None:
    clock = SettableClock()
    clock.advance(3600)
    source = BinanceSource(client, server.url, clock)
    server.always(replace(BINANCE.answer(BINANCE.rows()), headers={"x-mbx-used-weight-1m": "4800"}))
    await source.candles(SYMBOL, Timeframe.H1, 10)
    with pytest.raises(SourceFailed):
        await source.candles(SYMBOL, Timeframe.H1, 10)
    clock.advance(-3600)
    await source.candles(SYMBOL, Timeframe.H1, 10)


async def test_a_hanging_engine_costs_a_cycle_one_time_limit(server: StandIn, client: httpx2.AsyncClient) -> None:
    clock = SettableClock()
    hang = Answer(hang=True)
    server.answer = lambda request: hang if request.path.startswith("/api/market") else klines_of(request)
    sources: list[MarketDataSource] = [EngineSource(client, server.url), BinanceSource(client, server.url)]
    market_data = MarketData(sources, market_settings(timeout_seconds=0.5), 60, (SYMBOL,), clock, clock.monotonic)
    for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT", "ADAUSDT"):
        assert (await market_data.snapshot(symbol)).source_data is DataSource.BINANCE
    assert {request.path for request in server.requests if request.path.startswith("/api/market")} <= {
        f"/api/market/candles/BTCUSDT/{timeframe}" for timeframe in TIMEFRAMES
    }
    assert market_data.health() == {"engine": False, "binance": True}


def by_path(engine: Callable[[Timeframe], Answer]) -> Callable[[Request], Answer]:
    """Return the engine's answer for a timeframe, and Binance's klines for every other request."""

    def answer(request: Request) -> Answer:
        if request.path.startswith("/api/market"):
            return engine(Timeframe(request.path.rpartition("/")[2]))
        return klines_of(request)

    return answer


async def test_an_engine_that_stands_still_is_refused_with_the_age_of_its_candles(
    server: StandIn, client: httpx2.AsyncClient
) -> None:
    def stale(timeframe: Timeframe) -> Answer:
        candles = history(timeframe, closed_ago=10)
        return ENGINE.answer([ENGINE.write(candle, timeframe) for candle in candles])

    clock = SettableClock()
    server.answer = by_path(stale)
    settings = market_settings(max_age_candles=2)
    alone = MarketData([EngineSource(client, server.url)], settings, 60, (SYMBOL,), clock, clock.monotonic)
    with pytest.raises(MarketDataUnavailable, match=r"engine: is stale: its newest 15m candle closed 2.4 h ago"):
        await alone.snapshot(SYMBOL)
    assert alone.health() == {"engine": True}  # it answers: its market stands still
    sources: list[MarketDataSource] = [EngineSource(client, server.url), BinanceSource(client, server.url)]
    both_of_them = MarketData(sources, settings, 60, (SYMBOL,), clock, clock.monotonic)
    assert (await both_of_them.snapshot(SYMBOL)).source_data is DataSource.BINANCE


async def test_a_hole_of_the_engine_is_filled_with_binances_candles(
    server: StandIn, client: httpx2.AsyncClient
) -> None:
    def with_a_hole(timeframe: Timeframe) -> Answer:
        rows = ENGINE.rows(timeframe)
        return ENGINE.answer(rows[:50] + rows[53:] if timeframe is Timeframe.M15 else rows)

    clock = SettableClock()
    server.answer = by_path(with_a_hole)
    sources: list[MarketDataSource] = [EngineSource(client, server.url), BinanceSource(client, server.url)]
    market_data = MarketData(sources, market_settings(), 60, (SYMBOL,), clock, clock.monotonic)
    snapshot = await market_data.snapshot(SYMBOL)
    assert snapshot.source_data is DataSource.ENGINE
    assert [len(snapshot.series[timeframe]) for timeframe in TIMEFRAMES] == [100, 100, 100]
    assert snapshot.series[Timeframe.M15].missing == 0
    filled = [snapshot.series[Timeframe.M15].candles[at].close for at in range(50, 53)]
    assert filled == pytest.approx([candle.close for candle in history(Timeframe.M15)[50:53]], rel=1e-6)
    klines = [request for request in server.requests if request.path == "/api/v3/klines"]
    assert [request.query["interval"] for request in klines] == ["15m"]
