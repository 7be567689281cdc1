"""Forecasts of the models that were in production at a moment in the past."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from threading import Lock

from cachetools import LRUCache
from loguru import logger

from domain.errors import AppError
from domain.market import Timeframe
from models.registry.registries import USUAL, Registries, RegistryKey
from models.registry.registry import Registry
from models.serving.forecaster import Forecaster
from models.serving.loaded_models import LoadedModels, load_version
from services.forecasts.forecasting import Forecasting
from services.forecasts.past_registry import PastRegistry

# Versions that are kept in memory between replays, beside those that serve.
MAX_KEPT = 8


class PastModels:
    """Tells which version served at a moment, and asks it; what serves now is not touched."""

    def __init__(self, registries: Registries, forecasting: Forecasting, reload_seconds: float) -> None:
        """Keep the parts.

        Args:
            registries: Have the versions, and the history of promotions.
            forecasting: That of the present models; its other parts are shared.
            reload_seconds: As of `LoadedModels`.
        """
        self._registries = registries
        self._forecasting = forecasting
        self._reload_seconds = reload_seconds
        self._kept: LRUCache[tuple[Path, str], Forecaster] = LRUCache(MAX_KEPT)
        self._loading = Lock()

    def version(self, symbol: str, timeframe: Timeframe, moment: datetime) -> str | None:
        """Return the version of the usual horizon that was in production for a symbol; call it off the event loop.

        Raises:
            ModelCorrupt: the file of aliases cannot be read.
        """
        aliases = self._registries.at(USUAL).aliases().at(moment).serving(symbol, timeframe)
        return aliases.production if aliases else None

    def at(self, moment: datetime) -> Forecasting:
        """Return forecasts by the models of the usual horizon, and the plan models, of a moment."""
        return self._at(USUAL, moment)

    def of_closes(self, moment: datetime) -> dict[RegistryKey, Forecasting]:
        """Return forecasts by the models of a moment, of each registry whose models forecast the close."""
        return {key: self._at(key, moment) for key in self._registries if key.target == "close"}

    def _at(self, key: RegistryKey, moment: datetime) -> Forecasting:
        past = PastRegistry(self._registries.at(key), moment)
        models = LoadedModels(past, self._reload_seconds, _note_failure, load=self._find, moment=moment)
        return self._forecasting.by(models, moment)

    def _find(self, registry: Registry, version: str) -> Forecaster:
        with self._loading:
            known = self._kept.get((registry.root, version))
            if known is None:
                known = self._kept[registry.root, version] = load_version(registry, version)
            return known


def _note_failure(version: str, error: AppError) -> None:
    logger.bind(version=version, reason=error.message).info("a model of the past cannot be loaded for a replay")
