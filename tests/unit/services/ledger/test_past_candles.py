"""Where the candles of a replay come from, and that none of them closed later."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from config.settings import Settings
from config.sources import load_settings
from domain.analysis import DataSource
from domain.errors import AppError, InsufficientData, InvalidRequest, MarketDataUnavailable, UnknownSymbol
from domain.market import Timeframe
from domain.values import epoch_ms
from services.ledger.replays.past_candles import WANTED, PastCandles
from tests.fixtures.clocks import SettableClock
from tests.fixtures.http_stand_in import Answer, StandIn
from tests.fixtures.past_markets import PastExchange
from tests.fixtures.replaying import DAY, hours_until
from tests.fixtures.settling import Shelf
from tests.fixtures.sources import chain

pytest_plugins = ["tests.fixtures.remote_server"]

H1 = Timeframe.H1
END = DAY + timedelta(days=200)


def settings_of(*sources: str, **changes: Any) -> Settings:
    overrides = {"market_data": {"sources": list(sources), "timeframes": ["1h"], **changes}}
    return load_settings(environment={}, overrides=overrides)


def past(shelf: Shelf, settings: Settings, now: datetime = END) -> PastCandles:
    clock = SettableClock(now)
    return PastCandles(shelf, chain(clock=clock), settings, clock)


def stored(count: int = 3_000) -> Shelf:
    shelf = Shelf()
    shelf.candles["BTCUSDT", H1] = hours_until(END, count)
    return shelf


async def test_stored_candles_come_first_and_end_at_the_moment() -> None:
    shelf = stored()
    moment = END - timedelta(days=40, minutes=25)
    market = await past(shelf, settings_of("stored", "synthetic")).market("BTCUSDT", (), epoch_ms(moment))
    series = market.series[H1]
    assert (market.source_data, market.as_of_ms) == (DataSource.STORED, epoch_ms(moment))
    assert series.last_close_ms == epoch_ms(END - timedelta(days=40, hours=1))
    assert len(series) == WANTED - 1  # the one that was forming is none
    kept = {candle.timestamp: candle for candle in shelf.candles["BTCUSDT", H1]}
    assert all(candle == kept[candle.timestamp] for candle in series.candles)
    assert market.price == series.candles[-1].close


async def test_without_stored_candles_of_then_the_past_of_a_source_is_read(server: StandIn) -> None:
    server.answer = PastExchange(hours_until(END, 3_000))
    settings = settings_of("stored", "binance", "synthetic", binance_url=server.url)
    moment = END - timedelta(days=50)
    market = await past(stored(300), settings).market("BTCUSDT", (), epoch_ms(moment))
    assert market.source_data is DataSource.BINANCE
    assert market.series[H1].last_close_ms == epoch_ms(moment)
    assert len(market.series[H1]) == WANTED


@pytest.mark.parametrize(
    ("sources", "symbol", "moment", "error", "words"),
    [
        (("stored", "synthetic"), "BTCUSDT", END + timedelta(seconds=1), InvalidRequest, "a replay is of the past"),
        (("stored", "synthetic"), "BTCUSDT", END - timedelta(days=999), InsufficientData, "stored: needs 60 closed"),
        (("stored",), "NOSUCH", END - timedelta(days=3), UnknownSymbol, "no source knows NOSUCH"),
    ],
)
async def test_what_is_not_known_is_refused(
    sources: tuple[str, ...], symbol: str, moment: datetime, error: type[AppError], words: str
) -> None:
    with pytest.raises(error, match=words):
        await past(stored(), settings_of(*sources)).market(symbol, (), epoch_ms(moment))


async def test_a_symbol_without_a_real_source_is_invented_and_the_same_at_every_question() -> None:
    moment_ms = epoch_ms(END - timedelta(days=30))
    settings = settings_of("stored", "synthetic")
    nows = END, END + timedelta(days=9)
    markets = [await past(stored(), settings, now).market("ETHUSDT", (), moment_ms) for now in nows]
    assert {market.source_data for market in markets} == {DataSource.SYNTHETIC}
    assert markets[0].series[H1].digest == markets[1].series[H1].digest
    assert markets[0].series[H1].last_close_ms == moment_ms


async def test_a_source_that_fails_is_named_and_no_reason_to_invent_candles(server: StandIn) -> None:
    server.always(Answer(status=503))
    candles = past(Shelf(), settings_of("stored", "binance", "synthetic", binance_url=server.url))
    with pytest.raises(MarketDataUnavailable, match=r"binance: .*503"):
        await candles.market("BTCUSDT", (), epoch_ms(END - timedelta(days=30)))
    assert len(server.requests) == 1
