"""Candles by the library ccxt over real HTTP, against a server that speaks the API of one of its exchanges.

The library is in a folder apart from the other packages, since it pins some that we need newer.
"""

from __future__ import annotations

import math
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from domain.analysis import DataSource
from domain.errors import MarketDataUnavailable
from domain.market import Timeframe
from services.market_data.fetching import REST_SECONDS, SourceFailed
from services.market_data.sources.ccxt_exchange import CcxtSource
from tests.fixtures.http_stand_in import Answer, Request, StandIn, kline
from tests.fixtures.markets import history

pytest_plugins = ["tests.fixtures.remote_server"]

LIBRARY = Path(sys.prefix) / "ccxt"
UNREACHED = "cannot be reached or wants to be left alone"
MARKETS = {
    "symbols": [
        {
            "symbol": "BTCUSDT",
            "status": "TRADING",
            "baseAsset": "BTC",
            "quoteAsset": "USDT",
            "isSpotTradingAllowed": True,
            "filters": [],
            "permissions": ["SPOT"],
        }
    ]
}


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the library's folder by a name of packages.

    By any other, Hypothesis takes its modules for ours and parses them for values to try, which takes twelve seconds.
    """
    folder = tmp_path_factory.mktemp("ccxt") / "site-packages"
    folder.symlink_to(LIBRARY)
    return folder


@pytest.fixture
async def source(server: StandIn, packages: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[CcxtSource]:
    # Last, so that nothing of ours is replaced.
    monkeypatch.setattr(sys, "path", [*sys.path, str(packages)])
    source = CcxtSource("binance", 10.0)
    exchange = source._exchange
    exchange.urls["api"] = dict.fromkeys(exchange.urls["api"], f"{server.url}/api/v3")
    exchange.options["fetchMarkets"] = {"types": ["spot"]}
    exchange.has["fetchCurrencies"] = False
    yield source
    await source.close()


def answering(klines: Answer) -> Callable[[Request], Answer]:
    """Return an exchange's answers about its markets and candles."""

    def answer(request: Request) -> Answer:
        return Answer.of(MARKETS) if request.path.endswith("exchangeInfo") else klines

    return answer


async def test_candles_are_those_of_the_exchange(server: StandIn, source: CcxtSource) -> None:
    candles = history(Timeframe.H1)
    server.answer = answering(Answer.of([kline(candle, Timeframe.H1) for candle in candles]))
    series = await source.candles("BTCUSDT", Timeframe.H1, 50)
    assert [candle.timestamp for candle in series.candles] == [candle.timestamp for candle in candles[-50:]]
    assert [candle.close for candle in series.candles] == pytest.approx([candle.close for candle in candles[-50:]])
    assert source.name is DataSource.CCXT
    asked = server.requests[-1]
    assert (asked.query["symbol"], asked.query["interval"], asked.query["limit"]) == ("BTCUSDT", "1h", "50")


async def test_a_row_without_prices_or_volume_costs_no_other_row(server: StandIn, source: CcxtSource) -> None:
    candles = history(Timeframe.H1, 50)
    rows = [kline(candle, Timeframe.H1) for candle in candles]
    rows[20][1] = None
    rows[30][5] = None
    server.answer = answering(Answer.of(rows))
    series = await source.candles("BTCUSDT", Timeframe.H1, 50)
    expected = [candle.timestamp for candle in candles if candle is not candles[20]]
    assert [candle.timestamp for candle in series.candles] == expected
    assert math.isnan(series.candles[29].volume)


@pytest.mark.parametrize(
    ("answer", "message", "rest_seconds"),
    [
        (Answer(b"{}", 429, {"retry-after": "40"}), UNREACHED, REST_SECONDS),
        (Answer(b"oops", 500), UNREACHED, REST_SECONDS),
        (Answer(b"<html>", headers={"content-type": "text/html"}), "answered nonsense", 0),
        (Answer(b'[["a"]]', headers={"content-type": "application/json"}), "answered nonsense", 0),
        (Answer(b"null", headers={"content-type": "application/json"}), "answered nonsense", 0),
    ],
    ids=["rate limit", "server error", "html", "no candles", "nothing"],
)
async def test_what_goes_wrong_is_a_failure_of_the_source(
    answer: Answer, message: str, rest_seconds: float, server: StandIn, source: CcxtSource
) -> None:
    server.answer = answering(answer)
    with pytest.raises(SourceFailed) as caught:
        await source.candles("BTCUSDT", Timeframe.H1, 50)
    # The addresses of our sources are not revealed.
    assert "127.0.0.1" not in caught.value.message
    assert caught.value.message.startswith(message)
    assert caught.value.rest_seconds == rest_seconds


async def test_an_exchange_that_hangs_brings_a_rest(server: StandIn, source: CcxtSource) -> None:
    server.always(Answer(hang=True))
    source._exchange.timeout = 200
    with pytest.raises(SourceFailed, match=UNREACHED) as caught:
        await source.candles("BTCUSDT", Timeframe.H1, 50)
    assert caught.value.rest_seconds == REST_SECONDS


async def test_a_market_that_the_exchange_lacks_is_named(server: StandIn, source: CcxtSource) -> None:
    server.answer = answering(Answer.of([]))
    with pytest.raises(MarketDataUnavailable, match="has no 1h candles of XXX/USDT"):
        await source.candles("XXXUSDT", Timeframe.H1, 50)
