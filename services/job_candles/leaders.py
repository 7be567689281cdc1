"""The candles of what leads a market, beside those of a job that asks a model which reads them."""

from __future__ import annotations

from config.settings import Settings
from domain.errors import MarketDataUnavailable
from domain.market import CandleSeries, Timeframe
from domain.values import epoch_ms
from services.job_candles.finding import JobCandles
from services.job_candles.series import JobSeries, candle_rows
from services.market_data.market_data import MarketData
from storage.ports import CandleStore
from utils.clock import Clock

# Before the first candle of the market: more than the columns of a leader look back.
CANDLES_BEFORE = 200
# More are not read at once; hourly candles have them in five years and a half.
MAX_CANDLES = 50_000


class JobLeaders:
    """Finds the candles of leading markets; a job does its work without them too."""

    def __init__(self, market_data: MarketData, stored: CandleStore, settings: Settings, clock: Clock) -> None:
        """Keep the parts.

        Args:
            market_data: Asks the sources.
            stored: Has the candles that trusted clients posted.
            settings: Of the sources.
            clock: Tells how many candles there may be since the first of a market.
        """
        self._market_data = market_data
        self._candles = JobCandles(stored, settings, clock)
        self._clock = clock

    async def beside(self, leader: str | None, market: JobSeries, *, sent: bool) -> tuple[JobSeries, ...]:
        """Return the candles of a leader over the time of a market's own, or the request to read them.

        For candles of a client only posted ones are used, as in a forecast of now; otherwise the sources are asked
        where the store has fewer.

        Args:
            leader: The leading market; None where the model reads none.
            market: What the job reads of the market.
            sent: Whether the client sent these.

        Returns:
            One series, or none where there are no candles.
        """
        if leader is None:
            return ()
        timeframe = market.timeframe
        begin_ms = market.history.since_ms if market.history else market.candles[0][0]
        since_ms = max(0, begin_ms - CANDLES_BEFORE * timeframe.ms)
        most = min(MAX_CANDLES, (epoch_ms(self._clock.now()) - since_ms) // timeframe.ms + 1)
        stored, _ = await self._candles.stored(leader, timeframe, most)
        known = _between(stored, since_ms, None if market.history else market.candles[-1][0])
        if not sent and not _covers(known, market):
            found = await self._of_sources(leader, timeframe, len(known), most)
            if found is not None:
                return (found,)
        own = JobSeries(symbol=leader, timeframe=timeframe, candles=candle_rows(known))
        return (own,) if len(known) else ()

    async def _of_sources(self, leader: str, timeframe: Timeframe, stored: int, most: int) -> JobSeries | None:
        """Return what a source has of a leader; None where none has more than the store."""
        try:
            found = await self._market_data.history(leader, timeframe, stored + 1, most)
        except MarketDataUnavailable:
            return None
        if found.more:
            return JobSeries(symbol=leader, timeframe=timeframe, history=self._candles.history_request(found, most))
        return JobSeries(symbol=leader, timeframe=timeframe, candles=candle_rows(found.series))


def _between(series: CandleSeries, since_ms: int, until_ms: int | None) -> CandleSeries:
    """Return the candles that open at or after a time, up to the one that opens at another; None has no end."""
    times = series.times_ms
    end = len(series) if until_ms is None else int(times.searchsorted(until_ms, side="right"))
    return series.part(int(times.searchsorted(since_ms)), end)


def _covers(leader: CandleSeries, market: JobSeries) -> bool:
    """Return whether there is a candle of the leader at the first and at the last moment of a market's candles."""
    if market.history is not None or not len(leader):
        return False
    return int(leader.times_ms[0]) <= market.candles[0][0] and leader.last_open_ms == market.candles[-1][0]
