"""The version of a model that a lane names."""

from __future__ import annotations

from typing import NamedTuple

from config.settings import Settings
from models.registry.metadata import ModelMetadata
from models.registry.registries import Registries, settings_at
from services.backtests.parameters import LaneName


class ModelOfLane(NamedTuple):
    """The version of a lane.

    Attributes:
        lane: The lane as a result names it: with the horizon of a further one.
        settings: With the folder that the version is in.
        model: Its metadata.
    """

    lane: str
    settings: Settings
    model: ModelMetadata


def version_of(registries: Registries, lane: LaneName) -> ModelOfLane | None:
    """Return the version of a lane, None of a lane without a model.

    Raises:
        InvalidRequest: no version can have that name, no models of that horizon are asked, or it is a plan model.
        ModelNotFound, ModelUnusable: there is none, or its metadata cannot be used.
    """
    if lane.kind not in {"model", "blend"}:
        return None
    key = registries.of_close(lane.name, lane.horizon)
    model = registries.at(key).open(lane.name).metadata
    ahead = "" if key.horizon is None else f"@{key.horizon}"
    return ModelOfLane(f"{lane.kind}:{lane.name}{ahead}", settings_at(registries.settings, key), model)
