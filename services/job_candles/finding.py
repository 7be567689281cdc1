"""What a request for a job brings in candles, what the store has, and the request for a job that reads more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import numpy as np

from config.settings import Settings
from domain.candles.columns import CandleLike
from domain.errors import InsufficientData, InvalidMarketData, StorageUnavailable
from domain.market import CandleSeries, Timeframe
from domain.session_finder import with_sessions
from domain.values import epoch_ms
from features.datasets.candle_checks import usual_timeframe
from services.job_candles.series import HistoryRequest
from services.market_data.fetching import SourceFailed
from services.market_data.history.answers import MarketHistory
from services.market_data.parsing import series_of
from storage.ports import CandleStore
from utils.clock import Clock

# The error for a number of candles that is too small.
TooFew = Callable[[int], InsufficientData]


class JobCandles:
    """Checks the candles of clients, reads those of the store, and requests those of sources."""

    def __init__(self, stored: CandleStore, settings: Settings, clock: Clock) -> None:
        """Keep the store of posted candles, the settings of sources and clocks, and the clock."""
        self._stored = stored
        self._settings = settings
        self._clock = clock

    def closed(self, symbol: str, timeframe: Timeframe, candles: Sequence[CandleLike]) -> CandleSeries:
        """Return the closed candles of a client, in the sessions of their market.

        Raises:
            InvalidMarketData: the candles break a rule of the market.
        """
        series = with_sessions(symbol, CandleSeries.ordered(timeframe, candles))
        now_ms = epoch_ms(self._clock.now())
        series.require_opened_by(now_ms + self._settings.analysis.clock_skew_ms)
        return series.closed_by(now_ms)

    def given(
        self,
        symbol: str,
        timeframe: Timeframe | None,
        candles: Sequence[CandleLike],
        needed: int,
        too_few: TooFew,
    ) -> CandleSeries:
        """Return at least `needed` closed candles of a client; without a timeframe it is that of their distance.

        Raises:
            InvalidMarketData: the candles break a rule of the market, or are of another timeframe.
            InsufficientData: there are fewer.
        """
        if len(candles) < needed:
            raise too_few(len(candles))
        usual = usual_timeframe(np.array([candle.timestamp for candle in candles], dtype=np.int64))
        if timeframe not in (None, usual):
            raise InvalidMarketData(f"the timeframe is {timeframe}, but the candles are {usual} apart")
        closed = self.closed(symbol, usual, candles)
        if len(closed) < needed:
            raise too_few(len(closed))
        return closed

    async def stored(self, symbol: str, timeframe: Timeframe, most: int) -> tuple[CandleSeries, str]:
        """Return up to `most` stored candles, and their number or the reason why there are none, in words."""
        try:
            candles = await self._stored.candle_history(symbol, timeframe, most)
            series = await asyncio.to_thread(series_of, symbol, timeframe, candles, most)
        except StorageUnavailable as failure:
            return CandleSeries(timeframe, []), failure.message
        except SourceFailed:
            return CandleSeries(timeframe, []), "candles that no market produces"
        return series, f"{len(series)} candles"

    def history_request(self, found: MarketHistory, most: int) -> HistoryRequest:
        """Return the request to read up to `most` candles of a market whose newest are known."""
        return HistoryRequest(
            source=found.source.value,
            since_ms=max(0, round(found.series.last_open_ms - most * found.candle_ms)),
            candles=most,
            settings=self._settings.market_data,
        )
