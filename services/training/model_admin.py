"""What operators ask of the models: what there is, what serves, and another one in its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from config.settings import AnalysisSettings
from domain.errors import ModelNotFound, ModelUnusable
from domain.market import Timeframe
from models.registry.aliases import Aliases
from models.registry.metadata import ModelMetadata
from models.registry.registry import PrunedVersions, Registry
from models.serving.loaded_models import LoadedModels, load_version
from utils.clock import Clock

Alias = Literal["production", "candidate"]
BY_OPERATOR = "loaded by an operator"


@dataclass(frozen=True)
class KnownModel:
    """A version, its alias if it has one, and whether it is in memory and serves."""

    metadata: ModelMetadata
    alias: Alias | None
    loaded: bool


@dataclass(frozen=True)
class KnownModels:
    """Every version, newest first, and why others cannot be used."""

    models: tuple[KnownModel, ...]
    unusable: Mapping[str, str]


class ModelAdmin:
    """Reads and changes the registry. All of it is file I/O: call it beside the event loop."""

    def __init__(self, registry: Registry, loaded: LoadedModels, settings: AnalysisSettings, clock: Clock) -> None:
        """Keep the parts; the first symbol and the first timeframe of the settings are the default ones."""
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
        return KnownModels(tuple(_known(each, aliases, loaded) for each in listing.models), listing.unusable)

    def find(self, version: str) -> KnownModel:
        """Return one version.

        Raises:
            InvalidRequest, ModelNotFound, ModelCorrupt: as `Registry.open`.
        """
        return _known(self._registry.open(version).metadata, self._registry.aliases(), self._loaded.loaded())

    def current(self) -> KnownModel | None:
        """Return what serves the default market or, where nothing usable does, the newest version; None without any.

        Raises:
            ModelCorrupt: the file of aliases cannot be read.
        """
        version = self._registry.resolve(*self._default)
        if version is not None:
            try:
                return self.find(version)
            except (ModelNotFound, ModelUnusable):
                pass  # named by whoever tries to load it
        return next(iter(self.known().models), None)

    def production(self) -> ModelMetadata | None:
        """Return what is in production for the default market; None where nothing usable is.

        Raises:
            ModelCorrupt: the file of aliases cannot be read.
        """
        current = self.current()
        return current.metadata if current and current.alias == "production" else None

    def last_trained(self) -> datetime | None:
        """Return when the newest version was made; None without any that can be used."""
        return max((each.created_at for each in self._registry.versions().models), default=None)

    def load(self, version: str) -> ModelMetadata:
        """Let a version serve, whatever the gate found, and return it once it does.

        Raises:
            InvalidRequest, ModelNotFound, ModelUnusable: it cannot serve; what served before goes on.
        """
        metadata = self._registry.open(version).metadata
        if self._registry.aliases().of(*metadata.scope).production != version:
            return self.promote(version, BY_OPERATOR)
        load_version(self._registry, version)
        self._serve(*metadata.scope)
        return metadata

    def promote(self, version: str, reason: str) -> ModelMetadata:
        """Put a version into production on a person's word.

        Raises:
            InvalidRequest: no reason, it is in production already, or no version can have that name.
            ModelNotFound, ModelUnusable: it cannot serve; what served before goes on.
        """
        metadata = self._registry.open(version).metadata
        load_version(self._registry, version)
        self._registry.promote(version, by="forced", reason=reason, at=self._clock.now())
        self._serve(*metadata.scope)
        return metadata

    def rollback(self, symbol: str, timeframe: Timeframe, reason: str) -> str | None:
        """Let the version before serve again and return it; None where nothing served before.

        Raises:
            InvalidRequest: nothing is in production for exactly this symbol and timeframe, or no reason.
            ModelUnusable: the version before cannot serve.
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
        """Have requests served by what the registry says now, not by what it said seconds ago."""
        self._loaded.look_again()
        self._loaded.find(symbol, timeframe)


def _known(metadata: ModelMetadata, aliases: Aliases, loaded: tuple[str, ...]) -> KnownModel:
    of, version = aliases.of(*metadata.scope), metadata.version
    alias: Alias | None = "production" if of.production == version else "candidate" if of.candidate == version else None
    return KnownModel(metadata, alias, version in loaded)
