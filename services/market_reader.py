"""The one way to read a market: closed candles, their indicators and the forecast of the model in production."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor
from copy import copy
from dataclasses import replace
from datetime import datetime

from config.settings import AnalysisSettings
from domain.analysis import MarketSnapshot
from domain.errors import InsufficientData
from domain.queries import NOTHING_SAID, ClientContext
from domain.trading.costs import Costs
from domain.trading.disabled import WhyDisabled, nothing_is_disabled
from features.indicators.technical_indicators import TechnicalIndicators
from rules.context import MarketContext, build_context, measured, newest_indicators, with_forecast
from rules.reading import MarketReading, read_market
from services.evidence.in_use import EvidenceInUse
from services.forecasts.forecasting import Forecasting
from services.forecasts.horizon_returns import ReturnsByTime, returns_by_time
from services.forecasts.leader_candles import with_leaders
from services.forecasts.opinions import Opinion
from utils.clock import Clock
from utils.concurrency import run_blocking
from utils.tracing import span

_NOT_ASKED = "models are not asked: analysis.blend is off"


class MarketReader:
    """Reads snapshots off the event loop, and adds forecasts unless `analysis.blend` is off."""

    def __init__(
        self,
        indicators: TechnicalIndicators,
        forecasting: Forecasting,
        settings: AnalysisSettings,
        evidence: EvidenceInUse,
        clock: Clock,
        executor: Executor,
        why_disabled: WhyDisabled = nothing_is_disabled,
    ) -> None:
        """Keep the parts.

        Args:
            indicators: Computes the indicators.
            forecasting: The models in production.
            settings: Number of candles, and the blend with models.
            evidence: Weighs the plans, at the usual costs.
            clock: Decides which candles have closed.
            executor: Runs the computation.
            why_disabled: Tells which strategies take no part now.
        """
        self._indicators = indicators
        self._forecasting = forecasting
        self._asks_models = settings.blend != "off"
        self._settings = settings
        self._evidence = evidence
        self._clock = clock
        self._executor = executor
        self._why_disabled = why_disabled

    def asking(self, forecasting: Forecasting) -> MarketReader:
        """Return the same with other models."""
        other = copy(self)
        other._forecasting = forecasting
        return other

    async def read(
        self,
        snapshot: MarketSnapshot,
        strategies: tuple[str, ...],
        client: ClientContext = NOTHING_SAID,
        costs: Costs | None = None,
    ) -> MarketContext:
        """Return the context of a market, with the forecast of its primary timeframe or the reason why there is none.

        Args:
            snapshot: The market.
            strategies: Names of the selected strategies.
            client: What the client says in addition.
            costs: Of the client's trades; None are the usual ones.

        Raises:
            InsufficientData: no timeframe has enough closed candles.
        """
        with span("market read", symbol=snapshot.symbol, source_data=snapshot.source_data.value):
            context = await self.measure(snapshot, strategies, client, costs)
            if not self._asks_models:
                return self._without_forecast(context)
            opinion = await self._forecasting.opinion(snapshot, context.primary, costs)
            return await self._with_forecast(snapshot, context, opinion)

    async def read_many(
        self, snapshots: Sequence[MarketSnapshot], strategies: tuple[str, ...]
    ) -> list[MarketContext | InsufficientData]:
        """Return the context of each market, or the error of one with too few candles, at the usual costs.

        All indicators are computed in one call, and a model computes all forecasts of its own at once.
        """
        with span("market read", symbols=len(snapshots)):
            found = await run_blocking(self._executor, self._measure_many, snapshots, strategies)
            read = zip(with_leaders(snapshots), found, strict=True)
            known = [(snapshot, one) for snapshot, one in read if isinstance(one, MarketContext)]
            contexts = iter(await self._with_forecasts(known))
            return [next(contexts) if isinstance(one, MarketContext) else one for one in found]

    async def returns(self, context: MarketContext, times_ms: Sequence[int]) -> ReturnsByTime:
        """Return the returns that models expect over some times, and why others have none.

        Args:
            context: Of a market now, as `read` returns it.
            times_ms: From now on.
        """
        if not self._asks_models:
            return ReturnsByTime({}, dict.fromkeys(times_ms, _NOT_ASKED))
        series = {timeframe: part.series for timeframe, part in context.timeframes.items()}
        snapshot = MarketSnapshot(context.symbol, series, context.price, None, context.source_data)
        return await returns_by_time(self._forecasting, snapshot, context.primary, context.forecast, times_ms)

    async def measure(
        self,
        snapshot: MarketSnapshot,
        strategies: tuple[str, ...],
        client: ClientContext = NOTHING_SAID,
        costs: Costs | None = None,
    ) -> MarketContext:
        """Return the context of a market without a forecast; arguments and errors are those of `read`."""
        weigher = self._evidence.weigher
        if costs is not None:
            weigher = replace(weigher, costs=weigher.costs.replaced(costs.fee_bps, costs.slippage_bps))
        return await run_blocking(
            self._executor,
            build_context,
            snapshot,
            self._enabled(snapshot, strategies),
            self._settings,
            self._indicators,
            self._clock.now(),
            weigher,
            client,
        )

    async def _with_forecasts(self, markets: Sequence[tuple[MarketSnapshot, MarketContext]]) -> list[MarketContext]:
        if not self._asks_models:
            return [self._without_forecast(context) for _, context in markets]
        opinions = await self._forecasting.opinions([(snapshot, context.primary) for snapshot, context in markets])
        finished = (self._with_forecast(*market, opinion) for market, opinion in zip(markets, opinions, strict=True))
        return await asyncio.gather(*finished)

    async def _with_forecast(self, snapshot: MarketSnapshot, context: MarketContext, opinion: Opinion) -> MarketContext:
        context = with_forecast(context, opinion.forecast, opinion.note, self._settings)
        return await self._forecasting.with_plan(snapshot, context)

    def _without_forecast(self, context: MarketContext) -> MarketContext:
        return with_forecast(context, None, _NOT_ASKED, self._settings)

    def _enabled(self, snapshot: MarketSnapshot, strategies: tuple[str, ...]) -> tuple[str, ...]:
        """Return the strategies that take part; replays are of a time when all of them did."""
        if snapshot.as_of_ms is not None:
            return strategies
        return tuple(name for name in strategies if self._why_disabled(name) is None)

    def _measure_many(
        self, snapshots: Sequence[MarketSnapshot], strategies: tuple[str, ...]
    ) -> list[MarketContext | InsufficientData]:
        now, weigher = self._clock.now(), self._evidence.weigher
        found = [self._closed(snapshot, now) for snapshot in snapshots]
        latest = iter(newest_indicators([read for read in found if isinstance(read, MarketReading)], self._indicators))
        return [
            measured(read, self._enabled(read.snapshot, strategies), next(latest), weigher)
            if isinstance(read, MarketReading)
            else read
            for read in found
        ]

    def _closed(self, snapshot: MarketSnapshot, now: datetime) -> MarketReading | InsufficientData:
        try:
            return read_market(snapshot, self._settings, now)
        except InsufficientData as error:
            return error
