"""One evaluation of a plan model: the plans that the rules gave in new candles, and what the evidence said of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from backtesting.evidence.plan_models import record_predictions
from domain.errors import InsufficientData, InvalidRequest
from domain.jobs import TellProgress
from domain.market import CandleSeries
from models.evaluation.baselines import EVIDENCE
from models.evaluation.gate import Comparison
from models.evaluation.metrics import Scores
from models.evaluation.out_of_sample import OutOfSample
from models.evaluation.time_axis import TimeAxis
from models.registry.metadata import ModelMetadata
from models.serving.loaded_models import load_version
from models.serving.version_evaluation import JudgedPredictions, PartName, judged_parts
from models.training.plan_run import JudgedMoments
from services.evaluating.document import Document, evaluation_document, figures_of
from services.evaluating.parameters import EvaluationParameters
from services.training.judged_moments import Moments, unseen_plans
from services.training.plan_training import PlanTraining


@dataclass(frozen=True)
class JudgedPlans(JudgedPredictions):
    """Scores of a plan model on plans that reached target or stop, beside those of the evidence.

    The returns of its predictions are 1 where the target came first, -1 where the stop did. The plans were made at
    the close of the candles.

    Attributes:
        evidence: Scores of the evidence on the same plans.
        against: The difference of both Brier scores.
        independent: Effective number of independent plans; overlapping ones count less.
    """

    evidence: Scores
    against: Comparison
    independent: int


@dataclass(frozen=True)
class PlanEvaluation:
    """The result as JSON-like values, and what tables and pictures are made of: all plans, and each part of them."""

    document: Document
    model: ModelMetadata
    whole: JudgedPlans
    parts: Mapping[PartName, JudgedPlans]


def evaluate_plans(
    parameters: EvaluationParameters,
    series: CandleSeries,
    report: TellProgress,
    now: Callable[[], datetime],
    leader: CandleSeries | None = None,
) -> PlanEvaluation:
    """Return the evaluation of a plan model on plans that it has not learned from; takes minutes.

    Args:
        parameters: What is evaluated.
        series: Closed candles of the symbol in the version's timeframe, oldest first.
        report: Takes the progress.
        now: The server's clock, aware UTC.
        leader: Closed candles of what leads the market, where the version reads them and they are known.

    Raises:
        InsufficientData: the rules gave no plan that it has not learned from.
        InvalidRequest: it was imported, or forecasts the close.
        ModelNotFound, ModelUnusable: it cannot be loaded.
    """
    version, plans = parameters.version, parameters.plans
    if plans is None:
        raise InvalidRequest(f"{version} forecasts no plans")
    trainer = PlanTraining(parameters.models, parameters.features, plans.measuring, plans.evidence, now)
    stored, forecaster = trainer.registry.open(version), load_version(trainer.registry, version)
    model = stored.metadata
    others = {name: leader} if leader is not None and (name := model.leader(parameters.symbol)) else {}
    markets = {parameters.symbol: series, **others}
    given = trainer.given({parameters.symbol: series}, report)
    moments, axis = Moments(given, markets, parameters.models, parameters.features), TimeAxis.of(markets)
    (columns,) = forecaster.needs
    judged = moments.of(columns)
    said = unseen_plans(stored, forecaster, moments, axis)
    said = said.part((said.returns != 0.0) & np.isin(said.rows, judged.evidence.rows))
    if not len(said.rows):
        raise InsufficientData(f"{version} has learned from all plans of these candles that reached target or stop")
    whole, parts = judged_parts(said, _JudgingPlans(judged, axis, model, parameters).judged)
    return PlanEvaluation(_document(model, parameters.symbol, whole, parts), model, whole, parts)


class _JudgingPlans:
    """Scores predictions of plans beside the evidence."""

    def __init__(
        self, moments: JudgedMoments, axis: TimeAxis, model: ModelMetadata, parameters: EvaluationParameters
    ) -> None:
        self._evidence = moments.evidence
        self._gate = moments.gate(parameters.models)
        self._axis = axis
        self._model = model
        self._symbol = parameters.symbol

    def judged(self, said: OutOfSample) -> JudgedPlans:
        """Return the scores of one or more predictions."""
        times_ms = self._axis.times_ms(said.rows)
        reached = (said.returns > 0.0).astype(np.float64)
        record = record_predictions(said.probability, reached, times_ms, self._model.timeframe, (self._symbol,))
        evidence = self._evidence.part(np.isin(self._evidence.rows, said.rows))
        return JudgedPlans(
            predictions=said,
            times_ms=times_ms,
            scores=said.scores(self._gate.resampling),
            evidence=evidence.scores(self._gate.resampling),
            against=self._gate.compare("the plan model", said, "the evidence", evidence),
            independent=record.plans,
        )


def _document(model: ModelMetadata, symbol: str, whole: JudgedPlans, parts: Mapping[PartName, JudgedPlans]) -> Document:
    by_part = {name: _figures(judged) for name, judged in parts.items()}
    return evaluation_document(model, symbol, {"target": model.target}, _figures(whole), by_part)


def _figures(judged: JudgedPlans) -> Document:
    return {
        **figures_of(judged, {EVIDENCE: judged.evidence}),
        "against_evidence": judged.against.model_dump(mode="json"),
        "independent_plans": judged.independent,
    }
