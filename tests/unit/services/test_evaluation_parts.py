"""An evaluation tells candles newer than the training apart from those by which the gate decided."""

from __future__ import annotations

from datetime import UTC, datetime
from io import StringIO
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from commands.judging.evaluated import evaluated
from config.settings import Settings
from config.sources import load_settings
from domain.forecasting import ModelType
from domain.market import CandleSeries
from domain.values import utc_time
from models.registry.registry import Registry
from models.registry.trials import ModelTrials, count_trials
from models.training.training_run import TrainingRequest
from services.evaluating.parameters import EvaluationParameters
from services.evaluating.run import EvaluationResult, run_evaluation
from services.training.managers import open_manager
from tests.fixtures.planted_market import reversal_market

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
BEFORE, AFTER = 600, 260
# Moves turn while the model learns, and repeat afterwards: what it has learned is wrong then.
TURNING, REPEATING = reversal_market(BEFORE, 0.75, 1), reversal_market(AFTER, 0.2, 2)


def _joined() -> CandleSeries:
    values = REPEATING.values.copy()
    values[:, :4] *= TURNING.closes[-1] / REPEATING.values[0, 0]
    times = TURNING.times_ms[-1] + TURNING.timeframe.ms * np.arange(1, AFTER + 1)
    both = np.concatenate([TURNING.values, values])
    return CandleSeries.of_arrays(TURNING.timeframe, np.concatenate([TURNING.times_ms, times]), both)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    own = {"save_path": str(tmp_path_factory.mktemp("models")), "shipped": False, "lightgbm": {"trees": 5}}
    evaluation = {"folds": 1, "suspicious_accuracy": 1, "suspicious_auc": 1}
    overrides: dict[str, dict[str, Any]] = {
        "models": {**own, "evaluation": evaluation},
        "features": {"sequence_length": 4},
    }
    return load_settings(environment={}, overrides=overrides)


@pytest.fixture(scope="module")
def version(settings: Settings) -> str:
    manager = open_manager(settings.models, settings.features, settings.indicators.atr_period, lambda: NOON)
    request = TrainingRequest(ModelType.LOGISTIC, "BTCUSDT", TURNING.timeframe)
    return manager.train(request, {"BTCUSDT": TURNING}, lambda _: None).model.version


def test_a_training_counts_every_setting_that_it_judged(settings: Settings, version: str) -> None:
    registry = Registry.of(settings.models)
    made = ModelTrials(registry.root).all()
    # LightGBM is judged beside every model.
    assert {trial.kind for trial in made} == {ModelType.LOGISTIC, ModelType.LIGHTGBM}
    assert {(trial.symbols, trial.origin) for trial in made} == {(("BTCUSDT",), "training")}
    assert count_trials(registry.root, registry.versions().models) == {version: 2}


def asked(settings: Settings, version: str, series: CandleSeries) -> EvaluationResult:
    parameters = EvaluationParameters.of(version, "BTCUSDT", 0.0, 0.0, settings)
    return run_evaluation(parameters, series, lambda _: None, lambda: NOON)


def printed(result: EvaluationResult) -> str:
    stream = StringIO()
    Console(file=stream, width=200).print(evaluated(result, "BTCUSDT", ()))
    return stream.getvalue()


def test_newer_candles_are_scored_apart_and_are_the_evidence(settings: Settings, version: str) -> None:
    series = _joined()
    result = asked(settings, version, series)
    parts: dict[str, Any] = {part["part"]: part for part in result.document["parts"]}
    newer, inside = parts["newer"], parts["walk_forward"]
    assert (newer["evidence"], inside["evidence"]) == (True, False)
    assert newer["metrics"]["accuracy"] < 0.4 < 0.6 < inside["metrics"]["accuracy"]
    assert newer["metrics"]["count"] + inside["metrics"]["count"] == result.document["metrics"]["count"]
    assert newer["first"] == utc_time(int(series.times_ms[BEFORE])).isoformat()
    assert inside["last"] < newer["first"]
    # Acting on the newer candles lost, on those inside the training it won, and neither has trades of the other.
    assert newer["performance"]["gross_return"] < 0 < inside["performance"]["gross_return"]
    assert newer["performance"]["candles"] + inside["performance"]["candles"] <= BEFORE + AFTER
    told = printed(result)
    assert told.index("Newer than its training") < told.index("Inside its training")
    assert "newer than its training: evidence" in told
    assert "no evidence beyond it" in told


@pytest.mark.parametrize(
    ("symbol", "fee_bps", "expected"),
    [("BTCUSDT", None, (5.0, 1.0)), ("EURUSD", None, (0.35, 0.65)), ("EURUSD", 2.0, (2.0, 0.65))],
)
def test_acting_on_forecasts_costs_what_trading_the_market_costs(
    settings: Settings, version: str, symbol: str, fee_bps: float | None, expected: tuple[float, float]
) -> None:
    costs = EvaluationParameters.of(version, symbol, fee_bps, None, settings).costs
    assert (costs.fee_bps, costs.slippage_bps) == expected


def test_without_newer_candles_nothing_is_called_evidence(settings: Settings, version: str) -> None:
    result = asked(settings, version, TURNING)
    (only,) = result.document["parts"]
    assert (only["part"], only["evidence"]) == ("walk_forward", False)
    assert only["metrics"] == result.document["metrics"]
    assert "no candle of the file is newer than its training" in printed(result)


def test_a_single_newer_candle_is_scored_and_not_traded(settings: Settings, version: str) -> None:
    result = asked(settings, version, _joined().part(0, BEFORE + 2))
    newer = next(part for part in result.document["parts"] if part["part"] == "newer")
    assert (newer["metrics"]["count"], newer["performance"]) == (1, None)
    assert "none: too few candles" in printed(result)
