"""What a version's graph is run with, read from its files and checked: scaler and explanation."""

from __future__ import annotations

import numpy as np

from domain.errors import FeatureMismatch, ModelCorrupt, ModelOutdated
from features.columns.feature_sets import FEATURE_SETS
from features.datasets.scaling import Scaler
from models.architectures.summary import input_shape
from models.explanation.explanation import EXPLANATION_FILE, Explanation, load_explanation
from models.registry.artifacts import StoredVersion
from models.registry.metadata import SCALER_FILE, Graph


def require_current(version: str, graph: Graph) -> None:
    """Check that this release computes the columns that a version reads.

    Raises:
        ModelOutdated: it computes others.
    """
    trained, current = graph.feature_set, FEATURE_SETS.get(graph.feature_set.name)
    columns = tuple(column.name for column in current.columns) if current else ()
    if current is None or (current.id, columns) != (trained.id, trained.columns):
        raise ModelOutdated(
            f"{version} was trained on the feature set {trained.name} {trained.id}, and this release computes "
            f"{f'{current.name} {current.id}' if current else 'no set of that name'}: train it again"
        )


def read_scaler(stored: StoredVersion, graph: Graph) -> Scaler:
    """Return the scaler of a version.

    Raises:
        ModelCorrupt: it is not the one that was written, or belongs to other columns.
    """
    version = stored.metadata.version
    try:
        scaler = Scaler.from_json(stored.read(SCALER_FILE).decode("utf-8", "replace"))
        scaler.require(graph.columns)
    except FeatureMismatch as error:
        raise ModelCorrupt(f"{version}: {SCALER_FILE}: {error.message}") from error
    if scaler.feature_set_id != graph.feature_set.id:
        raise ModelCorrupt(f"{version}: {SCALER_FILE} belongs to the feature set {scaler.feature_set_id}")
    return scaler


def read_explanation(stored: StoredVersion, graph: Graph) -> Explanation | None:
    """Return what explains the answers of a version; None of versions that have nothing of it.

    Raises:
        ModelCorrupt: it is not the one that was written, or does not fit the inputs.
    """
    if EXPLANATION_FILE not in stored.metadata.files:
        return None
    columns = int(np.prod(input_shape(graph.inputs, graph.sequence_length, len(graph.columns))))
    try:
        return load_explanation(stored.read(EXPLANATION_FILE), columns)
    except ModelCorrupt as error:
        raise ModelCorrupt(f"{stored.metadata.version}: {error.message}") from error
