"""The models in production over HTTP: forecasts on request, in an analysis, and as a trend."""

from __future__ import annotations

import json
import math
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
from fastapi.testclient import TestClient

from domain.analysis import Analysis
from domain.forecasting import ANY_SYMBOL, ModelType
from domain.market import Timeframe
from domain.values import epoch_ms, utc_time
from features.columns.feature_sets import STANDARD
from models.evaluation.calibration import Calibration
from models.recalibration.recalibration_file import add_recalibration
from models.registry.registry import Registry
from storage.decoding import AnalysisDecoder
from tests.conftest import STRANGER, MakeClient
from tests.fixtures.analyses import make_analysis
from tests.fixtures.answers import posted
from tests.fixtures.bodies import base_path, now_ms, shape_a, shape_b, shape_c, shape_d, wire_candles
from tests.fixtures.degraded import degraded
from tests.fixtures.forecasting import LEAST, make_forecast, promote, put_in_production
from tests.fixtures.models import NOON, add_explained
from tests.fixtures.patience import wait_until
from tests.fixtures.recalibrated import recalibration
from tests.fixtures.service import running_service

pytest_plugins = ["tests.fixtures.registry"]

KEYS = {
    "symbol": str,
    "timeframe": str,
    "probability_up": float,
    "signal": str,
    "confidence": float,
    "individual_predictions": dict,
    "disagreement": float,
    "model_type": str,
    "model_version": str,
    "timestamp": int,
}


@pytest.fixture
def client(make_client: MakeClient) -> TestClient:
    """Return a client on this machine of a service that sees a promotion at once."""
    return make_client(models={"serving": {"reload_seconds": 0.0001}})


def prediction(count: int = 200, timeframe: str = "1h", **changes: Any) -> dict[str, Any]:
    """Return a request for a forecast of ETHUSDT from candles, without context."""
    body = shape_b(timeframe, count)
    del body["strategy_context"]
    return body | changes


def always(probability: float) -> Calibration:
    return Calibration(kind="isotonic", points=((0.0, probability), (1.0, probability)))


def serve(registry: Registry, probability: float | None = None, kind: ModelType = ModelType.LSTM, **more: Any) -> str:
    """Put a model for ETHUSDT into production, with a constant output if one is given."""
    calibration = {} if probability is None else {"calibration": always(probability)}
    return put_in_production(registry, kind, **{"symbol": "ETHUSDT", **calibration, **more})


def test_without_a_model_503_says_how_to_train_one(client: TestClient) -> None:
    for path in ("/ai/predict", "/api/v1/predict"):
        response = client.post(path, json=prediction())
        assert (response.status_code, response.headers["Retry-After"]) == (503, "60")
        assert response.json()["detail"] == (
            "no model is in production for ETHUSDT on 1h; train one: "
            "python cli.py train FILE --type lightgbm --symbol ETHUSDT --timeframe 1h"
        )
    health = client.get("/health").json()
    assert (health["model_loaded"], health["models"]) == (False, {})


def test_a_forecast_has_every_agreed_key(client: TestClient, registry: Registry) -> None:
    version = serve(registry)
    answer = posted(client, "/ai/predict", prediction())
    assert {key: type(answer[key]) for key in KEYS} == KEYS
    assert (answer["symbol"], answer["timeframe"], answer["source_data"]) == ("ETHUSDT", "1h", "client")
    assert (answer["model_type"], answer["model_version"]) == ("lstm", version)
    assert 0 < answer["probability_up"] < 1
    assert answer["individual_predictions"] == {"lstm": answer["probability_up"]}
    assert abs(answer["timestamp"] - now_ms()) < 60_000
    assert client.get("/health").json()["models"] == {"ETHUSDT 1h": version}


