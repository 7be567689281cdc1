"""The references of a version: its own, or those of an ensemble's members."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from domain.arrays import FloatArray
from domain.errors import ModelOutdated
from domain.market import CandleSeries
from features.columns.feature_sets import FEATURE_SETS, FeatureSet
from features.feature_engineering import FeatureEngineer
from models.drift.reference import REFERENCE_FILE, TrainingReference
from models.registry.metadata import ModelMetadata
from models.registry.registry import Registry


@dataclass(frozen=True)
class VersionReference:
    """What the features of a model, or of a member of an ensemble, were like in training."""

    feature_set: FeatureSet
    reference: TrainingReference

    @property
    def needed(self) -> int:
        """Closed candles without which fewer rows than in training can be compared."""
        return self.feature_set.warm_up + self.reference.rows

    @property
    def wanted(self) -> int:
        """Closed candles with which rows are as of any longer history."""
        return self.feature_set.history + self.reference.rows

    def rows(self, series: CandleSeries, leader: CandleSeries | None) -> FloatArray:
        """Return the newest rows of closed candles, as long as the stretches of the training, or fewer.

        Args:
            series: Of the market.
            leader: Of what leads it, where the model reads that and it is known.
        """
        table = FeatureEngineer(self.feature_set).matrix(series.tail(self.wanted), leader)
        names = [column.name for column in self.feature_set.columns]
        known = table[np.isfinite(table).all(axis=1)][-self.reference.rows :]
        return known[:, [names.index(name) for name in self.reference.columns]]


def version_references(registry: Registry, model: ModelMetadata) -> tuple[VersionReference, ...]:
    """Return the references of a version; none where it, or a member of it, was trained before they were kept.

    Raises:
        ModelNotFound: a member is gone.
        ModelUnusable: a file is not the one that was written, or the feature set is of another release.
    """
    versions = [member.version for member in model.members] or [model.version]
    found = []
    for stored in map(registry.open, versions):
        graph = stored.metadata.graph
        if graph is None or REFERENCE_FILE not in stored.metadata.files:
            return ()
        feature_set = FEATURE_SETS.get(graph.feature_set.name)
        if feature_set is None or feature_set.id != graph.feature_set.id:
            raise ModelOutdated(f"{stored.metadata.version} was trained on features that this release does not compute")
        found.append(VersionReference(feature_set, TrainingReference.load(stored.read(REFERENCE_FILE))))
    return tuple(found)
