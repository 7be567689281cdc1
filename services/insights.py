"""The condition of a market and the strategies that suit it, from given or fetched candles."""

from __future__ import annotations

from dataclasses import dataclass

from config.settings import Settings
from domain.analysis import DataSource, MarketSnapshot
from domain.errors import MarketDataUnavailable
from domain.trading.disabled import WhyDisabled
from rules.context import MarketContext
from rules.direction import view_trend
from rules.market_condition import MarketCondition, describe_market
from rules.strategies import STRATEGY_NAMES
from rules.strategy_fit import Recommendation, names_that_suit, recommend
from services.market_data.market_data import MarketData
from services.market_reader import MarketReader


@dataclass(frozen=True)
class PipelineCheck:
    """The condition on fetched candles, and the number of these over all timeframes."""

    condition: MarketCondition
    candles: int


class MarketInsights:
    """Answers by the rules alone: equal candles get equal answers."""

    def __init__(
        self, market_data: MarketData, reader: MarketReader, settings: Settings, why_disabled: WhyDisabled
    ) -> None:
        """Keep the parts.

        Args:
            market_data: Has candles where none are given.
            reader: Computes their indicators.
            settings: Periods of these indicators; `check` reads the first market of `analysis.symbols`.
            why_disabled: Tells which strategies take no part now.
        """
        self._market_data = market_data
        self._reader = reader
        self._periods = settings.indicators
        self._checked_symbol = settings.analysis.symbols[0]
        self._why_disabled = why_disabled

    async def condition(self, symbol: str, snapshot: MarketSnapshot | None) -> MarketCondition:
        """Return the condition of a market; candles are fetched where none are given.

        Raises:
            InsufficientData: the candles given are too few.
            MarketDataUnavailable: none are given and no source gave any.
        """
        context = await self._measured(symbol, snapshot, STRATEGY_NAMES)
        view = view_trend(context)
        return describe_market(context, view, names_that_suit(recommend(context, view, self._periods)))

    async def recommend(
        self, symbol: str, snapshot: MarketSnapshot | None, strategies: tuple[str, ...]
    ) -> list[Recommendation]:
        """Return the suitability of strategies for a market, best first; one that is disabled suits none.

        Raises:
            InsufficientData, MarketDataUnavailable: as `condition`.
        """
        context = await self._measured(symbol, snapshot, strategies)
        recommendations = recommend(context, view_trend(context), self._periods)
        judged = {recommendation.strategy for recommendation in recommendations}
        return recommendations + [
            Recommendation(name, 0.0, f"It takes no part: {reason}.", {})
            for name in strategies
            if name not in judged and (reason := self._why_disabled(name))
        ]

    async def check(self) -> PipelineCheck:
        """Return the condition of the first symbol on fresh real candles.

        Raises:
            MarketDataUnavailable: no source gave any, or only the synthetic one.
        """
        snapshot = await self._market_data.snapshot(self._checked_symbol)
        if snapshot.source_data is DataSource.SYNTHETIC:
            raise MarketDataUnavailable(
                f"no source has real candles of {snapshot.symbol}: only synthetic ones are left"
            )
        condition = await self.condition(snapshot.symbol, snapshot)
        return PipelineCheck(condition, sum(map(len, snapshot.series.values())))

    async def _measured(
        self, symbol: str, snapshot: MarketSnapshot | None, strategies: tuple[str, ...]
    ) -> MarketContext:
        return await self._reader.measure(snapshot or await self._market_data.snapshot(symbol), strategies)
