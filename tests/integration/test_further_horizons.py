"""Returns of signals and paths of prices by models of further horizons: those that passed the gate, and no others."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from cli import cli
from domain.forecasting import ANY_SYMBOL, ModelType
from domain.market import CandleSeries, Timeframe
from models.evaluation.bootstrap import Interval
from models.evaluation.gate import Comparison, GateVerdict
from models.registry.registry import Registry
from tests.conftest import MakeClient
from tests.fixtures.bodies import wire_candles
from tests.fixtures.candle_files import write_candles
from tests.fixtures.commands import command
from tests.fixtures.forecasting import put_in_production
from tests.fixtures.markets import history
from tests.fixtures.planted_market import reversal_market

pytest_plugins = ["tests.fixtures.registry"]

TIMES = ("15m", "1h", "4h", "12h")
OPEN_FILTERS = {"min_confidence": 0, "max_signals_per_minute": 1000, "max_correlation": 1}


def judged(high: float) -> GateVerdict:
    """Return the verdict on a model whose difference from the prior has this upper end."""
    interval, difference = Interval(low=high - 0.02, high=high), high - 0.01
    against = Comparison(model="it", against="the prior", count=900, difference=difference, interval=interval)
    return GateVerdict(serves="candidate", reasons=("better",), comparisons=(against,))


def serve(registry: Registry, timeframe: Timeframe, further: int | None, high: float = -0.001) -> str:
    """Put a tiny model of a horizon into production, and return its name."""
    own = registry if further is None else Registry(registry.root / "horizons" / str(further))
    told: dict[str, Any] = {"horizon_candles": further or 1, "verdict": judged(high)}
    return put_in_production(own, ModelType.LOGISTIC, symbol=ANY_SYMBOL, timeframe=timeframe, **told)


def signal(client: TestClient, timeframe: Timeframe, count: int) -> dict[str, Any]:
    series = CandleSeries(timeframe, history(timeframe, 700, moment=datetime.now(UTC), closed_ago=1))
    body = {"symbols": ["BTCUSDT"], "timeframe_data": {"BTCUSDT": {timeframe.value: wire_candles(series, count)}}}
    answer = client.post("/ai/signals", json=body)
    assert answer.status_code == 200, answer.text
    (found,) = answer.json()["signals"] or [pytest.fail(answer.text)]
    return dict(found)


@pytest.fixture
def client(make_client: MakeClient) -> TestClient:
    return make_client(signals=OPEN_FILTERS, models={"serving": {"reload_seconds": 0.0001}})


def test_each_return_comes_from_a_model_that_passed_at_its_horizon(client: TestClient, registry: Registry) -> None:
    serve(registry, Timeframe.H1, None)
    serve(registry, Timeframe.H1, 4)
    weak = serve(registry, Timeframe.H1, 12, high=0.001)
    found = signal(client, Timeframe.H1, 300)
    known = {time: found[f"predicted_return_{time}"] for time in TIMES}
    assert [time for time in TIMES if known[time] is not None] == ["1h", "4h"]
    assert all(0 < abs(known[time]) < 0.5 for time in ("1h", "4h"))
    assert set(found["predicted_return_notes"]) == {"15m", "12h"}
    assert found["predicted_return_notes"]["15m"] == "no model forecasts this time from candles like these"
    assert (
        found["predicted_return_notes"]["12h"]
        == f"{weak} was not surely better than the share of rises over 12 candles"
    )


def test_longer_candles_are_made_of_the_given_ones(client: TestClient, registry: Registry) -> None:
    serve(registry, Timeframe.M15, None)
    serve(registry, Timeframe.H1, 4)
    found = signal(client, Timeframe.M15, 600)
    assert found["predicted_return_15m"] is not None
    assert found["predicted_return_4h"] is not None
    assert "no model is in production" in found["predicted_return_notes"]["1h"]
    thin = signal(client, Timeframe.M15, 160)
    assert "needs" in thin["predicted_return_notes"]["4h"]


def test_a_path_of_prices_goes_through_what_each_horizon_expects(make_client: MakeClient, registry: Registry) -> None:
    serve(registry, Timeframe.H1, 4)
    serve(registry, Timeframe.H1, 12)
    client = make_client(models={"serving": {"reload_seconds": 0.0001}})
    asked = {"ticker": "BTCUSDT", "timeframe": "1h", "steps": 15}
    answer = client.post("/api/v1/ml/predict/price", json=asked).json()
    told = {step["step"]: step for step in answer["forecasts"]}
    bases = ["interpolated", "model", "interpolated", "model", "held"]
    assert [told[step]["basis"] for step in (1, 4, 5, 12, 15)] == bases
    expected = [told[step]["expected_price"] for step in (4, 8, 12)]
    assert expected[1] == pytest.approx(np.mean([expected[0], expected[2]]))
    assert answer["last_close"] != expected[0] != expected[2]


def test_a_training_for_a_further_horizon_stands_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_SAVE_PATH", str(tmp_path / "models"))
    file = write_candles(tmp_path / "BTCUSDT-1h.csv", reversal_market(1_500, 0.75, 1))
    made = command("train", file, "--type", "logistic", "--horizon", "4")
    own = Registry(tmp_path / "models" / "horizons" / "4")
    assert own.open(made["version"]).metadata.horizon_candles == 4
    assert not Registry(tmp_path / "models").versions().models
    refused = CliRunner().invoke(cli, ["train", str(file), "--horizon", "5"])
    assert str(refused.exception) == "no models of 5 candles ahead are asked; horizons are 1, 4, 12, 24"
