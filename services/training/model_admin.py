"""Administration of models for operators: list, promote, roll back, verify, prune; of every horizon, and of plans."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from domain.errors import InvalidRequest, ModelNotFound, ModelUnusable
from domain.market import Timeframe
from models.recalibration.recalibration_file import read_recalibrations
from models.registry.aliases import ALIASES_FILE
from models.registry.metadata import ModelMetadata
from models.registry.registries import USUAL, RegistryKey
from models.registry.registry import PrunedVersions, Registry
from models.serving.loaded_models import load_version
from models.serving.served_models import ServedModels
from services.training.known_models import (
    KnownModel,
    KnownModels,
    ServingModel,
    known_model,
    known_models,
    serving_models,
)
from utils.clock import Clock

BY_OPERATOR = "loaded by an operator"


class ModelAdmin:
    """Reads and changes the registries; every method does file I/O: call it off the event loop.

    A version is looked for in all of them. `horizon` is of those that two horizons have by the same name: without it
    the usual horizon's goes first.
    """

    def __init__(self, served: ServedModels, clock: Clock, announce: Callable[[], object]) -> None:
        """Keep the parts.

        Args:
            served: The registries, and the models in memory; of their settings the first symbol and the first
                timeframe are the default ones.
            clock: The server's.
            announce: Lets other replicas know at once that another version is in production.
        """
        self._announce = announce
        self._served = served
        self._registries = served.registries
        self._registry = served.registries.at(USUAL)
        self.settings = served.registries.settings
        analysis = self.settings.analysis
        self._default = analysis.symbols[0], analysis.primary_timeframes[0]
        self._clock = clock

    def known(self, key: RegistryKey = USUAL) -> KnownModels:
        """Return every version of a registry.

        Raises:
            ModelCorrupt: the file of aliases cannot be read.
        """
        return known_models(self._registries.at(key), self._served.at(key).loaded(), key)

    def further(self) -> dict[RegistryKey, KnownModels]:
        """Return the versions of further horizons and of plan models, of each registry that has any.

        Where a file of aliases cannot be read it stands for the versions, with the reason: the others are not affected.
        """
        found = {key: self._known_further(key) for key in self._registries if key != USUAL}
        return {key: known for key, known in found.items() if known.models or known.unusable}

    def find(self, version: str, horizon: int | None = None) -> KnownModel:
        """Return one version.

        Raises:
            InvalidRequest, ModelNotFound, ModelCorrupt: as `Registries.holder` and `Registry.open`.
        """
        key, registry = self._holder(version, horizon)
        return known_model(registry, version, self._served.at(key).loaded(), key)

    def calibrated_at(self, version: str) -> int | None:
        """Return when a version was recalibrated, epoch ms; None where it serves by the calibration of its training.

        Raises:
            ModelCorrupt: the file of recalibrations cannot be read.
        """
        in_force = read_recalibrations(self._registry.root).in_force(version)
        return in_force.at_ms if in_force else None

    def current(self) -> KnownModel | None:
        """Return the version that serves the default market, else the newest version; None without any.

        Raises:
            ModelCorrupt: the file of aliases cannot be read.
        """
        version = self._registry.resolve(*self._default)
        if version is not None:
            try:
                return self.find(version)
            except (ModelNotFound, ModelUnusable):
                pass  # reported where it is loaded
        return next(iter(self.known().models), None)

    def production(self) -> ModelMetadata | None:
        """Return the version in production for the default market; None without a usable one.

        Raises:
            ModelCorrupt: the file of aliases cannot be read.
        """
        current = self.current()
        return current.metadata if current and current.alias == "production" else None

    def serving(self, key: RegistryKey = USUAL) -> list[ServingModel]:
        """Return every usable version in production that was trained here, as `serving_models`."""
        return serving_models(self._registries.at(key), self.known(key))

    def newest(self, symbol: str, timeframe: Timeframe, key: RegistryKey = USUAL) -> ModelMetadata | None:
        """Return the newest usable version of a symbol (or `*`) that was trained here; None without one."""
        own = (model for model in self._registries.at(key).versions().models if not model.shipped)
        return next((model for model in own if model.scope == (symbol, timeframe)), None)

    def last_trained(self) -> datetime | None:
        """Return when the newest usable version of the usual horizon was trained here; None without one."""
        own = (model.created_at for model in self._registry.versions().models if not model.shipped)
        return max(own, default=None)

    def load(self, version: str, horizon: int | None = None) -> KnownModel:
        """Put a version into production, whatever the gate decided, and return it once it serves.

        Raises:
            InvalidRequest, ModelNotFound, ModelUnusable: it cannot serve; the version before goes on.
        """
        key, registry = self._holder(version, horizon)
        metadata = registry.open(version).metadata
        try:
            return self.promote(version, BY_OPERATOR, horizon)
        except InvalidRequest:
            if registry.aliases().of(*metadata.scope).production != version:
                raise
        self._serve(key, *metadata.scope)
        return self.find(version, horizon)

    def promote(self, version: str, reason: str, horizon: int | None = None) -> KnownModel:
        """Put a version into production by decision of an operator.

        Raises:
            InvalidRequest: no reason, it is in production already, or no version can have that name.
            ModelNotFound, ModelUnusable: it cannot serve; the version before goes on.
        """
        key, registry = self._holder(version, horizon)
        load_version(registry, version)  # what cannot answer is not put into production
        registry.promote(version, by="forced", reason=reason, at=self._clock.now())
        self._serve(key, *registry.open(version).metadata.scope)
        return self.find(version, horizon)

    def rollback(self, symbol: str, timeframe: Timeframe, reason: str, key: RegistryKey = USUAL) -> str | None:
        """Put the previous version of a symbol (or `*`) into production again; return it, None where there is none.

        Raises:
            InvalidRequest: nothing is in production for exactly this symbol and timeframe, or no reason.
            ModelUnusable: the previous version cannot serve.
        """
        before = self._registries.at(key).rollback(symbol, timeframe, reason=reason, at=self._clock.now())
        self._serve(key, symbol, timeframe)
        return before

    def verify(self, version: str | None, horizon: int | None = None) -> ModelMetadata:
        """Read every file of a version, of the current one when None, and return its metadata.

        Raises:
            InvalidRequest, ModelNotFound, ModelCorrupt: as `Registry.verify`; or there is no version at all.
        """
        if version is None:
            current = self.current()
            if current is None:
                raise ModelNotFound("no model has been trained yet")
            version = current.metadata.version
        return self._holder(version, horizon)[1].verify(version)

    def prune(self, keep: int) -> PrunedVersions:
        """Delete all but the newest versions of each market in every registry, as `Registry.prune`."""
        return self._registries.prune(keep)

    def _known_further(self, key: RegistryKey) -> KnownModels:
        try:
            return self.known(key)
        except ModelUnusable as error:
            return KnownModels((), {ALIASES_FILE: error.message})

    def _holder(self, version: str, horizon: int | None) -> tuple[RegistryKey, Registry]:
        key = self._registries.holder(version, horizon)
        return key, self._registries.at(key)

    def _serve(self, key: RegistryKey, symbol: str, timeframe: Timeframe) -> None:
        """Serve requests by the registry of now, not by its state of seconds ago."""
        self._announce()
        self._served.at(key).look_again()
        self._served.at(key).find(symbol, timeframe)
