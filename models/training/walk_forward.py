"""Learners side by side: all fitted on the same folds and judged on rows that they have not seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Literal

import numpy as np

from config.model_settings import ModelSettings
from domain.arrays import BoolArray, FloatArray, IntArray
from domain.forecasting import ModelType
from features.datasets.candle_checks import NO_RUN
from features.datasets.splits import Split
from models.evaluation.baselines import Baseline, majority, prior, reversal
from models.evaluation.folds import Folds, evaluation_folds
from models.evaluation.metrics import log_losses
from models.evaluation.out_of_sample import FoldPrediction, OutOfSample, Predicted, out_of_sample
from models.serving.ensemble import combine, skill_weights
from models.training.learner import Learner
from models.training.progress import Progress

BaselineName = Literal["prior", "majority", "reversal"]


@dataclass(frozen=True)
class EvaluationSet:
    """The folds and true returns that all learners are judged on, on the axis of slots.

    Attributes:
        folds: Parts in slots.
        ends: Slots of the windows that every learner can judge, ascending.
        returns: Forward return by slot, NaN where unknown.
        runs: Unbroken run by slot.
        horizon: Slots after which a prediction is judged.
    """

    folds: Folds
    ends: IntArray
    returns: FloatArray
    runs: IntArray
    horizon: int

    @classmethod
    def of(cls, learners: Sequence[Learner], models: ModelSettings) -> EvaluationSet:
        """Return what one or more learners have in common.

        Raises:
            InsufficientData: a part would have no window.
        """
        ends = reduce(np.intersect1d, (learner.slots for learner in learners))
        # The longest horizon purges for all, since the folds are the same.
        purged = max(learner.horizon for learner in learners)
        rows = learners[0].rows
        runs = rows.by_slot(rows.runs.astype(np.float64))
        return cls(
            folds=evaluation_folds(ends, purged, models.evaluation),
            ends=ends,
            returns=rows.by_slot(rows.returns),
            runs=np.nan_to_num(runs, nan=NO_RUN).astype(np.int64),
            horizon=rows.horizon_candles * rows.markets,
        )

    def baseline(self, name: BaselineName) -> OutOfSample:
        """Return the predictions of a baseline, which are frequencies and not calibrated."""
        predict: Baseline = reversal(self.runs, self.horizon) if name == "reversal" else _SIMPLE[name]
        parts = (predict(split, self.ends, self.returns) for split in self.folds.splits)
        return out_of_sample(parts, self.returns, "none")


_SIMPLE: Mapping[BaselineName, Baseline] = {"prior": prior, "majority": majority}


def walk_forward(
    learners: Mapping[ModelType, Learner], evaluation_set: EvaluationSet, progress: Progress
) -> dict[ModelType, tuple[FoldPrediction, ...]]:
    """Return the uncalibrated predictions of each learner by fold.

    Raises:
        InsufficientData, TrainingFailed: as `Learner.fit`.
    """
    predictions: dict[ModelType, list[FoldPrediction]] = {kind: [] for kind in learners}
    splits = evaluation_set.folds.splits
    for number, split in enumerate(splits, start=1):
        for kind, learner in learners.items():
            with progress.fit(f"fold {number} of {len(splits)}: {kind}", kind) as report:
                predictions[kind].append(learner.predict(learner.fit(split, report)))
    return {kind: tuple(parts) for kind, parts in predictions.items()}


def ensemble_predictions(
    members: Mapping[ModelType, Sequence[FoldPrediction]], evaluation_set: EvaluationSet, models: ModelSettings
) -> tuple[FoldPrediction, ...]:
    """Return the predictions of an ensemble by fold; its members are calibrated and weighted by their skill."""
    folds = []
    calibrated = {kind: calibrated_predictions(by_fold, evaluation_set, models) for kind, by_fold in members.items()}
    for number, split in enumerate(evaluation_set.folds.splits):
        parts = {kind: by_fold[number] for kind, by_fold in calibrated.items()}
        weights = member_weights({kind: part.validation for kind, part in parts.items()}, split, evaluation_set.returns)
        chosen = [parts[kind] for kind in weights] or [prior(split, evaluation_set.ends, evaluation_set.returns)]
        folds.append(_combined_fold(chosen, np.array(list(weights.values()) or [1.0])))
    return tuple(folds)


def mean_predictions(members: Sequence[Sequence[FoldPrediction]]) -> tuple[FoldPrediction, ...]:
    """Return the plain mean of the predictions of one or more learners by fold."""
    shares = np.full(len(members), 1.0 / len(members))
    return tuple(_combined_fold(parts, shares) for parts in zip(*members, strict=True))


def calibrated_predictions(
    predictions: Sequence[FoldPrediction], evaluation_set: EvaluationSet, models: ModelSettings
) -> tuple[FoldPrediction, ...]:
    """Return the predictions of a learner, each fold calibrated on its own validation part."""
    return tuple(fold.calibrated(evaluation_set.returns, models.evaluation.calibration) for fold in predictions)


def member_weights(
    validation: Mapping[ModelType, Predicted], split: Split, returns: FloatArray
) -> dict[ModelType, float]:
    """Return the weights of the members of an ensemble, which add up to 1; those no better than the prior are left out.

    They are the skill over the prior on the validation rows that all members predicted, if weights made like that on
    the older half of these rows have beaten the plain mean on the newer half; else all are equal.

    Args:
        validation: Calibrated predictions of each member.
        split: Its training part gives the prior.
        returns: Forward return by slot.
    """
    rows = _common([predicted.rows for predicted in validation.values()])
    rows = rows[np.isfinite(returns[rows]) & (returns[rows] != 0.0)]
    trained = returns[split.train.start : split.train.stop]
    trained = trained[np.isfinite(trained) & (trained != 0.0)]
    if not len(rows) or not len(trained):
        return {}
    up, share = returns[rows] > 0.0, float((trained > 0.0).mean())
    said = {kind: _at(member, rows) for kind, member in validation.items()}
    weights = _weights_by_skill(said, share, up)
    older, newer = slice(None, len(rows) // 2), slice(len(rows) // 2, None)
    before = _weights_by_skill({kind: said[kind][older] for kind in weights}, share, up[older])
    if before:
        parts = np.stack([said[kind][newer] for kind in weights])
        tried, equal = np.array([before.get(kind, 0.0) for kind in weights]), np.full(len(weights), 1 / len(weights))
        by_skill, plain = (float(log_losses(combine(parts, shares)[0], up[newer]).mean()) for shares in (tried, equal))
        if by_skill < plain:
            return weights
    return dict.fromkeys(weights, 1 / len(weights)) if weights else {}


def _weights_by_skill(said: Mapping[ModelType, FloatArray], share: float, up: BoolArray) -> dict[ModelType, float]:
    if not len(up):
        return {}
    losses = {kind: float(log_losses(probability, up).mean()) for kind, probability in said.items()}
    return skill_weights(losses, float(log_losses(np.full(len(up), share), up).mean()))


def _combined_fold(parts: Sequence[FoldPrediction], weights: FloatArray) -> FoldPrediction:
    return FoldPrediction(
        _combined([part.validation for part in parts], weights), _combined([part.test for part in parts], weights)
    )


def _combined(parts: Sequence[Predicted], weights: FloatArray) -> Predicted:
    rows = _common([part.rows for part in parts])
    probability, _, _ = combine(np.stack([_at(part, rows) for part in parts]), weights)
    return Predicted(rows, probability)


def _common(rows: Sequence[IntArray]) -> IntArray:
    common: IntArray = reduce(np.intersect1d, rows)
    return common


def _at(part: Predicted, rows: IntArray) -> FloatArray:
    """Return the probabilities of some of a part's rows."""
    values: FloatArray = np.asarray(part.probability[np.searchsorted(part.rows, rows)], np.float64)
    return values


def judged(predictions: Sequence[FoldPrediction], evaluation_set: EvaluationSet, models: ModelSettings) -> OutOfSample:
    """Return a learner's pooled test predictions, each fold calibrated on its own validation part."""
    return out_of_sample(predictions, evaluation_set.returns, models.evaluation.calibration)
