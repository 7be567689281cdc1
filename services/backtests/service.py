"""Backtests on request: candles found and checked, and a job queued."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from domain.errors import InvalidRequest
from domain.job_kinds import JobKind
from domain.jobs import Job
from models.registry.metadata import ModelMetadata
from models.registry.registries import Registries
from rules.evidence import EvidenceBook
from services.backtests.candles import BacktestCandles, CandleNeed, GivenCandles
from services.backtests.job import BacktestJobOrder
from services.backtests.lane_models import version_of
from services.backtests.order import BacktestOrder, BacktestWish, lane_of
from services.job_candles.leaders import JobLeaders
from services.job_candles.order import SeriesOrder
from services.jobs.service import JobService


@dataclass(frozen=True)
class BacktestAsked:
    """A client's request.

    Attributes:
        symbols: At least one, each once.
        candles: By timeframe, of the one symbol; empty where the service is to find them.
    """

    symbols: tuple[str, ...]
    wish: BacktestWish
    candles: GivenCandles


class BacktestService:
    """Queues backtests, and refuses those that could only fail."""

    def __init__(
        self,
        jobs: JobService,
        candles: BacktestCandles,
        leaders: JobLeaders,
        registries: Registries,
        evidence: EvidenceBook | None,
    ) -> None:
        """Keep the parts.

        Args:
            jobs: Runs the backtest.
            candles: Finds them.
            leaders: Finds those that a model reads beside them.
            registries: Have the versions of lanes, and the settings for what a wish leaves open.
            evidence: What plans are weighed by.
        """
        self._jobs = jobs
        self._candles = candles
        self._leaders = leaders
        self._registries = registries
        self._evidence = evidence
        self._settings = registries.settings

    async def submit(self, asked: BacktestAsked, key: str | None = None) -> Job:
        """Queue a backtest and return its job, with a key that which has it already.

        Raises:
            InvalidRequest: the lane needs a file or names a plan model, or candles of several symbols are sent.
            ModelNotFound, ModelUnusable: the version of the lane cannot be opened.
            InvalidMarketData: the client's candles break a rule of the market.
            InsufficientData: fewer closed candles than a backtest needs, with the numbers.
            UnknownSymbol, MarketDataUnavailable: no source has candles of a symbol.
            JobQueueFull: the greatest number of jobs waits already.
            StorageUnavailable: the job could not be recorded.
        """
        lane = lane_of(asked.wish.lane)
        if lane.kind == "llm":
            raise InvalidRequest("recorded answers are a file: test them by cli.py backtest --lane llm:FILE")
        own = await asyncio.to_thread(version_of, self._registries, lane)
        wish = asked.wish if own is None else asked.wish.model_copy(update={"lane": own.lane})
        need = CandleNeed("a backtest", self._settings.analysis.min_candles + 3)
        series = await self._candles.series(asked.symbols, asked.wish.timeframes, asked.candles, need)
        order = BacktestJobOrder(
            symbols=", ".join(asked.symbols),
            lane=wish.lane,
            order=BacktestOrder.of(wish, own.settings if own else self._settings, self._evidence),
            series=series,
            leaders=await self._led_by(own.model, asked, series) if own else (),
        )
        return await self._jobs.submit(JobKind.BACKTEST, await asyncio.to_thread(order.model_dump, mode="json"), key)

    async def _led_by(
        self, model: ModelMetadata, asked: BacktestAsked, series: Sequence[SeriesOrder]
    ) -> tuple[SeriesOrder, ...]:
        """Return the candles of the leaders that a model reads and that are not traded, as far as there are any."""
        found: dict[str, tuple[SeriesOrder, ...]] = {}
        for symbol in asked.symbols:
            leader = model.leader(symbol)
            if leader is None or leader in found or leader in asked.symbols:
                continue
            market = min((order for order in series if order.symbol == symbol), key=lambda order: order.timeframe.ms)
            found[leader] = await self._leaders.beside(leader, market, sent=bool(asked.candles))
        return tuple(order for orders in found.values() for order in orders)
