"""A training run on moments at which the rules gave a plan: does its target come before its stop?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from config.model_settings import ModelSettings
from config.settings import FeatureSettings
from domain.arrays import FloatArray
from domain.market import CandleSeries
from features.datasets.training_data import TrainingSet
from models.evaluation.baselines import EVIDENCE
from models.evaluation.gate import PromotionGate
from models.evaluation.out_of_sample import OutOfSample
from models.training.learner import Learner
from models.training.progress import Listener, Progress
from models.training.training_run import TrainingRequest, TrainingResult, TrainingRun
from models.training.walk_forward import EvaluationSet, walk_forward


@dataclass(frozen=True)
class JudgedMoments:
    """Moments at which the rules gave a plan, and what the evidence said of each.

    Attributes:
        rows: Columns of the candles and facts of the plan. `returns` is 1 where the target came first, -1 where the
            stop did, and 0 at the time limit, which is neither and not counted. `horizon_slots` is the greatest number
            of moments within one time limit: so many are purged at each border, where moments are counted.
        stated: Probability that the target comes first by the evidence, of each row.
        within_limit: Usual number of moments within one time limit, whose plans depend on each other.
    """

    rows: TrainingSet
    stated: FloatArray
    within_limit: int


class PlanRun(TrainingRun):
    """A training run with one learner, which the evidence stands against in the place of the prior."""

    def __init__(
        self,
        request: TrainingRequest,
        judged: JudgedMoments,
        markets: Mapping[str, CandleSeries],
        models: ModelSettings,
        features: FeatureSettings,
    ) -> None:
        """Prepare what the learner reads: the newest row alone, all of its columns.

        Args:
            request: What to train.
            judged: On the axis of the markets.
            markets: Closed candles by symbol, one or more, of the request's timeframe.
            models: Settings of the models.
            features: Settings of the preparation.

        Raises:
            InsufficientData: too few moments, with the numbers.
        """
        self.request = request
        self.markets = markets
        of_plans = {"horizon_candles": judged.rows.horizon_candles, "sequence_length": 1, "selected_features": 0}
        self.models, self.features = models, features.model_copy(update=of_plans)
        self.members = self.exported = (request.kind,)
        self.notes: list[str] = []
        self.learners = {request.kind: Learner.of(request.kind, judged.rows, models, self.features)}
        self.evaluation_set = EvaluationSet.of(tuple(self.learners.values()), models)
        self._judged = judged

    @cached_property
    def gate(self) -> PromotionGate:
        """The gate, with blocks of two time limits; where a third of the plans win, being right often means nothing."""
        gate = PromotionGate.of(self.models.evaluation, self._judged.within_limit, self.models.training.seed)
        return replace(gate, suspicious_accuracy=1.0)

    @cached_property
    def evidence(self) -> OutOfSample:
        """What the evidence said of every moment with a known outcome."""
        rows = self._judged.rows
        order = np.argsort(rows.slots)
        order = order[np.isfinite(rows.returns[order])]
        said = self._judged.stated[order]
        return OutOfSample(rows.slots[order], said, said, rows.returns[order], np.zeros(len(order), np.int64))

    def run(self, listener: Listener, production: OutOfSample | None, force: str | None) -> TrainingResult:
        """Train, judge and export; arguments and errors are those of `TrainingRun.run`."""
        kind = self.request.kind
        folds = len(self.evaluation_set.folds.splits)
        progress = Progress(Counter({kind: folds + 1}), listener)
        predictions = walk_forward(self.learners, self.evaluation_set, progress)
        artefacts = self._final_fits(progress)
        progress.stage("judging")
        asked = self._candidate(kind, predictions[kind], artefacts[kind], {})
        verdict = self.gate.judge(asked.judged, self.evidence, None, production, force, reference="the evidence")
        prior = self.evaluation_set.baseline("prior")
        baselines = {EVIDENCE: _at(self.evidence, asked.judged).scores(self.gate.resampling), "prior": prior.scores()}
        notes = (*self.notes, *filter(None, [self.evaluation_set.folds.note]))
        return TrainingResult(asked, (), baselines, verdict.model_copy(update={"reasons": (*notes, *verdict.reasons)}))


def _at(said: OutOfSample, other: OutOfSample) -> OutOfSample:
    """Return the predictions for the rows of another."""
    common = np.isin(said.rows, other.rows)
    return OutOfSample(
        said.rows[common], said.probability[common], said.raw[common], said.returns[common], said.fold[common]
    )
