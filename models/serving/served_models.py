"""What serves of every registry: the models in production of each horizon, and the plan models."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Self

from config.settings import Settings
from models.registry.registries import USUAL, Registries, RegistryKey
from models.registry.registry import Registry
from models.serving.loaded_models import LoadedModels, OnFailure


class ServedModels:
    """The registries of the settings, and of each the models in production, in memory once they were asked."""

    def __init__(self, registries: Registries, loaded: Callable[[Registry], LoadedModels]) -> None:
        """Load nothing yet.

        Args:
            registries: Have the versions.
            loaded: Keeps the models in production of one of them.
        """
        self.registries = registries
        self._loaded = {key: loaded(registries.at(key)) for key in registries}

    @classmethod
    def of(cls, settings: Settings, on_failure: OnFailure, monotonic: Callable[[], float] = time.monotonic) -> Self:
        """Return those of the settings; `on_failure` and `monotonic` as `LoadedModels` takes them."""
        seconds = settings.models.serving.reload_seconds
        return cls(Registries(settings), lambda registry: LoadedModels(registry, seconds, on_failure, monotonic))

    def __iter__(self) -> Iterator[RegistryKey]:
        """Return the keys of the registries, that of the usual horizon first."""
        return iter(self._loaded)

    def at(self, key: RegistryKey) -> LoadedModels:
        """Return the models in production of a registry."""
        return self._loaded[key]

    @property
    def usual(self) -> LoadedModels:
        """Those of the usual horizon."""
        return self._loaded[USUAL]

    @property
    def further(self) -> dict[int, LoadedModels]:
        """Those of the further horizons, by candles ahead."""
        return {key.horizon: models for key, models in self._loaded.items() if key.horizon is not None}
