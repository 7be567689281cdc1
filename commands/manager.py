"""What trains models at the command line, and where their versions are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.settings import Settings
from utils.clock import SystemClock

if TYPE_CHECKING:
    from models.model_manager import ModelManager
    from models.registry.registries import RegistryKey
    from models.registry.registry import Registry
    from services.training.plan_training import PlanTraining


def model_manager(settings: Settings) -> ModelManager:
    """Return the model manager for the settings."""
    from services.training.managers import open_manager

    return open_manager(settings.models, settings.features, settings.indicators.atr_period, SystemClock().now)


def plan_training(settings: Settings) -> PlanTraining:
    """Return what trains plan models, which have to beat the configured evidence; their folders are in the settings."""
    from services.evidence.file import read_evidence
    from services.evidence.parameters import MeasuringOptions, MeasuringParameters
    from services.training.plan_training import PlanTraining

    measuring = MeasuringParameters.of(MeasuringOptions(), settings)
    evidence = read_evidence(settings.trading.evidence_file)
    return PlanTraining(settings.models, settings.features, measuring, evidence, SystemClock().now)


def holder_of(settings: Settings, version: str, horizon: int | None = None) -> tuple[RegistryKey, Registry]:
    """Return the registry that has a version, and which one it is; arguments and errors as `Registries.holder`."""
    from models.registry.registries import Registries

    registries = Registries(settings)
    key = registries.holder(version, horizon)
    return key, registries.at(key)


def close_registry(settings: Settings, version: str | None, horizon: int | None) -> Registry:
    """Return the registry that has a version which forecasts the close, without a version that of the horizon.

    Raises:
        InvalidRequest, ModelNotFound: as `Registries.of_close`.
    """
    from models.registry.registries import Registries, key_of

    registries = Registries(settings)
    key = key_of(settings, horizon=horizon) if version is None else registries.of_close(version, horizon)
    return registries.at(key)
