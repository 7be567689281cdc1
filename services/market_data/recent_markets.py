"""Recently fetched markets, so that several requests for one ticker need one fetch."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cachetools import LRUCache

from domain.analysis import MarketSnapshot
from domain.market import Timeframe
from domain.values import epoch_ms
from services.market_data.market_data import MarketData
from utils.clock import Clock, is_fresh

# A thousand candles each: about ten megabytes.
MAX_MARKETS = 64


@dataclass(frozen=True)
class CacheStatistics:
    """Size of the cache, and its hits and misses since the start."""

    markets: int
    max_markets: int
    max_age_seconds: float
    hits: int
    misses: int

    @property
    def hit_rate(self) -> float:
        """Share of requests answered without a fetch, 0 to 1; 0 before the first."""
        asked = self.hits + self.misses
        return self.hits / asked if asked else 0.0


@dataclass(frozen=True)
class _Fetched:
    snapshot: MarketSnapshot
    candles: int
    at: datetime


class RecentMarkets:
    """Keeps a market for some minutes, at most until a candle closes."""

    def __init__(self, market_data: MarketData, max_age_minutes: float, clock: Clock) -> None:
        self._market_data = market_data
        self._max_age = timedelta(minutes=max_age_minutes)
        self._clock = clock
        self._markets: LRUCache[tuple[str, Timeframe], _Fetched] = LRUCache(MAX_MARKETS)
        self._hits = 0
        self._misses = 0

    async def snapshot(self, symbol: str, timeframe: Timeframe, candles: int) -> MarketSnapshot:
        """Return a market with at least `candles` candles, as far as its source has them.

        Raises:
            MarketDataUnavailable: no source gave candles.
        """
        key, now = (symbol, timeframe), self._clock.now()
        kept = self._markets.get(key)
        if kept is not None and kept.candles >= candles and self._fresh(kept, timeframe, now):
            self._hits += 1
            return kept.snapshot
        self._misses += 1
        snapshot = await self._market_data.snapshot(symbol, (timeframe,), candles)
        self._markets[key] = _Fetched(snapshot, candles, now)
        return snapshot

    def forget(self, symbol: str) -> int:
        """Forget a symbol in every timeframe; return the number of forgotten markets."""
        keys = [key for key in self._markets if key[0] == symbol]
        for key in keys:
            del self._markets[key]
        return len(keys)

    def statistics(self) -> CacheStatistics:
        """Return the counts."""
        seconds = self._max_age.total_seconds()
        return CacheStatistics(len(self._markets), MAX_MARKETS, seconds, self._hits, self._misses)

    def _fresh(self, kept: _Fetched, timeframe: Timeframe, now: datetime) -> bool:
        # Once the forming candle has closed, the kept one is out of date.
        same_candle = epoch_ms(now) // timeframe.ms == epoch_ms(kept.at) // timeframe.ms
        return same_candle and is_fresh(kept.at, now, self._max_age)
