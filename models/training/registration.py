"""Register a candidate as a version: its metadata and its files."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from domain.forecasting import ModelType, VolatilitySkill
from domain.trading.forecast_plans import PlanRecord
from domain.trading.plan_models import PlanModelRecord
from features.columns.feature_sets import FeatureSet
from models.architectures.catalogue import Architecture
from models.drift.reference import REFERENCE_FILE
from models.evaluation.calibration import Calibration
from models.explanation.explanation import EXPLANATION_FILE, dump_explanation
from models.registry.importances import importances_of
from models.registry.metadata import (
    MODEL_FILE,
    PREDICTIONS_FILE,
    SCALER_FILE,
    FeatureColumns,
    Graph,
    Member,
    ModelMetadata,
    TrainingRange,
)
from models.registry.registry import Registry
from models.registry.training_history import TrainingHistory, history_of
from models.registry.version_names import PLAN_PREFIX, version_name
from models.training.results import Artefact, Candidate, TrainingResult
from models.training.training_run import TrainingRun
from models.training.trial_records import judged_range
from models.volatility.skill import measure_volatility
from models.volatility.volatility_model import shipped_volatility

LIBRARIES = (
    "numpy",
    "keras",
    "tensorflow-cpu",
    "tensorflow",
    "jax",
    "scikit-learn",
    "xgboost-cpu",
    "xgboost",
    "lightgbm",
    "onnx",
)
NATIVE_STEM = "model"
# What changes nothing in a training.
IDLE_SETTINGS = {
    *("recipes", "save_path", "shipped", "shipped_path", "further_horizons_candles"),
    *("keep_versions", "serving", "default_type", "recalibration"),
}


def register(
    registry: Registry,
    run: TrainingRun,
    result: TrainingResult,
    candidate: Candidate,
    members: Mapping[ModelType, str],
    plans: PlanRecord | None,
    now: datetime,
    judged_plans: PlanModelRecord | None = None,
) -> ModelMetadata:
    """Write a candidate as a version and return its metadata.

    Args:
        registry: Where it is registered.
        run: Its request, settings and candles.
        result: The verdict, which is kept with every version of the run.
        candidate: One of the result's.
        members: Names of the registered members, for an ensemble.
        plans: Results of the candidate's plans out of sample; None where they were not measured.
        now: Gives the version its name.
        judged_plans: How a plan model did; None of a model of the close.
    """
    artefact = candidate.artefact
    metadata = ModelMetadata(
        version=version_name(candidate.kind, now, prefix=PLAN_PREFIX if judged_plans else ""),
        type=candidate.kind,
        symbol=run.request.symbol,
        timeframe=run.request.timeframe,
        created_at=now,
        horizon_candles=run.features.horizon_candles,
        graph=_graph(artefact) if artefact else None,
        members=tuple(
            Member(version=members[kind], type=kind, weight=weight) for kind, weight in candidate.weights.items()
        ),
        data=_range(candidate, run),
        metrics=candidate.scores,
        judged=judged_range(candidate.judged, run),
        baselines={**result.baselines, **_others(candidate, result)},
        plans=plans,
        judged_plans=judged_plans,
        volatility=_volatility(candidate, run),
        training_history=_history(artefact) if artefact else None,
        importances=importances_of(artefact.fitted.model.gains(), artefact.fitted.data.scaler.columns)
        if artefact
        else (),
        verdict=result.verdict if candidate is result.asked else None,
        seed=run.models.training.seed,
        settings=_settings(run),
        libraries=libraries(),
        parameters=artefact.fitted.model.parameters if artefact else 0,
    )
    return registry.add(metadata, partial(_write_files, candidate=candidate, run=run))


def graph_of(
    architecture: Architecture,
    feature_set: FeatureSet,
    length: int,
    horizons_candles: tuple[int, ...],
    calibration: Calibration,
) -> Graph:
    """Return how a model of an architecture is fed and read.

    Args:
        architecture: Its inputs and outputs.
        feature_set: The columns that it reads.
        length: Rows of a window.
        horizons_candles: Of a model with several horizons; left out for all others.
        calibration: Of its probability.
    """
    return Graph(
        feature_set=FeatureColumns(
            name=feature_set.name,
            id=feature_set.id,
            columns=tuple(column.name for column in feature_set.columns),
        ),
        sequence_length=length,
        inputs=architecture.inputs,
        outputs=architecture.outputs,
        horizons_candles=horizons_candles if architecture.outputs == "multi_horizon" else (),
        calibration=calibration,
    )


def libraries() -> dict[str, str]:
    """Return name and version of every library that trains or exports, of those that are installed."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue  # a wheel of another platform, or an extra that is not installed
    return found


def _write_files(folder: Path, candidate: Candidate, run: TrainingRun) -> None:
    (folder / PREDICTIONS_FILE).write_bytes(run.axis.dump(candidate.judged))
    if (artefact := candidate.artefact) is not None:
        (folder / MODEL_FILE).write_bytes(artefact.graph)
        (folder / SCALER_FILE).write_text(artefact.fitted.data.scaler.to_json(), encoding="utf-8")
        (folder / REFERENCE_FILE).write_bytes(artefact.reference.dump())
        if explanation := artefact.fitted.model.explanation():
            (folder / EXPLANATION_FILE).write_bytes(dump_explanation(explanation))
        artefact.fitted.model.save(folder, NATIVE_STEM)


def _graph(artefact: Artefact) -> Graph:
    learner = artefact.learner
    rows = learner.rows
    graph = graph_of(learner.architecture, rows.feature_set, learner.length, rows.horizons, artefact.calibration)
    if rows.facts:  # plan models read all columns
        return graph.model_copy(update={"facts": rows.facts})
    shown = artefact.fitted.data.scaler.columns
    return graph if shown == graph.columns else graph.model_copy(update={"selected": shown})


def _history(artefact: Artefact) -> TrainingHistory | None:
    unit: Literal["epoch", "round"] = "epoch" if artefact.learner.architecture.is_network else "round"
    return history_of(artefact.fitted.model.history, unit)


def _range(candidate: Candidate, run: TrainingRun) -> TrainingRange:
    data = candidate.artefact.fitted.data if candidate.artefact else None
    return TrainingRange(
        first_ms=min(series.candles[0].timestamp for series in run.markets.values()),
        last_ms=max(series.last_open_ms for series in run.markets.values()),
        candles=sum(len(series) for series in run.markets.values()),
        training_windows=len(data.train) if data else len(run.evaluation_set.ends),
        validation_windows=len(data.validation) if data else 0,
        over_break_share=next(iter(run.learners.values())).rows.over_break_share,
        markets=tuple(run.markets),
    )


def _volatility(candidate: Candidate, run: TrainingRun) -> VolatilitySkill | None:
    judged = judged_range(candidate.judged, run)
    if judged is None:
        return None
    horizon = run.features.horizon_candles
    return measure_volatility(shipped_volatility(), run.markets, horizon, judged.first_ms, run.gate.resampling)


def _others(candidate: Candidate, result: TrainingResult) -> dict[str, Any]:
    """Return the scores of the other candidates, on the same folds."""
    others = (result.asked, *result.others)
    return {str(other.kind): other.scores for other in others if other is not candidate}


def _settings(run: TrainingRun) -> dict[str, Any]:
    models = run.models.model_dump(mode="json", exclude=IDLE_SETTINGS)
    return {"models": models, "features": run.features.model_dump(mode="json")}
