"""Plans of the past are weighed by what had ended then, and their worth is the confidence of the model's lane."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backtesting.evidence.forecasts import measure_forecasts
from config.settings import Settings
from config.sources import load_settings
from domain.forecasting import Forecast, PastForecasts
from domain.market import Timeframe
from domain.trading.forecast_plans import PlanRecord, WeighedPlan
from models.evaluation.out_of_sample import OutOfSample
from models.evaluation.time_axis import TimeAxis
from models.registry.metadata import PREDICTIONS_FILE, TrainingRange
from models.registry.registry import Registry
from rules.evidence.weighing import even_money
from services.backtests.forecasts import past_forecasts
from services.backtests.markets import BacktestMarket, prepare
from services.backtests.parameters import BacktestOptions, BacktestParameters
from services.backtests.run import run_backtest
from tests.fixtures.models import files_of, make_metadata
from tests.fixtures.planted_market import trending_market

NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)
H4 = Timeframe.H4
FOLD, FOLDS, LATER = 4_700, 2, 300
SERIES, SIDES = trending_market(FOLD * FOLDS + LATER, 0.3, 1)
SAID = 0.5 + SIDES * np.random.default_rng(1).uniform(-0.05, 0.2, len(SERIES))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    own = {"trials_path": f"{tmp_path}/trials.jsonl", "key_file": f"{tmp_path}/key", "random_runs": 3}
    return load_settings(environment={}, overrides={"backtests": own, "models": {"save_path": f"{tmp_path}/models"}})


def version_with(settings: Settings, record: PlanRecord | None) -> str:
    """Register a version that was trained on the candles of two folds, with its predictions of both."""
    known = np.arange(FOLD * FOLDS)
    judged = OutOfSample(known, SAID[known], SAID[known], np.zeros(len(known)), known // FOLD)
    data = TrainingRange(
        first_ms=int(SERIES.times_ms[0]),
        last_ms=int(SERIES.times_ms[len(known) - 1]),
        candles=len(known),
        training_windows=1_000,
        validation_windows=200,
    )
    metadata = make_metadata(timeframe=H4, data=data, plans=record)

    def write(folder: Path) -> None:
        files_of(metadata)(folder)
        (folder / PREDICTIONS_FILE).write_bytes(TimeAxis.of({"BTCUSDT": SERIES}).dump(judged))

    return Registry(Path(settings.models.save_path)).add(metadata, write).version


def record_of_folds(settings: Settings) -> PlanRecord:
    known = SERIES.part(0, FOLD * FOLDS)
    past = PastForecasts("BTCUSDT", known, np.arange(len(known)), SAID[: len(known)])
    return measure_forecasts([past], settings.indicators.atr_period)


def asked(settings: Settings, version: str, **options: Any) -> tuple[BacktestMarket, BacktestParameters]:
    parameters = BacktestParameters.of(
        BacktestOptions(lane=f"model:{version}", timeframes=(H4,), **options), settings, None
    )
    (only,) = prepare([("BTCUSDT", SERIES)], parameters)
    return only, parameters


def plans_of(forecasts: list[Forecast]) -> list[WeighedPlan]:
    return [forecast.plan for forecast in forecasts if forecast.plan]


def test_no_fold_knows_what_its_own_plans_came_to(settings: Settings) -> None:
    record = record_of_folds(settings)
    assert record.weight > 3 * record.error
    version = version_with(settings, record)
    market, parameters = asked(settings, version)
    said = [forecast for _, forecast in sorted(past_forecasts(market, version, parameters).items())]
    assert len(said) == len(SERIES)
    first, second, later = (plans_of(part) for part in (said[:FOLD], said[FOLD:-LATER], said[-LATER:]))
    assert {(plan.verdict, plan.target_first, plan.plans) for plan in first} == {("insufficient", 0.3333, 0)}
    # In the second fold the plans of the first had ended: some of those that the record has.
    (then,) = {plan.plans for plan in second}
    assert 0 < then < record.plans
    assert max(plan.target_first for plan in second) > 0.4
    # The record is from before all candles after the training.
    assert {plan.plans for plan in later} == {record.plans}


def test_later_candles_do_not_change_what_was_known(settings: Settings) -> None:
    version = version_with(settings, record_of_folds(settings))
    market, parameters = asked(settings, version)
    whole = past_forecasts(market, version, parameters)
    cut, _ = asked(settings, version, until_ms=int(SERIES.closes_ms[FOLD + 500]))
    early = past_forecasts(cut, version, parameters)
    assert len(early) == FOLD + 501
    assert {moment: whole[moment] for moment in early} == early


def test_the_confidence_of_the_lane_is_the_even_money_of_the_plan(settings: Settings) -> None:
    version = version_with(settings, record_of_folds(settings))
    market, parameters = asked(settings, version, since_ms=int(SERIES.times_ms[-700]))
    worth = {
        even_money(plan.expected_r) for plan in plans_of(list(past_forecasts(market, version, parameters).values()))
    }
    trades = run_backtest([("BTCUSDT", SERIES)], parameters, lambda progress: None, NOON).simulation.trades
    assert len(trades) > 5
    assert {trade.confidence for trade in trades} <= worth


def test_without_a_record_the_confidence_is_the_models_own(settings: Settings) -> None:
    version = version_with(settings, None)
    market, parameters = asked(settings, version, since_ms=int(SERIES.times_ms[-700]))
    said = past_forecasts(market, version, parameters).values()
    assert plans_of(list(said)) == []
    trades = run_backtest([("BTCUSDT", SERIES)], parameters, lambda progress: None, NOON).simulation.trades
    assert {trade.confidence for trade in trades} <= {forecast.confidence for forecast in said}
