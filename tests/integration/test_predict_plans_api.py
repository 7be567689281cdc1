"""The plan of a forecast over HTTP: on request, in an analysis, after the caller's costs, null of older versions."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from models.evaluation.calibration import Calibration
from models.registry.registry import Registry
from tests.conftest import MakeClient
from tests.fixtures.answers import posted
from tests.fixtures.bodies import shape_a, shape_b
from tests.fixtures.forecasting import put_in_production
from tests.fixtures.plan_records import make_record

pytest_plugins = ["tests.fixtures.registry"]

KEYS = {
    *("side", "entry", "stop", "target", "horizon_candles", "target_first", "break_even", "expected_r", "gross_bps"),
    *("cost_bps", "net_bps", "plans", "low", "high", "verdict"),
}
PATHS = ("/ai/predict", "/api/v1/predict")


@pytest.fixture
def client(make_client: MakeClient) -> TestClient:
    return make_client(models={"serving": {"reload_seconds": 0.0001}})


def serve(registry: Registry, probability: float, **more: Any) -> str:
    calibration = Calibration(kind="isotonic", points=((0.0, probability), (1.0, probability)))
    return put_in_production(registry, symbol="ETHUSDT", calibration=calibration, **more)


def body(count: int = 200, **changes: Any) -> dict[str, Any]:
    return shape_b(count=count) | changes


@pytest.mark.parametrize(
    ("probability", "signal", "side"), [(0.7, "Long", "Long"), (0.2, "Short", "Short"), (0.45, "Neutral", "Short")]
)
def test_a_forecast_has_the_plan_of_its_likelier_side(
    client: TestClient, registry: Registry, probability: float, signal: str, side: str
) -> None:
    record = make_record()
    serve(registry, probability, plans=record)
    asked = body()
    answers = [posted(client, path, asked) for path in PATHS]
    plan = answers[0]["plan"]
    assert answers[1]["plan"] == plan
    assert plan.keys() == KEYS
    assert (answers[0]["signal"], plan["side"], plan["entry"]) == (signal, side, asked["current_price"])
    direction = 1 if side == "Long" else -1
    risk = direction * (plan["entry"] - plan["stop"])
    assert risk > 0
    assert plan["target"] == pytest.approx(plan["entry"] + 2 * direction * risk)
    assert (plan["horizon_candles"], plan["plans"]) == (record.horizon_candles, record.plans)
    assert plan["target_first"] > plan["break_even"] == 0.3333
    assert plan["low"] < plan["expected_r"] < plan["high"]


def test_an_analysis_carries_the_plan_beside_the_rules(client: TestClient, registry: Registry) -> None:
    serve(registry, 0.7, plans=make_record())
    asked = body()
    forecast, alone = posted(client, "/ai/analyze", asked)["forecast"], posted(client, "/ai/predict", asked)
    assert forecast["plan"] == alone["plan"]
    again = posted(client, "/ai/analyze", asked)
    assert again["cached"]
    assert again["forecast"] == forecast


def test_the_plan_of_the_same_side_has_the_exits_of_the_rules(client: TestClient, registry: Registry) -> None:
    serve(registry, 0.7, plans=make_record())
    answer = posted(client, "/ai/analyze", shape_a(seed=5, drift=0.35))
    risk, plan = answer["risk_assessment"], answer["forecast"]["plan"]
    assert answer["signal"] == plan["side"] == "Long"
    assert plan["stop"] == pytest.approx(risk["stop_loss_suggestion"], rel=1e-6)
    assert plan["target"] == pytest.approx(risk["take_profit_suggestion"], rel=1e-6)


@pytest.mark.parametrize("path", ["/ai/predict", "/ai/analyze"])
def test_costs_of_the_request_count(client: TestClient, registry: Registry, path: str) -> None:
    serve(registry, 0.7, plans=make_record())
    asked = body()
    found = [posted(client, path, asked | more) for more in ({}, {"costs": {"fee_bps": 30, "slippage_bps": 5}})]
    usual, dear = (answer.get("forecast", answer)["plan"] for answer in found)
    assert (usual["cost_bps"], dear["cost_bps"]) == (12, 70)
    assert dear["net_bps"] == pytest.approx(usual["net_bps"] - 58, abs=0.05)
    assert dear["expected_r"] < usual["expected_r"]


def test_a_version_of_an_earlier_release_has_none(client: TestClient, registry: Registry) -> None:
    version = serve(registry, 0.7)
    for path in PATHS:
        answer = posted(client, path, body())
        assert (answer["model_version"], answer["plan"]) == (version, None)
    assert posted(client, "/ai/analyze", body())["forecast"]["plan"] is None


@pytest.mark.parametrize("path", PATHS)
def test_a_bad_tick_leaves_no_room_for_a_plan(client: TestClient, registry: Registry, path: str) -> None:
    serve(registry, 0.7, plans=make_record())
    asked = body()
    (candles,) = asked["timeframe_data"].values()
    candles[-12]["high"] *= 4
    answer = posted(client, path, asked)
    assert answer["plan"] is None
    assert answer["probability_up"] == pytest.approx(0.7)


def test_the_record_is_shown_with_the_version(client: TestClient, registry: Registry) -> None:
    record = make_record()
    version = serve(registry, 0.7, plans=record)
    shown = client.get(f"/ai/models/{version}").json()
    assert shown["metadata"]["plans"] == record.model_dump(mode="json")
