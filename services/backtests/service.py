"""Backtests on request: candles found and checked, and a job queued."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from config.settings import Settings
from domain.candles.columns import CandleLike
from domain.errors import InsufficientData, InvalidRequest, MarketDataUnavailable, UnknownSymbol
from domain.jobs import Job, JobKind
from domain.market import Timeframe
from rules.evidence import EvidenceBook
from services.backtests.job import BacktestJobOrder
from services.backtests.order import BacktestOrder, BacktestWish, lane_of
from services.job_candles.finding import JobCandles
from services.job_candles.order import SeriesOrder, candle_rows
from services.jobs.service import JobService
from services.market_data.market_data import MarketData
from storage.ports import CandleStore
from utils.clock import Clock


@dataclass(frozen=True)
class BacktestAsked:
    """A client's request.

    Attributes:
        symbols: At least one, each once.
        candles: By timeframe, of the one symbol; empty where the service is to find them.
    """

    symbols: tuple[str, ...]
    wish: BacktestWish
    candles: Mapping[Timeframe, Sequence[CandleLike]]


class BacktestService:
    """Queues backtests, and refuses those that could only fail."""

    def __init__(
        self,
        jobs: JobService,
        market_data: MarketData,
        stored: CandleStore,
        evidence: EvidenceBook | None,
        settings: Settings,
        clock: Clock,
    ) -> None:
        """Keep the parts.

        Args:
            jobs: Runs the backtest.
            market_data: Knows who has candles where neither the client nor the store has enough.
            stored: Has the candles that trusted clients posted.
            evidence: What plans are weighed by.
            settings: What a wish leaves open, and the greatest number of candles.
            clock: Decides which candles have closed.
        """
        self._jobs = jobs
        self._market_data = market_data
        self._candles = JobCandles(stored, settings, clock)
        self._evidence = evidence
        self._settings = settings

    async def submit(self, asked: BacktestAsked) -> Job:
        """Queue a backtest and return its job.

        Raises:
            InvalidRequest: the lane needs a file, or candles of several symbols are sent.
            InvalidMarketData: the client's candles break a rule of the market.
            InsufficientData: fewer closed candles than a backtest needs, with the numbers.
            UnknownSymbol, MarketDataUnavailable: no source has candles of a symbol.
            JobQueueFull: the greatest number of jobs waits already.
            StorageUnavailable: the job could not be recorded.
        """
        if lane_of(asked.wish.lane).kind == "llm":
            raise InvalidRequest("recorded answers are a file: test them by cli.py backtest --lane llm:FILE")
        if asked.candles:
            series = await asyncio.to_thread(self._given, asked)
        else:
            series = [await self._find(symbol, asked.wish) for symbol in asked.symbols]
        order = BacktestJobOrder(
            symbols=", ".join(asked.symbols),
            lane=asked.wish.lane,
            order=BacktestOrder.of(asked.wish, self._settings, self._evidence),
            series=tuple(series),
        )
        return await self._jobs.submit(JobKind.BACKTEST, await asyncio.to_thread(order.model_dump, mode="json"))

    @property
    def _needed(self) -> int:
        return self._settings.analysis.min_candles + 3

    def _given(self, asked: BacktestAsked) -> list[SeriesOrder]:
        """Return the closed candles of a client."""
        if len(asked.symbols) != 1:
            raise InvalidRequest(f"candles are those of one symbol, received {len(asked.symbols)} symbols")
        symbol = asked.symbols[0]
        orders = []
        for timeframe, candles in asked.candles.items():
            closed = self._candles.closed(symbol, timeframe, candles)
            orders.append(SeriesOrder(symbol=symbol, timeframe=timeframe, candles=candle_rows(closed)))
        if max(len(order.candles) for order in orders) < self._needed:
            found = ", ".join(f"{order.timeframe}: {len(order.candles)}" for order in orders)
            raise InsufficientData(f"a backtest needs {self._needed} closed candles at least, received {found}")
        return orders

    async def _find(self, symbol: str, wish: BacktestWish) -> SeriesOrder:
        """Return the stored candles of a symbol, or, where these are too few, those of a source, which the job reads.

        They are of the shortest timeframe; longer ones are made from them.
        """
        wanted = wish.timeframes or self._settings.analysis.primary_timeframes[:1]
        timeframe = min(wanted, key=lambda timeframe: timeframe.ms)
        most = self._settings.backtests.history_candles
        stored, _ = await self._candles.stored(symbol, timeframe, most)
        if len(stored) >= most:
            return SeriesOrder(symbol=symbol, timeframe=timeframe, candles=candle_rows(stored))
        try:
            found = await self._market_data.history(symbol, timeframe, max(self._needed, len(stored) + 1), most)
        except MarketDataUnavailable as refusal:
            if isinstance(refusal, UnknownSymbol):
                raise
            if len(stored) >= self._needed:
                return SeriesOrder(symbol=symbol, timeframe=timeframe, candles=candle_rows(stored))
            raise InsufficientData(
                f"a backtest needs {self._needed} closed candles at least, {len(stored)} of {symbol} {timeframe} are "
                f"stored ({refusal.message}); send candles"
            ) from refusal
        if not found.more:
            return SeriesOrder(symbol=symbol, timeframe=timeframe, candles=candle_rows(found.series))
        history = self._candles.history_order(found, most)
        return SeriesOrder(symbol=symbol, timeframe=timeframe, history=history)
