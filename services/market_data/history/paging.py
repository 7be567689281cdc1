"""The past of a market, page by page: through failures, rate limits and the time before its first candle."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from domain.errors import MarketDataUnavailable
from domain.market import CandleSeries, Timeframe
from services.market_data.fetching import SourceBusy, SourceFailed
from services.market_data.snapshots import duration_text
from services.market_data.source import HistoryPage, HistorySource

PAGE_SECONDS = 30.0
# With pauses of 1, 2, 4, 8 and 16 seconds between them.
MAX_ATTEMPTS = 6
# Binance counts weights by the minute; a source that demands a longer rest is given up for now.
MAX_REST_SECONDS = 300.0

Sleep = Callable[[float], Awaitable[object]]
Tell = Callable[[str], None]


def _say_nothing(words: str) -> None:
    """Take the reason of a pause."""


@dataclass(frozen=True)
class Pager:
    """Walks through the past of one source.

    Attributes:
        source: Gives the pages.
        tell: Takes the reason of each pause, for a person.
        sleep: Waits for seconds.
    """

    source: HistorySource
    tell: Tell = _say_nothing
    sleep: Sleep = asyncio.sleep

    async def pages(self, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> AsyncIterator[CandleSeries]:
        """Yield the candles that open in a range and close by its end, oldest first; no series is empty.

        A page without candles leads to the first day that has some: the market is younger than the range, or had
        a long pause.

        Args:
            symbol: Market.
            timeframe: Length of a candle.
            start_ms: Earliest open time, epoch ms.
            end_ms: Latest close time.

        Raises:
            MarketDataUnavailable: the source has no such market, wants to be left alone for longer than five minutes,
                or failed six times in a row.
        """
        while start_ms + timeframe.ms <= end_ms:
            page = await self._page(symbol, timeframe, start_ms, end_ms)
            closed = page.series.closed_by(end_ms)
            if len(closed):
                yield closed
            elif page.end_ms < end_ms:
                page = page._replace(end_ms=await self._next_day(symbol, timeframe, page.end_ms, end_ms))
            start_ms = max(page.end_ms, start_ms + timeframe.ms)

    async def _next_day(self, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> int:
        """Return the time from which on there may be candles, `end_ms` if there are none; days are few pages."""
        if timeframe.ms >= Timeframe.D1.ms:
            return start_ms
        day_ms = start_ms - start_ms % Timeframe.D1.ms
        try:
            while day_ms < end_ms:
                page = await self._page(symbol, Timeframe.D1, day_ms, end_ms)
                if len(page.series):
                    # East of UTC, a market's day begins before the midnight that labels it.
                    return max(start_ms, page.series.candles[0].timestamp - Timeframe.D1.ms)
                day_ms = max(page.end_ms, day_ms + Timeframe.D1.ms)
        except SourceFailed:
            raise
        except MarketDataUnavailable:  # it has no days
            return start_ms
        return end_ms

    async def _page(self, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> HistoryPage:
        attempts = 0
        while True:
            try:
                async with asyncio.timeout(PAGE_SECONDS):
                    return await self.source.page(symbol, timeframe, start_ms, end_ms)
            except TimeoutError:
                failure = SourceFailed(f"did not answer in {PAGE_SECONDS:g} s")
            except SourceFailed as error:
                failure = error
            except MarketDataUnavailable as refusal:
                raise type(refusal)(f"{self.source.name} {refusal.message}") from refusal
            attempts += 1
            busy = isinstance(failure, SourceBusy)
            seconds = failure.rest_seconds if busy else float(2 ** (attempts - 1))
            if seconds > MAX_REST_SECONDS:
                rest = duration_text(seconds * 1000)
                refused = SourceFailed(f"{self.source.name} {failure.message} and wants to be left alone for {rest}")
                refused.transient = False  # it must not be asked again in a minute
                raise refused
            if attempts == MAX_ATTEMPTS:
                raise SourceFailed(f"{self.source.name} failed {attempts} times in a row; at last it {failure.message}")
            self.tell(f"{self.source.name} {failure.message}; next attempt in {duration_text(seconds * 1000)}")
            await self.sleep(seconds)
