"""The newest findings as they are kept, beside the models that serve now."""

from __future__ import annotations

from collections.abc import Mapping

from domain.errors import ModelNotFound, ModelUnusable
from models.drift.verdicts import DriftStatus
from models.registry.metadata import ModelMetadata
from models.registry.registries import Registries
from services.drift.findings import DriftFinding, Place
from storage.document_ports import MODEL_DRIFT, DocumentStore

MAX_MODELS = 1_000


async def kept_findings(documents: DocumentStore) -> dict[Place, DriftFinding]:
    """Return the newest finding of each place, of whatever version.

    Raises:
        StorageUnavailable: the store does not answer.
    """
    return {one.place: one for one in map(DriftFinding.of, await documents.newest(MODEL_DRIFT, MAX_MODELS))}


def models_of(registries: Registries, serving: Mapping[Place, str | None]) -> dict[Place, ModelMetadata]:
    """Return the metadata of the versions that serve; file I/O.

    Args:
        registries: Have the versions; one that cannot be read is left out: the watch over the models' folder names it.
        serving: Version by place, None where none can be loaded.
    """
    found = {}
    for place, version in serving.items():
        if version is not None:
            try:
                found[place] = registries.at(place[0]).open(version).metadata
            except (ModelNotFound, ModelUnusable):
                continue
    return found


def findings_of(kept: Mapping[Place, DriftFinding], models: Mapping[Place, ModelMetadata]) -> list[DriftFinding]:
    """Return the finding of every model; that of another version says nothing of it.

    Those of the usual horizon go first, then those of further ones, then plan models; each by timeframe and symbol.
    """
    found = []
    for place, model in models.items():
        known = kept.get(place)
        found.append(known if known is not None and known.version == model.version else _not_checked(place, model))
    return sorted(found, key=lambda one: (one.key.target, one.key.horizon or 0, one.timeframe.ms, one.symbol))


def _not_checked(place: Place, model: ModelMetadata) -> DriftFinding:
    status, reason = DriftStatus.NOT_CHECKED, "it was not checked yet"
    return DriftFinding(model.symbol, model.timeframe, model.version, model.type, status, reason, key=place[0])
