"""The past page by page: to the present, over holes, through failures and rate limits."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import pytest

from domain.analysis import DataSource
from domain.candles.columns import CandleLike
from domain.errors import MarketDataUnavailable
from domain.market import Candle, CandleSeries, Timeframe
from domain.values import epoch_ms
from services.market_data.fetching import SourceBusy, SourceFailed
from services.market_data.history.paging import Pager
from services.market_data.source import HistoryPage, first_page
from tests.fixtures.clocks import NOW
from tests.fixtures.past_markets import DAY_MS, HOUR_MS, hours_until, without

NOW_MS = epoch_ms(NOW)
PAGE = 10


@dataclass
class PastSource:
    """Gives pages of ten candles, of windows of ten where it is told so, after failing as it is told."""

    candles: list[Candle]
    windows: bool = False
    failures: deque[Exception] = field(default_factory=deque)
    asked: list[tuple[Timeframe, int, int]] = field(default_factory=list)
    name = DataSource.CCXT

    async def page(self, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> HistoryPage:
        self.asked.append((timeframe, start_ms, end_ms))
        if self.failures:
            raise self.failures.popleft()
        candles = CandleSeries(Timeframe.H1, self.candles).resample(timeframe).candles
        reach_ms = min(end_ms, start_ms + PAGE * timeframe.ms) if self.windows else end_ms
        found = [candle for candle in candles if start_ms <= candle.timestamp < reach_ms][:PAGE]
        page = first_page(symbol, timeframe, found, start_ms, reach_ms, PAGE)
        return page if found else page._replace(end_ms=reach_ms)


@dataclass
class Walk:
    """Reads from a source and keeps the pauses and their reasons."""

    source: PastSource
    pauses: list[float] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    async def read(self, start_ms: int, end_ms: int = NOW_MS) -> list[CandleLike]:
        async def sleep(seconds: float) -> None:
            self.pauses.append(seconds)

        pager = Pager(self.source, self.told.append, sleep)
        return [c async for s in pager.pages("BTCUSDT", Timeframe.H1, start_ms, end_ms) for c in s.candles]


@pytest.mark.parametrize("windows", [False, True])
@pytest.mark.parametrize("count", [1, 9, 10, 11, 35])
async def test_all_closed_candles_are_read_once_in_order(windows: bool, count: int) -> None:
    candles = hours_until(NOW_MS, count)
    walk = Walk(PastSource(candles, windows))
    assert await walk.read(candles[0].timestamp) == candles[:-1]
    assert walk.pauses == []
    assert {timeframe for timeframe, _, _ in walk.source.asked} <= {Timeframe.H1}


async def test_range_ends_where_it_is_told_to() -> None:
    candles = hours_until(NOW_MS, 50)
    assert await Walk(PastSource(candles)).read(candles[7].timestamp, candles[29].timestamp) == candles[7:29]
    walk = Walk(PastSource(candles))
    assert await walk.read(candles[7].timestamp, candles[7].timestamp + HOUR_MS - 1) == []
    assert walk.source.asked == []


@pytest.mark.parametrize("windows", [False, True])
async def test_time_before_the_first_candle_is_skipped_by_days(windows: bool) -> None:
    candles = hours_until(NOW_MS, 100)
    walk = Walk(PastSource(candles, windows))
    assert await walk.read(candles[0].timestamp - 300 * DAY_MS) == candles[:-1]
    # 300 days are 720 pages of hours.
    assert len(walk.source.asked) < 60


async def test_long_hole_is_skipped_by_days() -> None:
    candles = without(hours_until(NOW_MS, 3_000), (20, 2_950))
    walk = Walk(PastSource(candles, windows=True))
    assert await walk.read(candles[0].timestamp) == candles[:-1]
    assert len(walk.source.asked) < 35


@pytest.mark.parametrize("windows", [False, True])
async def test_market_without_candles_ends(windows: bool) -> None:
    walk = Walk(PastSource([], windows))
    assert await walk.read(NOW_MS - 400 * DAY_MS) == []
    assert len(walk.source.asked) < 60


async def test_source_without_days_is_walked_through_by_pages() -> None:
    class WithoutDays(PastSource):
        async def page(self, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> HistoryPage:
            if timeframe is Timeframe.D1:
                raise MarketDataUnavailable("has no 1d candles")
            return await super().page(symbol, timeframe, start_ms, end_ms)

    candles = hours_until(NOW_MS, 30)
    walk = Walk(WithoutDays(candles, windows=True))
    assert await walk.read(candles[0].timestamp - 5 * DAY_MS) == candles[:-1]


async def test_server_that_ignores_the_range_does_not_keep_us_for_good() -> None:
    newest = hours_until(NOW_MS, PAGE)

    class Deaf(PastSource):
        async def page(self, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> HistoryPage:
            self.asked.append((timeframe, start_ms, end_ms))
            return first_page(symbol, timeframe, self.candles, start_ms, end_ms, PAGE)

    walk = Walk(Deaf(newest))
    assert await walk.read(newest[0].timestamp - 3_000 * HOUR_MS) == newest[:-1]
    assert len(walk.source.asked) < 10


async def test_failures_are_tried_again_with_longer_and_longer_pauses() -> None:
    candles = hours_until(NOW_MS, 25)
    walk = Walk(PastSource(candles, failures=deque([SourceFailed("cannot be reached", 30)] * 5)))
    assert await walk.read(candles[0].timestamp) == candles[:-1]
    assert walk.pauses == [1, 2, 4, 8, 16]
    assert walk.told[0] == "ccxt cannot be reached; next attempt in 1 s"


async def test_it_gives_up_after_six_failures_in_a_row_and_says_so() -> None:
    candles = hours_until(NOW_MS, 25)
    walk = Walk(PastSource(candles, failures=deque([SourceFailed("cannot be reached")] * 6)))
    with pytest.raises(SourceFailed, match="ccxt failed 6 times in a row; at last it cannot be reached"):
        await walk.read(candles[0].timestamp)
    assert walk.pauses == [1, 2, 4, 8, 16]


async def test_failures_are_counted_anew_after_an_answer() -> None:
    class Shaky(PastSource):
        async def page(self, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> HistoryPage:
            if [start for _, start, _ in self.asked].count(start_ms) < 3:
                self.asked.append((timeframe, start_ms, end_ms))
                raise SourceFailed("answered with status 502")
            return await super().page(symbol, timeframe, start_ms, end_ms)

    candles = hours_until(NOW_MS, 35)
    walk = Walk(Shaky(candles))
    assert await walk.read(candles[0].timestamp) == candles[:-1]
    assert walk.pauses == [1, 2, 4] * 4


async def test_source_that_wants_to_rest_is_left_alone_for_as_long_as_it_says() -> None:
    candles = hours_until(NOW_MS, 25)
    busy = [
        SourceBusy("answered with status 429", 42.0),
        SourceBusy("has little of its 6000 weight a minute left", 7.5),
    ]
    walk = Walk(PastSource(candles, failures=deque(busy)))
    assert await walk.read(candles[0].timestamp) == candles[:-1]
    assert walk.pauses == [42.0, 7.5]
    assert walk.told[0] == "ccxt answered with status 429; next attempt in 42 s"


async def test_rest_of_hours_is_not_waited_for() -> None:
    candles = hours_until(NOW_MS, 25)
    walk = Walk(PastSource(candles, failures=deque([SourceBusy("answered with status 418", 7200.0)])))
    with pytest.raises(SourceFailed, match=r"ccxt answered with status 418 and wants to be left alone for 2.0 h"):
        await walk.read(candles[0].timestamp)
    assert walk.pauses == []


async def test_unknown_market_is_refused_at_once() -> None:
    walk = Walk(PastSource([], failures=deque([MarketDataUnavailable("knows no symbol BTCUSTD")])))
    with pytest.raises(MarketDataUnavailable, match="ccxt knows no symbol BTCUSTD"):
        await walk.read(0)
    assert walk.pauses == []
