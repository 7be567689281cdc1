"""One architecture on one history, fitted the same way for a fold and for the version that serves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import ceil

import numpy as np

from config.model_settings import ModelSettings
from config.settings import FeatureSettings
from domain.arrays import FloatArray, IntArray, RealArray
from domain.forecasting import ModelType
from features.columns.feature_sets import FEATURE_SETS
from features.datasets.splits import Split
from features.datasets.training_data import TrainingData, TrainingSet
from features.datasets.windows import Windows
from models.architectures.catalogue import ARCHITECTURES, Architecture
from models.architectures.fitted import FittedModel, Report
from models.architectures.outputs import probability_up
from models.architectures.summary import inputs_of
from models.evaluation.out_of_sample import FoldPrediction, Predicted
from models.training.fitting import fit, on_all

# Windows that are copied out at once: 1,000 of 60 rows and 75 columns take 18 MB.
BATCH = 1_000
# Windows for training, validation and test; fewer cannot be divided.
MIN_WINDOWS = 40
# Settings of the features by which every plan model learns: the newest row, and all of its columns.
OF_PLANS: Mapping[str, int] = {"sequence_length": 1, "selected_features": 0}


def needed_candles(kind: ModelType, models: ModelSettings, features: FeatureSettings) -> int:
    """Return the least number of closed candles of a market that training needs.

    The configured minimum, or the warm-up of the feature set, one window and enough windows for every part,
    whichever is more; of an ensemble, the most that a member needs.
    """
    if kind is ModelType.ENSEMBLE:
        return max(needed_candles(member, models, features) for member in models.ensemble_members)
    architecture = ARCHITECTURES[kind]
    warm_up = FEATURE_SETS[architecture.feature_set].warm_up
    several = architecture.target == "multi_horizon"
    horizon = max(models.patchtst.horizons_candles) if several else features.horizon_candles
    used = warm_up + architecture.sequence_length(models, features) + 3 * horizon + MIN_WINDOWS
    # Cleaning refuses to lose more than its share, warm-up included.
    kept = ceil(warm_up / features.max_lost_share) if features.max_lost_share else 0
    return max(models.training.min_candles, used, kept)


@dataclass(frozen=True)
class Fitted:
    """A model and the windows that it was fitted on.

    Attributes:
        model: What serves; of some kinds it has learned the validation windows too.
        stopped: The same before that: what it says of the validation windows ends its training and calibrates it.
    """

    architecture: Architecture
    model: FittedModel
    stopped: FittedModel
    data: TrainingData
    judged_horizon: int

    def inputs(self, windows: Windows, samples: IntArray) -> RealArray:
        """Return the inputs of some windows, float32."""
        gathered, _ = windows.batch(samples)
        return inputs_of(self.architecture.inputs, gathered)

    def probability_up(self, model: FittedModel, windows: Windows) -> FloatArray:
        """Return the uncalibrated probability of a rise for every window by one of its models, shape (n,), 0..1."""
        parts = [
            probability_up(
                model.raw(self.inputs(windows, np.arange(start, min(start + BATCH, len(windows))))),
                self.architecture.outputs,
                self.judged_horizon,
            )
            for start in range(0, len(windows), BATCH)
        ]
        return np.concatenate(parts).astype(np.float64) if parts else np.empty(0)


@dataclass(frozen=True)
class Learner:
    """An architecture with its settings and the history that it learns from."""

    architecture: Architecture
    rows: TrainingSet
    models: ModelSettings
    features: FeatureSettings

    @classmethod
    def of(cls, kind: ModelType, rows: TrainingSet, models: ModelSettings, features: FeatureSettings) -> Learner:
        """Return the learner of a type; `rows` are of the feature set that it reads."""
        return cls(ARCHITECTURES[kind], rows, models, features)

    @property
    def length(self) -> int:
        """Rows of features in a window."""
        return self.architecture.sequence_length(self.models, self.features)

    @cached_property
    def slots(self) -> IntArray:
        """Slots of the windows that can be judged, ascending."""
        return self._slots_of(self.rows.returns)

    @cached_property
    def taught_slots(self) -> IntArray:
        """Slots of the windows whose target is known, ascending; of several horizons, for all of them."""
        return self._slots_of(self.rows.targets(self.architecture.target))

    @property
    def horizon(self) -> int:
        """Slots after which a target is known."""
        return self.rows.target_horizon(self.architecture.target)

    def fit(self, split: Split, report: Report) -> Fitted:
        """Return the model of a split, whose parts are slots.

        Raises:
            InsufficientData: training or validation has no window.
            TrainingFailed: the losses are not finite, or the targets are all alike.
        """
        kind = self.architecture.target
        data = self.rows.part(split.train, split.validation, split.test, kind, self.length, self.features)
        stopped = fit(self.architecture, data, self.models, report)
        model = on_all(self.architecture, stopped, data, self.models)
        return Fitted(self.architecture, model, stopped, data, self._judged)

    def predict(self, fitted: Fitted) -> FoldPrediction:
        """Return the predictions of a fitted model for the validation and the test part of its split."""
        return FoldPrediction(
            self._predicted(fitted, fitted.stopped, fitted.data.validation),
            self._predicted(fitted, fitted.model, fitted.data.test),
        )

    def _slots_of(self, known: RealArray) -> IntArray:
        windows = Windows.over(self.rows.rows, known, self.length, self.rows.runs)
        slots: IntArray = np.sort(self.rows.slots[windows.ends])
        return slots

    @property
    def _judged(self) -> int:
        """Number of the judged horizon among those of a model with several; 0 for all others."""
        several = self.architecture.outputs == "multi_horizon"
        return self.rows.horizons.index(self.rows.horizon_candles) if several else 0

    def _predicted(self, fitted: Fitted, model: FittedModel, windows: Windows) -> Predicted:
        slots = self.rows.slots[windows.ends]
        # Of several markets, windows come market by market.
        order = np.argsort(slots)
        return Predicted(slots[order], fitted.probability_up(model, windows)[order])
