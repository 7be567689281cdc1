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
from domain.forecasting import ModelType
from domain.jobs import TellProgress
from domain.market import CandleSeries
from features.datasets.training_data import TrainingSet
from models.evaluation.baselines import EVIDENCE
from models.evaluation.gate import PromotionGate
from models.evaluation.out_of_sample import OutOfSample
from models.training.learner import OF_PLANS
from models.training.progress import Progress
from models.training.results import TrainingResult
from models.training.training_run import TrainingRequest, TrainingRun
from models.training.walk_forward import walk_forward


@dataclass(frozen=True)
class JudgedMoments:
    """Moments at which the rules gave a plan, and what the evidence said of each.

    Attributes:
        rows: Columns of the candles and facts of the plan. `returns` is 1 where the target came first, -1 where the
            stop did, and 0 at the time limit, which is neither and not counted. `horizon_slots` is the greatest number
            of moments within one time limit, the number that is purged at each border.
        stated: Probability that the target comes first by the evidence, of each row.
        within_limit: Usual number of moments within one time limit, whose plans depend on each other.
    """

    rows: TrainingSet
    stated: FloatArray
    within_limit: int

    @cached_property
    def evidence(self) -> OutOfSample:
        """What the evidence said of every moment with a known outcome."""
        rows = self.rows
        order = np.argsort(rows.slots)
        order = order[np.isfinite(rows.returns[order])]
        said = self.stated[order]
        return OutOfSample(rows.slots[order], said, said, rows.returns[order], np.zeros(len(order), np.int64))

    def gate(self, models: ModelSettings) -> PromotionGate:
        """Return the gate of plans, with intervals over blocks of two time limits.

        Where a third of the plans win, being right often means nothing.
        """
        gate = PromotionGate.of(models.evaluation, self.within_limit, models.training.seed)
        return replace(gate, suspicious_accuracy=1.0)


class PlanRun(TrainingRun):
    """A training run with one learner, judged against the evidence instead of the prior."""

    calibrates_pools = False

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
        self._judged = judged
        of_plans = {**OF_PLANS, "horizon_candles": judged.rows.horizon_candles}
        super().__init__(request, markets, models, features.model_copy(update=of_plans))

    @cached_property
    def gate(self) -> PromotionGate:
        """That of plans."""
        return self._judged.gate(self.models)

    def run(self, listener: TellProgress, production: OutOfSample | None, force: str | None) -> TrainingResult:
        """Train, judge and export; arguments and errors are those of `TrainingRun.run`."""
        kind = self.request.kind
        folds = len(self.evaluation_set.folds.splits)
        progress = Progress(Counter({kind: folds + 1}), listener)
        predictions = walk_forward(self.learners, self.evaluation_set, progress)
        artefacts = self._final_fits(progress)
        progress.stage("judging")
        asked = self._candidate(kind, predictions[kind], artefacts[kind], {})
        evidence = self._judged.evidence
        verdict = self.gate.judge(asked.judged, evidence, None, production, force, reference="the evidence")
        prior = self.evaluation_set.baseline("prior")
        same = evidence.part(np.isin(evidence.rows, asked.judged.rows))
        baselines = {EVIDENCE: same.scores(self.gate.resampling), "prior": prior.scores()}
        notes = (*self.notes, *filter(None, [self.evaluation_set.folds.note]))
        return TrainingResult(asked, (), baselines, verdict.model_copy(update={"reasons": (*notes, *verdict.reasons)}))

    def _kinds(self) -> tuple[tuple[ModelType, ...], tuple[ModelType, ...]]:
        return (self.request.kind,), ()

    def _rows(self, _: str) -> TrainingSet:
        """Return the rows of the moments, which have the columns of one feature set."""
        return self._judged.rows
