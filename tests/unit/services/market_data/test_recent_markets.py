"""Markets kept for a while: when one is fetched again, and how many are kept."""

from __future__ import annotations

from typing import cast

from domain.analysis import DataSource, MarketSnapshot
from domain.market import CandleSeries, Timeframe
from services.market_data.market_data import MarketData
from services.market_data.recent_markets import MAX_MARKETS, RecentMarkets
from tests.fixtures.clocks import SettableClock
from tests.fixtures.markets import history

H1 = Timeframe.H1


class CountedMarkets:
    """Gives a market and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def snapshot(self, symbol: str, timeframes: tuple[Timeframe, ...], candles: int) -> MarketSnapshot:
        self.asked += 1
        series = {timeframe: CandleSeries(timeframe, history(timeframe, candles)) for timeframe in timeframes}
        return MarketSnapshot(symbol, series, 100.0, None, DataSource.BINANCE)


def recent(clock: SettableClock, minutes: float = 5) -> tuple[RecentMarkets, CountedMarkets]:
    source = CountedMarkets()
    return RecentMarkets(cast("MarketData", source), minutes, clock), source


async def test_a_market_is_kept_for_its_time_and_not_longer() -> None:
    clock = SettableClock()
    markets, source = recent(clock)
    first = await markets.snapshot("BTCUSDT", H1, 60)
    clock.advance(299)
    assert await markets.snapshot("BTCUSDT", H1, 60) is first
    clock.advance(1)
    await markets.snapshot("BTCUSDT", H1, 60)
    assert source.asked == 2


async def test_a_market_of_a_clock_that_was_ahead_is_fetched_again_once_it_is_set_back() -> None:
    clock = SettableClock()
    markets, source = recent(clock)
    clock.advance(120)
    await markets.snapshot("BTCUSDT", H1, 60)
    clock.advance(-120)
    await markets.snapshot("BTCUSDT", H1, 60)
    assert source.asked == 2


async def test_a_candle_that_closes_ends_it_at_once() -> None:
    clock = SettableClock()
    markets, source = recent(clock)
    clock.advance(60 * (60 - clock.moment.minute) - clock.moment.second - 1)
    await markets.snapshot("BTCUSDT", H1, 60)
    clock.advance(1)
    await markets.snapshot("BTCUSDT", H1, 60)
    assert source.asked == 2


async def test_more_candles_than_were_fetched_are_fetched() -> None:
    markets, source = recent(SettableClock())
    for candles in (60, 100, 100, 60):
        await markets.snapshot("BTCUSDT", H1, candles)
    assert source.asked == 2


async def test_the_longest_unasked_market_goes_first() -> None:
    markets, _ = recent(SettableClock())
    for number in range(MAX_MARKETS):
        await markets.snapshot(f"COIN{number}", H1, 60)
    await markets.snapshot("COIN0", H1, 60)
    await markets.snapshot("ONEMORE", H1, 60)
    assert markets.statistics().markets == MAX_MARKETS
    assert markets.forget("COIN0") == 1
    assert markets.forget("COIN1") == 0
