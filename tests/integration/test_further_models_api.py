"""Operators see and steer the versions of further horizons and of plans, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from domain.forecasting import ANY_SYMBOL, ModelType
from domain.market import Timeframe
from models.registry.metadata import TrainingRange
from models.registry.registry import Registry
from tests.conftest import MakeClient
from tests.fixtures.degraded import degraded
from tests.fixtures.forecasting import add_fitted, put_in_production
from tests.fixtures.models import add_model
from tests.fixtures.patience import wait_until
from tests.fixtures.plan_models import serve_plan_model

pytest_plugins = ["tests.fixtures.registry"]

H1 = Timeframe.H1
SCOPE = {"symbol": ANY_SYMBOL, "timeframe": "1h"}
AHEAD: dict[str, Any] = {"symbol": ANY_SYMBOL, "horizon_candles": 4}


@pytest.fixture
def four(registry: Registry) -> Registry:
    """Return the registry of four candles ahead."""
    return Registry(registry.root / "horizons" / "4")


@pytest.fixture
def client(make_client: MakeClient) -> TestClient:
    return make_client(models={"serving": {"reload_seconds": 0.0001}})


def test_all_versions_are_listed_and_those_of_the_usual_horizon_as_ever(
    client: TestClient, registry: Registry, four: Registry
) -> None:
    usual, ahead = put_in_production(registry, symbol=ANY_SYMBOL), put_in_production(four, **AHEAD)
    plan = serve_plan_model(registry, 0.4)
    for path in ("/ai/models", "/api/v1/ml/models"):
        answer = client.get(path).json()
        (listed,) = answer["models"]
        told = ("version", "target", "horizon_candles", "alias")
        assert [listed[key] for key in told] == [usual, "close", 1, "production"]
        of_four, of_plans = answer["further"]
        assert (of_four["target"], of_four["horizon_candles"], of_four["unusable"]) == ("close", 4, {})
        assert [of_four["models"][0][key] for key in told] == [ahead, "close", 4, "production"]
        assert (of_plans["target"], of_plans["horizon_candles"]) == ("plan", None)
        assert [of_plans["models"][0][key] for key in told] == [plan, "plan", 240, "production"]


def test_versions_of_a_horizon_are_shown_promoted_and_rolled_back(
    client: TestClient, registry: Registry, four: Registry
) -> None:
    first, second = (add_fitted(four, kind, **AHEAD).version for kind in (ModelType.LSTM, ModelType.GRU))
    for version in (first, second):
        answer = client.post(f"/ai/models/{version}/promote", json={"reason": "to see"})
        assert answer.json()["message"] == f"{version} serves * 1h, 4 candles ahead"
    assert (four.resolve(ANY_SYMBOL, H1), registry.resolve(ANY_SYMBOL, H1)) == (second, None)
    shown = client.get(f"/ai/models/{second}").json()
    assert (shown["alias"], shown["loaded"], shown["horizon_candles"]) == ("production", True, 4)
    assert "--seed 1 --horizon 4" in client.get(f"/ai/models/{second}/card").text
    assert client.post("/model/save", json={"version": first}).json()["version"] == first
    back = client.post("/ai/models/rollback", json={**SCOPE, "reason": "worse", "horizon_candles": 4})
    assert (back.json()["production"], four.resolve(ANY_SYMBOL, H1)) == (first, first)
    loaded = client.post("/model/load", json={"version": second}).json()
    assert loaded["message"] == f"{second} serves * 1h, 4 candles ahead"


def test_a_plan_model_is_steered_too(client: TestClient, registry: Registry) -> None:
    version = serve_plan_model(registry, 0.4)
    card = client.get(f"/ai/models/{version}/card").text
    assert "the target of a plan which the rules give comes before its stop" in card
    back = client.post("/ai/models/rollback", json={**SCOPE, "reason": "worse", "target": "plan"}).json()
    assert (back["message"], back["production"]) == ("nothing serves plans of * 1h", None)
    assert client.post(f"/ai/models/{version}/promote", json={"reason": "after all"}).json()["production"] == version


def test_a_name_that_two_horizons_have_is_the_usual_one_without_the_horizon(
    client: TestClient, registry: Registry, four: Registry
) -> None:
    name = add_model(registry, symbol=ANY_SYMBOL).version
    assert add_fitted(four, **AHEAD).version == name
    told = [client.get(f"/ai/models/{name}{query}").json()["horizon_candles"] for query in ("", "?horizon_candles=4")]
    assert told == [1, 4]
    assert client.post(f"/ai/models/{name}/promote?horizon_candles=4", json={"reason": "why"}).status_code == 200
    assert (four.resolve(ANY_SYMBOL, H1), registry.resolve(ANY_SYMBOL, H1)) == (name, None)
    for query, status in (("12", 404), ("5", 422), ("0", 422), ("x", 422)):
        assert client.get(f"/ai/models/{name}?horizon_candles={query}").status_code == status, query
    refused = client.post("/ai/models/rollback", json={**SCOPE, "reason": "x", "target": "plan", "horizon_candles": 4})
    assert (refused.status_code, "time limit" in refused.json()["detail"]) == (422, True)


def test_old_versions_of_a_horizon_are_cleaned_up(client: TestClient, four: Registry) -> None:
    for seed in range(3):
        add_model(four, seed=seed, **AHEAD)
    assert client.delete("/model/cleanup?keep_count=1").json()["deleted_models"] == 2
    assert len(four.versions().models) == 1


def test_health_names_a_damaged_version_of_a_horizon_and_an_old_one(client: TestClient, four: Registry) -> None:
    old = TrainingRange(first_ms=0, last_ms=1_600_000_000_000, candles=9, training_windows=9, validation_windows=9)
    version = put_in_production(four, data=old, **AHEAD)
    wait_until(lambda: bool(client.get("/health").json()["warnings"]))
    (warning,) = client.get("/health").json()["warnings"]
    serves = f"{version}, which serves any market, 1h, 4 candles ahead"
    assert warning.startswith(f"{serves}, was trained on candles up to 2020-")
    (four.root / version / "model.onnx").write_bytes(b"damaged")
    found = degraded(client, "model * 1h, 4 candles ahead")
    damage = f"{version}: model.onnx is not the file that was written: its SHA-256 differs"
    assert found["reason"] == f"{damage}; nothing serves instead"
    assert "cli.py models rollback --horizon 4" in found["remedy"]


def test_a_damaged_file_of_aliases_of_a_horizon_leaves_the_others_alone(
    client: TestClient, registry: Registry, four: Registry
) -> None:
    usual = put_in_production(registry, symbol=ANY_SYMBOL)
    put_in_production(four, **AHEAD)
    (four.root / "aliases.json").write_text("{")
    answer = client.get("/ai/models").json()
    assert [(one["version"], one["alias"]) for one in answer["models"]] == [(usual, "production")]
    (of_four,) = answer["further"]
    assert (of_four["models"], list(of_four["unusable"])) == ([], ["aliases.json"])
    assert "aliases.json is unusable" in degraded(client, "models, 4 candles ahead")["reason"]
