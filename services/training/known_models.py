"""The versions of a registry as operators see them: their aliases, and which of them are in memory and serve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from domain.market import Timeframe
from models.recalibration.recalibration_file import read_recalibrations
from models.recalibration.records import Recalibration
from models.registry.listing import Listing
from models.registry.metadata import ModelMetadata
from models.registry.registries import USUAL, RegistryKey
from models.registry.registry import Registry
from models.registry.trials import count_trials

Alias = Literal["production", "candidate"]


@dataclass(frozen=True)
class KnownModel:
    """A version, its alias if it has one, and whether it is in memory and serves.

    Attributes:
        trials: Settings that were judged on candles of its figures; None where that is not known.
        recalibrations: From its settled forecasts, oldest first, refused ones included.
        key: Which registry it is in.
    """

    metadata: ModelMetadata
    alias: Alias | None
    loaded: bool
    trials: int | None
    recalibrations: tuple[Recalibration, ...]
    key: RegistryKey

    @property
    def market(self) -> str:
        """What it forecasts, in words."""
        return self.key.market(f"{self.metadata.symbol} {self.metadata.timeframe}")


@dataclass(frozen=True)
class ServingModel:
    """A version in production.

    Attributes:
        metadata: Its own.
        last_trained: When the newest version of its market was made, whether or not that one serves.
        last_candle_ms: Open time of the newest candle that this one was trained on; None of an imported file.
        shadow: The version that shadows it; None without one.
        key: Which registry it is in.
    """

    metadata: ModelMetadata
    last_trained: datetime
    last_candle_ms: int | None
    shadow: str | None = None
    key: RegistryKey = USUAL


@dataclass(frozen=True)
class KnownModels:
    """Every usable version, newest first, and by name the reason why others cannot be used."""

    models: tuple[KnownModel, ...]
    unusable: Mapping[str, str]


def known_models(registry: Registry, loaded: tuple[str, ...], key: RegistryKey) -> KnownModels:
    """Return every version of a registry.

    Args:
        registry: All versions.
        loaded: Those in memory.
        key: Which registry it is.

    Raises:
        ModelCorrupt: the file of aliases, or that of recalibrations, cannot be read.
    """
    listing = registry.versions()
    known = _Knowledge(registry, listing, loaded, key)
    return KnownModels(tuple(known.of(model) for model in listing.models), listing.unusable)


def known_model(registry: Registry, version: str, loaded: tuple[str, ...], key: RegistryKey) -> KnownModel:
    """Return one version; arguments as those of `known_models`.

    Raises:
        InvalidRequest, ModelNotFound, ModelCorrupt: as `Registry.open`.
    """
    metadata = registry.open(version).metadata
    return _Knowledge(registry, registry.versions(), loaded, key).of(metadata)


def serving_models(registry: Registry, known: KnownModels) -> list[ServingModel]:
    """Return every version in production that was trained here, each with the newest training of its market.

    Raises:
        ModelCorrupt: the file of aliases cannot be read.
    """
    aliases = registry.aliases()
    newest: dict[tuple[str, Timeframe], ModelMetadata] = {}
    for model in known.models:  # the newest come first
        if not model.metadata.shipped:
            newest.setdefault(model.metadata.scope, model.metadata)
    found = []
    for model in known.models:
        if model.alias == "production" and not model.metadata.shipped:
            last, shadow = newest[model.metadata.scope], aliases.of(*model.metadata.scope).shadow
            last_ms = last.data.last_ms if last.data else None
            version = shadow.version if shadow else None
            found.append(ServingModel(model.metadata, last.created_at, last_ms, version, model.key))
    return found


class _Knowledge:
    """What a registry tells of its versions, read once."""

    def __init__(self, registry: Registry, listing: Listing, loaded: tuple[str, ...], key: RegistryKey) -> None:
        self._aliases = registry.aliases()
        self._trials = count_trials(registry.root, listing.models)
        self._recalibrations = read_recalibrations(registry.root)
        self._loaded = loaded
        self._key = key

    def of(self, metadata: ModelMetadata) -> KnownModel:
        """Return what is known of a version."""
        scope, version = self._aliases.of(*metadata.scope), metadata.version
        others: Alias | None = "candidate" if scope.candidate == version else None
        return KnownModel(
            metadata=metadata,
            alias="production" if scope.production == version else others,
            loaded=version in self._loaded,
            trials=self._trials.get(version),
            recalibrations=self._recalibrations.of(version),
            key=self._key,
        )
