"""The newest findings as they are kept, beside the models that serve now."""

from __future__ import annotations

from collections.abc import Mapping

from domain.errors import ModelNotFound, ModelUnusable
from models.drift.verdicts import DriftStatus
from models.registry.metadata import ModelMetadata
from models.registry.registry import Registry
from services.drift.findings import DriftFinding, Scope
from storage.document_ports import MODEL_DRIFT, DocumentStore

MAX_MODELS = 1_000


async def kept_findings(documents: DocumentStore) -> dict[Scope, DriftFinding]:
    """Return the newest finding of each symbol (or `*`) and timeframe, of whatever version.

    Raises:
        StorageUnavailable: the store does not answer.
    """
    return {one.scope: one for one in map(DriftFinding.of, await documents.newest(MODEL_DRIFT, MAX_MODELS))}


def models_of(registry: Registry, serving: Mapping[Scope, str | None]) -> dict[Scope, ModelMetadata]:
    """Return the metadata of the versions that serve; file I/O.

    Args:
        registry: Has the versions; one that cannot be read is left out: the watch over the models' folder names it.
        serving: Version by symbol (or `*`) and timeframe, None where none can be loaded.
    """
    found = {}
    for scope, version in serving.items():
        if version is not None:
            try:
                found[scope] = registry.open(version).metadata
            except (ModelNotFound, ModelUnusable):
                continue
    return found


def findings_of(kept: Mapping[Scope, DriftFinding], models: Mapping[Scope, ModelMetadata]) -> list[DriftFinding]:
    """Return the finding of every model, by timeframe and symbol; that of another version says nothing of it."""
    found = []
    for scope, model in models.items():
        known = kept.get(scope)
        found.append(known if known is not None and known.version == model.version else _not_checked(model))
    return sorted(found, key=lambda one: (one.timeframe.ms, one.symbol))


def _not_checked(model: ModelMetadata) -> DriftFinding:
    return DriftFinding(
        model.symbol, model.timeframe, model.version, model.type, DriftStatus.NOT_CHECKED, "it was not checked yet"
    )