def test_drivers_are_told_by_forecasts_and_analyses_alike(client: TestClient, registry: Registry) -> None:
    serve(registry)
    assert posted(client, "/ai/predict", prediction())["drivers"] is None
    terms = np.zeros(4 * len(STANDARD.columns))
    terms[[column.name for column in STANDARD.columns].index("rsi_14")] = 2.0
    promote(registry, add_explained(registry, terms, symbol="ETHUSDT"))
    usual, percent = (posted(client, path, prediction()) for path in ("/ai/predict", "/api/v1/predict"))
    (driver,) = usual["drivers"]
    assert (driver["column"], driver["statistic"], driver["description"]) == ("rsi_14", "last", None)
    assert 0 <= driver["value"] <= 100
    assert driver["contribution"] != 0
    analysis = posted(client, "/ai/analyze", shape_b(count=200))
    assert percent["drivers"] == analysis["forecast"]["drivers"] == [driver]


@pytest.mark.parametrize(
    ("probability", "signal", "confidence"), [(0.75, "Long", 0.5), (0.5, "Neutral", 0.0), (0.25, "Short", 0.5)]
)
def test_signal_and_confidence_come_from_the_probability_in_both_dialects(
    client: TestClient, registry: Registry, probability: float, signal: str, confidence: float
) -> None:
    serve(registry, probability)
    usual, percent = (posted(client, path, prediction()) for path in ("/ai/predict", "/api/v1/predict"))
    assert (usual["signal"], usual["confidence"]) == (signal, confidence)
    assert (percent["signal"], percent["confidence"]) == (signal.lower(), 100 * confidence)
    different = {"signal", "confidence", "timestamp"}
    assert {k: v for k, v in usual.items() if k not in different} == {
        k: v for k, v in percent.items() if k not in different
    }


def test_too_few_candles_are_400_with_the_numbers(client: TestClient, registry: Registry) -> None:
    serve(registry)
    for body, received in ((prediction(30), 30), (shape_d(), 1), (prediction(timeframe_data={"1h": []}), 0)):
        response = client.post("/ai/predict", json=body)
        assert response.status_code == 400
        assert f"needs {LEAST} closed 1h candles" in response.json()["detail"]
        assert f"(received {received}, stored 0)" in response.json()["detail"]


def test_candles_that_a_trusted_client_posted_complete_those_of_anyone(
    make_client: MakeClient, registry: Registry
) -> None:
    serve(registry)
    body = shape_b(count=300)
    few = {**body, "timeframe_data": {"1h": body["timeframe_data"]["1h"][-20:]}}
    stranger = make_client(STRANGER)
    posted(stranger, "/ai/analyze", body)
    assert stranger.post("/ai/predict", json=few).status_code == 400  # what strangers post is not kept
    trusted = make_client()
    expected = posted(trusted, "/ai/predict", body)
    assert trusted.post("/ai/predict", json=few).status_code == 400  # nor is what a forecast was asked for
    posted(trusted, "/ai/analyze", body)
    trusted.get("/ai/storage/stats")  # waits for the writes before it
    completed = posted(stranger, "/ai/predict", few)
    assert completed["probability_up"] == pytest.approx(expected["probability_up"], abs=1e-6)


def test_the_preferred_timeframe_that_has_a_model_is_forecast(client: TestClient, registry: Registry) -> None:
    serve(registry, 0.7, timeframe=Timeframe.M15, created_at=NOON + timedelta(hours=1))
    assert posted(client, "/ai/predict", shape_a())["timeframe"] == "15m"
    serve(registry, 0.2, symbol=ANY_SYMBOL)
    fresh = posted(client, "/ai/predict", shape_a(symbol="SOLUSDT"))
    assert (fresh["timeframe"], fresh["signal"]) == ("1h", "Short")


def test_a_timeframe_that_ended_long_before_the_others_is_not_forecast(client: TestClient, registry: Registry) -> None:
    for timeframe in (Timeframe.H1, Timeframe.M15):
        serve(registry, timeframe=timeframe)
    frames = {name: prediction(timeframe=name)["timeframe_data"][name] for name in ("1h", "15m")}
    assert posted(client, "/ai/predict", prediction(timeframe_data=frames))["timeframe"] == "1h"
    for candle in frames["1h"]:
        candle["timestamp"] -= 3 * Timeframe.H1.ms
    assert posted(client, "/ai/predict", prediction(timeframe_data=frames))["timeframe"] == "15m"


