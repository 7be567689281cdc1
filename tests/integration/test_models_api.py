"""The model routes as a stranger and as an operator, over a registry of real files."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from config.model_settings import ModelSettings
from config.sources import load_settings
from domain.forecasting import ANY_SYMBOL, ModelType
from domain.market import Timeframe
from features.columns.feature_sets import LED, STANDARD, WIDE, FeatureSet
from models.evaluation.metrics import Scores
from models.registry.metadata import ModelMetadata
from models.registry.registry import Registry
from tests.conftest import STRANGER, MakeClient
from tests.fixtures.bodies import shape_b
from tests.fixtures.models import NOON, add_ensemble, add_model
from tests.fixtures.settings import configured

pytest_plugins = ["tests.fixtures.registry"]

TOKEN = "correct horse battery"  # noqa: S105
# How they answer the administrator without a body.
NO_NAMES = [
    "gru_20260101",
    "../../etc/passwd",
    "/etc/passwd",
    "lstm_model_20260131_120000/model.onnx",
    "lstm_model_20260131_120000\n",
    "C:\\models",
    "",
    7,
    None,
]
DEFAULT_MARKET = {"symbol": "BTCUSDT", "timeframe": "1h"}


def later(minutes: int) -> datetime:
    return NOON + timedelta(minutes=minutes)


def test_before_the_first_training_there_is_nothing(make_client: MakeClient) -> None:
    stranger = make_client(STRANGER)
    for path in ("/model/info", "/api/v1/model/info"):
        assert stranger.get(path).json() == {
            "model_type": "none",
            "model_loaded": False,
            "training_samples": None,
            "validation_samples": None,
            "feature_count": None,
            "training_accuracy": None,
            "trained_timestamp": None,
            "version": None,
            "scope": None,
        }
    assert stranger.get("/ai/models").json() == {"models": [], "unusable": {}, "further": []}
    operator = make_client()
    assert operator.post("/model/save", json={}).status_code == 404
    assert operator.delete("/model/cleanup").json() == {
        "message": "0 versions deleted, 0 kept",
        "deleted_models": 0,
        "kept_models": 0,
    }
    nothing = operator.post("/ai/models/rollback", json={**DEFAULT_MARKET, "reason": "why"})
    assert (nothing.status_code, nothing.json()["detail"]) == (422, "nothing is in production for BTCUSDT 1h")


def test_info_tells_of_what_serves_the_default_market(client: TestClient, registry: Registry) -> None:
    first = add_model(registry)
    newest = add_model(registry, ModelType.GRU, created_at=later(1), symbol="ETHUSDT")
    assert client.get("/model/info").json()["version"] == newest.version
    registry.promote(first.version, by="gate", reason="better", at=later(2))
    assert client.get("/model/info").json() == {
        "model_type": "lstm",
        "model_loaded": False,
        "training_samples": 3000,
        "validation_samples": 500,
        "feature_count": len(STANDARD.columns),
        "training_accuracy": 0.54,
        "trained_timestamp": "2026-01-31T12:00:00Z",
        "version": first.version,
        "scope": DEFAULT_MARKET,
    }


def test_info_of_an_ensemble_and_of_an_imported_file(client: TestClient, registry: Registry) -> None:
    members = add_model(registry), add_model(registry, ModelType.GRU)
    add_ensemble(registry, (members[0], 0.5), (members[1], 0.5), created_at=later(1))
    info = client.get("/model/info").json()
    assert (info["model_type"], info["feature_count"]) == ("ensemble", None)
    add_model(registry, created_at=later(2), data=None, metrics=None, verdict=None, seed=None)
    info = client.get("/model/info").json()
    assert (info["training_samples"], info["validation_samples"], info["training_accuracy"]) == (None, None, None)
    assert info["feature_count"] == len(STANDARD.columns)
    newest = client.get("/ai/models").json()["models"][0]
    assert (newest["metrics"], newest["verdict"], newest["reasons"]) == (None, None, [])


def test_info_passes_over_a_version_in_production_that_is_damaged(client: TestClient, registry: Registry) -> None:
    damaged = add_model(registry)
    registry.promote(damaged.version, by="gate", reason="better", at=NOON)
    sound = add_model(registry, ModelType.GRU, created_at=later(1))
    (registry.root / damaged.version / "metadata.json").write_text("{}")
    assert client.get("/model/info").json()["version"] == sound.version
    listed = client.get("/ai/models").json()
    assert [model["version"] for model in listed["models"]] == [sound.version]
    assert list(listed["unusable"]) == [damaged.version]
    assert client.get(f"/ai/models/{damaged.version}").status_code == 409


def test_list_shows_figures_verdict_and_alias(make_client: MakeClient, registry: Registry) -> None:
    first, second = add_model(registry), add_model(registry, ModelType.GRU, created_at=later(1))
    third = add_model(registry, ModelType.XGBOOST, created_at=later(2), inputs="summary", symbol=ANY_SYMBOL)
    registry.promote(first.version, by="gate", reason="better", at=NOON)
    registry.nominate(second.version)
    listed = make_client(STRANGER).get("/ai/models").json()["models"]
    assert [(model["version"], model["symbol"], model["alias"]) for model in listed] == [
        (third.version, "*", None),
        (second.version, "BTCUSDT", "candidate"),
        (first.version, "BTCUSDT", "production"),
    ]
    oldest = listed[2]
    assert oldest.keys() == {
        *("version", "model_type", "symbol", "timeframe", "target", "horizon_candles", "created_at"),
        *("alias", "loaded", "metrics", "verdict", "reasons", "shadow", "shipped", "trained_until", "calibrated_at"),
        "trials",
    }
    assert (oldest["verdict"], oldest["reasons"]) == ("candidate", ["better than the prior"])
    assert Scores.model_validate(oldest["metrics"]) == first.metrics
    assert datetime.fromisoformat(oldest["created_at"]) == NOON


def test_one_version_comes_with_its_metadata(make_client: MakeClient, registry: Registry) -> None:
    model = add_model(registry)
    shown = make_client(STRANGER).get(f"/ai/models/{model.version}").json()
    assert ModelMetadata.model_validate(shown["metadata"]) == model
    assert (shown["version"], shown["alias"], shown["loaded"]) == (model.version, None, False)


def test_unknown_versions_are_404_and_other_names_422(client: TestClient) -> None:
    unknown = "lstm_model_20200101_000000"
    assert client.get(f"/ai/models/{unknown}").status_code == 404
    assert client.post("/model/load", json={"version": unknown}).status_code == 404
    assert client.post("/model/save", json={"version": unknown}).status_code == 404
    assert client.post(f"/ai/models/{unknown}/promote", json={"reason": "why"}).status_code == 404
    for name in ("gru_20260101", "%2e%2e", "a%00b", "x" * 5_000, "%F0%9F%92%A5"):
        assert client.get(f"/ai/models/{name}").status_code == 422
        assert client.post(f"/ai/models/{name}/promote", json={"reason": "why"}).status_code == 422


@pytest.mark.parametrize("key", ["version", "model_path"])
def test_only_names_are_loaded_never_paths(client: TestClient, registry: Registry, key: str) -> None:
    add_model(registry)
    for name in NO_NAMES:
        assert client.post("/model/load", json={key: name}).status_code == 422, name
    path = client.post("/model/load", json={key: "/models/lstm.h5"})
    assert path.json()["detail"] == f"{key}: needs the name of a version, such as lstm_model_20260131_120000"
    assert registry.resolve("BTCUSDT", Timeframe.H1) is None


@pytest.mark.parametrize("key", ["version", "model_path"])
@pytest.mark.parametrize("prefix", ["", "/api/v1"])
def test_loading_lets_a_version_serve_at_once(client: TestClient, registry: Registry, key: str, prefix: str) -> None:
    first, second = add_model(registry), add_model(registry, ModelType.GRU, created_at=later(1))
    for model in (first, second, second):
        assert client.post(f"{prefix}/model/load", json={key: model.version}).json() == {
            "message": f"{model.version} serves BTCUSDT 1h",
            "model_type": model.type,
            "status": "loaded",
            "version": model.version,
            "scope": DEFAULT_MARKET,
        }
        info = client.get("/model/info").json()
        assert (info["version"], info["model_loaded"]) == (model.version, True)
    promotions = registry.aliases().of("BTCUSDT", Timeframe.H1).history
    assert [(promotion.version, promotion.by, promotion.reason) for promotion in promotions] == [
        (model.version, "forced", "loaded by an operator") for model in (first, second)
    ]


def test_two_operators_who_load_a_version_at_once_both_see_it_serve(client: TestClient, registry: Registry) -> None:
    first, second = add_model(registry), add_model(registry, ModelType.GRU, created_at=later(1))
    with ThreadPoolExecutor(4) as operators:
        for model in (first, second) * 4:
            body = {"version": model.version}
            answers = operators.map(lambda _: client.post("/model/load", json=body), range(4))  # noqa: B023
            assert {answer.status_code for answer in answers} == {200}
    history = registry.aliases().of("BTCUSDT", Timeframe.H1).history
    assert [promotion.version for promotion in history] == [model.version for model in (first, second) * 4]


def test_forecasts_come_from_what_was_loaded_or_rolled_back_to(client: TestClient, registry: Registry) -> None:
    market = shape_b(symbol="BTCUSDT")
    assert client.post("/ai/predict", json=market).status_code == 503
    first, second = add_model(registry), add_model(registry, ModelType.GRU, created_at=later(1))
    for model in (first, second):
        assert client.post("/model/load", json={"version": model.version}).status_code == 200
        assert client.post("/ai/predict", json=market).json()["model_version"] == model.version
    back = {**DEFAULT_MARKET, "reason": "it lost"}
    assert client.post("/ai/models/rollback", json=back).json()["production"] == first.version
    assert client.post("/ai/predict", json=market).json()["model_version"] == first.version
    assert client.post("/ai/models/rollback", json=back).json()["production"] is None
    assert client.post("/ai/predict", json=market).status_code == 503


def test_version_that_cannot_serve_is_refused_and_the_other_stays(client: TestClient, registry: Registry) -> None:
    sound, damaged = add_model(registry), add_model(registry, ModelType.GRU, created_at=later(1))
    assert client.post("/model/load", json={"version": sound.version}).status_code == 200
    graph = registry.root / damaged.version / "model.onnx"
    graph.write_bytes(graph.read_bytes()[:-1])
    for path, body in [
        ("/model/load", {"version": damaged.version}),
        ("/model/save", {"model_name": damaged.version}),
        (f"/ai/models/{damaged.version}/promote", {"reason": "why"}),
    ]:
        refused = client.post(path, json=body)
        assert (refused.status_code, "model.onnx" in refused.json()["detail"]) == (409, True)
    info = client.get("/model/info").json()
    assert (info["version"], info["model_loaded"]) == (sound.version, True)


def test_promotion_and_rollback_keep_their_reasons(client: TestClient, registry: Registry) -> None:
    first, second = add_model(registry), add_model(registry, ModelType.GRU, created_at=later(1))
    for model in (first, second):
        promoted = client.post(f"/ai/models/{model.version}/promote", json={"reason": f"try {model.type}"})
        assert promoted.json() == {
            "message": f"{model.version} serves BTCUSDT 1h",
            **DEFAULT_MARKET,
            "production": model.version,
        }
    again = client.post(f"/ai/models/{second.version}/promote", json={"reason": "twice"})
    assert (again.status_code, "already in production" in again.json()["detail"]) == (422, True)
    for production, serves in ((first.version, first.version), (None, "nothing")):
        back = client.post("/ai/models/rollback", json={**DEFAULT_MARKET, "reason": "it lost"})
        assert back.json() == {
            "message": f"{serves} serves BTCUSDT 1h",
            **DEFAULT_MARKET,
            "production": production,
        }
        assert client.get(f"/ai/models/{first.version}").json()["loaded"] == (production is not None)
    reasons = [promotion.reason for promotion in registry.aliases().of("BTCUSDT", Timeframe.H1).history]
    assert reasons == ["try lstm", "try gru", "it lost", "it lost"]


@pytest.mark.parametrize("reason", ["", " \n", "x" * 1_001, None, 5, "\ud800"])
def test_promotion_and_rollback_need_a_reason(client: TestClient, registry: Registry, reason: Any) -> None:
    model = add_model(registry)
    sent = json.dumps({**DEFAULT_MARKET, "reason": reason})
    for path in (f"/ai/models/{model.version}/promote", "/ai/models/rollback"):
        assert client.post(path, content=sent, headers={"content-type": "application/json"}).status_code == 422


def test_reason_may_be_in_any_script(client: TestClient, registry: Registry) -> None:
    reason = 'größer 💥 "quoted"\u2028\x00'
    model = add_model(registry)
    assert client.post(f"/ai/models/{model.version}/promote", json={"reason": reason}).status_code == 200
    assert registry.aliases().of("BTCUSDT", Timeframe.H1).history[-1].reason == reason


def test_pooled_models_are_rolled_back_under_their_own_name(client: TestClient, registry: Registry) -> None:
    pooled = add_model(registry, symbol=ANY_SYMBOL)
    assert client.post("/model/load", json={"version": pooled.version}).json()["scope"]["symbol"] == "*"
    assert client.get("/model/info").json()["version"] == pooled.version
    own = {**DEFAULT_MARKET, "reason": "why"}
    assert client.post("/ai/models/rollback", json=own).status_code == 422
    assert client.post("/ai/models/rollback", json={**own, "symbol": "*"}).json()["production"] is None


def test_saving_verifies_and_writes_nothing(client: TestClient, registry: Registry) -> None:
    model = add_model(registry)
    before = {path: path.stat().st_mtime_ns for path in registry.root.rglob("*")}
    for body in (None, {}, {"model_name": model.version}, {"version": model.version}, {"version": None}):
        assert client.post("/model/save", json=body).json() == {
            "message": f"{model.version} is saved, and its files are those that were written",
            "model_type": "lstm",
            "timestamp": "2026-01-31T12:00:00Z",
            "version": model.version,
        }
    assert {path: path.stat().st_mtime_ns for path in registry.root.rglob("*")} == before


def test_damaged_member_is_found_by_saving(client: TestClient, registry: Registry) -> None:
    members = add_model(registry), add_model(registry, ModelType.GRU)
    ensemble = add_ensemble(registry, (members[0], 0.5), (members[1], 0.5), created_at=later(1))
    assert client.post("/model/save", json={"version": ensemble.version}).status_code == 200
    (registry.root / members[1].version / "scaler.json").unlink()
    refused = client.post("/model/save", json={"version": ensemble.version})
    assert (refused.status_code, members[1].version in refused.json()["detail"]) == (409, True)


def test_cleanup_keeps_the_newest_and_what_serves(client: TestClient, registry: Registry) -> None:
    models = [add_model(registry, created_at=later(minute)) for minute in range(8)]
    registry.promote(models[0].version, by="gate", reason="better", at=later(9))
    cleaned = client.delete("/model/cleanup", params={"keep_count": 5}).json()
    assert cleaned == {"message": "2 versions deleted, 6 kept", "deleted_models": 2, "kept_models": 6}
    cleaned = client.delete("/api/v1/model/cleanup", params={"keep_count": 1}).json()
    assert (cleaned["deleted_models"], cleaned["kept_models"]) == (4, 2)
    left = [model["version"] for model in client.get("/ai/models").json()["models"]]
    assert left == [models[7].version, models[0].version]


def test_cleanup_keeps_what_the_settings_say(make_client: MakeClient, registry: Registry) -> None:
    for minute in range(4):
        add_model(registry, created_at=later(minute))
    cleaned = make_client(models={"keep_versions": 3}).delete("/model/cleanup").json()
    assert (cleaned["deleted_models"], cleaned["kept_models"]) == (1, 3)


@pytest.mark.parametrize("count", ["0", "-1", "1001", "all", ""])
def test_cleanup_keeps_one_at_least(client: TestClient, registry: Registry, count: str) -> None:
    add_model(registry)
    assert client.delete("/model/cleanup", params={"keep_count": count}).status_code == 422
    assert len(registry.versions().models) == 1


def test_aliases_that_cannot_be_read_are_named(client: TestClient, registry: Registry) -> None:
    add_model(registry)
    (registry.root / "aliases.json").write_text("[")
    for path in ("/model/info", "/ai/models"):
        refused = client.get(path)
        assert (refused.status_code, "aliases.json" in refused.json()["detail"]) == (409, True)


@pytest.mark.parametrize("prefix", ["", "/api/v1"])
def test_config_shows_settings_in_force(make_client: MakeClient, prefix: str) -> None:
    client = make_client(STRANGER, analysis={"interval_minutes": 7}, access={"admin_token": TOKEN})
    answer = client.get(f"{prefix}/config")
    config = answer.json()
    assert config.keys() == {
        "supported_timeframes", "model_config", "trading_config", "data_config", "engine_settings",
    }  # fmt: skip
    assert config["supported_timeframes"] == [str(timeframe) for timeframe in Timeframe]
    model = config["model_config"]
    assert model.pop("features") == [column.name for column in LED.columns]
    assert model == {
        "model_type": "lightgbm",
        "sequence_length": 1,
        "batch_size": 32,
        "learning_rate": configured(ModelSettings).lightgbm.learning_rate,
        "epochs": 1,
        "validation_split": 0.15,
        "horizons_candles": [1, 4, 12, 24],
    }
    trading = config["trading_config"]
    assert trading.pop("supported_timeframes") == config["supported_timeframes"]
    assert trading == {
        "enabled": False,
        "model_confidence_threshold": 0.6,
        "max_signal_age_minutes": 7,
        "risk_management": {
            "max_position_size": 0.25,
            "stop_loss_percentage": 1.0,
            "take_profit_percentage": 2.0,
        },
    }
    data = config["data_config"]
    assert {"rsi", "macd", "ema_50"} <= set(data.pop("required_indicators"))
    assert data == {
        "data_source": "stored, synthetic",
        "update_interval_seconds": 420,
        "historical_data_days": 12.625,
        "cache_enabled": True,
        "cache_ttl_minutes": 7,
    }
    assert TOKEN not in answer.text
    assert "sqlite" not in answer.text


@pytest.mark.parametrize(
    ("kind", "epochs", "length", "features"),
    [
        ("patchtst", 8, 96, WIDE),
        ("xgboost", 1, 60, STANDARD),
        ("lightgbm", 1, 1, LED),
        ("ensemble", 8, 60, STANDARD),
        ("transformer", 8, 60, STANDARD),
    ],
)
def test_config_of_other_default_types(
    make_client: MakeClient, kind: str, epochs: int, length: int, features: FeatureSet
) -> None:
    model = make_client(models={"default_type": kind}).get("/config").json()["model_config"]
    found = model["model_type"], model["epochs"], model["sequence_length"], len(model["features"])
    assert found == (kind, epochs, length, len(features.columns))


@pytest.mark.parametrize(("recipe", "rate", "epochs"), [("tuned", 0.001, 8), ("specified", 0.001, 100)])
def test_config_shows_the_recipe_in_force(make_client: MakeClient, recipe: str, rate: float, epochs: int) -> None:
    model = make_client(models={"recipe": recipe, "default_type": "gru"}).get("/config").json()["model_config"]
    assert (model["learning_rate"], model["epochs"]) == (rate, epochs)


def test_health_has_a_second_name(client: TestClient) -> None:
    health, alias = client.get("/health"), client.get("/api/v1/health")
    assert alias.status_code == 200
    assert alias.json().keys() == health.json().keys()


def test_examples_of_the_reference_are_accepted(client: TestClient) -> None:
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    (example,) = schemas["TrainRequest"]["examples"]
    assert client.post("/train", json=example).status_code == 400  # no candles anywhere
    name = json.dumps(schemas["LoadRequest"])
    assert "lstm_model_20260131_120000" in name
    assert client.post("/model/load", json={"version": "lstm_model_20260131_120000"}).status_code == 404


def test_models_are_kept_where_the_settings_say(registry: Registry, tmp_path: Path) -> None:
    assert registry.root == tmp_path / "models"
    assert load_settings(environment={"MODEL_SAVE_PATH": "/srv/models"}).models.save_path == "/srv/models"


def test_a_card_is_markdown(make_client: MakeClient, registry: Registry) -> None:
    version, client = add_model(registry).version, make_client(STRANGER)
    answer = client.get(f"/ai/models/{version}/card")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/markdown; charset=utf-8")
    assert answer.text.startswith(f"# {version}\n")
    assert "Trials: 1 settings were judged" in answer.text
    missing = client.get("/ai/models/lstm_model_20300101_000000/card")
    assert (missing.status_code, missing.headers["content-type"]) == (404, "application/problem+json")
