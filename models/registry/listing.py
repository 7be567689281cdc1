"""Every version of a registry, newest first."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from domain.errors import ModelNotFound, ModelUnusable
from models.registry.artifacts import StoredVersion
from models.registry.metadata import ModelMetadata


@dataclass(frozen=True)
class Listing:
    """Every version, newest first, and those whose metadata cannot be read, with the reason."""

    models: tuple[ModelMetadata, ...]
    unusable: dict[str, str]


def list_versions(open_version: Callable[[str], StoredVersion], names: Iterable[str]) -> Listing:
    """Return the metadata of versions.

    Args:
        open_version: Gives a version by its name; raises as `Registry.open`.
        names: Of the versions; those that were pruned a moment ago are left out.
    """
    models, unusable = [], {}
    for version in names:
        try:
            models.append(open_version(version).metadata)
        except ModelNotFound:
            continue
        except ModelUnusable as error:
            unusable[version] = error.message
    models.sort(key=_age)
    return Listing(tuple(reversed(models)), unusable)


def _age(model: ModelMetadata) -> tuple[datetime, int, str]:
    # `_10` is after `_9`.
    return model.created_at, len(model.version), model.version
