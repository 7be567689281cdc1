"""Which symbols sources can have, and what is answered about one that none has."""

from __future__ import annotations

from collections.abc import Collection

import httpx2
import pytest

from domain.analysis import DataSource
from domain.errors import MarketDataUnavailable, UnknownSymbol
from domain.market import Timeframe
from domain.naming.symbols import Symbol, SymbolKind
from services.market_data.fetching import SourceFailed
from services.market_data.sources.binance import BinanceSource, binance_symbol
from services.market_data.sources.ccxt_exchange import market
from services.market_data.sources.engine import EngineSource
from services.market_data.sources.synthetic import SyntheticSource
from services.market_data.sources.yahoo import YahooSource, ticker
from tests.fixtures.clocks import SettableClock
from tests.fixtures.sources import SYMBOL, FakeSource, chain, failing

KINDS = {
    "coin": "BTCUSDT",
    "perpetual": "BTCUSDT.P",
    "Yahoo's coin": "BTC-USD",
    "currency": "EURUSD",
    "share": "AAPL",
    "index": "^GSPC",
    "future": "ES=F",
    "unknown": "XYZ12345",
}


class Listing(FakeSource):
    """A source that lists its symbols, or fails to."""

    listed: Collection[str] | SourceFailed = ()

    async def symbols(self) -> Collection[str]:
        if isinstance(self.listed, SourceFailed):
            raise self.listed
        return self.listed


def unknowing(name: DataSource) -> Listing:
    return Listing(name, failing(UnknownSymbol("knows no such symbol")))


async def refused(*sources: FakeSource, symbol: str = "BTCUSTD") -> MarketDataUnavailable:
    with pytest.raises(MarketDataUnavailable) as caught:
        await chain(*sources).snapshot(symbol)
    return caught.value


async def test_a_symbol_is_unknown_when_every_source_says_so() -> None:
    stored = Listing(DataSource.STORED, lambda timeframe: [])
    stored.listed = ("BTCUSDC", "ETHUSDT")
    error = await refused(stored, unknowing(DataSource.BINANCE))
    assert isinstance(error, UnknownSymbol)
    assert error.message == (
        "no source knows BTCUSTD; near: BTCUSDT, BTCUSDC "
        "(stored: has no 15m, 1h, 4h candles; binance: knows no such symbol)"
    )


async def test_a_symbol_with_nothing_near_it_is_unknown_too() -> None:
    error = await refused(unknowing(DataSource.BINANCE), symbol="AAPL")
    assert (type(error), error.message) == (UnknownSymbol, "no source knows AAPL (binance: knows no such symbol)")


async def test_a_source_that_has_too_little_knows_the_symbol() -> None:
    stale = FakeSource(DataSource.BINANCE, failing(MarketDataUnavailable("is stale")))
    found = await refused(unknowing(DataSource.YAHOO), stale)
    assert not isinstance(found, UnknownSymbol)
    assert found.message.endswith("binance: is stale; near: BTCUSDT")


async def test_a_source_that_does_not_answer_knows_nothing() -> None:
    silent = FakeSource(DataSource.BINANCE, failing(SourceFailed("cannot be reached")))
    found = await refused(unknowing(DataSource.YAHOO), silent)
    assert isinstance(found, UnknownSymbol)
    assert found.message.startswith("no source that answers knows BTCUSTD; near: BTCUSDT (")
    # Where none answers, nothing is known of any symbol.
    assert not isinstance(await refused(silent), UnknownSymbol)


async def test_a_list_that_cannot_be_read_may_have_it() -> None:
    stored = Listing(DataSource.STORED, lambda timeframe: [])
    stored.listed = SourceFailed("the store does not answer")
    error = await refused(stored)
    assert not isinstance(error, UnknownSymbol)
    assert "stored: the store does not answer" in error.message


async def test_configured_and_listed_symbols_are_known_without_candles() -> None:
    binance = unknowing(DataSource.BINANCE)
    binance.listed = ("SOLUSDT",)
    for symbol in (SYMBOL, "SOLUSDT"):
        error = await refused(binance, symbol=symbol)
        assert type(error) is MarketDataUnavailable
        assert error.message == f"no market data for {symbol}: binance: knows no such symbol"


