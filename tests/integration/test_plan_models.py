"""A plan model in production: what an analysis says by it, and where the evidence goes on by its record."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from domain.naming.symbols import SymbolKind
from domain.values import utc_time
from models.registry.registries import PLANS_FOLDER
from models.registry.registry import Registry
from tests.conftest import MakeClient
from tests.fixtures.answers import posted
from tests.fixtures.bodies import now_ms, shape_a
from tests.fixtures.models import make_scores
from tests.fixtures.patience import PATIENCE_SECONDS, PAUSE_SECONDS
from tests.fixtures.plan_models import model_record, serve_plan_model

pytest_plugins = ["tests.fixtures.registry"]

RISING: dict[str, Any] = {"seed": 5, "drift": 0.35}


@pytest.fixture
def client(make_client: MakeClient) -> TestClient:
    return make_client(models={"serving": {"reload_seconds": 0.0001}})


def analyzed(client: TestClient, **shape: Any) -> dict[str, Any]:
    return posted(client, "/ai/analyze", shape_a(**shape))


def test_the_plan_of_the_rules_is_weighed_by_the_plan_model(client: TestClient, registry: Registry) -> None:
    by_record = analyzed(client, **RISING)
    version = serve_plan_model(registry, 0.45)
    answer = analyzed(client, **RISING, symbol="BTCUSDT")
    evidence = answer["evidence"]
    assert (answer["signal"], by_record["signal"]) == ("Long", "Long")
    assert evidence["target_first"] == pytest.approx(0.45)
    assert evidence["built_from"] == f"{version}: 2 markets, 1h, 2017-07 to 2020-09"
    assert (evidence["plans"], evidence["verdict"]) == (900, "positive")
    # 0.5 + (0.45 * 3 - 1 - costs) / 2
    assert answer["confidence"] == pytest.approx(0.5 + evidence["expected_r"] / 2, abs=1e-4)
    assert answer["confidence"] > by_record["confidence"]
    assert "The plan model gives the plan of the trend 45.0% to reach its target first" in answer["reasoning"]
    assert by_record["evidence"]["built_from"].startswith("8 markets")
    assert "plan model" not in by_record["reasoning"]


def test_a_plan_that_the_model_gives_no_chance_is_not_given(client: TestClient, registry: Registry) -> None:
    serve_plan_model(registry, 0.30)
    answer = analyzed(client, **RISING)
    assert (answer["signal"], answer["evidence"]["verdict"]) == ("Neutral", "inverted")
    assert "the plan model gives its plan no more than chance" in answer["reasoning"]


def test_a_model_that_was_forced_on_few_plans_says_so(client: TestClient, registry: Registry) -> None:
    serve_plan_model(registry, 0.45, record=model_record(plans=120))
    answer = analyzed(client, **RISING)
    assert (answer["signal"], answer["evidence"]["verdict"]) == ("Long", "insufficient")
    assert answer["confidence"] <= 0.55
    assert "from 120 independent plans, too few to tell: the confidence is agreement alone" in answer["reasoning"]


@pytest.mark.parametrize(
    ("shape", "changes"),
    [
        pytest.param({"seed": 1, "drift": 0.0}, {}, id="the rules give no plan"),
        pytest.param(RISING, {"record": model_record(kinds=(SymbolKind.SHARE,))}, id="of other markets"),
        pytest.param(RISING, {"record": model_record(stop_atr=2.0)}, id="of other plans"),
    ],
)
def test_without_its_word_the_evidence_goes_by_its_record(
    client: TestClient, registry: Registry, shape: dict[str, Any], changes: dict[str, Any]
) -> None:
    before = analyzed(client, **shape)
    serve_plan_model(registry, 0.45, **changes)
    after = analyzed(client, **shape, symbol="BTCUSDT")
    told = ("signal", "confidence", "evidence")
    assert {key: after[key] for key in told} == {key: before[key] for key in told}


def test_the_evidence_in_use_names_the_plan_model(client: TestClient, registry: Registry) -> None:
    assert client.get("/ai/evidence").json()["plan_models"] == []
    version = serve_plan_model(registry, 0.45, baselines={"evidence": make_scores(brier=0.231)})
    (named,) = client.get("/ai/evidence").json()["plan_models"]
    assert named == {
        "version": version,
        "symbol": "*",
        "timeframe": "1h",
        "plans": 900,
        "error": 0.05,
        "brier": 0.248,
        "evidence_brier": 0.231,
    }


def test_a_damaged_plan_model_is_told_and_the_evidence_goes_by_its_record(
    client: TestClient, registry: Registry
) -> None:
    version = serve_plan_model(registry, 0.45)
    (registry.root / PLANS_FOLDER / version / "model.onnx").write_bytes(b"nothing")
    answer = analyzed(client, **RISING)
    assert answer["evidence"]["built_from"].startswith("8 markets")

    deadline = time.monotonic() + PATIENCE_SECONDS
    while "plan model * 1h" not in (degraded := client.get("/health").json()["degraded"]):
        assert time.monotonic() < deadline, degraded
        time.sleep(PAUSE_SECONDS)


@pytest.mark.parametrize(("hours", "by_model"), [(-1, True), (1, False)])
def test_a_replay_asks_the_plan_model_of_its_moment(
    client: TestClient, registry: Registry, hours: int, by_model: bool
) -> None:
    moment_ms = now_ms()
    version = serve_plan_model(registry, 0.45, since=utc_time(moment_ms) + timedelta(hours=hours))
    asked = {"symbol": "ETHUSDT", "as_of": moment_ms, "timeframe_data": shape_a(**RISING)["timeframe_data"]}
    replayed = client.post("/ai/replay", json=asked)
    assert replayed.status_code == 200, replayed.text
    assert (version in replayed.json()["evidence"]["built_from"]) is by_model
