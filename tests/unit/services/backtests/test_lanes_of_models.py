"""The lanes of a model: the forecasts of the past are those that it would have served, of new candles alone."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from config.settings import Settings
from config.sources import load_settings
from domain.errors import InsufficientData, InvalidRequest, ModelNotFound
from domain.market import CandleSeries, Timeframe
from models.registry.metadata import ModelMetadata, TrainingRange
from models.registry.registries import PLANS, Registries, RegistryKey
from models.registry.registry import Registry
from models.serving.forecasts import newest_forecast
from models.serving.loaded_models import load_version
from services.backtests.forecasts import past_forecasts
from services.backtests.lane_models import version_of
from services.backtests.markets import BacktestMarket, prepare
from services.backtests.parameters import BacktestOptions, BacktestParameters, lane_of
from services.backtests.run import run_backtest
from services.evidence.file import read_evidence
from tests.fixtures.histories import simulated
from tests.fixtures.models import add_model

NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)
SERIES = simulated(5, count=400)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    own = {"trials_path": f"{tmp_path}/trials.jsonl", "key_file": f"{tmp_path}/key", "random_runs": 5}
    serving = {"long_probability": 0.51, "short_probability": 0.49}
    models = {"save_path": f"{tmp_path}/models", "serving": serving}
    return load_settings(environment={}, overrides={"backtests": own, "models": models})


def trained(settings: Settings, last_ms: int = 1, **changes: Any) -> ModelMetadata:
    """Return a version whose training data end with the candle that opens at `last_ms`."""
    data = TrainingRange(first_ms=0, last_ms=last_ms, candles=5000, training_windows=3000, validation_windows=500)
    return add_model(Registry(Path(settings.models.save_path)), data=data, **changes)


def parameters(settings: Settings, lane: str = "rules", **options: Any) -> BacktestParameters:
    return BacktestParameters.of(
        BacktestOptions(lane=lane, **options), settings, read_evidence(settings.trading.evidence_file)
    )


def market(settings: Settings, series: CandleSeries = SERIES) -> BacktestMarket:
    (only,) = prepare([("BTCUSDT", series)], parameters(settings))
    return only


def test_a_forecast_of_the_past_is_the_one_that_was_served_then(settings: Settings) -> None:
    version = trained(settings).version
    found = past_forecasts(market(settings), version, parameters(settings))
    forecaster = load_version(Registry(Path(settings.models.save_path)), version)
    assert {forecast.plan for forecast in found.values()} == {None}  # nothing measured the plans of this version
    for position in (300, 350, 399):
        known = SERIES.part(0, position + 1)
        served = newest_forecast(forecaster, "BTCUSDT", known, settings.models.serving)
        said = found[known.last_close_ms]
        assert said.probability_up == pytest.approx(served.probability_up, abs=1e-6)
        assert (said.signal, said.model_version) == (served.signal, version)
        assert said.confidence == pytest.approx(served.confidence, abs=1e-6)


def test_candles_that_it_was_trained_on_have_none(settings: Settings) -> None:
    opened_ms = int(SERIES.times_ms[350])
    found = past_forecasts(market(settings), trained(settings, opened_ms).version, parameters(settings))
    assert min(found) == opened_ms + 2 * Timeframe.H1.ms
    version = trained(settings, SERIES.last_open_ms, created_at=NOON).version
    refused = (
        f"{version} was trained on candles up to .* UTC; those of BTCUSDT end at .*, and too few of them are newer"
    )
    with pytest.raises(InsufficientData, match=refused):
        past_forecasts(market(settings), version, parameters(settings))


def test_a_version_of_another_market_or_timeframe_is_refused(settings: Settings) -> None:
    other = trained(settings, symbol="ETHUSDT").version
    with pytest.raises(InvalidRequest, match="forecasts ETHUSDT 1h, what is traded is BTCUSDT 1h"):
        past_forecasts(market(settings), other, parameters(settings))
    with pytest.raises(ModelNotFound):
        past_forecasts(market(settings), "lstm_model_20200101_000000", parameters(settings))


def test_a_lane_names_a_version_of_whichever_horizon_and_no_plan_model(settings: Settings) -> None:
    registries = Registries(settings)
    usual, ahead = trained(settings).version, registries.at(RegistryKey(horizon=4))
    data = TrainingRange(first_ms=0, last_ms=1, candles=5000, training_windows=3000, validation_windows=500)
    assert add_model(ahead, data=data, horizon_candles=4).version == usual
    only = add_model(ahead, data=data, horizon_candles=4, created_at=NOON).version
    plan = add_model(registries.at(PLANS), created_at=datetime(2025, 7, 1, tzinfo=UTC)).version

    def named(text: str) -> tuple[str, int]:
        found = version_of(registries, lane_of(text))
        assert found is not None
        return found.lane, found.model.horizon_candles

    assert named(f"model:{usual}") == (f"model:{usual}", 1)
    assert named(f"model:{usual}@4") == (f"model:{usual}@4", 4)
    # The result says which horizon it was, whether or not it was named.
    assert named(f"blend:{only}") == (f"blend:{only}@4", 4)
    assert version_of(registries, lane_of("rules")) is None
    with pytest.raises(InvalidRequest, match=f"{plan} is a plan model: it forecasts plans, and no close"):
        named(f"model:{plan}")
    with pytest.raises(InvalidRequest, match="no models of 5 candles ahead are asked; horizons are 1, 4, 12, 24"):
        named(f"model:{usual}@5")
    found = version_of(registries, lane_of(f"model:{usual}@4"))
    assert found is not None
    forecasts = past_forecasts(market(settings), usual, parameters(found.settings, found.lane))
    assert {forecast.horizon_candles for forecast in forecasts.values()} == {4}
    result = run_backtest([("BTCUSDT", SERIES)], parameters(found.settings, found.lane), lambda progress: None, NOON)
    assert (result.document["lane"], result.document["trades"] > 0) == (f"model:{usual}@4", True)


@pytest.mark.parametrize(("lane", "ground"), [("model", "forecast"), ("blend", "trend")])
def test_its_lanes_are_traded(settings: Settings, lane: str, ground: str) -> None:
    version = trained(settings).version
    chosen = parameters(settings, f"{lane}:{version}", timeframes=(Timeframe.H1,))
    result = run_backtest([("BTCUSDT", SERIES)], chosen, lambda progress: None, NOON)
    assert result.document["trades"] > 0
    assert result.document["by_ground"].keys() == {ground}
    assert result.document["run"]["settings"]["serving"] == {"long_probability": 0.51, "short_probability": 0.49}
