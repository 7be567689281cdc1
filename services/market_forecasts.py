"""Forecasts of markets that were read: of the models in production, or none where `analysis.blend` is off."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from config.settings import AnalysisSettings
from domain.analysis import MarketSnapshot
from domain.trading.costs import Costs
from rules.context import MarketContext, with_forecast
from services.forecasts.forecasting import Forecasting
from services.forecasts.horizon_returns import ReturnsByTime, returns_by_time
from services.forecasts.opinions import Opinion

_NOT_ASKED = "models are not asked: analysis.blend is off"


class MarketForecasts:
    """Adds the forecasts of models to contexts, and the returns that they expect."""

    def __init__(self, forecasting: Forecasting, settings: AnalysisSettings) -> None:
        """Keep the models, and how the rules are blended with them."""
        self._forecasting = forecasting
        self._settings = settings

    def by(self, forecasting: Forecasting) -> MarketForecasts:
        """Return the same by other models."""
        return MarketForecasts(forecasting, self._settings)

    async def added(self, snapshot: MarketSnapshot, context: MarketContext, costs: Costs | None) -> MarketContext:
        """Return the context of a market with the forecast of its primary timeframe, or why there is none."""
        opinion = await self._forecasting.opinion(snapshot, context.primary, costs)
        return await self._with(snapshot, context, opinion)

    async def added_to_all(self, markets: Sequence[tuple[MarketSnapshot, MarketContext]]) -> list[MarketContext]:
        """Return what `added` does for several markets, at the usual costs; a model computes all of its own at once."""
        opinions = await self._forecasting.opinions([(snapshot, context.primary) for snapshot, context in markets])
        finished = (self._with(*market, opinion) for market, opinion in zip(markets, opinions, strict=True))
        return await asyncio.gather(*finished)

    async def returns(self, context: MarketContext, times_ms: Sequence[int]) -> ReturnsByTime:
        """Return the returns that models expect over some times from now on, and why others have none."""
        series = {timeframe: part.series for timeframe, part in context.timeframes.items()}
        snapshot = MarketSnapshot(context.symbol, series, context.price, None, context.source_data)
        return await returns_by_time(self._forecasting, snapshot, context.primary, context.forecast, times_ms)

    async def _with(self, snapshot: MarketSnapshot, context: MarketContext, opinion: Opinion) -> MarketContext:
        context = with_forecast(context, opinion.forecast, opinion.note, self._settings)
        return await self._forecasting.with_plan(snapshot, context)


class NoForecasts(MarketForecasts):
    """Stands in where no models are asked, whatever they are."""

    def __init__(self, settings: AnalysisSettings) -> None:
        """Keep how the rules would be blended with models."""
        self._settings = settings

    def by(self, _: Forecasting) -> MarketForecasts:
        """Return the same."""
        return self

    async def added(self, _: MarketSnapshot, context: MarketContext, __: Costs | None) -> MarketContext:
        """Return the context with the reason why there is no forecast."""
        return with_forecast(context, None, _NOT_ASKED, self._settings)

    async def added_to_all(self, markets: Sequence[tuple[MarketSnapshot, MarketContext]]) -> list[MarketContext]:
        """Return what `added` does for several markets."""
        return [with_forecast(context, None, _NOT_ASKED, self._settings) for _, context in markets]

    async def returns(self, _: MarketContext, times_ms: Sequence[int]) -> ReturnsByTime:
        """Return the reason for all times."""
        return ReturnsByTime({}, dict.fromkeys(times_ms, _NOT_ASKED))
