"""`/api/v1/ml`: forecasts by ticker, their cache, training and models, each forecast with its disclaimer."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from models.registry.registry import Registry
from tests.conftest import MakeClient
from tests.fixtures.bodies import base_path, now_ms, shape_b, wire_candles
from tests.fixtures.forecasting import put_in_production
from tests.fixtures.models import add_model

pytest_plugins = ["tests.fixtures.operators", "tests.fixtures.registry"]

PREDICTIONS = ["price", "signal", "comprehensive"]


@pytest.fixture
def client(make_client: MakeClient) -> TestClient:
    """Return a client on this machine of a service that sees a promotion at once."""
    return make_client(models={"serving": {"reload_seconds": 0.0001}})


def predict(client: TestClient, what: str, **asked: Any) -> dict[str, Any]:
    response = client.post(f"/api/v1/ml/predict/{what}", json={"ticker": "BTCUSDT", "timeframe": "1h", **asked})
    assert response.status_code == 200, response.text
    answer = response.json()
    assert isinstance(answer, dict)
    return answer


def test_every_forecast_carries_the_disclaimer_and_whose_candles_they_are(
    client: TestClient, registry: Registry
) -> None:
    version = put_in_production(registry)
    disclaimer = client.get("/api/v1/ml/disclaimer").json()["disclaimer"]
    assert "no financial advice" in disclaimer
    for what in PREDICTIONS:
        answer = predict(client, what)
        assert answer["disclaimer"] == disclaimer
        assert (answer["ticker"], answer["timeframe"], answer["source_data"]) == ("BTCUSDT", "1h", "synthetic")
        assert (answer["model_version"], answer["model_note"]) == (version, None)
        assert abs(answer["timestamp"] - now_ms()) < 60_000


@pytest.mark.usefixtures("hour_with_time_left")
@pytest.mark.parametrize("steps", [1, 30])
def test_prices_follow_the_newest_closed_candle_step_by_step(client: TestClient, steps: int) -> None:
    answer = predict(client, "price", steps=steps)
    assert answer["last_close_at"] == now_ms() // 3_600_000 * 3_600_000
    assert [forecast["step"] for forecast in answer["forecasts"]] == list(range(1, steps + 1))
    assert [forecast["closes_at"] for forecast in answer["forecasts"]] == [
        answer["last_close_at"] + 3_600_000 * step for step in range(1, steps + 1)
    ]
    # Of a thousand candles, of which one is forming but for the first minute of an hour.
    assert answer["returns_seen"] in {998, 999}
    assert {forecast["basis"] for forecast in answer["forecasts"]} == {"last_close"}
    assert {forecast["expected_price"] for forecast in answer["forecasts"]} == {answer["last_close"]}
    assert all(forecast["lower"] < forecast["expected_price"] < forecast["upper"] for forecast in answer["forecasts"])
    assert all(0 < forecast["held"] < forecast["settled"] == 500 for forecast in answer["forecasts"])
    assert "no model is in production" in answer["model_note"]


def test_price_and_signal_come_from_the_model_in_production(client: TestClient, registry: Registry) -> None:
    put_in_production(registry)
    both = predict(client, "comprehensive", steps=3)
    up = both["signal"]["probabilities"]["up"]
    assert both["signal"]["probabilities"]["down"] == pytest.approx(1 - up)
    assert both["signal"]["signal"] == ("buy" if up >= 0.6 else "sell" if up <= 0.4 else "hold")
    assert both["signal"]["confidence"] == pytest.approx(100 * abs(2 * up - 1), abs=0.01)
    assert [forecast["basis"] for forecast in both["price"]["forecasts"]] == ["model", "held", "held"]
    assert (both["price"]["forecasts"][0]["expected_price"] > both["price"]["last_close"]) == (up > 0.5)
    assert predict(client, "price", steps=3)["forecasts"] == both["price"]["forecasts"]
    assert predict(client, "signal")["probabilities"] == both["signal"]["probabilities"]


def test_without_a_model_there_is_a_price_and_no_signal(client: TestClient) -> None:
    both = predict(client, "comprehensive")
    assert both["signal"] is None
    assert both["price"]["forecasts"]
    refused = client.post("/api/v1/ml/predict/signal", json={"ticker": "BTCUSDT", "timeframe": "1h"})
    assert refused.status_code == 503
    assert "no model is in production for BTCUSDT on 1h" in refused.json()["detail"]


def test_without_a_timeframe_it_is_one_that_has_a_model_or_a_day(client: TestClient, registry: Registry) -> None:
    assert predict(client, "price", timeframe=None)["timeframe"] == "1d"
    put_in_production(registry, timeframe="15m")
    assert predict(client, "price", timeframe=None)["timeframe"] == "15m"


@pytest.mark.parametrize("ticker", ["PETR4.SA", "BRK-B", "F", "EURUSD=X"])
def test_tickers_of_shares_are_understood(make_client: MakeClient, ticker: str) -> None:
    client = make_client(analysis={"symbols": [ticker]})
    assert predict(client, "price", ticker=ticker)["ticker"] == ticker


@pytest.mark.parametrize(
    "asked",
    [
        {"steps": 0},
        {"steps": 31},
        {"steps": 1.5},
        {"coverage": 1.0},
        {"coverage": 0.1},
        {"ticker": "../etc"},
        {"ticker": ".."},
        {"ticker": "btcusdt"},
        {"ticker": "A" * 21},
        {"timeframe": "2h"},
    ],
)
def test_what_cannot_be_forecast_is_a_422(common_client: TestClient, asked: dict[str, Any]) -> None:
    response = common_client.post("/api/v1/ml/predict/price", json={"ticker": "BTCUSDT", **asked})
    assert response.status_code == 422


def test_a_market_is_fetched_once_until_it_is_forgotten(client: TestClient) -> None:
    for what in ("price", "comprehensive", "price"):
        predict(client, what)
    stats = client.get("/api/v1/ml/cache/stats").json()
    assert (stats["cached_markets"], stats["hits"], stats["misses"]) == (1, 2, 1)
    assert stats["hit_rate"] == pytest.approx(2 / 3)
    assert stats["max_age_seconds"] == 300
    assert client.delete("/api/v1/ml/cache/ETHUSDT").json()["invalidated"] == 0
    assert client.delete("/api/v1/ml/cache/BTCUSDT").json()["invalidated"] == 1
    predict(client, "price")
    assert client.get("/api/v1/ml/cache/stats").json()["misses"] == 2


def test_training_is_a_job_of_the_stored_candles(operator: TestClient) -> None:
    client = operator
    too_few = client.post("/api/v1/ml/train", json={"ticker": "ETHUSDT", "timeframe": "1h"})
    assert too_few.status_code == 400
    candles = wire_candles(base_path(), 400)
    posted = shape_b() | {"timeframe_data": {"15m": candles}, "current_price": candles[-1]["close"]}
    assert client.post("/ai/analyze", json=posted).status_code == 200
    asked = {"ticker": "ETHUSDT", "timeframe": "15m", "model_type": "logistic"}
    queued = client.post("/api/v1/ml/train", json=asked)
    assert queued.status_code == 202
    answer = queued.json()
    assert (answer["symbol"], answer["model_type"], answer["training_samples"]) == ("ETHUSDT", "logistic", 400)
    assert answer["disclaimer"]
    assert client.delete(f"/jobs/{answer['job_id']}").json()["status"] == "cancelled"


def test_models_are_listed(client: TestClient, registry: Registry) -> None:
    version = add_model(registry).version
    listed = client.get("/api/v1/ml/models").json()
    assert [model["version"] for model in listed["models"]] == [version]
    assert listed["disclaimer"]
