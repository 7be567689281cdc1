"""Shares by Yahoo over real HTTP: through the whole session, after it, at weekends and on holidays."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from domain.analysis import DataSource, MarketSnapshot
from domain.errors import MarketDataUnavailable
from domain.market import Timeframe
from domain.values import epoch_ms
from rules.context import build_context
from rules.judgement import judge
from rules.strategies import STRATEGY_NAMES
from rules.technical import TechnicalAnalyst
from services.market_data.market_data import MarketData
from services.market_data.sources.yahoo import YahooSource
from tests.fixtures.candle_apis import http_client
from tests.fixtures.clocks import SettableClock
from tests.fixtures.histories import ANALYSIS, INDICATORS
from tests.fixtures.http_stand_in import StandIn
from tests.fixtures.sources import chain
from tests.fixtures.yahoo_charts import YahooMarket

pytest_plugins = ["tests.fixtures.remote_server"]

M15, H1, H4, D1 = Timeframe.M15, Timeframe.H1, Timeframe.H4, Timeframe.D1
DAY = "2025-06-18"


def moment(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+00:00").astimezone(UTC)


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock(moment(f"{DAY}T15:00"))


@pytest.fixture
def market(server: StandIn, clock: SettableClock) -> YahooMarket:
    server.answer = market = YahooMarket(clock)
    return market


@pytest.fixture
async def market_data(server: StandIn, clock: SettableClock, market: YahooMarket) -> AsyncIterator[MarketData]:
    async with http_client() as client:
        yield chain(YahooSource(client, server.url, clock), clock=clock, timeframes=(M15, H1, H4, D1))


def newest(snapshot: MarketSnapshot, timeframe: Timeframe, now: datetime) -> str:
    """Return when the newest closed candle opened."""
    series = snapshot.series[timeframe].closed_by(epoch_ms(now))
    return datetime.fromtimestamp(series.last_open_ms / 1000, UTC).strftime("%m-%d %H:%M")


def reasoning(snapshot: MarketSnapshot, now: datetime) -> str:
    context = build_context(snapshot, STRATEGY_NAMES, ANALYSIS, INDICATORS, now)
    return TechnicalAnalyst().assess(judge(context)).reasoning


@pytest.mark.parametrize(
    ("at", "closed_15m", "closed_1h", "closed_4h", "closed_1d"),
    [
        # The session opens at 13:30 UTC and closes at 20:00.
        ("13:31", "06-17 19:45", "06-17 19:30", "06-17 17:30", "06-17 00:00"),
        ("13:46", "06-18 13:30", "06-17 19:30", "06-17 17:30", "06-17 00:00"),
        ("14:30", "06-18 14:15", "06-18 13:30", "06-17 17:30", "06-17 00:00"),
        ("17:29", "06-18 17:00", "06-18 15:30", "06-17 17:30", "06-17 00:00"),
        ("17:31", "06-18 17:15", "06-18 16:30", "06-18 13:30", "06-17 00:00"),
        ("19:59", "06-18 19:30", "06-18 18:30", "06-18 13:30", "06-17 00:00"),
    ],
)
async def test_it_answers_from_the_first_candle_of_the_session_to_its_end(
    market_data: MarketData,
    clock: SettableClock,
    at: str,
    closed_15m: str,
    closed_1h: str,
    closed_4h: str,
    closed_1d: str,
) -> None:
    clock.moment = now = moment(f"{DAY}T{at}")
    snapshot = await market_data.snapshot("AAPL")
    assert snapshot.source_data is DataSource.YAHOO
    found = [newest(snapshot, timeframe, now) for timeframe in (M15, H1, H4, D1)]
    assert found == [closed_15m, closed_1h, closed_4h, closed_1d]
    assert [series.missing for series in snapshot.series.values()] == [0, 0, 0, 0]
    assert "Market closed" not in reasoning(snapshot, now)


@pytest.mark.parametrize(
    ("at", "since", "opens"),
    [
        (f"{DAY}T13:29", "2025-06-17 20:00", "2025-06-18 13:30"),
        # The 19th is a holiday.
        (f"{DAY}T20:01", "2025-06-18 20:00", "2025-06-20 13:30"),
        ("2025-06-19T16:00", "2025-06-18 20:00", "2025-06-20 13:30"),
        ("2025-06-21T16:00", "2025-06-20 20:00", "2025-06-23 13:30"),
        # A short day before Christmas, and the other half of the year.
        ("2025-12-24T18:30", "2025-12-24 18:00", "2025-12-26 14:30"),
    ],
)
async def test_while_the_market_is_closed_its_last_candles_are_analyzed_and_it_is_said(
    market_data: MarketData, clock: SettableClock, at: str, since: str, opens: str
) -> None:
    clock.moment = now = moment(at)
    snapshot = await market_data.snapshot("AAPL")
    said = reasoning(snapshot, now)
    assert f"Market closed since {since} UTC, opens {opens} UTC." in said
    assert "The candles are old" not in said
    assert [series.missing for series in snapshot.series.values()] == [0, 0, 0, 0]


@pytest.mark.parametrize(("stopped", "at"), [(f"{DAY}T14:00", f"{DAY}T19:59"), ("2025-06-17T20:00", f"{DAY}T20:01")])
async def test_candles_that_stop_during_a_session_are_stale(
    market_data: MarketData, market: YahooMarket, clock: SettableClock, stopped: str, at: str
) -> None:
    market.stopped_ms, clock.moment = epoch_ms(moment(stopped)), moment(at)
    with pytest.raises(MarketDataUnavailable, match=r"is stale: its newest 15m candle closed .* h of trading ago"):
        await market_data.snapshot("AAPL")
