"""The routes beside the main job: insights, storage, health, metrics, documentation."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from models.registry.registry import Registry
from rules.strategies import STRATEGY_NAMES
from tests.conftest import MakeClient
from tests.fixtures.bodies import shape_a, shape_b
from tests.fixtures.forecasting import put_in_production
from tests.fixtures.models import NOON, add_model
from tests.fixtures.patience import PATIENCE_SECONDS
from tests.fixtures.service import Service, running_service

SYMBOLS = ["BTCUSDT", "ETHUSDT", "BNBUSDT", "SOLUSDT", "ADAUSDT", "DOTUSDT", "XRPUSDT", "LINKUSDT"]


def test_info_has_every_agreed_key(client: TestClient) -> None:
    info = client.get("/ai/info").json()
    frames = ["1m", "3m", "5m", "15m", "30m", "1h", "4h", "8h", "12h", "1d", "1w"]
    assert info["supported_timeframes"] == frames
    assert info["supported_symbols"] == SYMBOLS
    assert {"service_name", "version", "model_version", "capabilities"} <= set(info)
    assert info["last_trained"] is None


def test_info_tells_what_serves_and_when_it_was_trained(client: TestClient, tmp_path: Path) -> None:
    registry = Registry(tmp_path / "models")
    version = put_in_production(registry, symbol="ETHUSDT")
    add_model(registry, created_at=NOON + timedelta(hours=2))
    deadline = time.monotonic() + PATIENCE_SECONDS  # aliases are looked at every few seconds
    while (info := client.get("/ai/info").json())["model_version"] != version:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert "model_forecasts" in info["capabilities"]
    assert datetime.fromisoformat(info["last_trained"]) == NOON + timedelta(hours=2)


def test_strategies_are_an_object(client: TestClient) -> None:
    assert client.get("/ai/strategies").json() == {"strategies": list(STRATEGY_NAMES)}


def test_strategies_have_a_measured_record(client: TestClient) -> None:
    found = client.get("/ai/strategies/records").json()
    assert [record["name"] for record in found["strategies"]] == list(STRATEGY_NAMES)
    assert found["built_from"].startswith("8 markets, 1h, 2017-08 to 2022-12")
    for record in found["strategies"]:
        assert list(record["right"]) == ["1", "4", "24"]
        for share in record["right"].values():
            assert share["low"] < share["mean"] < share["high"]
            assert share["cases"] > 1_000
        assert record["expected_r"]["low"] < record["expected_r"]["mean"] < record["expected_r"]["high"]


def test_strategies_have_records_of_each_timeframe_that_was_measured(client: TestClient) -> None:
    found = {name: client.get("/ai/strategies/records", params={"timeframe": name}).json() for name in ("1h", "4h")}
    assert found["1h"] == client.get("/ai/strategies/records").json()
    for name, records in found.items():
        assert (records["timeframe"], records["timeframes"]) == (name, ["1h", "4h"])
        assert records["built_from"] == f"8 markets, {name}, 2017-08 to 2022-12"
    assert found["1h"]["strategies"] != found["4h"]["strategies"]
    for name, nearest in (("15m", "1h"), ("1d", "4h")):
        assert client.get("/ai/strategies/records", params={"timeframe": name}).json() == found[nearest]
    refused = client.get("/ai/strategies/records", params={"timeframe": "7h"})
    assert refused.status_code == 422
    assert "timeframe" in refused.json()["detail"]


def test_strategies_have_no_record_where_nothing_was_measured(make_client: MakeClient) -> None:
    found = make_client(trading={"evidence_file": ""}).get("/ai/strategies/records").json()
    assert found == {
        "built_from": None,
        "built_at": None,
        "timeframe": None,
        "timeframes": [],
        "strategies": [],
    }


def test_stats_count_by_symbol_and_hits(client: TestClient) -> None:
    for body in (shape_a(), shape_a(), shape_b(), shape_a(symbol="BTCUSDT")):
        assert client.post("/ai/analyze", json=body).status_code == 200
    stats = client.get("/ai/storage/stats").json()
    assert stats["total_analyses"] == 3
    assert stats["symbols_analyzed"] == 2
    assert [(e["symbol"], e["analysis_count"]) for e in stats["symbol_breakdown"]] == [("BTCUSDT", 1), ("ETHUSDT", 2)]
    assert all(datetime.fromisoformat(entry["latest_analysis"]).tzinfo for entry in stats["symbol_breakdown"])
    assert stats["analysis_interval_minutes"] == 5
    assert stats["collection_name"] == "ai_analysis_results"
    assert stats["archived_analyses"] == 3
    assert (stats["cache_hits"], stats["cache_misses"], stats["cache_hit_rate"]) == (1, 3, 0.25)


def test_clearing_forgets_the_cache_and_keeps_the_archive(client: TestClient) -> None:
    first = client.post("/ai/analyze", json=shape_a()).json()
    cleared = client.post("/ai/storage/clear", json={}).json()
    assert cleared["cleared_analyses"] == 1
    assert cleared["message"]
    stats = client.get("/ai/storage/stats").json()
    assert (stats["total_analyses"], stats["archived_analyses"]) == (0, 1)
    again = client.post("/ai/analyze", json=shape_a()).json()
    assert not again["cached"]
    assert again["analysis_id"] != first["analysis_id"]


def test_a_restart_forgets_no_cached_analysis(make_client: MakeClient) -> None:
    first = make_client().post("/ai/analyze", json=shape_a()).json()
    second = make_client().post("/ai/analyze", json=shape_a()).json()
    assert second["cached"]
    assert second["analysis_id"] == first["analysis_id"]


def test_health_says_what_is_there_and_what_is_not(client: TestClient) -> None:
    health = client.get("/health").json()
    assert health["status"] == "healthy"
    assert (health["mongodb_connected"], health["gpt4_available"], health["model_loaded"]) == (False, False, False)
    assert health["supported_symbols"] == SYMBOLS
    assert datetime.fromisoformat(health["timestamp"]).tzinfo
    assert (health["degraded"], health["problems"]) == ([], [])
    assert (health["periodic_analysis"], health["last_cycle"]) == (False, None)


def test_health_stays_200_and_names_a_store_that_is_down(make_client: MakeClient) -> None:
    client = make_client(storage={"url": "mongodb://127.0.0.1:9/none"})
    health = client.get("/health")
    assert health.status_code == 200
    assert health.json()["status"] == "degraded"
    assert health.json()["degraded"] == ["store"]
    (store,) = health.json()["problems"]
    assert store["part"] == "store"
    assert store["reason"].startswith("the mongodb store is not available")
    assert store["remedy"].startswith("start MongoDB, or set DATABASE_URL to one that runs")
    assert client.get("/livez").status_code == 200
    assert client.get("/readyz").json() == {"status": "degraded", "degraded": ["store"], "problems": [store]}
    refused = client.get("/ai/storage/stats")
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert client.post("/ai/analyze", json=shape_a()).status_code == 200


def test_the_index_lists_every_documented_route_and_the_socket(client: TestClient) -> None:
    listed = client.get("/").json()["endpoints"]
    assert set(listed.values()) == {*client.get("/openapi.json").json()["paths"], "/ws"}
    assert (listed["analyze"], listed["signal_batch"], listed["signals"]) == ("/ai/analyze", "/ai/signals", "/ws")


def test_metrics_have_the_agreed_names(client: TestClient) -> None:
    client.post("/ai/analyze", json=shape_a())
    text = client.get("/metrics").text
    for name in (
        "ai_analysis_total",
        "ai_analysis_duration_seconds",
        "ai_model_confidence",
        "ai_predictions_total",
        "api_requests_total",
        "api_request_duration_seconds",
        "cache_hit_rate",
        "websocket_connections_active",
        "background_analysis_duration_seconds",
        "mongodb_operations_total",
        "ai_prediction_duration_seconds",
        "ai_prediction_accuracy",
        "openai_requests_total",
        "openai_errors_total",
        "openai_rate_limit_errors_total",
        "gpt4_api_calls_total",
        "gpt4_api_failures_total",
        "model_load_failures_total",
        "model_predictions_total",
        "ml_predictions_total",
        "ml_inference_duration_seconds",
        "ml_signal_confidence",
        "ml_cache_hits_total",
    ):
        assert re.search(rf"^# TYPE {name} ", text, re.MULTILINE) or re.search(
            rf"^# TYPE {name.removesuffix('_total')}(_total)? ", text, re.MULTILINE
        ), name
    assert 'route="/ai/analyze"' in text


def test_unknown_paths_do_not_grow_the_metrics(client: TestClient) -> None:
    for number in range(20):
        client.get(f"/nowhere/{number}")
    text = client.get("/metrics").text
    assert "/nowhere" not in text
    assert 'route="unmatched"' in text


def test_the_documentation_needs_no_other_host(client: TestClient) -> None:
    page = client.get("/docs").text
    urls = re.findall(r"(?:src|href)=\"([^\"]+)\"", page) + re.findall(r"url: '([^']+)'", page)
    assert len(urls) >= 3
    assert all(url.startswith("/") for url in urls), urls
    assert all(client.get(url).status_code == 200 for url in urls)


def test_the_document_is_made_once_and_off_the_event_loop(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    app, made_by = cast(FastAPI, client.app), list[int]()
    make = app.openapi

    def noted() -> dict[str, Any]:
        made_by.append(threading.get_ident())
        return make()

    monkeypatch.setattr(app, "openapi", noted)
    with ThreadPoolExecutor(4) as callers:
        answers = list(callers.map(client.get, ["/openapi.json"] * 4))
    assert {answer.content for answer in answers} == {answers[0].content}
    assert client.portal is not None
    assert len(made_by) == 1
    assert made_by != [client.portal.call(threading.get_ident)]


def test_openapi_references_resolve(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    for reference in set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document))):
        assert reference in document["components"]["schemas"], reference
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations)


def test_the_dashboards_preflight_is_answered(client: TestClient) -> None:
    asked = {
        "origin": "http://localhost:3000",
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type,x-client,authorization",
    }
    allowed = client.options("/ai/analyze", headers=asked)
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == "http://localhost:3000"
    foreign = client.options("/ai/analyze", headers=asked | {"origin": "https://evil.example"})
    assert "access-control-allow-origin" not in foreign.headers


def test_a_request_id_is_kept_when_it_is_harmless(client: TestClient) -> None:
    assert client.get("/livez", headers={"x-request-id": "abc-1.2_3"}).headers["x-request-id"] == "abc-1.2_3"
    for other in ("a b", "x" * 65, "a;b"):
        assert client.get("/livez", headers={"x-request-id": other}).headers["x-request-id"] != other


def test_candles_of_trusted_clients_survive_in_the_store(make_client: MakeClient, tmp_path: Path) -> None:
    make_client().post("/ai/analyze", json=shape_a(symbol="SOLUSDT"))
    later = make_client(market_data={"sources": ["stored"], "timeframes": ["15m", "1h"]})
    answer = later.post("/ai/analyze", json=shape_a(symbol="SOLUSDT") | {"timeframe_data": {}, "current_price": 0})
    assert answer.status_code == 200
    assert answer.json()["source_data"] == "stored"


def test_no_source_at_all_is_503_and_says_which(make_client: MakeClient) -> None:
    client = make_client(market_data={"sources": ["stored"]})
    response = client.post("/ai/analyze", json=shape_a() | {"timeframe_data": {}, "current_price": 0})
    assert response.status_code == 503
    assert "stored" in response.json()["detail"]


@pytest.mark.parametrize("path", ["/", "/health", "/api/v1/health", "/livez", "/readyz", "/metrics"])
def test_probes_may_ask_for_the_head_alone(head_service: Service, path: str) -> None:
    answer = httpx2.head(head_service.url + path)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == httpx2.get(head_service.url + path).headers["content-type"]


@pytest.fixture(scope="module")
def head_service() -> Iterator[Service]:
    with running_service() as running:
        yield running


@pytest.mark.parametrize(
    ("method", "path", "location"),
    [
        ("GET", "/health/", "/health"),
        ("POST", "/ai/analyze/", "/ai/analyze"),
        ("GET", "/ai/signal-quality/?limit=2&x=%2F", "/ai/signal-quality?limit=2&x=%2F"),
        ("GET", "/ai/models/a%20b/", "/ai/models/a%20b"),
    ],
)
def test_a_slash_too_many_leads_to_the_path_without_it_on_the_same_host(
    client: TestClient, method: str, path: str, location: str
) -> None:
    moved = client.request(method, path, headers={"host": "evil.example"}, follow_redirects=False)
    assert (moved.status_code, moved.headers["location"]) == (307, location)


def test_no_path_leads_to_another_host(client: TestClient) -> None:
    for path in ("//evil.example/", "//evil.example/health/", "/nowhere/"):
        answer = client.get(f"http://127.0.0.1:8000{path}", follow_redirects=False)
        assert answer.status_code == 404
        assert "location" not in answer.headers
