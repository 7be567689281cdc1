"""What the plan model in production says of the plan that the rules give of a market."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from datetime import datetime

import numpy as np
from loguru import logger

from domain.analysis import MarketSnapshot
from domain.arrays import FloatArray
from domain.errors import AppError
from domain.naming.symbols import Symbol
from domain.trading.plan_models import PlanForecast, PlanModelRecord
from domain.values import Signal, utc_time
from models.registry.metadata import ModelMetadata
from models.registry.registry import Registry
from models.serving.forecaster import FACTS, Forecaster
from models.serving.loaded_models import LoadedModels
from rules.context import MarketContext, with_plan_forecast
from rules.direction import view_trend
from rules.plan_facts import PLAN_FACTS, facts_of
from rules.plans import HORIZON_CANDLES, REWARD, STOP_ATR
from services.forecasts.model_candles import Market, ModelCandles
from services.forecasts.newest_rows import NewestRows
from services.forecasts.past_registry import PastRegistry
from utils.concurrency import run_blocking

# Models of the registry at a moment in the past.
LoadModels = Callable[[Registry], LoadedModels]
_SIDE = PLAN_FACTS.index("plan_side")


class PlanForecasts:
    """Asks the plan model of a market; where there is none, or it has no answer, the measured evidence counts."""

    def __init__(
        self,
        registry: Registry,
        models: LoadedModels,
        load_past: LoadModels,
        candles: ModelCandles,
        rows: NewestRows,
        executor: Executor,
    ) -> None:
        """Keep the parts; nothing is loaded yet.

        Args:
            registry: Of plan models.
            models: Those in production.
            load_past: Keeps those in memory that were in production at a moment in the past.
            candles: Finds the candles that a model reads.
            rows: Features of these candles.
            executor: For work off the event loop.
        """
        self._registry = registry
        self._models = models
        self._load_past = load_past
        self._candles = candles
        self._rows = rows
        self._executor = executor

    def at(self, moment: datetime) -> PlanForecasts:
        """Return what the plan models of a moment in the past say."""
        past = PastRegistry(self._registry, moment)
        models, load_past = self._load_past(past), self._load_past
        return PlanForecasts(past, models, load_past, self._candles, self._rows, self._executor)

    def in_production(self) -> list[ModelMetadata]:
        """Return the versions in production; it reads files: call it off the event loop.

        Raises:
            ModelUnusable, ModelNotFound: the aliases, or the metadata of one, cannot be read.
        """
        scopes = self._registry.aliases().scopes
        return [self._registry.open(of.production).metadata for of in scopes if of.production]

    async def with_forecast(self, snapshot: MarketSnapshot, context: MarketContext) -> MarketContext:
        """Return the context with the plan model that was asked, and with what it says where the rules give a plan.

        Args:
            snapshot: The market.
            context: As it was read.
        """
        symbol, timeframe = context.symbol, context.primary
        if self._models.known_absent(symbol, timeframe):
            return context
        model = await run_blocking(self._executor, self._models.find, symbol, timeframe)
        record = model.metadata.judged_plans if model else None
        if model is None or record is None or not _speaks_of(record, symbol):
            return context
        said = await self._said(model, record, snapshot, context)
        return with_plan_forecast(context, model.metadata.version, said)

    async def _said(
        self, model: Forecaster, record: PlanModelRecord, snapshot: MarketSnapshot, context: MarketContext
    ) -> PlanForecast | None:
        facts = facts_of(context, view_trend(context))
        if facts is None:
            return None
        try:
            market = await self._candles.of(model, snapshot, context.primary)
            chance = await run_blocking(self._executor, self._chance, model, market, facts)
        except AppError as error:
            logger.bind(symbol=context.symbol, reason=error.message).debug("the plan model has no answer")
            return None
        except Exception as error:  # noqa: BLE001 - a defect of a model must not fail the analysis
            logger.bind(symbol=context.symbol).opt(exception=error).error("the plan model failed")
            return None
        return PlanForecast(
            side=Signal.LONG if facts[_SIDE] > 0 else Signal.SHORT,
            target_first=chance,
            error=record.error,
            plans=record.plans,
            built_from=_words(model.metadata),
        )

    def _chance(self, model: Forecaster, market: Market, facts: FloatArray) -> float:
        rows = self._rows.of(model, *market)
        return float(model.forecast({**rows, FACTS: np.array([facts])}).probability_up[0])


def _speaks_of(record: PlanModelRecord, symbol: str) -> bool:
    """Return whether it has learned from plans of today's shape, and from such markets."""
    measured = record.stop_atr, record.reward, record.horizon_candles
    return measured == (STOP_ATR, REWARD, HORIZON_CANDLES) and Symbol.of(symbol).kind in record.kinds


def _words(model: ModelMetadata) -> str:
    data = model.require_data()
    named = data.markets[0] if len(data.markets) == 1 else f"{len(data.markets)} markets"
    first, last = utc_time(data.first_ms), utc_time(data.last_ms)
    return f"{model.version}: {named}, {model.timeframe}, {first:%Y-%m} to {last:%Y-%m}"
