"""What a market is like and which strategies suit it, from given candles or fetched ones."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TypeVar

from config.settings import AnalysisSettings, IndicatorSettings
from domain.analysis import DataSource, MarketSnapshot
from domain.errors import MarketDataUnavailable
from features.technical_indicators import TechnicalIndicators
from services.analysts.context import MarketContext, build_context
from services.analysts.direction import view_trend
from services.market_condition import MarketCondition, describe_market
from services.market_data.market_data import MarketData
from services.strategies import STRATEGY_NAMES
from services.strategy_fit import Recommendation, names_that_suit, recommend
from utils.clock import Clock
from utils.concurrency import run_blocking

T = TypeVar("T")


@dataclass(frozen=True)
class PipelineCheck:
    """A condition that was found on fetched candles, and how many these were, all timeframes together."""

    condition: MarketCondition
    candles: int


class MarketInsights:
    """Answers by the rules alone: the same candles get the same answer."""

    def __init__(
        self,
        market_data: MarketData,
        indicators: TechnicalIndicators,
        settings: AnalysisSettings,
        periods: IndicatorSettings,
        clock: Clock,
        executor: Executor,
    ) -> None:
        """Keep the parts; `periods` are those that `indicators` were made with."""
        self._market_data = market_data
        self._indicators = indicators
        self._settings = settings
        self._periods = periods
        self._clock = clock
        self._executor = executor

    async def condition(self, symbol: str, snapshot: MarketSnapshot | None) -> MarketCondition:
        """Return the condition of a market; candles are fetched where none are given.

        Raises:
            InsufficientData: the candles given are too few.
            MarketDataUnavailable: none are given and no source gave any.
        """
        return await self._read(symbol, snapshot, STRATEGY_NAMES, self._describe)

    async def recommend(
        self, symbol: str, snapshot: MarketSnapshot | None, strategies: tuple[str, ...]
    ) -> list[Recommendation]:
        """Return how well each of the strategies suits a market, best first.

        Raises:
            InsufficientData, MarketDataUnavailable: as `condition`.
        """
        return await self._read(symbol, snapshot, strategies, self._recommend)

    async def check(self) -> PipelineCheck:
        """Find the condition of the first symbol on fresh candles of a real market.

        Raises:
            MarketDataUnavailable: no source gave any, or only the synthetic one did.
        """
        snapshot = await self._market_data.snapshot(self._settings.symbols[0])
        if snapshot.source_data is DataSource.SYNTHETIC:
            raise MarketDataUnavailable(
                f"no source has real candles of {snapshot.symbol}: only synthetic ones are left"
            )
        condition = await self.condition(snapshot.symbol, snapshot)
        return PipelineCheck(condition, sum(map(len, snapshot.series.values())))

    async def _read(
        self,
        symbol: str,
        snapshot: MarketSnapshot | None,
        strategies: tuple[str, ...],
        answer: Callable[[MarketContext], T],
    ) -> T:
        read = snapshot or await self._market_data.snapshot(symbol)
        now = self._clock.now()

        def work() -> T:
            return answer(build_context(read, strategies, self._settings, self._indicators, now))

        return await run_blocking(self._executor, work)

    def _describe(self, context: MarketContext) -> MarketCondition:
        view = view_trend(context)
        return describe_market(context, view, names_that_suit(recommend(context, view, self._periods)))

    def _recommend(self, context: MarketContext) -> list[Recommendation]:
        return recommend(context, view_trend(context), self._periods)
