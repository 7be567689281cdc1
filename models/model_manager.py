"""ModelManager: the lifecycle of models, from candles to the version that serves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from config.model_settings import ModelSettings
from config.settings import FeatureSettings
from domain.errors import InvalidRequest, ModelUnusable
from domain.forecasting import ModelType
from domain.jobs import TellProgress
from domain.market import CandleSeries
from models.evaluation.gate import GateVerdict
from models.evaluation.out_of_sample import OutOfSample
from models.registry.artifacts import StoredVersion
from models.registry.disk import check_disk
from models.registry.metadata import ModelMetadata
from models.registry.registry import Registry
from models.registry.shadowing import begin_shadow
from models.registry.trials import ModelTrials
from models.serving.forecaster import Forecaster
from models.serving.loaded_models import load_version
from models.serving.unseen import unseen_predictions
from models.serving.version_evaluation import Evaluation, PlanMeasurer, evaluate_version
from models.training.registration import register
from models.training.results import Candidate, TrainingResult
from models.training.training_run import TrainingRequest, TrainingRun
from models.training.trial_records import trials_of


@dataclass(frozen=True)
class TrainingOutcome:
    """The version that was trained, the verdict, and the version now in production, if any.

    Attributes:
        shadow: The version that has passed the gate and shadows the one in production; None where none does.
    """

    model: ModelMetadata
    verdict: GateVerdict
    production: str | None
    shadow: str | None = None

    def report(self) -> dict[str, Any]:
        """Return the outcome as JSON-like values; `verdict` says what serves, `samples` are windows."""
        data = self.model.data
        return {
            "version": self.model.version,
            "symbol": self.model.symbol,
            "timeframe": self.model.timeframe.value,
            "model_type": self.model.type.value,
            "promoted": self.verdict.promoted and not self.shadow,
            "verdict": "production" if self.shadow else self.verdict.serves,
            "reasons": [*self.verdict.reasons, *([f"{self.shadow} shadows it first."] if self.shadow else [])],
            "shadow": self.shadow,
            "metrics": self.model.metrics.model_dump(mode="json") if self.model.metrics else None,
            "plans": self.model.plans.model_dump(mode="json") if self.model.plans else None,
            "production": self.production,
            "training_samples": data.training_windows if data else None,
            "validation_samples": data.validation_windows if data else None,
        }


def incumbent_of(
    registry: Registry, run: TrainingRun, ask: Callable[[StoredVersion, Forecaster], OutOfSample]
) -> OutOfSample | None:
    """Return what the version in production says of the rows of a run that it has not learned from.

    Without one there is nothing; the run notes why one cannot be used.
    """
    version = registry.resolve(run.request.symbol, run.request.timeframe)
    if version is None:
        return None
    try:
        return ask(registry.open(version), load_version(registry, version))
    except (ModelUnusable, InvalidRequest) as error:
        run.notes.append(f"The version in production cannot be used and is not compared with: {error.message}.")
        return None


class ModelManager:
    """Trains, judges, registers, promotes and evaluates; `serving/` keeps the versions that serve in memory."""

    def __init__(
        self,
        models: ModelSettings,
        features: FeatureSettings,
        now: Callable[[], datetime],
        measure_plans: PlanMeasurer,
    ) -> None:
        """Take the settings; nothing is read or written yet.

        Args:
            models: Sizes, training, evaluation, and the folder of the versions.
            features: Preparation of candles.
            now: The server's clock, aware UTC.
            measure_plans: Measures the plans of predictions out of sample.
        """
        self._models = models
        self._features = features
        self._now = now
        self._measure_plans = measure_plans
        self.registry = Registry.of(models)

    def train(
        self,
        request: TrainingRequest,
        markets: Mapping[str, CandleSeries],
        listener: TellProgress,
        force: str | None = None,
        *,
        shadow: bool = False,
    ) -> TrainingOutcome:
        """Train, judge, register and, where the gate allows it, promote; takes from seconds to hours.

        Of each symbol and timeframe the newest `keep_versions` stay, and every version that serves or may serve again.

        Args:
            request: Type, symbol and timeframe.
            markets: Closed candles by symbol, one or more.
            listener: Called after every epoch and every fit.
            force: Reason to promote it whatever the gate decides.
            shadow: Let what passes the gate shadow the model in production before it may replace it. Without a
                model of the same horizon in production it is promoted at once.

        Raises:
            InsufficientData: too few candles, with the numbers.
            TrainingFailed, ExportMismatch: nothing is registered.
            ModelStorageUnavailable: the version cannot be written, which is looked at before the training too.
        """
        check_disk(self.registry.root)
        run = TrainingRun(request, markets, self._models, self._features)
        axis, returns = run.axis, run.evaluation_set.returns
        incumbent = incumbent_of(
            self.registry, run, lambda stored, own: unseen_predictions(stored, own, markets, axis, returns)
        )
        result = run.run(listener, incumbent, force)
        now = self._now()
        learners = run.learners.values()
        ModelTrials(self.registry.root).add(trials_of(learners, run, result.asked.judged, "training", now))
        members = {
            kind: self._register(run, result, result.find(kind), {}, now).version for kind in result.asked.weights
        }
        model = self._register(run, result, result.asked, members, now)
        self.registry.nominate(model.version)
        shadowing = None
        passed = self._passed(run, result, model, members, now)
        if passed is not None:
            reason = result.verdict.reasons[-1]
            if shadow and incumbent is not None and begin_shadow(self.registry, passed, reason, now):
                shadowing = passed
            else:
                self.registry.promote(passed, by="forced" if result.verdict.forced else "gate", reason=reason, at=now)
        self.registry.prune(self._models.keep_versions)
        production = self.registry.resolve(request.symbol, request.timeframe)
        return TrainingOutcome(model, result.verdict, production, shadowing)

    def evaluate(
        self, version: str, symbol: str, series: CandleSeries, leader: CandleSeries | None = None
    ) -> Evaluation:
        """Return the evaluation of a version on candles of a symbol that it was not trained on; see `evaluate_version`.

        Raises:
            InsufficientData, InvalidRequest, ModelNotFound, ModelUnusable: as `evaluate_version`.
        """
        return evaluate_version(self.registry, version, symbol, series, self._models, self._measure_plans, leader)

    def _register(
        self,
        run: TrainingRun,
        result: TrainingResult,
        candidate: Candidate,
        members: Mapping[ModelType, str],
        now: datetime,
    ) -> ModelMetadata:
        plans = self._measure_plans(run.axis.by_market(candidate.judged, run.markets))
        return register(self.registry, run, result, candidate, members, plans, now)

    def _passed(
        self,
        run: TrainingRun,
        result: TrainingResult,
        model: ModelMetadata,
        members: Mapping[ModelType, str],
        now: datetime,
    ) -> str | None:
        """Return the version that the gate lets serve; None where nothing changes."""
        if result.verdict.serves == "candidate":
            return model.version
        if result.verdict.serves != "logistic":
            return None
        return (
            members.get(ModelType.LOGISTIC)
            or self._register(run, result, result.find(ModelType.LOGISTIC), {}, now).version
        )
