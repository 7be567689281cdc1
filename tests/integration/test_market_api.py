"""POST /ai/market-condition, POST /ai/strategy-recommendations and the health of their pipeline, over HTTP."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient

from rules.strategies import STRATEGY_NAMES
from tests.conftest import STRANGER, MakeClient
from tests.fixtures.bodies import now_ms, shape_a, shape_d

CONDITION, RECOMMENDATIONS = "/ai/market-condition", "/ai/strategy-recommendations"
HEALTH = "/ai/health/market-condition"


def market(drift: float = 0.3, **changes: Any) -> dict[str, Any]:
    body = shape_a(drift=drift)
    del body["strategy_context"]
    return body | changes


def post(client: TestClient, path: str, body: dict[str, Any]) -> Any:
    response = client.post(path, json=body)
    assert response.status_code == 200, response.text
    return json.loads(response.text, parse_constant=lambda name: pytest.fail(f"{name} in the answer"))


def test_a_condition_has_every_agreed_key(client: TestClient) -> None:
    found = post(client, CONDITION, market())
    assert found["condition_type"] == "Bullish"
    assert 0.3 < found["confidence"] <= 0.9
    assert all(isinstance(sentence, str) for sentence in found["characteristics"])
    assert set(found["recommended_strategies"]) <= set(STRATEGY_NAMES)
    assert found["recommended_strategies"]
    assert found["market_phase"] in {"Markup", "Pullback"}
    assert found["trend_strength"] == found["direction"] > 0.35
    assert list(found["timeframe_analysis"]) == ["15m", "30m", "1h", "4h"]
    assert found["indicators_summary"]["primary_timeframe"] == "1h"
    assert {"rsi", "macd_histogram", "adx", "volume_ratio", "stochastic_k"} < found["indicators_summary"].keys()
    assert isinstance(found["timestamp"], int)
    assert found["source_data"] == "client"


@pytest.mark.parametrize(
    "body",
    [
        {"symbol": "ETHUSDT"},
        {"symbol": "ETHUSDT", "timeframe_data": {}, "current_price": 0.0, "volume_24h": 0.0, "timestamp": 0},
        {"symbol": "ETHUSDT", "timeframe_data": {"1h": []}, "timestamp": now_ms()},
    ],
)
@pytest.mark.parametrize("path", [CONDITION, RECOMMENDATIONS])
def test_candles_are_fetched_where_none_are_sent(client: TestClient, path: str, body: dict[str, Any]) -> None:
    found = post(client, path, body)
    if path == CONDITION:
        assert found["source_data"] == "synthetic"
        assert found["confidence"] == 0
        assert list(found["timeframe_analysis"]) == ["15m", "1h", "4h"]


def test_candles_of_trusted_clients_are_read_again(client: TestClient) -> None:
    post(client, "/ai/analyze", shape_a(drift=0.3))
    found = post(client, CONDITION, {"symbol": "ETHUSDT"})
    assert found["source_data"] == "stored"
    assert found["condition_type"] == "Bullish"
    assert found["confidence"] > 0.3


def test_without_a_price_the_newest_close_counts(client: TestClient) -> None:
    body = market()
    with_price = post(client, CONDITION, body)
    without = post(client, CONDITION, body | {"current_price": 0, "timestamp": 0})
    assert {**without, "timestamp": 0} == {**with_price, "timestamp": 0}


def test_recommendations_are_an_array_best_first_and_always_the_same(client: TestClient) -> None:
    body = market(available_strategies=["RSI Strategy", "MACD Strategy", "MACD Strategy", "momentum"])
    found = post(client, RECOMMENDATIONS, body)
    assert found == post(client, RECOMMENDATIONS, body)
    scores = [strategy["suitability_score"] for strategy in found]
    assert scores == sorted(scores, reverse=True)
    assert {strategy["strategy_name"] for strategy in found} == {"RSI Strategy", "MACD Strategy", "momentum"}
    assert found[-1]["strategy_name"] == "RSI Strategy"  # in a clear trend
    assert found[-1]["recommended_config"] == {"timeframe": "1h", "rsi_period": 14}
    assert "rsi" in found[-1]["reasoning"]
    assert len(post(client, RECOMMENDATIONS, market())) == len(STRATEGY_NAMES)


@pytest.mark.parametrize("path", [CONDITION, RECOMMENDATIONS])
def test_what_cannot_be_read_is_refused(client: TestClient, path: str) -> None:
    assert client.post(path, json=shape_d()).status_code == 400
    cheap = client.post(path, json=market(current_price=1.0))
    assert cheap.status_code == 400
    assert "does not fit the candles" in cheap.json()["detail"]
    seconds = client.post(path, json=market(timestamp=now_ms() // 1000))
    assert seconds.status_code == 422
    assert "seconds" in seconds.json()["detail"]
    assert client.post(path, json={}).status_code == 422


def test_an_unknown_strategy_is_named_with_the_known_ones(client: TestClient) -> None:
    refused = client.post(RECOMMENDATIONS, json=market(available_strategies=["Moon Phase"]))
    assert refused.status_code == 422
    assert "unknown strategy; known are RSI Strategy" in refused.json()["detail"]


def test_the_pipeline_is_healthy_only_on_real_candles(client: TestClient) -> None:
    refused = client.get(HEALTH)
    assert refused.status_code == 503
    assert "no source has real candles of BTCUSDT" in refused.json()["detail"]
    post(client, "/ai/analyze", shape_a(symbol="BTCUSDT", drift=0.3))
    healthy = client.get(HEALTH)
    assert healthy.status_code == 200
    found = healthy.json()
    assert found["status"] == "healthy"
    assert found["pipeline"].startswith("stored, ")
    assert found["test_direction"] > 0.35
    assert found["candles_fetched"] >= 240
    assert datetime.fromisoformat(found["timestamp"]).tzinfo


def test_strangers_may_ask_ten_times_a_minute(make_client: MakeClient) -> None:
    client = make_client(STRANGER)
    statuses = [client.post(CONDITION, json={"symbol": "ETHUSDT"}).status_code for _ in range(11)]
    assert statuses == [200] * 10 + [429]
