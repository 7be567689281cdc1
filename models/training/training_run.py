"""From candles to candidates: walk forward, final fit, export, verdict of the gate. Writes no files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from config.model_settings import ModelSettings
from config.settings import FeatureSettings
from domain.errors import InsufficientData, TrainingFailed
from domain.forecasting import ModelScope, ModelType
from domain.jobs import TellProgress
from domain.market import CandleSeries, Timeframe
from domain.naming.leaders import leader_among
from features.columns.feature_sets import FEATURE_SETS
from features.datasets.training_data import TrainingSet, training_set
from features.datasets.windows import Windows
from models.architectures.catalogue import ARCHITECTURES
from models.drift.reference import TrainingReference
from models.evaluation.folds import final_split
from models.evaluation.gate import PromotionGate
from models.evaluation.out_of_sample import FoldPrediction, OutOfSample
from models.evaluation.time_axis import TimeAxis
from models.export.parity import check_parity
from models.training.learner import Fitted, Learner, needed_candles
from models.training.progress import Progress
from models.training.results import Artefact, Candidate, TrainingResult
from models.training.walk_forward import EvaluationSet, ensemble_predictions, judged, member_weights, walk_forward

# Real windows on which every export is compared with the model it came from.
PARITY_WINDOWS = 1_000

# Fitted on the folds of every run for comparison: the simplest learner, which may serve instead, and
# gradient boosting, which is only reported.
SIMPLER = ModelType.LOGISTIC
STRONGER = ModelType.LIGHTGBM


@dataclass(frozen=True)
class TrainingRequest:
    """What to train, and for which symbol: one, or `*` for every symbol that has no model of its own."""

    kind: ModelType
    symbol: ModelScope
    timeframe: Timeframe


class TrainingRun:
    """A training run: every learner on the same folds, then the final fits, then the verdict."""

    # Whether a model of several markets has a calibration of its own kind.
    calibrates_pools = True

    def __init__(
        self,
        request: TrainingRequest,
        markets: Mapping[str, CandleSeries],
        models: ModelSettings,
        features: FeatureSettings,
    ) -> None:
        """Check the candles and prepare what the learners read.

        Args:
            request: What to train.
            markets: Closed candles by symbol, one or more, of the request's timeframe.
            models: Settings of the models.
            features: Settings of the preparation.

        Raises:
            InsufficientData: too few candles, with the numbers, or prices that never change.
        """
        self.request = request
        self.markets = markets
        self.models = _pooled(models) if len(markets) > 1 and self.calibrates_pools else models
        self.features = features
        ensemble = request.kind is ModelType.ENSEMBLE
        self.members = models.ensemble_members if ensemble else (request.kind,)
        self.notes: list[str] = []
        self._check()
        self._sets: dict[str, TrainingSet] = {}
        self.exported, compared = self._kinds()
        self.learners = {kind: self.learner(kind, models) for kind in dict.fromkeys((*self.exported, *compared))}
        self.evaluation_set = EvaluationSet.of(tuple(self.learners.values()), models)

    def learner(self, kind: ModelType, models: ModelSettings) -> Learner:
        """Return the learner of a type on these candles, with the run's settings or a former run's."""
        name = ARCHITECTURES[kind].feature_set
        if name not in self._sets:
            self._sets[name] = self._rows(name)
        return Learner.of(kind, self._sets[name], models, self.features)

    @cached_property
    def axis(self) -> TimeAxis:
        """The axis of slots."""
        return TimeAxis.of(self.markets)

    @cached_property
    def gate(self) -> PromotionGate:
        """The gate, with intervals over blocks as long as the horizon at least."""
        return PromotionGate.of(self.models.evaluation, self.evaluation_set.horizon, self.models.training.seed)

    def run(self, listener: TellProgress, production: OutOfSample | None, force: str | None) -> TrainingResult:
        """Train, judge and export; takes from seconds to hours.

        Args:
            listener: Called after every epoch and every fit.
            production: Predictions of the model that serves now for rows that it was not trained on.
            force: Reason to promote the candidate whatever the gate decides.

        Raises:
            InsufficientData: a part has no window.
            TrainingFailed: losses that are not finite, or an ensemble without a member of any skill.
            ExportMismatch: the answers of a graph differ from those of its model.
        """
        folds = len(self.evaluation_set.folds.splits)
        planned = Counter(dict.fromkeys(self.learners, folds)) + Counter(self.exported)
        progress = Progress(planned, listener)
        predictions = walk_forward(self.learners, self.evaluation_set, progress)
        artefacts = self._final_fits(progress)
        progress.stage("judging")
        candidates = {kind: self._candidate(kind, predictions[kind], artefacts[kind], {}) for kind in self.exported}
        if self.request.kind is ModelType.ENSEMBLE:
            members = {kind: predictions[kind] for kind in self.members}
            combined = ensemble_predictions(members, self.evaluation_set, self.models)
            weights = self._weights({kind: artefacts[kind] for kind in self.members})
            candidates[ModelType.ENSEMBLE] = self._candidate(ModelType.ENSEMBLE, combined, None, weights)
        asked = candidates.pop(self.request.kind)
        prior = self.evaluation_set.baseline("prior")
        simpler = candidates.get(SIMPLER)
        verdict = self.gate.judge(asked.judged, prior, simpler.judged if simpler else None, production, force)
        compared = {"prior": prior, "majority": self.evaluation_set.baseline("majority")}
        compared["reversal"] = self.evaluation_set.baseline("reversal")
        if STRONGER not in self.exported:
            compared[STRONGER] = judged(predictions[STRONGER], self.evaluation_set, self.models)
        baselines = {name: predictions.scores() for name, predictions in compared.items()}
        notes = (*self.notes, *filter(None, [self.evaluation_set.folds.note]))
        verdict = verdict.model_copy(update={"reasons": (*notes, *verdict.reasons)})
        return TrainingResult(asked, tuple(candidates.values()), baselines, verdict)

    def _kinds(self) -> tuple[tuple[ModelType, ...], tuple[ModelType, ...]]:
        """Return the types that may serve, and others that are fitted on the folds for comparison."""
        return tuple(dict.fromkeys((*self.members, SIMPLER))), (STRONGER,)

    def _rows(self, feature_set: str) -> TrainingSet:
        """Return the rows that learners of a feature set learn from: one of each candle."""
        return training_set(
            tuple(self.markets.values()),
            FEATURE_SETS[feature_set],
            self.features,
            self.models.patchtst.horizons_candles,
            self.models.target_threshold,
            [leader_among(symbol, self.markets) for symbol in self.markets],
        )

    def _check(self) -> None:
        candles = max(len(series) for series in self.markets.values())
        needed = needed_candles(self.request.kind, self.models, self.features)
        if candles < needed:
            several = " in the longest market" if len(self.markets) > 1 else ""
            raise InsufficientData(f"training needs {needed} closed candles at least, received {candles}{several}")
        if not any(np.ptp(series.closes) for series in self.markets.values()):
            raise InsufficientData(
                f"the price of {', '.join(self.markets)} never changes: there is neither a rise nor a fall to learn"
            )

    def _final_fits(self, progress: Progress) -> dict[ModelType, Artefact]:
        artefacts = {}
        for kind in self.exported:
            learner = self.learners[kind]
            with progress.fit(f"final fit: {kind}", kind) as report:
                split = final_split(learner.taught_slots, learner.horizon, self.models.evaluation)
                fitted = learner.fit(split, report)
                graph = fitted.model.onnx()
                check_parity(fitted.model.raw, graph, _sample(fitted))
                calibration = learner.predict(fitted).calibration(
                    self.evaluation_set.returns, self.models.evaluation.calibration
                )
                columns = fitted.data.scaler.columns
                rows = learner.rows.training_rows(split.train, columns)
                reference = TrainingReference.of(rows, columns, self.models.drift.candles)
                artefacts[kind] = Artefact(learner, fitted, calibration, graph, reference)
        return artefacts

    def _candidate(
        self,
        kind: ModelType,
        predictions: Sequence[FoldPrediction],
        artefact: Artefact | None,
        weights: Mapping[ModelType, float],
    ) -> Candidate:
        pooled = judged(predictions, self.evaluation_set, self.models)
        return Candidate(kind, pooled, pooled.scores(self.gate.resampling), artefact, weights)

    def _weights(self, members: Mapping[ModelType, Artefact]) -> dict[ModelType, float]:
        returns, calibration = self.evaluation_set.returns, self.models.evaluation.calibration
        validation = {
            kind: member.learner.predict(member.fitted).calibrated(returns, calibration).validation
            for kind, member in members.items()
        }
        ends, horizon = self.evaluation_set.ends, max(member.learner.horizon for member in members.values())
        weights = member_weights(validation, final_split(ends, horizon, self.models.evaluation), returns)
        if len(weights) < 2:
            raise TrainingFailed(
                "an ensemble needs two members that are better than the prior on the validation part; "
                f"better were: {', '.join(weights) or 'none'}"
            )
        return weights


def _pooled(models: ModelSettings) -> ModelSettings:
    calibration = {"calibration": models.evaluation.pooled_calibration}
    return models.model_copy(update={"evaluation": models.evaluation.model_copy(update=calibration)})


def _sample(fitted: Fitted) -> np.ndarray:
    windows: Windows = fitted.data.validation if len(fitted.data.validation) else fitted.data.train
    chosen = np.linspace(0, len(windows) - 1, min(PARITY_WINDOWS, len(windows))).astype(np.int64)
    return fitted.inputs(windows, chosen)
