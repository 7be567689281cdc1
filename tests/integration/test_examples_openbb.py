"""The backend of OpenBB Workspace, as a process, against a running service: asked as Workspace asks it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient
from trading_signal_client import Client, answers, calls

from examples.openbb_backend import TABLES, WIDGETS, analysis_text, create_app, past_rows, record_rows, signal_rows
from servers.process import free_port
from tests.fixtures.example_processes import running_example
from tests.fixtures.exchange import exchange
from tests.fixtures.patience import PATIENCE_SECONDS
from tests.fixtures.service import ROOT, running_service
from tests.fixtures.signals_of_markets import an_analysis

KEY = "key-of-the-workspace"
WORKSPACE = "https://pro.openbb.co"
NOW = 1_700_000_000_000
DESCRIBED: dict[str, Any] = json.loads(WIDGETS.read_text())
RECORDED: dict[str, Any] = json.loads(Path(ROOT / "api" / "openapi_examples.json").read_text())
SETTLED: dict[str, Any] = {
    "analysis_id": "a-1",
    "entry_id": "4f.rules",
    "symbol": "BTCUSDT",
    "timeframe": "1h",
    "created_at": NOW,
    "signal": "Long",
    "kind": "side",
    "confidence": 0.6,
    "target_first": 0.4,
    "price": 100.0,
    "plan": {"stop": 95.0, "target": 110.0, "horizon_candles": 24},
    "lane": "rules",
    "source": "technical",
    "model_type": "technical-rules",
    "source_data": "binance",
    "reasoning": "The trend is up.",
    "support_levels": [95.0],
    "resistance_levels": [110.0],
    "settled": True,
    "outcome": "target",
    "r": 2.0,
    "settlements": [],
}


@pytest.fixture(scope="module")
def backend() -> Iterator[str]:
    with (
        exchange(("BTCUSDT",)) as market,
        running_service(
            MARKET_DATA_SOURCES="stored,binance", MARKET_DATA__BINANCE_URL=market.url, RATE_LIMITS="off"
        ) as service,
        running_example("openbb_backend.py", "/widgets.json", SIGNALS_URL=service.url, OPENBB_KEY=KEY) as url,
    ):
        with Client(service.url) as client:
            client.send(calls.analyze("BTCUSDT"))
        yield url


def get(backend: str, path: str, *, key: str | bytes = KEY, **query: Any) -> httpx2.Response:
    headers = {b"origin": WORKSPACE.encode(), b"x-api-key": key if isinstance(key, bytes) else key.encode()}
    return httpx2.get(backend + path, params=query, headers=headers, timeout=PATIENCE_SECONDS)


def fields(widget: str) -> list[str]:
    return [column["field"] for column in DESCRIBED[widget]["data"]["table"]["columnsDefs"]]


def test_the_widgets_are_served_and_each_has_its_endpoint(backend: str) -> None:
    assert get(backend, "/widgets.json", key="").json() == DESCRIBED
    assert sorted(f"/{widget['endpoint']}" for widget in DESCRIBED.values()) == sorted(TABLES)


@pytest.mark.parametrize("widget", sorted(DESCRIBED))
def test_a_widget_is_answered_with_the_parameters_that_it_starts_with(backend: str, widget: str) -> None:
    described = DESCRIBED[widget]
    answered = get(backend, f"/{described['endpoint']}", **{p["paramName"]: p["value"] for p in described["params"]})
    assert (answered.status_code, answered.headers["access-control-allow-origin"]) == (200, WORKSPACE)
    if described["type"] == "markdown":
        assert answered.json().startswith("## BTCUSDT ")
        return
    for row in answered.json():
        assert list(row) == fields(widget)
        assert not [value for value in row.values() if isinstance(value, (dict, list))]


def test_signals_and_candles_have_rows(backend: str) -> None:
    (signal,) = get(backend, "/signals").json()
    assert (signal["symbol"], signal["source_data"]) == ("BTCUSDT", "binance")
    assert signal["acted_on"] == ("yes" if signal["signal"] != "neutral" and signal["confidence"] > 0.5 else "no")
    assert signal["why"]
    opened = [row["timestamp"] for row in get(backend, "/candles", symbol="BTCUSDT", timeframe="4h").json()]
    assert opened == list(range(opened[0], opened[-1] + 1, 14_400_000))


def test_records_and_past_analyses_have_the_columns_that_the_widgets_name() -> None:
    records = record_rows(answers.TrackRecord.model_validate(RECORDED["track_record"]["answer"]))
    assert list(records[0]) == fields("track_record")
    assert records[0]["verdict"] == "undecided: as chance so far"
    (past,) = past_rows(answers.PastAnalyses.model_validate({"analyses": [SETTLED], "next": None}))
    assert list(past) == fields("past_analyses")
    assert (past["stop"], past["target"], past["outcome"], past["r"]) == (95.0, 110.0, "target", 2.0)


def test_an_old_signal_is_shown_with_its_age_and_not_acted_on() -> None:
    body = an_analysis(timestamp=NOW - 45 * 60_000).model_dump() | {"signal": "long", "price": 100.0}
    signals = answers.NewestSignals.model_validate({"signals": [body]})
    (row,) = signal_rows(signals, NOW)
    assert (row["age_minutes"], row["acted_on"]) == (45.0, "no")
    assert "45 minutes old" in row["why"]


def test_an_invented_market_is_named_in_the_text() -> None:
    assert "invented" in analysis_text(an_analysis(timestamp=NOW, source_data="synthetic"), NOW)
    assert "invented" not in analysis_text(an_analysis(timestamp=NOW), NOW)


def test_tables_are_for_those_who_have_the_key(backend: str) -> None:
    assert get(backend, "/signals", key="").status_code == 401
    assert get(backend, "/signals", key="schlüssel".encode()).status_code == 401


def test_pages_of_workspace_may_ask_and_others_may_not(backend: str) -> None:
    def preflight(origin: str) -> httpx2.Response:
        asked = {
            "origin": origin,
            "access-control-request-method": "GET",
            "access-control-request-headers": "x-api-key",
        }
        return httpx2.options(f"{backend}/signals", headers=asked, timeout=PATIENCE_SECONDS)

    allowed = preflight(WORKSPACE)
    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, WORKSPACE)
    assert "access-control-allow-origin" not in preflight("https://elsewhere.example").headers


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("/track_record", {"days": "many"}, 422),
        ("/track_record", {"days": "0"}, 422),
        ("/candles", {"timeframe": "2h"}, 422),
        ("/candles", {"symbol": "NOSUCHUSDT"}, 404),
        ("/analysis", {"symbol": "NOSUCHUSDT"}, 404),
    ],
)
def test_a_wrong_parameter_is_refused_in_words(backend: str, path: str, query: dict[str, str], status: int) -> None:
    answered = get(backend, path, **query)
    assert answered.status_code == status
    assert answered.json()["detail"]


def test_without_the_service_the_backend_says_so() -> None:
    with TestClient(create_app(f"http://127.0.0.1:{free_port()}")) as client:
        answered = client.get("/signals")
    assert answered.status_code == 502
    assert answered.json()["detail"].startswith("the service cannot be reached")
