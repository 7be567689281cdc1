"""The newest 24 hours of the markets, from closed candles of an hour."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log, sqrt

from domain.analysis import DataSource, MarketSnapshot
from domain.errors import MarketDataUnavailable
from domain.market import Timeframe
from domain.values import epoch_ms
from services.market_data.market_data import MarketData
from utils.clock import Clock

# Four days of hours: what any analysis needs, and a day.
_CANDLES = 100
_DIGITS = 4


@dataclass(frozen=True)
class MarketDay:
    """The newest 24 hours of a market.

    Attributes:
        change_percent: Of the price.
        volatility_percent: Realized: root of the sum of the squared log returns of its hours.
        source_data: Where the candles came from.
    """

    symbol: str
    change_percent: float
    volatility_percent: float
    source_data: DataSource


class MarketDays:
    """Reads markets from their sources."""

    def __init__(self, market_data: MarketData, symbols: Sequence[str], clock: Clock) -> None:
        """Keep the sources, the markets to read, and the clock that tells which candles have closed."""
        self._market_data = market_data
        self._symbols = symbols
        self._clock = clock

    async def read(self) -> tuple[list[MarketDay], dict[str, str]]:
        """Return the markets that can be read and, by symbol, why others cannot."""
        found = await asyncio.gather(*map(self._market, self._symbols))
        days = [day for day in found if isinstance(day, MarketDay)]
        return days, {symbol: day for symbol, day in zip(self._symbols, found, strict=True) if isinstance(day, str)}

    async def _market(self, symbol: str) -> MarketDay | str:
        try:
            snapshot = await self._market_data.snapshot(symbol, (Timeframe.H1,), _CANDLES)
        except MarketDataUnavailable as refusal:
            return refusal.message
        if snapshot.source_data is DataSource.SYNTHETIC:
            return "only synthetic candles are left, which are no market's"
        return market_day(snapshot, epoch_ms(self._clock.now())) or "its candles do not cover 24 hours"


def market_day(snapshot: MarketSnapshot, now_ms: int) -> MarketDay | None:
    """Return the 24 hours before the newest closed candle; None where the candles do not cover them."""
    series = snapshot.closed(now_ms)[Timeframe.H1]
    if not len(series):
        return None
    begins = int(series.times_ms.searchsorted(series.last_open_ms - Timeframe.D1.ms, side="right")) - 1
    if begins < 0:
        return None
    closes = [float(close) for close in series.closes[begins:]]
    returns = [log(later / earlier) for earlier, later in pairwise(closes)]
    return MarketDay(
        symbol=snapshot.symbol,
        change_percent=round(100 * (closes[-1] / closes[0] - 1), _DIGITS),
        volatility_percent=round(100 * sqrt(sum(step * step for step in returns)), _DIGITS),
        source_data=snapshot.source_data,
    )
