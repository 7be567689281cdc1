"""Training of plan models: from candles to moments at which the rules gave a plan, to a version behind the gate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

import numpy as np

from backtesting.evidence.building import MeasuredMarket
from backtesting.evidence.plan_models import GivenPlans, given_plans, record_predictions
from config.model_settings import ModelSettings
from config.settings import FeatureSettings
from domain.jobs import JobProgress, TellProgress
from domain.market import CandleSeries
from domain.trading.plan_models import PlanModelRecord
from models.architectures.catalogue import ARCHITECTURES
from models.evaluation.gate import GateVerdict
from models.evaluation.out_of_sample import OutOfSample
from models.model_manager import TrainingOutcome, incumbent_of
from models.registry.disk import check_disk
from models.registry.registry import Registry
from models.training.plan_run import PlanRun
from models.training.registration import register
from models.training.training_run import TrainingRequest
from rules.evidence.measured import MeasuredEvidence
from rules.evidence.weighing import MIN_PLANS
from services.evidence.parameters import MeasuredCandles, MeasuringParameters
from services.evidence.run import measure
from services.training.judged_moments import Moments, needed_plans, unseen_plans
from services.training.plan_types import check_plan_type

# Of the whole training in its progress.
_MEASURING_SHARE = 0.5


@dataclass(frozen=True)
class PlanTraining:
    """Trains, judges, registers and, where the gate allows it, promotes plan models.

    Attributes:
        models, features: Settings, with the folder of plan models.
        measuring: How the past is judged, as evidence is measured.
        evidence: The evidence that a plan model has to beat; None without any, then it is chance.
        now: The server's clock, aware UTC.
    """

    models: ModelSettings
    features: FeatureSettings
    measuring: MeasuringParameters
    evidence: MeasuredEvidence | None
    now: Callable[[], datetime]

    @property
    def registry(self) -> Registry:
        """The registry of the settings."""
        return Registry.of(self.models)

    def train(
        self,
        request: TrainingRequest,
        markets: Mapping[str, CandleSeries],
        listener: TellProgress,
        force: str | None = None,
    ) -> TrainingOutcome:
        """Judge the past as the service would have, and train on the plans that the rules gave; takes minutes.

        Args:
            request: Type, symbol or `*`, and timeframe.
            markets: Closed candles by symbol, one or more.
            listener: Called while the past is judged, and after every fit.
            force: Reason to promote it whatever the gate decides.

        Raises:
            InvalidRequest: the type cannot learn from plans.
            InsufficientData: too few candles, or too few plans, with the numbers.
            TrainingFailed, ExportMismatch: nothing is registered.
            ModelStorageUnavailable: the version cannot be written.
        """
        check_plan_type(request.kind)
        check_disk(self.registry.root)
        given = self.given(markets, listener)
        return self.learn(request, markets, given, _second_half(listener), force)

    def learn(
        self,
        request: TrainingRequest,
        markets: Mapping[str, CandleSeries],
        given: Mapping[str, GivenPlans],
        listener: TellProgress,
        force: str | None = None,
    ) -> TrainingOutcome:
        """Train on plans that were measured; arguments and errors are those of `train`.

        Args:
            request: Type, symbol or `*`, and timeframe.
            markets: Closed candles by symbol.
            given: The plans that the rules gave in each of them.
            listener: Called after every fit.
            force: Reason to promote it whatever the gate decides.
        """
        moments = Moments(given, markets, self.models, self.features, needed_plans(self.models.evaluation))
        judged = moments.of(ARCHITECTURES[request.kind].feature_set)
        run = PlanRun(request, judged, markets, self.models, self.features)
        production = incumbent_of(self.registry, run, lambda stored, own: unseen_plans(stored, own, moments, run.axis))
        result = run.run(listener, production, force)
        record = _record(run, result.asked.judged)
        result = replace(result, verdict=_enough(result.verdict, record, production is not None))
        now = self.now()
        model = register(self.registry, run, result, result.asked, {}, None, now, record)
        self.registry.nominate(model.version)
        if result.verdict.promoted:
            by: Literal["gate", "forced"] = "forced" if result.verdict.forced else "gate"
            self.registry.promote(model.version, by=by, reason=result.verdict.reasons[-1], at=now)
        self.registry.prune(self.models.keep_versions)
        serving = self.registry.resolve(request.symbol, request.timeframe)
        return TrainingOutcome(model, result.verdict, serving)

    def given(self, markets: Mapping[str, CandleSeries], listener: TellProgress) -> dict[str, GivenPlans]:
        """Return the plans that the rules gave in each market, judged as the service would have.

        Args:
            markets: Closed candles by symbol.
            listener: Told how far it is, up to half of a training.
        """

        def tell(words: str, share: float) -> None:
            listener(JobProgress(stage=words, share=_MEASURING_SHARE * share))

        candles = [MeasuredCandles(symbol, symbol, series) for symbol, series in markets.items()]
        found: Sequence[MeasuredMarket] = measure(candles, len(candles), self.measuring, tell)
        return {market.symbol: given_plans(market, self.evidence) for market in found}


def _record(run: PlanRun, judged: OutOfSample) -> PlanModelRecord:
    counted = judged.returns != 0.0
    return record_predictions(
        judged.probability[counted],
        (judged.returns[counted] > 0.0).astype(np.float64),
        run.axis.times_ms(judged.rows[counted]),
        run.request.timeframe,
        run.markets,
    )


def _enough(verdict: GateVerdict, record: PlanModelRecord, serves: bool) -> GateVerdict:
    """Return the verdict, held back where the evidence of so few independent plans would be insufficient."""
    if verdict.forced or not verdict.promoted or record.plans >= MIN_PLANS:
        return verdict
    stays = "The model in production stays" if serves else "Nothing serves"
    why = f"{stays}: its plans are as good as {record.plans} independent ones, {MIN_PLANS} are needed."
    held = {"serves": "production" if serves else "nothing", "reasons": (*verdict.reasons, why)}
    return verdict.model_copy(update=held)


def _second_half(listener: TellProgress) -> TellProgress:
    def report(progress: JobProgress) -> None:
        share = _MEASURING_SHARE + (1 - _MEASURING_SHARE) * progress.share
        listener(progress.model_copy(update={"share": min(1.0, share)}))

    return report