async def test_a_source_is_not_asked_for_what_it_cannot_have() -> None:
    binance, yahoo = FakeSource(DataSource.BINANCE), FakeSource(DataSource.YAHOO)
    binance.kinds = frozenset({SymbolKind.CRYPTO, None})
    market_data = chain(binance, yahoo)
    assert (await market_data.snapshot("AAPL")).source_data is DataSource.YAHOO
    assert binance.calls == []
    assert market_data.health() == {"binance": None, "yahoo": True}


async def test_a_training_learns_that_a_symbol_is_unknown() -> None:
    with pytest.raises(UnknownSymbol, match="no source knows BTCUSTD; near: BTCUSDT"):
        await chain(FakeSource(DataSource.STORED), unknowing(DataSource.BINANCE)).history(
            "BTCUSTD", Timeframe.H1, 8, 20_000
        )


def test_every_source_says_which_symbols_it_can_have() -> None:
    clock, client = SettableClock(), httpx2.AsyncClient()

    def had(source: BinanceSource | EngineSource | YahooSource | SyntheticSource) -> set[str]:
        return {name for name, symbol in KINDS.items() if source.lacks(Symbol.of(symbol)) is None}

    assert had(BinanceSource(client, "http://x")) == {"coin", "Yahoo's coin", "unknown"}
    assert had(EngineSource(client, "http://x")) == {"coin", "perpetual", "Yahoo's coin", "unknown"}
    assert had(YahooSource(client, "http://x", clock)) == KINDS.keys() - {"perpetual"}
    assert had(YahooSource(client, "http://x", clock, coins=False)) == KINDS.keys() - {"perpetual", "coin"}
    assert had(SyntheticSource(1, ("AAPL",), clock)) == {"share"}


@pytest.mark.parametrize(
    ("symbol", "of_binance", "of_ccxt", "of_yahoo"),
    [
        ("BTCUSDT", "BTCUSDT", "BTC/USDT", "BTC-USD"),
        ("1000PEPEUSDT", "1000PEPEUSDT", "1000PEPE/USDT", "1000PEPE-USD"),
        ("ETHBTC", "ETHBTC", "ETH/BTC", "ETH-BTC"),
        ("XRPEUR", "XRPEUR", "XRP/EUR", "XRP-EUR"),
        ("BTC-USDT", "BTCUSDT", "BTC/USDT", "BTC-USD"),
        ("BTC-USD", "BTCUSD", "BTC/USD", "BTC-USD"),
        ("XBTUSD", "XBTUSD", "XBT/USD", "XBT-USD"),
        ("BTCUSDT.P", "BTCUSDT", "BTC/USDT:USDT", "BTC-USD"),
        ("BTCUSD.P", "BTCUSD", "BTC/USD:BTC", "BTC-USD"),
        ("EURUSD", "EURUSD", "EUR/USD", "EURUSD=X"),
        ("EURUSD=X", "EURUSD", "EUR/USD", "EURUSD=X"),
        ("JPY=X", "USDJPY", "USD/JPY", "JPY=X"),
        ("AAPL", "AAPL", "AAPL", "AAPL"),
        ("BRK.B", "BRK.B", "BRK.B", "BRK-B"),
        ("BRK-B", "BRK-B", "BRK-B", "BRK-B"),
        ("AAPL.US", "AAPL.US", "AAPL.US", "AAPL"),
        ("PETR4.SA", "PETR4.SA", "PETR4.SA", "PETR4.SA"),
        ("^GSPC", "^GSPC", "^GSPC", "^GSPC"),
        ("ES=F", "ES=F", "ES=F", "ES=F"),
    ],
)
def test_every_source_has_its_spelling(symbol: str, of_binance: str, of_ccxt: str, of_yahoo: str) -> None:
    assert (binance_symbol(symbol), market(symbol), ticker(symbol)) == (of_binance, of_ccxt, of_yahoo)
