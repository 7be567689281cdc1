"""What identifies the settings of a learner, whatever candles it learns from."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

from config.section import Section
from models.training.learner import Learner

# Settings of a training that do not change what a learner predicts, and those that networks alone read.
_IDLE = {"min_candles", "history_candles", "threads", "native_format"}
_OF_NETWORKS = {"keras_backend", "batch_size", "learning_rate"}


def settings_of(learner: Learner) -> list[Any]:
    """Return type, columns and what the settings say of this learner, as JSON-like values."""
    architecture, models = learner.architecture, learner.models
    own = architecture.settings(models)
    idle = _IDLE if architecture.is_network else _IDLE | _OF_NETWORKS
    return [
        architecture.kind,
        learner.rows.feature_set.id,
        own.model_dump(mode="json") if isinstance(own, Section) else own,
        models.target_threshold if architecture.target == "soft" else None,
        models.training.model_dump(mode="json", exclude=idle),
        learner.features.model_dump(mode="json"),
    ]


def settings_digest(learner: Learner) -> str:
    """Return the SHA-256 of `settings_of`: two trainings with the same digest differ in nothing but their candles."""
    return sha256(json.dumps(settings_of(learner)).encode()).hexdigest()
