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
from models.plan_registry import plan_registry
from models.registry.horizons import settings_at
from models.registry.registry import Registry
from models.serving.forecaster import Forecaster
from models.serving.loaded_models import LoadedModels, load_version
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

# Plan models that are kept in memory: those of now, and of replays.
_MAX_PLAN_MODELS = 16


def count_load_failure(version: str, error: AppError) -> None:
    """Count and log a version in production that cannot be loaded."""
    metrics.MODEL_LOAD_FAILURES.inc()
    logger.bind(version=version, reason=error.message).error("a model in production cannot be loaded")


@contextmanager
def open_forecasting(
    loaded: LoadedModels,
    settings: Settings,
    store: CandleStore,
    clock: Clock,
    why_disabled: WhyDisabled = nothing_is_disabled,
    shadows: ShadowForecasts | None = None,
) -> Iterator[Forecasting]:
    """Serve the models of the registry; nothing is loaded before the first request."""
    serving = settings.models.serving
    # Own threads, so that analyses do not wait while a model is loaded.
    with worker_threads(settings.analysis.worker_threads, "forecasting") as executor:
        candles, leaders = ModelCandles(StoredSource(store), clock), LeaderCandles(StoredSource(store))
        rows = shadows.rows if shadows else NewestRows()
        plans = ForecastPlans(settings.trading.costs, settings.indicators.atr_period)
        yield Forecasting(
            models=loaded,
            candles=candles,
            leaders=leaders,
            answers=ForecastAnswers(MicroBatcher(executor, serving), leaders, rows, plans, serving, executor, shadows),
            preferred=settings.analysis.primary_timeframes,
            executor=executor,
            why_disabled=why_disabled,
            plan_forecasts=_plan_forecasts(settings, (candles, leaders), rows, executor),
            further=_further_models(settings),
        )


def _further_models(settings: Settings) -> dict[int, LoadedModels]:
    """Return what serves each of the further horizons, by candles ahead; nothing is loaded before the first request."""
    models, found = settings.models, dict[int, LoadedModels]()
    for horizon in models.further_horizons_candles:
        registry = Registry.of(settings_at(models, horizon))
        found[horizon] = LoadedModels(registry, models.serving.reload_seconds, count_load_failure)
    return found


def _plan_forecasts(
    settings: Settings, candles: tuple[ModelCandles, LeaderCandles], rows: NewestRows, executor: Executor
) -> PlanForecasts:
    registry, seconds = plan_registry(settings.models), settings.models.serving.reload_seconds
    kept = lru_cache(_MAX_PLAN_MODELS)(partial(load_version, registry))

    def load(_registry: Registry, version: str) -> Forecaster:
        return kept(version)

    def models(of: Registry) -> LoadedModels:
        return LoadedModels(of, seconds, count_load_failure, load=load)

    return PlanForecasts(registry, models, *candles, rows, executor)
