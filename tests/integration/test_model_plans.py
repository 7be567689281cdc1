"""What trainings record of the plans of a model, from predictions of candles that it had not seen alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backtesting.evidence.forecasts import measure_forecasts
from backtesting.evidence.measuring import EVERY
from config.settings import Settings
from config.sources import load_settings
from domain.forecasting import ModelType, PastForecasts
from domain.market import CandleSeries, Timeframe
from domain.trading.forecast_plans import PlanRecord
from models.evaluation.time_axis import TimeAxis
from models.model_manager import ModelManager, TrainingOutcome
from models.registry.metadata import PREDICTIONS_FILE
from models.serving.loaded_models import load_version
from models.serving.series_predictions import predict_series
from models.training.training_run import TrainingRequest
from services.training.managers import open_manager
from tests.fixtures.planted_market import trending_market

H4 = Timeframe.H4
COUNT, LATER, AHEAD = 6_200, 400, 24
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
WHOLE, _ = trending_market(COUNT + LATER, 0.35, 1)
TRENDS = WHOLE.part(0, COUNT)
# Learns by heart whatever it is shown.
BY_HEART = {"trees": 10, "max_depth": 14, "min_samples_leaf": 1}


def small(folder: Path, calibration: str = "sigmoid", **models: Any) -> Settings:
    evaluation = {"folds": 1, "test_share": 0.76, "calibration": calibration}
    own = {"save_path": str(folder), "evaluation": evaluation, "xgboost": {"trees": 5}}
    features = {"sequence_length": 4, "horizon_candles": AHEAD}
    return load_settings(environment={}, overrides={"features": features, "models": own | models})


def manager_of(settings: Settings) -> ModelManager:
    return open_manager(settings.models, settings.features, settings.indicators.atr_period, lambda: NOON)


def train(manager: ModelManager, kind: ModelType, series: CandleSeries) -> TrainingOutcome:
    return manager.train(TrainingRequest(kind, "BTCUSDT", H4), {"BTCUSDT": series}, lambda progress: None)


def record_of(outcome: TrainingOutcome) -> PlanRecord:
    assert outcome.model.plans is not None
    return outcome.model.plans


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return small(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def trained(settings: Settings) -> TrainingOutcome:
    return train(manager_of(settings), ModelType.LOGISTIC, TRENDS)


def test_features_that_forecasts_trends_give_plans_their_worth(trained: TrainingOutcome) -> None:
    record = record_of(trained)
    assert record.weight > 3 * record.error
    assert record.above_random_r.low is not None
    assert record.above_random_r.low > 0.1
    assert trained.report()["plans"] == record.model_dump(mode="json")


def test_the_record_comes_from_the_predictions_by_which_the_model_is_judged(
    settings: Settings, trained: TrainingOutcome
) -> None:
    axis = TimeAxis.of({"BTCUSDT": TRENDS})
    registry = manager_of(settings).registry
    judged = axis.load(registry.open(trained.model.version).read(PREDICTIONS_FILE))
    (past,) = axis.by_market(judged, {"BTCUSDT": TRENDS})
    assert len(past.positions) == len(judged.rows) == (trained.model.metrics and trained.model.metrics.count)
    assert measure_forecasts([past], settings.indicators.atr_period) == record_of(trained)


def test_what_a_model_has_learned_by_heart_of_a_random_walk_is_no_evidence(tmp_path: Path) -> None:
    # Calibration would take the confidence from a model that knows nothing.
    settings = small(tmp_path, "none", random_forest=BY_HEART)
    manager, (series, _) = manager_of(settings), trending_market(COUNT, 0.0, 3)
    outcome = train(manager, ModelType.RANDOM_FOREST, series)
    record, forecaster = record_of(outcome), load_version(manager.registry, outcome.model.version)
    said = predict_series(forecaster, series, 0)
    seen = PastForecasts("BTCUSDT", series, said.positions, said.probability)
    # Of candles that it was fitted on it seems to know which target comes.
    by_heart = measure_forecasts([seen], settings.indicators.atr_period)
    assert by_heart.weight > 4 * by_heart.error
    assert 0 < abs(record.weight) < 3 * record.error
    assert record.above_random_r.low is not None
    assert record.above_random_r.low < 0


def test_an_evaluation_measures_the_plans_of_its_own_candles(settings: Settings, trained: TrainingOutcome) -> None:
    version = trained.model.version
    before, after = (manager_of(settings).evaluate(version, "BTCUSDT", series) for series in (TRENDS, WHOLE))
    assert before.whole.plans == record_of(trained)
    assert after.whole.plans is not None
    assert after.whole.plans.samples == record_of(trained).samples + 2 * (LATER - AHEAD) // EVERY


def test_a_model_of_several_markets_pools_their_plans(tmp_path: Path) -> None:
    settings, asked = small(tmp_path), list[Sequence[PastForecasts]]()
    two = {"BTCUSDT": TRENDS.part(0, 700), "ETHUSDT": WHOLE.part(100, 800)}

    def note(past: Sequence[PastForecasts]) -> PlanRecord:
        asked.append(past)
        return measure_forecasts(past, settings.indicators.atr_period)

    manager = ModelManager(settings.models, settings.features, lambda: NOON, note)
    outcome = manager.train(TrainingRequest(ModelType.LOGISTIC, "*", H4), two, lambda progress: None)
    for past in asked[0]:
        assert past.series is two[past.symbol]
        assert (np.diff(past.positions) > 0).all()
        # The newest windows are predicted out of sample.
        assert past.positions[0] > 100
    record = record_of(outcome)
    assert [past.symbol for past in asked[0]] == list(two)
    assert (record.plans, record.weight) == (0, 0.0)  # of a few weeks
    assert record.samples > 200
