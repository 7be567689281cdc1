"""Ensembles: versions weighted by their skill, with less confidence where they disagree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from functools import cached_property
from typing import Self

import numpy as np

from domain.arrays import FloatArray
from domain.errors import ModelCorrupt
from domain.forecasting import ModelType
from models.recalibration.records import Recalibration
from models.registry.metadata import ModelMetadata
from models.serving.forecaster import FeatureRows, Forecasts, OnnxForecaster


def skill_weights(log_losses: Mapping[ModelType, float], prior_log_loss: float) -> dict[ModelType, float]:
    """Return the weight of each model, which add up to 1: its share of the skill.

    The skill is how much lower than the prior's the log loss is, `max(0, L_prior - L_model)`; a model
    that is no better than the prior is left out. Empty where none is better.

    Args:
        log_losses: Of the calibrated probabilities on the validation rows, in nats.
        prior_log_loss: Of the training share of ups on the same rows.

    Source: log-score skill against the climatological forecast
    (Gneiting and Raftery, Strictly Proper Scoring Rules, Prediction, and Estimation, 2007).
    """
    skills = {kind: max(0.0, prior_log_loss - loss) for kind, loss in log_losses.items()}
    total = sum(skills.values())
    return {kind: skill / total for kind, skill in skills.items() if skill > 0.0}


def combine(probabilities: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the ensemble's probability, the disagreement of its members and the confidence, each shape (n,).

    With weights w and probabilities p: the probability is the weighted mean m, the disagreement the
    weighted standard deviation d, at most 0.5, and the confidence |2 m - 1| (1 - 2 d). Members that
    agree give the confidence of a single model; disagreement lowers it.

    Args:
        probabilities: Shape (members, n), 0..1.
        weights: Shape (members,), > 0, sum 1.
    """
    mean = np.clip(weights @ probabilities, 0.0, 1.0)
    variance = weights @ np.square(probabilities - mean)
    disagreement = np.minimum(np.sqrt(variance), 0.5)
    confidence = np.abs(2.0 * mean - 1.0) * (1.0 - 2.0 * disagreement)
    return mean, disagreement, confidence


class EnsembleForecaster:
    """The members of an ensemble in memory, run one after the other."""

    def __init__(self, metadata: ModelMetadata, forecasters: Sequence[OnnxForecaster]) -> None:
        """Combine loaded members.

        Args:
            metadata: The ensemble's own.
            forecasters: Of its members, in their order.

        Raises:
            ModelCorrupt: a member forecasts another horizon, symbol or timeframe than the ensemble.
        """
        self.metadata = metadata
        self.recalibration: Recalibration | None = None
        self._forecasters = tuple(forecasters)
        self._weights = np.array([member.weight for member in metadata.members])
        subject = (metadata.symbol, metadata.timeframe, metadata.horizon_candles)
        for member, forecaster in zip(metadata.members, forecasters, strict=True):
            found = forecaster.metadata
            if (member.version, member.type) != (found.version, found.type):
                raise ModelCorrupt(f"{metadata.version}: its member {member.version} is not the {member.type} it names")
            if subject != (found.symbol, found.timeframe, found.horizon_candles):
                raise ModelCorrupt(f"{metadata.version}: its member {member.version} forecasts something else")

    @cached_property
    def needs(self) -> Mapping[str, int]:
        """Rows per window, by the name of the feature set: the most that a member needs."""
        needed: dict[str, int] = {}
        for forecaster in self._forecasters:
            for name, length in forecaster.needs.items():
                needed[name] = max(length, needed.get(name, 0))
        return needed

    def recalibrated(self, by: Recalibration | None) -> Self:
        """Return the same ensemble with another correction; see `Forecaster.recalibrated`."""
        other = copy(self)
        other.recalibration = by
        return other

    def check(self, rows: FeatureRows) -> None:
        """Refuse rows that cannot be read; see `Forecaster.check`."""
        for forecaster in self._forecasters:
            forecaster.check(rows)
        counts = {name: len(rows[name]) for name in self.needs}
        if len(set(counts.values())) > 1:
            raise ValueError(f"every feature set needs as many windows, received {counts}")

    def drivers(self, rows: FeatureRows) -> None:
        """Return None: an ensemble mixes probabilities, not log odds."""

    def forecast(self, rows: FeatureRows) -> Forecasts:
        """Return the answers to n windows; see `Forecaster.forecast`."""
        answers = [forecaster.forecast(rows) for forecaster in self._forecasters]
        members = {kind: values for answer in answers for kind, values in answer.members.items()}
        probability, disagreement, confidence = combine(np.stack(list(members.values())), self._weights)
        no_outputs = np.empty((len(probability), 0), np.float32)
        return Forecasts(probability, members, disagreement, confidence, no_outputs)