def test_a_browser_gets_a_forecast_of_fetched_candles(client: TestClient, registry: Registry) -> None:
    serve(registry)
    answer = posted(client, "/ai/predict", shape_c())
    assert (answer["timeframe"], answer["source_data"]) == ("1h", "synthetic")


def test_strangers_are_limited_as_for_analyses(make_client: MakeClient, registry: Registry) -> None:
    serve(registry)
    for path, body in (("/ai/predict", prediction()), ("/predict-trend", {"symbol": "ETHUSDT"})):
        stranger, trusted = make_client(STRANGER), make_client()
        assert [stranger.post(path, json=body).status_code for _ in range(11)] == [200] * 10 + [429]
        assert {trusted.post(path, json=body).status_code for _ in range(11)} == {200}


def test_a_corrupt_version_leaves_the_one_before(client: TestClient, registry: Registry) -> None:
    first = serve(registry)
    second = serve(registry, created_at=NOON + timedelta(hours=1))
    (registry.root / second / "scaler.json").write_text("{}")
    assert posted(client, "/ai/predict", prediction())["model_version"] == first
    (registry.root / first / "model.onnx").unlink()
    assert posted(client, "/ai/predict", prediction())["model_version"] == first  # it is in memory
    part = degraded(client, "model ETHUSDT 1h")
    assert part["reason"].startswith(f"{second}: scaler.json is not the file that was written")
    assert part["reason"].endswith(f"; {first} serves instead")


def test_health_names_a_model_that_cannot_be_loaded(client: TestClient, registry: Registry) -> None:
    version = serve(registry)
    wait_until(lambda: client.get("/health").json()["models"] == {"ETHUSDT 1h": version})
    assert client.get("/health").json()["model_loaded"] is True
    (registry.root / version / "model.onnx").write_bytes(b"")
    part = degraded(client, "model ETHUSDT 1h")  # before any request to the model
    assert part["reason"].startswith(f"{version}: model.onnx is not the file that was written")
    assert part["reason"].endswith("; nothing serves instead")
    assert "POST /ai/models/rollback" in part["remedy"]
    health = client.get("/health").json()
    assert (health["status"], health["model_loaded"], health["models"]) == ("degraded", False, {"ETHUSDT 1h": None})
    ready = {"status": "degraded", "degraded": ["model ETHUSDT 1h"], "problems": [part]}
    assert client.get("/readyz").json() == ready
    assert client.post("/ai/predict", json=prediction()).status_code == 503


def test_an_analysis_carries_the_forecast_beside_the_rules(client: TestClient, registry: Registry) -> None:
    before = posted(client, "/ai/analyze", shape_a(seed=5, drift=0.35, symbol="BTCUSDT"))
    assert before["forecast"] is None
    assert before["forecast_note"].startswith("no model is in production for BTCUSDT on 1h")
    version = serve(registry, 0.2)
    short = posted(client, "/ai/analyze", shape_a(seed=5, drift=0.35))
    assert short["forecast"]["model_version"] == version
    assert short["forecast_note"] is None
    assert (short["signal"], short["source"], short["model_type"]) == ("Long", "technical", "technical-rules")
    assert "The lstm model gives a probability of 0.2 that the next 1h candle closes higher" in short["reasoning"]
    cached = posted(client, "/ai/analyze", shape_a(seed=5, drift=0.35))
    assert cached["cached"]
    assert cached["forecast"] == short["forecast"]


