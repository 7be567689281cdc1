"""The candles of a request for a job: those of the client, stored ones, or those of a source, which the job reads."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from config.settings import Settings
from domain.candles.columns import CandleLike
from domain.errors import InsufficientData, InvalidRequest
from domain.market import Timeframe
from services.job_candles.finding import JobCandles
from services.job_candles.histories import CandleCounts, find_history
from services.job_candles.series import JobSeries, candle_rows
from services.market_data.market_data import MarketData
from storage.ports import CandleStore
from utils.clock import Clock

GivenCandles = Mapping[Timeframe, Sequence[CandleLike]]


@dataclass(frozen=True)
class CandleNeed:
    """How many closed candles are needed at least, and for what, such as "a backtest"."""

    what: str
    candles: int


class RequestedCandles:
    """Finds the candles of a job, and refuses a request for which there are too few."""

    def __init__(self, market_data: MarketData, stored: CandleStore, settings: Settings, clock: Clock) -> None:
        """Keep the parts.

        Args:
            market_data: Knows who has candles where neither the client nor the store has enough.
            stored: Has the candles that trusted clients posted.
            settings: Timeframes where none is asked for, and the greatest number of candles.
            clock: Decides which candles have closed.
        """
        self._market_data = market_data
        self._found = JobCandles(stored, settings, clock)
        self._settings = settings

    async def series(
        self, symbols: Sequence[str], timeframes: Sequence[Timeframe] | None, given: GivenCandles, need: CandleNeed
    ) -> tuple[JobSeries, ...]:
        """Return the candles of some symbols, or what the job is to read.

        Args:
            symbols: At least one, each once.
            timeframes: The first is traded; None takes the first primary timeframe.
            given: By the client, by timeframe, of the one symbol; empty where the service is to find them.
            need: Fewer are refused.

        Raises:
            InvalidRequest: candles of several symbols are given.
            InvalidMarketData: the client's candles break a rule of the market.
            InsufficientData: fewer closed candles than needed, with the numbers.
            UnknownSymbol, MarketDataUnavailable: no source has candles of a symbol.
        """
        if given:
            return tuple(await asyncio.to_thread(self._given, symbols, given, need))
        return tuple([await self._find(symbol, timeframes, need) for symbol in symbols])

    async def one(
        self, symbol: str, timeframe: Timeframe | None, given: Sequence[CandleLike] | None, need: CandleNeed
    ) -> JobSeries:
        """Return the candles of one symbol, or what the job is to read.

        Args:
            symbol: The market.
            timeframe: None takes that of the given candles or, without these, the first primary timeframe.
            given: By the client; None or empty where the service is to find them.
            need: Fewer are refused.

        Raises:
            InvalidMarketData: the client's candles break a rule of the market, or are of another timeframe.
            InsufficientData: fewer closed candles than needed, with the numbers.
            UnknownSymbol, MarketDataUnavailable: no source has candles of the symbol.
        """
        if not given:
            return await self._find(symbol, None if timeframe is None else (timeframe,), need)

        def too_few(count: int) -> InsufficientData:
            return InsufficientData(f"{need.what} needs {need.candles} closed candles at least, received {count}")

        closed = await asyncio.to_thread(self._found.given, symbol, timeframe, given, need.candles, too_few)
        return JobSeries(symbol=symbol, timeframe=closed.timeframe, candles=candle_rows(closed))

    def _given(self, symbols: Sequence[str], given: GivenCandles, need: CandleNeed) -> list[JobSeries]:
        """Return the closed candles of a client."""
        if len(symbols) != 1:
            raise InvalidRequest(f"candles are those of one symbol, received {len(symbols)} symbols")
        symbol = symbols[0]
        found_series = []
        for timeframe, candles in given.items():
            closed = self._found.closed(symbol, timeframe, candles)
            found_series.append(JobSeries(symbol=symbol, timeframe=timeframe, candles=candle_rows(closed)))
        if max(len(series.candles) for series in found_series) < need.candles:
            found = ", ".join(f"{series.timeframe}: {len(series.candles)}" for series in found_series)
            raise InsufficientData(f"{need.what} needs {need.candles} closed candles at least, received {found}")
        return found_series

    async def _find(self, symbol: str, timeframes: Sequence[Timeframe] | None, need: CandleNeed) -> JobSeries:
        """Return the stored candles of a symbol, or, where these are too few, those of a source, which the job reads.

        They are of the shortest timeframe; longer ones are made from them.
        """
        wanted = timeframes or self._settings.analysis.primary_timeframes[:1]
        timeframe = min(wanted, key=lambda timeframe: timeframe.ms)
        most = self._settings.backtests.history_candles

        def refused(count: int, _note: str, reason: str) -> InsufficientData:
            return InsufficientData(
                f"{need.what} needs {need.candles} closed candles at least, {count} of {symbol} {timeframe} are "
                f"stored ({reason}); send candles"
            )

        counts = CandleCounts(need.candles, enough=most, most=most, posted=most)
        found = await find_history(self._found, self._market_data, (symbol, timeframe), counts, refused)
        if not found.more:
            return JobSeries(symbol=symbol, timeframe=timeframe, candles=candle_rows(found.series))
        history = self._found.history_request(found, most)
        return JobSeries(symbol=symbol, timeframe=timeframe, history=history)
