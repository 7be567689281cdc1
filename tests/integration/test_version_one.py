"""`/api/v1/analyze` and the dashboard's `/analyze`: the analysis of `/ai/analyze` in other formats."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient

from models.registry.registry import Registry
from tests.conftest import STRANGER, MakeClient
from tests.fixtures.answers import posted
from tests.fixtures.bodies import base_path, shape_a, shape_b, shape_d, wire_candles
from tests.fixtures.forecasting import put_in_production

pytest_plugins = ["tests.fixtures.registry"]


def chart(count: int = 100, drift: float = 0.0) -> dict[str, Any]:
    body = shape_b(count=count, drift=drift, seed=5)
    return {"symbol": body["symbol"], "timeframe": "1h", "candles": body["timeframe_data"]["1h"]}


@pytest.mark.parametrize("drift", [0.35, -0.35, 0.0])
def test_both_versions_tell_the_same_analysis_in_their_own_words(client: TestClient, drift: float) -> None:
    body = shape_a(drift=drift, seed=5)
    usual, percent = posted(client, "/ai/analyze", body), posted(client, "/api/v1/analyze", body)
    assert percent["analysis_id"] == usual["analysis_id"]
    assert percent["cached"]
    assert percent["signal"] == usual["signal"].lower()
    assert percent["confidence"] == pytest.approx(100 * usual["confidence"], abs=0.01)
    for part, word in (
        ("market_analysis", "trend_direction"),
        ("market_analysis", "volatility_level"),
        ("risk_assessment", "overall_risk"),
    ):
        assert percent[part][word] == usual[part][word].lower()
        assert percent[part].keys() == usual[part].keys()
    own, lower = usual["lanes"]["rules"], percent["lanes"]["rules"]
    assert (lower["side"], lower["probability"]) == (own["side"].lower(), None)
    assert lower["confidence"] == pytest.approx(100 * own["confidence"], abs=0.01)
    assert (percent["lanes"]["model"], percent["lanes"]["llm"]) == (None, None)
    assert percent["strategy_scores"] == usual["strategy_scores"]
    assert type(percent["timestamp"]) is int
    assert percent.keys() == usual.keys()


def test_a_trend_is_a_lower_case_signal_above_one_percent(client: TestClient) -> None:
    answer = posted(client, "/api/v1/analyze", shape_a(drift=0.35, seed=5))
    assert answer["signal"] == "long"
    assert 20 < answer["confidence"] <= 100


def test_candles_by_open_time_without_a_context_are_read(client: TestClient) -> None:
    body = shape_a()
    del body["strategy_context"]
    for candles in body["timeframe_data"].values():
        for candle in candles:
            candle |= {"open_time": candle.pop("timestamp"), "quote_volume": 1.0, "trades": 5, "is_closed": True}
    assert posted(client, "/api/v1/analyze", body)["signal"] in {"long", "short", "neutral"}


@pytest.mark.parametrize(("path", "body"), [("/api/v1/analyze", shape_d()), ("/analyze", chart(1))])
def test_one_invented_candle_is_no_signal(client: TestClient, path: str, body: dict[str, Any]) -> None:
    response = client.post(path, json=body)
    assert response.status_code == 400
    assert "60" in response.json()["detail"]


@pytest.mark.parametrize(("drift", "signal"), [(0.35, "long"), (-0.35, "short")])
def test_the_chart_gets_what_the_dashboard_reads(client: TestClient, drift: float, signal: str) -> None:
    answer = posted(client, "/analyze", chart(drift=drift))
    assert (answer["symbol"], answer["timeframe"], answer["signal"]) == ("ETHUSDT", "1h", signal)
    assert 0 < answer["confidence"] <= 1
    assert 0.01 < abs(answer["probability"] - 0.5) < 0.1
    assert (answer["probability"] > 0.5) == (signal == "long")
    assert answer["probability_from"] == "rules"
    assert datetime.fromisoformat(answer["timestamp"]).tzinfo
    assert answer["strategy_scores"]
    assert answer["model_type"] == "technical-rules"


def test_the_charts_probability_is_the_models_where_one_is_in_production(
    make_client: MakeClient, registry: Registry
) -> None:
    client = make_client(models={"serving": {"reload_seconds": 0.0001}})
    put_in_production(registry, symbol="ETHUSDT")
    body = chart(count=300)
    predicted = posted(
        client,
        "/ai/predict",
        {
            "symbol": "ETHUSDT",
            "timeframe_data": {"1h": body["candles"]},
            "current_price": body["candles"][-1]["close"],
            "volume_24h": 0,
            "timestamp": body["candles"][-1]["timestamp"],
        },
    )
    answer = posted(client, "/analyze", body)
    assert answer["probability_from"] == "model"
    assert answer["probability"] == predicted["probability_up"]


def test_a_chart_without_candles_is_fetched(client: TestClient) -> None:
    assert posted(client, "/analyze", {"symbol": "ETHUSDT", "timeframe": "1h"})["source_data"] == "synthetic"


def test_the_chart_holds_to_the_limits_of_every_analysis(make_client: MakeClient) -> None:
    client = make_client(analysis={"max_candles_per_timeframe": 60})
    assert client.post("/analyze", json=chart(61)).status_code == 422
    future = wire_candles(base_path(), 100)
    for candle in future:
        candle["timestamp"] += 900_000 * 10
    response = client.post("/analyze", json={"symbol": "ETHUSDT", "timeframe": "15m", "candles": future[-60:]})
    assert response.status_code == 400
    assert "future" in response.json()["detail"]


def test_a_strangers_chart_never_answers_others(make_client: MakeClient) -> None:
    body = chart()
    strangers = posted(make_client(STRANGER), "/analyze", body)
    assert not posted(make_client(), "/api/v1/analyze", shape_b())["cached"]
    assert strangers["source_data"] == "client"


def test_the_routes_of_the_version_are_there(client: TestClient) -> None:
    for path in ("/api/v1/health", "/api/v1/model/info", "/api/v1/config"):
        assert client.get(path).status_code == 200
    for path in ("/api/v1/train", "/api/v1/model/train", "/api/v1/model/load"):
        assert client.post(path, json={}).status_code == 422