def test_a_stored_analysis_keeps_its_forecast(make_client: MakeClient, registry: Registry) -> None:
    horizons = {"outputs": "multi_horizon", "horizons_candles": (1, 4, 16, 48)}
    serve(registry, 0.7, ModelType.PATCHTST, **horizons)
    first = posted(make_client(), "/ai/analyze", shape_a())
    again = posted(make_client(), "/ai/analyze", shape_a())  # of a service that has only the store
    assert again["cached"]
    assert again["forecast"] == first["forecast"]
    assert set(again["forecast"]["expected_returns"]) == {"1", "4", "16", "48"}


def test_analyses_of_earlier_releases_are_read() -> None:
    new = make_analysis(forecast=make_forecast(expected_returns={1: 0.01}), forecast_note=None)
    assert Analysis.model_validate(new.model_dump(mode="json")) == new  # as documents are kept
    old = json.loads(make_analysis().model_dump_json())
    del old["forecast"], old["forecast_note"]
    assert AnalysisDecoder("sqlite").from_json(json.dumps(old)) == make_analysis()


@pytest.mark.parametrize(
    ("blend", "weight", "signal", "source", "model_type", "shown"),
    [
        ("off", 0.9, "Long", "technical", "technical-rules", False),
        (False, 0.9, "Long", "technical", "technical-rules", False),  # as YAML reads `off`
        ("advise", 0.9, "Long", "technical", "technical-rules", True),
        ("weighted", 0.9, "Short", "ensemble", "technical-rules+lstm", True),
        ("weighted", 0.05, "Long", "ensemble", "technical-rules+lstm", True),
    ],
)
def test_the_settings_say_how_rules_and_model_combine(
    make_client: MakeClient,
    registry: Registry,
    blend: object,
    weight: float,
    signal: str,
    source: str,
    model_type: str,
    shown: bool,
) -> None:
    serve(registry, 0.01)
    body = shape_a(seed=5, drift=0.35)
    answer = posted(make_client(analysis={"blend": blend, "model_weight": weight}), "/ai/analyze", body)
    assert (answer["signal"], answer["source"], answer["model_type"]) == (signal, source, model_type)
    assert (answer["forecast"] is not None) is shown
    assert (answer["forecast_note"] is None) is shown
    stop, target = (answer["risk_assessment"][key] for key in ("stop_loss_suggestion", "take_profit_suggestion"))
    side = 1 if signal == "Long" else -1
    assert stop * side < body["current_price"] * side < target * side


def test_a_broken_model_fails_no_analysis(client: TestClient, registry: Registry) -> None:
    version = serve(registry)
    (registry.root / version / "model.onnx").write_bytes(b"not a graph")
    answer = posted(client, "/ai/analyze", shape_b(drift=0.35))
    assert answer["forecast"] is None
    assert answer["forecast_note"] == "the model in production for ETHUSDT 1h cannot be loaded"
    (registry.root / "aliases.json").write_bytes(b"[")
    posted(client, "/ai/analyze", shape_b(drift=-0.35, symbol="SOLUSDT"))


def test_the_trend_is_that_of_the_rules_whatever_a_model_says_of_the_next_candle(
    client: TestClient, registry: Registry
) -> None:
    rules = posted(client, "/predict-trend", {"symbol": "ETHUSDT"})
    assert rules["model"] == "technical-rules"
    assert (rules["symbol"], rules["timeframe"], rules["source_data"]) == ("ETHUSDT", "4h", "synthetic")
    assert rules["trend"] in {"Uptrend", "Downtrend", "Neutral"}
    assert 0 <= rules["confidence"] <= 1
    assert type(rules["timestamp"]) is int
    serve(registry, 0.9, timeframe=Timeframe.H4)
    beside_a_model = posted(client, "/predict-trend", {"symbol": "ETHUSDT", "timeframe": None})
    assert beside_a_model["forecast"]["probability_up"] == 0.9
    assert (rules["forecast"], beside_a_model["forecast_note"]) == (None, None)
    assert rules["forecast_note"].startswith("no model is in production for ETHUSDT on 4h")
    beside = {"timestamp": 0, "forecast": None, "forecast_note": None}
    assert {**beside_a_model, **beside} == {**rules, **beside}


