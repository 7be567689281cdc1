"""Administration of models for operators: list, promote, roll back, verify, prune."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from config.settings import AnalysisSettings
from domain.errors import ModelNotFound, ModelUnusable
from domain.market import Timeframe
from models.recalibration.kept import read_recalibrations
from models.recalibration.records import Recalibration, Recalibrations
from models.registry.aliases import Aliases
from models.registry.metadata import ModelMetadata
from models.registry.registry import PrunedVersions, Registry
from models.registry.trials import count_trials
from models.serving.loaded_models import LoadedModels, load_version
from utils.clock import Clock

Alias = Literal["production", "candidate"]
BY_OPERATOR = "loaded by an operator"


@dataclass(frozen=True)
class KnownModel:
    """A version, its alias if it has one, and whether it is in memory and serves.

    Attributes:
        trials: Settings that were judged on candles of its figures; None where that is not known.
        recalibrations: From its settled forecasts, oldest first, refused ones included.
    """

    metadata: ModelMetadata
    alias: Alias | None
    loaded: bool
    trials: int | None
    recalibrations: tuple[Recalibration, ...] = ()


@dataclass(frozen=True)
class ServingModel:
    """A version in production.

    Attributes:
        metadata: Its own.
        last_trained: When the newest version of its market was made, whether or not that one serves.
        last_candle_ms: Open time of the newest candle that this one was trained on; None of an imported file.
        shadow: The version that shadows it; None without one.
    """

    metadata: ModelMetadata
    last_trained: datetime
    last_candle_ms: int | None
    shadow: str | None = None


@dataclass(frozen=True)
class KnownModels:
    """Every usable version, newest first, and by name the reason why others cannot be used."""

    models: tuple[KnownModel, ...]
    unusable: Mapping[str, str]


class ModelAdmin:
    """Reads and changes the registry; every method does file I/O: call it off the event loop."""

    def __init__(
        self,
        registry: Registry,
        loaded: LoadedModels,
        settings: AnalysisSettings,
        clock: Clock,
        announce: Callable[[], object],
    ) -> None:
        """Keep the parts.

        Args:
            registry: All versions.
            loaded: Those in memory.
            settings: The first symbol and the first timeframe are the default ones.
            clock: The server's.
            announce: Lets other replicas know at once that another version is in production.
        """
        self._announce = announce
        self._registry = registry
        self._loaded = loaded
        self._default = settings.symbols[0], settings.primary_timeframes[0]
        self._clock = clock

    def known(self) -> KnownModels:
        """Return every version.

        Raises:
            ModelCorrupt: the file of aliases cannot be read.
        """
        listing, aliases, loaded = self._registry.versions(), self._registry.aliases(), self._loaded.loaded()
        trials = count_trials(self._registry.root, listing.models)
        by = read_recalibrations(self._registry.root)
        known = (_known(model, aliases, loaded, trials, by) for model in listing.models)
        return KnownModels(tuple(known), listing.unusable)

    def find(self, version: str) -> KnownModel:
        """Return one version.

        Raises:
            InvalidRequest, ModelNotFound, ModelCorrupt: as `Registry.open`.
        """
        metadata = self._registry.open(version).metadata
        trials = count_trials(self._registry.root, self._registry.versions().models)
        by = read_recalibrations(self._registry.root)
        return _known(metadata, self._registry.aliases(), self._loaded.loaded(), trials, by)

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

    def serving(self) -> list[ServingModel]:
        """Return every usable version in production that was trained here, each with the newest training of its market.

        Raises:
            ModelCorrupt: the file of aliases cannot be read.
        """
        known, aliases = self.known().models, self._registry.aliases()
        newest: dict[tuple[str, Timeframe], ModelMetadata] = {}
        for model in known:  # the newest come first
            if not model.metadata.shipped:
                newest.setdefault(model.metadata.scope, model.metadata)
        found = []
        for model in known:
            if model.alias == "production" and not model.metadata.shipped:
                last, shadow = newest[model.metadata.scope], aliases.of(*model.metadata.scope).shadow
                last_ms = last.data.last_ms if last.data else None
                version = shadow.version if shadow else None
                found.append(ServingModel(model.metadata, last.created_at, last_ms, version))
        return found

    def newest(self, symbol: str, timeframe: Timeframe) -> ModelMetadata | None:
        """Return the newest usable version of a symbol (or `*`) that was trained here; None without one."""
        own = (model for model in self._registry.versions().models if not model.shipped)
        return next((model for model in own if model.scope == (symbol, timeframe)), None)

    def last_trained(self) -> datetime | None:
        """Return the creation time of the newest usable version that was trained here; None without one."""
        own = (model.created_at for model in self._registry.versions().models if not model.shipped)
        return max(own, default=None)

    def load(self, version: str) -> ModelMetadata:
        """Put a version into production, whatever the gate decided, and return it once it serves.

        Raises:
            InvalidRequest, ModelNotFound, ModelUnusable: it cannot serve; the version before goes on.
        """
        metadata = self._registry.open(version).metadata
        if self._registry.aliases().of(*metadata.scope).production != version:
            return self.promote(version, BY_OPERATOR)
        load_version(self._registry, version)
        self._serve(*metadata.scope)
        return metadata

    def promote(self, version: str, reason: str) -> ModelMetadata:
        """Put a version into production by decision of an operator.

        Raises:
            InvalidRequest: no reason, it is in production already, or no version can have that name.
            ModelNotFound, ModelUnusable: it cannot serve; the version before goes on.
        """
        metadata = self._registry.open(version).metadata
        load_version(self._registry, version)
        self._registry.promote(version, by="forced", reason=reason, at=self._clock.now())
        self._serve(*metadata.scope)
        return metadata

    def rollback(self, symbol: str, timeframe: Timeframe, reason: str) -> str | None:
        """Put the previous version back into production and return it; None where there was none.

        Raises:
            InvalidRequest: nothing is in production for exactly this symbol and timeframe, or no reason.
            ModelUnusable: the previous version cannot serve.
        """
        before = self._registry.rollback(symbol, timeframe, reason=reason, at=self._clock.now())
        self._serve(symbol, timeframe)
        return before

    def verify(self, version: str | None) -> ModelMetadata:
        """Read every file of a version, of the current one when None, and return its metadata.

        Raises:
            InvalidRequest, ModelNotFound, ModelCorrupt: as `Registry.verify`; or there is no version at all.
        """
        if version is None:
            current = self.current()
            if current is None:
                raise ModelNotFound("no model has been trained yet")
            version = current.metadata.version
        return self._registry.verify(version)

    def prune(self, keep: int) -> PrunedVersions:
        """Delete all but the newest versions of each market, as `Registry.prune`."""
        return self._registry.prune(keep)

    def _serve(self, symbol: str, timeframe: Timeframe) -> None:
        """Serve requests by the registry of now, not by its state of seconds ago."""
        self._announce()
        self._loaded.look_again()
        self._loaded.find(symbol, timeframe)


def _known(
    metadata: ModelMetadata,
    aliases: Aliases,
    loaded: tuple[str, ...],
    trials: Mapping[str, int],
    recalibrations: Recalibrations,
) -> KnownModel:
    of, version = aliases.of(*metadata.scope), metadata.version
    alias: Alias | None = "production" if of.production == version else "candidate" if of.candidate == version else None
    return KnownModel(metadata, alias, version in loaded, trials.get(version), recalibrations.of(version))
