"""What asks the models of the registry, opened with its threads."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from functools import lru_cache, partial

from loguru import logger

from config.settings import Settings
from domain.errors import AppError
from domain.trading.disabled import WhyDisabled, nothing_is_disabled
from models.registry.registries import PLANS
from models.registry.registry import Registry
from models.serving.forecaster import Forecaster
from models.serving.loaded_models import LoadedModels, load_version
from models.serving.served_models import ServedModels
from services.forecasts.answers import ForecastAnswers
from services.forecasts.forecasting import Forecasting
from services.forecasts.leader_candles import LeaderCandles
from services.forecasts.micro_batching import MicroBatcher
from services.forecasts.model_candles import ModelCandles
from services.forecasts.newest_rows import NewestRows
from services.forecasts.plan_forecasts import PlanForecasts
from services.forecasts.plans import ForecastPlans
from services.forecasts.shadow_forecasts import ShadowForecasts
from services.market_data.sources.stored import StoredSource
from storage.ports import CandleStore
from utils import metrics
from utils.clock import Clock
from utils.concurrency import worker_threads

# Plan models of replays that are kept in memory.
_MAX_PAST_PLAN_MODELS = 16


def count_load_failure(version: str, error: AppError) -> None:
    """Count and log a version in production that cannot be loaded."""
    metrics.MODEL_LOAD_FAILURES.inc()
    logger.bind(version=version, reason=error.message).error("a model in production cannot be loaded")


@contextmanager
def open_forecasting(
    served: ServedModels,
    settings: Settings,
    store: CandleStore,
    clock: Clock,
    why_disabled: WhyDisabled = nothing_is_disabled,
    shadows: ShadowForecasts | None = None,
) -> Iterator[Forecasting]:
    """Serve the models of the registries; nothing is loaded before the first request."""
    serving = settings.models.serving
    # Own threads, so that analyses do not wait while a model is loaded.
    with worker_threads(settings.analysis.worker_threads, "forecasting") as executor:
        candles = ModelCandles(StoredSource(store), LeaderCandles(), clock)
        rows = shadows.rows if shadows else NewestRows()
        plans = ForecastPlans(settings.trading.costs, settings.indicators.atr_period)
        yield Forecasting(
            models=served.usual,
            candles=candles,
            answers=ForecastAnswers(MicroBatcher(executor, serving), candles, rows, plans, serving, executor, shadows),
            preferred=settings.analysis.primary_timeframes,
            executor=executor,
            why_disabled=why_disabled,
            plan_forecasts=_plan_forecasts(served, serving.reload_seconds, candles, rows, executor),
            further=served.further,
        )


def _plan_forecasts(
    served: ServedModels,
    reload_seconds: float,
    candles: ModelCandles,
    rows: NewestRows,
    executor: Executor,
) -> PlanForecasts:
    registry = served.registries.at(PLANS)
    kept = lru_cache(_MAX_PAST_PLAN_MODELS)(partial(load_version, registry))

    def load(_registry: Registry, version: str) -> Forecaster:
        return kept(version)

    def models_of(past: Registry) -> LoadedModels:
        return LoadedModels(past, reload_seconds, count_load_failure, load=load)

    return PlanForecasts(registry, served.at(PLANS), models_of, candles, rows, executor)