def test_a_trend_needs_a_symbol_and_a_known_timeframe(client: TestClient) -> None:
    bodies: tuple[object, ...] = ({}, {"symbol": "eth"}, {"symbol": "ETHUSDT", "timeframe": "2h"}, [])
    for body in bodies:
        assert client.post("/predict-trend", json=body).status_code == 422
    assert client.post("/predict-trend", content=b"symbol=ETHUSDT").status_code == 415


def test_metrics_have_the_agreed_names(client: TestClient, registry: Registry) -> None:
    serve(registry, 0.9)
    posted(client, "/ai/predict", prediction())
    text = client.get("/metrics").text
    assert 'model_predictions_total{model_type="lstm",signal="Long"}' in text
    for name in (
        'ai_prediction_duration_seconds_count{model_type="lstm"}',
        "ml_predictions_total ",
        "ml_inference_duration_seconds_count",
        "ml_signal_confidence_count",
        "model_load_failures_total ",
    ):
        assert name in text


def test_over_real_sockets_an_exchange_loses_none_of_many_requests(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "models")
    path = base_path(count=2400).resample(Timeframe.H1)
    bodies = [prediction(timeframe_data={"1h": wire_candles(path, 200 + number)}) for number in range(32)]
    versions = [serve(registry)]
    service_of = partial(running_service, MODEL_SAVE_PATH=str(registry.root), MODELS__SERVING__RELOAD_SECONDS="0.05")
    with service_of() as service, httpx2.Client(base_url=service.url, timeout=20) as http:
        with ThreadPoolExecutor(32) as threads:

            def predict(body: dict[str, Any]) -> tuple[int, str]:
                response = http.post("/ai/predict", json=body)
                return response.status_code, response.json().get("model_version", "")

            answers = []
            for hour in range(1, 4):
                under_way = [threads.submit(predict, body) for body in bodies]
                versions.append(serve(registry, created_at=NOON + timedelta(hours=hour), seed=hour))
                answers += [request.result() for request in under_way]
        assert "Traceback" not in service.output
    assert [status for status, _ in answers] == [200] * 96
    assert {version for _, version in answers} <= set(versions)


def test_a_recalibrated_model_answers_by_it_and_has_a_record_of_its_own(client: TestClient, registry: Registry) -> None:
    terms = np.zeros(4 * len(STANDARD.columns))
    terms[[column.name for column in STANDARD.columns].index("rsi_14")] = 2.0
    version = promote(registry, add_explained(registry, terms, symbol="ETHUSDT"))
    plain = posted(client, "/ai/predict", prediction())
    at = utc_time(now_ms())
    assert add_recalibration(registry, version, recalibration(at, slope=0.6), None)
    found = posted(client, "/ai/predict", prediction())
    assert (plain["calibrated_at"], found["calibrated_at"]) == (None, epoch_ms(at))
    # ETHUSDT has half of the slope of all.
    before, after = (math.log(p / (1 - p)) for p in (plain["probability_up"], found["probability_up"]))
    assert after == pytest.approx(0.3 * before)
    assert found["confidence"] == pytest.approx(abs(2 * found["probability_up"] - 1))
    assert found["individual_predictions"] == {"logistic": found["probability_up"]}
    ((one,), (two,)) = plain["drivers"], found["drivers"]
    assert two["contribution"] == pytest.approx(0.3 * one["contribution"])
    entries = client.get("/ai/ledger", params={"lane": "model"}).json()["entries"]
    assert {entry["probability_up"] for entry in entries} == {plain["probability_up"], found["probability_up"]}
    assert len({entry["lane_id"] for entry in entries}) == 2
    shown = client.get(f"/ai/models/{version}").json()
    assert shown["recalibrations"][0]["symbols"]["ETHUSDT"]["slope"] == 0.3
    assert datetime.fromisoformat(shown["calibrated_at"]) == at
