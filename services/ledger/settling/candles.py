"""The candles by which entries are settled: stored ones, and where they do not reach, those of a real source."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor

from cachetools import LRUCache
from loguru import logger

from config.settings import MarketDataSettings
from domain.candles.columns import CandleLike
from domain.errors import InvalidMarketData, MarketDataUnavailable
from domain.hours.holidays import load_holidays
from domain.hours.sessions import AROUND_THE_CLOCK, Sessions
from domain.hours.trading_hours import known_sessions, needs_holidays
from domain.market import CandleSeries, Timeframe
from domain.values import epoch_ms
from services.job_candles.fetching import fetch_past
from services.job_candles.series import HistoryRequest
from services.ledger.settling.outcomes import MarketCandles
from services.ledger.settling.waiting import PLAN_LOOKS
from services.market_data.fetching import SourceFailed
from services.market_data.history.answers import MarketHistory
from services.market_data.market_data import MarketData
from services.market_data.parsing import series_of
from storage.ports import CandleStore
from utils.clock import Clock
from utils.concurrency import run_blocking

# Candles before the oldest entry of a batch: horizons of later batches lie within them.
_MARGIN = PLAN_LOOKS[-1] + 10
# More are not read at once; a market of one-minute candles has them in five weeks.
MAX_CANDLES = 50_000
# A source is asked for a market again after this time, and its answer is waited for at most as long.
ASK_AGAIN_MS = 10 * 60_000
SOURCE_SECONDS = 60.0
_MARKETS = 256
_MARKETS_ASKED = 4096

Market = tuple[str, Timeframe]


class SettlingCandles:
    """Reads closed candles, each market once for many entries."""

    def __init__(
        self,
        stored: CandleStore,
        market_data: MarketData,
        settings: MarketDataSettings,
        clock: Clock,
        executor: Executor,
    ) -> None:
        """Keep the store of posted candles, the sources with their settings, the clock, and a thread for numbers."""
        self._stored = stored
        self._market_data = market_data
        self._settings = settings
        self._clock = clock
        self._executor = executor
        self._known: LRUCache[tuple[Market, bool], tuple[int, MarketCandles]] = LRUCache(_MARKETS)
        self._asked: LRUCache[Market, int] = LRUCache(_MARKETS_ASKED)

    def forget(self) -> None:
        """Read every market again; what sources were asked is remembered, so that they are left alone for a while."""
        self._known.clear()

    async def stored(self, market: Market, since_ms: int) -> MarketCandles:
        """Return the stored candles of a market since before a time, possibly none.

        Raises:
            StorageUnavailable: the store does not answer.
        """
        known = self._remembered(market, since_ms, fetched=False)
        if known is not None:
            return known
        symbol, timeframe = market
        if needs_holidays(symbol):
            await asyncio.to_thread(load_holidays)
        most = self._most(timeframe, since_ms)
        candles = await self._stored.candle_history(symbol, timeframe, most)
        series = await run_blocking(self._executor, self._closed, symbol, timeframe, candles)
        return self._remember(market, since_ms, MarketCandles(symbol, series, "stored"), fetched=False)

    def may_ask_ms(self, market: Market) -> int:
        """Return from when on a source may be asked for a market again, epoch ms."""
        asked_ms = self._asked.get(market)
        if asked_ms is None or asked_ms > epoch_ms(self._clock.now()):
            return 0
        return asked_ms + ASK_AGAIN_MS

    async def fetched(self, market: Market, since_ms: int) -> MarketCandles | None:
        """Return the candles of the first real source that has the market; None where none answers now.

        A market for which a source was asked a moment ago is not asked for again.
        """
        known = self._remembered(market, since_ms, fetched=True)
        now_ms = epoch_ms(self._clock.now())
        if known is not None or now_ms < self.may_ask_ms(market):
            return known
        self._asked[market] = now_ms
        try:
            async with asyncio.timeout(SOURCE_SECONDS):
                found = await self._past(market, since_ms)
        except (MarketDataUnavailable, InvalidMarketData, TimeoutError) as failure:
            symbol, timeframe = market
            reason = str(failure) or f"no answer in {SOURCE_SECONDS:g} s"
            logger.bind(symbol=symbol, timeframe=timeframe.value, reason=reason).info(
                "candles to settle entries cannot be fetched now"
            )
            return None
        return self._remember(market, since_ms, found, fetched=True)

    def sessions(self, market: Market, *read: MarketCandles | None) -> Sessions:
        """Return when a market trades: as its candles say, else its name."""
        for candles in read:
            if candles is not None and len(candles.series):
                return candles.series.sessions
        return known_sessions(market[0]) or AROUND_THE_CLOCK

    async def _past(self, market: Market, since_ms: int) -> MarketCandles:
        symbol, timeframe = market
        found = await self._market_data.history(symbol, timeframe, 1, self._most(timeframe, since_ms))
        series = found.series
        if found.more and int(series.times_ms[0]) > since_ms:
            request = self._history_request(found, timeframe, since_ms)
            series = await fetch_past(
                symbol, timeframe, request, lambda _: None, self._clock, "entries of the ledger wait for them"
            )
        return MarketCandles(symbol, series.closed_by(epoch_ms(self._clock.now())), found.source.value)

    def _history_request(self, found: MarketHistory, timeframe: Timeframe, since_ms: int) -> HistoryRequest:
        most = self._most(timeframe, since_ms)
        from_ms = max(0, since_ms - _MARGIN * timeframe.ms)
        return HistoryRequest(source=found.source.value, since_ms=from_ms, candles=most, settings=self._settings)

    def _most(self, timeframe: Timeframe, since_ms: int) -> int:
        """Return the number of candles from before a time until now, in a market without a pause."""
        span_ms = max(0, epoch_ms(self._clock.now()) - since_ms)
        return min(MAX_CANDLES, span_ms // timeframe.ms + _MARGIN)

    def _closed(self, symbol: str, timeframe: Timeframe, candles: Sequence[CandleLike]) -> CandleSeries:
        try:
            series = series_of(symbol, timeframe, candles, MAX_CANDLES)
        except SourceFailed as failure:
            logger.bind(symbol=symbol, timeframe=timeframe.value, reason=failure.message).warning(
                "stored candles cannot settle entries"
            )
            return CandleSeries(timeframe, [])
        closed = series.closed_by(epoch_ms(self._clock.now()))
        # The arrays alone: candles as objects would take twenty times the memory.
        return CandleSeries.of_arrays(timeframe, closed.times_ms, closed.values, closed.sessions)

    def _remembered(self, market: Market, since_ms: int, *, fetched: bool) -> MarketCandles | None:
        reaches_ms, candles = self._known.get((market, fetched), (since_ms + 1, None))
        return candles if reaches_ms <= since_ms else None

    def _remember(self, market: Market, since_ms: int, candles: MarketCandles, *, fetched: bool) -> MarketCandles:
        self._known[market, fetched] = since_ms - PLAN_LOOKS[-1] * market[1].ms, candles
        return candles
