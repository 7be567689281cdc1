"""Yahoo over real HTTP, against a server that speaks its chart API."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator

import pytest

from domain.analysis import DataSource
from domain.errors import MarketDataUnavailable
from domain.market import Candle, CandleSeries, Timeframe
from domain.values import epoch_ms
from services.market_data.fetching import REST_SECONDS, SourceFailed
from services.market_data.sources.yahoo import YahooSource
from tests.fixtures.candle_apis import http_client
from tests.fixtures.clocks import NOW, SettableClock
from tests.fixtures.http_stand_in import Answer, StandIn
from tests.fixtures.markets import history
from tests.fixtures.yahoo_charts import chart

pytest_plugins = ["tests.fixtures.remote_server"]

NOT_FOUND = {"code": "Not Found", "description": "No data found, symbol may be delisted"}
DAY = Timeframe.D1.ms


@pytest.fixture
async def yahoo(server: StandIn) -> AsyncIterator[YahooSource]:
    async with http_client() as client:
        yield YahooSource(client, f"{server.url}/", SettableClock())


async def read(yahoo: YahooSource, timeframe: Timeframe = Timeframe.H1, limit: int = 100) -> list[Candle]:
    series = await yahoo.candles("AAPL", timeframe, limit)
    return [Candle(c.timestamp, c.open, c.high, c.low, c.close, c.volume) for c in series.candles]


async def test_a_ticker_is_asked_by_its_path_for_long_enough(server: StandIn, yahoo: YahooSource) -> None:
    candles = history(Timeframe.H1)
    server.always(Answer.of(chart(candles)))
    assert await read(yahoo, limit=60) == candles[-60:]
    assert yahoo.name is DataSource.YAHOO
    (request,) = server.requests
    assert request.path == "/v8/finance/chart/AAPL"
    assert request.query["interval"] == "1h"
    assert int(request.query["period2"]) == epoch_ms(NOW) // 1000 + 1
    # 60 hours of trading are nine days and two weekends.
    assert int(request.query["period2"]) - int(request.query["period1"]) >= 13 * 86_400


@pytest.mark.parametrize(("symbol", "path"), [("BTCUSDT", "BTC-USD"), ("ETHUSDC", "ETH-USD"), ("MSFT", "MSFT")])
async def test_coins_have_yahoos_names(server: StandIn, yahoo: YahooSource, symbol: str, path: str) -> None:
    server.always(Answer.of(chart(history(Timeframe.H1))))
    await yahoo.candles(symbol, Timeframe.H1, 10)
    assert server.requests[0].path == f"/v8/finance/chart/{path}"


async def test_what_yahoo_lacks_is_made_from_shorter_candles(server: StandIn, yahoo: YahooSource) -> None:
    hours = history(Timeframe.H1, 120)
    server.always(Answer.of(chart(hours)))
    expected = CandleSeries(Timeframe.H1, hours).resample(Timeframe.H4)
    assert await read(yahoo, Timeframe.H4) == list(expected.candles)
    assert server.requests[0].query["interval"] == "1h"


async def test_it_is_not_asked_further_back_than_it_goes(server: StandIn, yahoo: YahooSource) -> None:
    server.always(Answer.of(chart(history(Timeframe.M15))))
    await read(yahoo, Timeframe.M15, limit=1000)
    query = server.requests[0].query
    assert int(query["period2"]) - int(query["period1"]) <= 60 * 86_400


async def test_rows_without_prices_are_left_out_and_an_unknown_volume_stays_unknown(
    server: StandIn, yahoo: YahooSource
) -> None:
    candles = history(Timeframe.H1, 10)
    holed = {name: [getattr(c, name) for c in candles] for name in ("open", "high", "low", "close", "volume")}
    for column in holed.values():
        column[4] = None
    holed["volume"][6] = None
    server.always(Answer.of(chart(candles, holed)))
    found = await read(yahoo)
    assert math.isnan(found[5].volume)
    del candles[4], found[5], candles[5]
    assert found == candles


async def test_the_newest_trade_belongs_to_the_candle_that_it_falls_in(server: StandIn, yahoo: YahooSource) -> None:
    *closed, forming = history(Timeframe.H1, 10)
    price = forming.high * 1.01
    trade = Candle(forming.timestamp + 1_234_000, price, price, price, price, math.nan)
    server.always(
        Answer.of(chart([*closed, forming, trade], {"volume": [*(c.volume for c in [*closed, forming]), None]}))
    )
    assert await read(yahoo) == [*closed, forming._replace(high=price, close=price)]
    late = trade._replace(timestamp=forming.timestamp + 5 * Timeframe.H1.ms + 7_000)
    server.always(Answer.of(chart([*closed, forming, late._replace(volume=0)])))
    assert await read(yahoo) == [*closed, forming]


async def test_days_open_at_midnight_whatever_the_summer_time(server: StandIn, yahoo: YahooSource) -> None:
    days = history(Timeframe.D1, 10)
    # New York opens at 13:30 UTC in summer and at 14:30 in winter, Sydney at 23:00 UTC of the day before.
    winter = [c._replace(timestamp=c.timestamp + (13 + (n > 5)) * 3_600_000 + 1_800_000) for n, c in enumerate(days)]
    server.always(Answer.of(chart(winter)))
    assert await read(yahoo, Timeframe.D1) == days
    sydney = [c._replace(timestamp=c.timestamp - 3_600_000) for c in days]
    server.always(Answer.of(chart(sydney, zone="Australia/Sydney")))
    assert await read(yahoo, Timeframe.D1) == days


@pytest.mark.parametrize("status", [200, 404])
async def test_yahoo_knows_no_such_ticker(server: StandIn, yahoo: YahooSource, status: int) -> None:
    server.always(Answer.of({"chart": {"result": None, "error": NOT_FOUND}}, status))
    with pytest.raises(MarketDataUnavailable, match="has no 1h candles of AAPL") as caught:
        await read(yahoo)
    assert not isinstance(caught.value, SourceFailed)


@pytest.mark.parametrize(
    ("answer", "words", "rest_seconds"),
    [
        (Answer(b"Edge: Too Many Requests", 429), "answered with status 429", 60),
        (Answer(b"<html>", 502), "answered with status 502", 0),
        (Answer(b"<html>"), "answered nonsense", 0),
        (Answer.of({"finance": {}}), "answered nonsense", 0),
        (
            Answer.of(chart(history(Timeframe.H1), {"volume": [1.0]})),
            "columns of different lengths|different lengths",
            0,
        ),
        (Answer.of(chart(history(Timeframe.H1), {"close": [0.0] * 100})), "answered nonsense", 0),
        (Answer.of(chart(history(Timeframe.H1), {"low": [1e6] * 100})), "answered nonsense", 0),
    ],
)
async def test_trouble_is_named(
    server: StandIn, yahoo: YahooSource, answer: Answer, words: str, rest_seconds: float
) -> None:
    server.always(answer)
    with pytest.raises(SourceFailed, match=words) as caught:
        await read(yahoo)
    assert caught.value.rest_seconds == rest_seconds


async def test_a_server_that_is_gone_rests(yahoo: YahooSource) -> None:
    async with http_client(0.3) as client:
        gone = YahooSource(client, "http://127.0.0.1:9", SettableClock())
        with pytest.raises(SourceFailed, match="cannot be reached") as caught:
            await gone.candles("AAPL", Timeframe.H1, 10)
    assert caught.value.rest_seconds == REST_SECONDS


async def test_unknown_clock_of_the_exchange_is_nonsense(server: StandIn, yahoo: YahooSource) -> None:
    server.always(Answer.of(chart(history(Timeframe.D1), zone="Mars/Olympus")))
    with pytest.raises(SourceFailed, match="no clock of 'Mars/Olympus' is known"):
        await read(yahoo, Timeframe.D1)


async def test_no_candles_yet_are_no_failure(server: StandIn, yahoo: YahooSource) -> None:
    empty = {"chart": {"result": [{"meta": {"gmtoffset": 0}, "indicators": {"quote": [{}]}}], "error": None}}
    server.always(Answer.of(empty))
    assert await read(yahoo) == []
