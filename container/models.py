"""Subsystem of the models: what serves them, what changes them, and what watches them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from container.infrastructure import Infrastructure
from domain.trading.disabled import WhyDisabled
from models.registry.registries import Registries
from models.serving.served_models import ServedModels
from services.drift.opening import open_drift
from services.drift.watch import DriftWatch
from services.forecasts.forecasting import Forecasting
from services.forecasts.opening import count_load_failure, open_forecasting
from services.forecasts.past_models import PastModels
from services.forecasts.shadow_forecasts import ShadowForecasts, open_shadow_forecasts
from services.health.model_watch import ModelWatch
from services.recalibration import ModelRecalibration
from services.replicas.hints import Hint, Hints
from services.shadowing.watch import ShadowWatch, open_shadow_watch
from services.training.model_admin import ModelAdmin


@dataclass(frozen=True)
class ModelSubsystem:
    """The parts around the registries.

    Attributes:
        served: What serves, of every registry.
        past: Forecasts of versions that served before, for replays.
        shadows: Forecasts of candidates beside those of the versions in production.
        watch: Looks whether versions in production can serve.
    """

    registries: Registries
    served: ServedModels
    admin: ModelAdmin
    forecasting: Forecasting
    past: PastModels
    shadows: ShadowForecasts
    watch: ModelWatch
    shadowing: ShadowWatch
    drift: DriftWatch
    recalibration: ModelRecalibration


@asynccontextmanager
async def open_model_subsystem(base: Infrastructure, why_disabled: WhyDisabled) -> AsyncIterator[ModelSubsystem]:
    """Open the parts; no model is loaded before the first request, and candidates and drift are watched."""
    settings, clock, (store, documents, ledger) = base.settings, base.clock, base.stores
    announce, reload_seconds = _announce(base.replicas.hints), settings.models.serving.reload_seconds
    async with AsyncExitStack() as stack:
        opened, entered = stack.enter_async_context, stack.enter_context
        served = ServedModels.of(settings, count_load_failure)
        shadows = entered(open_shadow_forecasts(settings))
        forecasting = entered(open_forecasting(served, settings, store, clock, why_disabled, shadows))
        shadowing = open_shadow_watch(served.registries, (ledger, documents), base.hub, announce, clock)
        watch = ModelWatch(served, reload_seconds)
        base.replicas.hints.when(Hint.MODELS, lambda _: watch.look_soon())
        drift = open_drift(settings.models.drift, served, base.stores, base.hub, base.notices.send, clock)
        yield ModelSubsystem(
            registries=served.registries,
            served=served,
            admin=ModelAdmin(served, clock, announce),
            forecasting=forecasting,
            past=PastModels(served.registries, forecasting, reload_seconds),
            shadows=shadows,
            watch=watch,
            shadowing=await opened(shadowing),
            drift=await opened(drift),
            recalibration=ModelRecalibration(served.registries, ledger, documents, settings.models, announce, clock),
        )


def _announce(hints: Hints) -> Callable[[], object]:
    """Return what tells other replicas of another version in production; operators change it off the event loop."""
    return partial(asyncio.get_running_loop().call_soon_threadsafe, hints.tell, Hint.MODELS)
