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
from rules.evidence import even_money
from services.backtests.forecasts import past_forecasts
from services.backtests.markets import BacktestMarket, prepare
from services.backtests.order import BacktestOrder, BacktestWish
from services.backtests.run import run_backtest
from services.training.managers import open_manager
from tests.fixtures.planted_market import trending_market

COUNT, LATER, AHEAD = 4_800, 400, 24
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
WHOLE, _ = trending_market(COUNT + LATER, 0.35, 1)
TRENDS = WHOLE.part(0, COUNT)
# Learns by heart whatever it is shown.
BY_HEART = {"trees": 20, "max_depth": 14, "min_samples_leaf": 1}


def small(folder: Path, calibration: str = "sigmoid", **models: Any) -> Settings:
    evaluation = {"folds": 2, "test_share": 0.65, "calibration": calibration}
    own = {"save_path": str(folder), "evaluation": evaluation, "xgboost": {"trees": 5}}
    features = {"sequence_length": 4, "horizon_candles": AHEAD}
    trials = {"trials_path": f"{folder}/trials.jsonl", "key_file": f"{folder}/key", "random_runs": 3}
    return load_settings(environment={}, overrides={"features": features, "models": own | models, "backtests": trials})


def manager_of(settings: Settings) -> ModelManager:
    return open_manager(settings.models, settings.features, settings.indicators.atr_period, lambda: NOON)


def train(manager: ModelManager, kind: ModelType, series: CandleSeries) -> TrainingOutcome:
    request = TrainingRequest(kind, "BTCUSDT", Timeframe.H4)
    return manager.train(request, {"BTCUSDT": series}, lambda progress: None, force="to see")


def record_of(outcome: TrainingOutcome) -> PlanRecord:
    assert outcome.model.plans is not None
    return outcome.model.plans


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return small(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def trained(settings: Settings) -> TrainingOutcome:
    return train(manager_of(settings), ModelType.LOGISTIC, TRENDS)


def test_features_that_foretell_trends_give_plans_their_worth(trained: TrainingOutcome) -> None:
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
    manager, (series, _) = manager_of(settings), trending_market(2_600, 0.0, 3)
    outcome = train(manager, ModelType.RANDOM_FOREST, series)
    record, forecaster = record_of(outcome), load_version(manager.registry, outcome.model.version)
    said = predict_series(forecaster, series, 0)
    seen = PastForecasts("BTCUSDT", series, said.positions, said.probability)
    # Of candles that it was fitted on it seems to know which target comes.
    by_heart = measure_forecasts([seen], settings.indicators.atr_period)
    assert by_heart.weight > 4 * by_heart.error
    assert abs(record.weight) < 3 * record.error
    assert record.above_random_r.low is not None
    assert record.above_random_r.low < 0


def test_an_evaluation_measures_the_plans_of_its_own_candles(settings: Settings, trained: TrainingOutcome) -> None:
    version = trained.model.version
    before, after = (manager_of(settings).evaluate(version, "BTCUSDT", series) for series in (TRENDS, WHOLE))
    assert before.plans == record_of(trained)
    assert after.plans is not None
    assert after.plans.samples == record_of(trained).samples + 2 * (LATER - AHEAD) // EVERY


def test_without_a_measurer_a_version_has_no_record(tmp_path: Path) -> None:
    settings, asked = small(tmp_path), list[Sequence[PastForecasts]]()
    plain = ModelManager(settings.models, settings.features, lambda: NOON)
    assert train(plain, ModelType.LOGISTIC, TRENDS.part(0, 800)).model.plans is None

    def note(past: Sequence[PastForecasts]) -> PlanRecord:
        asked.append(past)
        return measure_forecasts(past, 14)

    noting = ModelManager(settings.models, settings.features, lambda: NOON, note)
    two = {"BTCUSDT": TRENDS.part(0, 800), "ETHUSDT": WHOLE.part(100, 800)}
    noting.train(TrainingRequest(ModelType.LOGISTIC, "*", Timeframe.H4), two, lambda progress: None)
    for past in asked[0]:
        assert past.series is two[past.symbol]
        assert (np.diff(past.positions) > 0).all()
        # The newest windows are predicted out of sample.
        assert past.positions[0] > 200


def tested(settings: Settings, version: str) -> tuple[BacktestMarket, BacktestOrder]:
    """Return the whole market and the order of a backtest of its newest quarter."""
    wish = BacktestWish(lane=f"model:{version}", timeframes=(Timeframe.H4,), since_ms=int(WHOLE.times_ms[-COUNT // 4]))
    order = BacktestOrder.of(wish, settings, None)
    (only,) = prepare([("BTCUSDT", WHOLE)], order)
    return only, order


def test_in_a_backtest_plans_are_weighed_by_what_had_ended_then(settings: Settings, trained: TrainingOutcome) -> None:
    version, record = trained.model.version, record_of(trained)
    only, order = tested(settings, version)
    found = past_forecasts(only, version, order)
    said = [(moment, forecast) for moment, forecast in sorted(found.items()) if forecast.plan]
    plans = [forecast.plan for _, forecast in said if forecast.plan]
    # The record has the outcomes of the walk forward in it: in its first fold nothing was known of them.
    assert {(plan.verdict, plan.target_first) for plan in plans[:900]} == {("insufficient", 0.3333)}
    # In the second the plans of the first were: some, and fewer than the record has.
    assert plans[2_500].plans > 0
    assert plans[2_500].plans < record.plans
    after = [forecast.plan for moment, forecast in said if moment > TRENDS.last_close_ms]
    assert len(after) == LATER
    assert {plan.plans for plan in after if plan} == {record.plans}


def test_the_lane_of_a_model_has_the_even_money_of_its_plans(settings: Settings, trained: TrainingOutcome) -> None:
    only, order = tested(settings, trained.model.version)
    found = past_forecasts(only, trained.model.version, order)
    worth = [even_money(forecast.plan.expected_r) for forecast in found.values() if forecast.plan]
    result = run_backtest([("BTCUSDT", WHOLE)], order, lambda progress: None, NOON)
    trades = result.simulation.trades
    assert len(trades) > 5
    assert all(min(abs(trade.confidence - value) for value in worth) < 1e-3 for trade in trades)
    assert trades[-1].confidence > 0.7
