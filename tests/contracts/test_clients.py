"""Each client of the contract against a running service: the engine, the dashboard, the operators' tools.

Answers are read as a strict deserializer would, by the clients' own record of bodies and keys.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Any

import httpx2
import pytest
from trading_signal_client import Client, calls
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin

from domain.forecasting import ANY_SYMBOL
from domain.market import Timeframe
from models.registry.registry import Registry
from servers.process import free_port
from tests.fixtures.bodies import ENGINE_CONTEXT, base_path, shape_a, shape_b, shape_c, shape_d, wire_candles
from tests.fixtures.forecasting import put_in_production
from tests.fixtures.patience import PATIENCE_SECONDS
from tests.fixtures.service import Service, running_service
from tests.fixtures.wire import misfits, read_wire

WIRE = read_wire()
ENDPOINTS: dict[str, Any] = WIRE["endpoints"]
DASHBOARD: dict[str, Any] = WIRE["dashboard"]
ADMIN = "key-of-the-admin"
ORIGINS = ("http://localhost:3000", "http://127.0.0.1:8080")
PING_SECONDS = 5
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT")


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> tuple[Registry, str]:
    """Return a registry and the version that serves every market in it."""
    registry = Registry(tmp_path_factory.mktemp("models"))
    return registry, put_in_production(registry, symbol=ANY_SYMBOL, timeframe=Timeframe.H1)


@pytest.fixture(scope="module")
def service(version: tuple[Registry, str]) -> Iterator[Service]:
    """Serve with the limits and the sources of a deployment, and with a model."""
    with running_service(ADMIN_TOKEN=ADMIN, MODEL_SAVE_PATH=str(version[0].root)) as running:
        # Real candles, without which the health of the market's condition is a 503 by design.
        assert running.post("/ai/analyze", json=shape_a(symbol="BTCUSDT")).status_code == 200
        yield running
        assert "Traceback" not in running.output


def call(service: Service, name: str, body: Any = None) -> httpx2.Response:
    """Ask as the tools do, with the administrator's token."""
    method, path = name.split(" ")[:2]
    headers = {"authorization": f"Bearer {ADMIN}"}
    return httpx2.request(method, service.url + path, json=body, headers=headers, timeout=PATIENCE_SECONDS)


def fresh(body: Any) -> Any:
    """Return a body of the record with a market of today in place of its two candles."""
    if not isinstance(body, dict):
        return body
    market = shape_a()
    if body.get("timeframe_data"):
        frames = {timeframe: market["timeframe_data"][timeframe] for timeframe in body["timeframe_data"]}
        return body | {"timeframe_data": frames, "current_price": market["current_price"]}
    if body.get("candles"):
        # A training needs more of them than the chart does.
        return body | {"candles": wire_candles(base_path().resample(Timeframe.H1), 400)}
    return body


def expected(name: str, spec: dict[str, Any] | list[Any]) -> dict[str, Any] | list[Any]:
    """Return what a client reads of an answer, where the record has more than that or less than the contract."""
    if isinstance(spec, list):
        return spec
    spec = dict(spec)
    match name.split(" ")[1].partition("?")[0]:
        case "/debug/gpt4":
            return {"client_initialized": "boolean", "api_key_configured": "boolean", "status": "string ok|failed"}
        case "/ai/config-suggestions" | "/ai/gpt4-analysis-history":
            spec["data"] = "array"
        case "/ai/config-analysis/trigger":
            spec["data"] = "object"
    return spec


def test_the_python_client_reads_the_card_of_a_model(service: Service, version: tuple[Registry, str]) -> None:
    with Client(service.url) as client:
        assert client.send(calls.model_card(version[1])).startswith(f"# {version[1]}\n")


def answer_of(shape: str) -> dict[str, Any]:
    found: dict[str, Any] = WIRE["analyses"][shape]
    return found


@pytest.mark.parametrize("name", ENDPOINTS)
def test_every_answer_has_the_keys_and_types_that_its_readers_need(service: Service, name: str) -> None:
    bodies = [ENDPOINTS[name][key] for key in ("request", "request_2026") if key in ENDPOINTS[name]]
    for body in bodies:
        answer = call(service, name, fresh(body))
        assert answer.status_code == 200, answer.text
        assert misfits(answer.json(), expected(name, ENDPOINTS[name]["response"])) == []


@pytest.mark.parametrize("name", DASHBOARD)
def test_the_dashboards_own_routes_answer_what_it_reads(
    service: Service, version: tuple[Registry, str], name: str
) -> None:
    body = fresh(DASHBOARD[name].get("request"))
    if isinstance(body, dict) and body.keys() & {"model_path", "model_name"}:
        body = dict.fromkeys(body, version[1])
    for prefix in ("", "/api/v1"):
        if prefix and name == "POST /analyze":
            continue  # that of seed 001, in other words
        answer = call(service, name.replace(" ", f" {prefix}"), body)
        assert answer.is_success, answer.text
        assert misfits(answer.json(), DASHBOARD[name]["response"]) == []
        if "job_id" in answer.json():
            call(service, f"DELETE /jobs/{answer.json()['job_id']}")


@pytest.mark.parametrize(
    ("shape", "sent"),
    [
        ("A", partial(shape_a, seed=5, drift=0.35)),
        ("A", shape_a),
        ("B", partial(shape_b, seed=5, drift=-0.35)),
        ("C", shape_c),
    ],
)
def test_the_engine_and_the_browser_read_every_analysis(
    service: Service, shape: str, sent: Callable[[], dict[str, Any]]
) -> None:
    answer = service.post("/ai/analyze", json=sent()).json()
    assert misfits(answer, answer_of(shape)) == []
    # The engine's own loop gets the dashboard's keys in addition to its own, with its words for a signal.
    assert misfits(answer, answer_of("A") | {"signal": "string"}) == []


def test_a_fabricated_candle_is_a_signal_for_no_client(service: Service) -> None:
    refused = service.post("/ai/analyze", json=shape_d())
    assert refused.status_code == 400
    assert "60" in refused.json()["detail"]


async def test_a_burst_of_thirty_two_calls_with_four_attempts_each_is_never_limited(service: Service) -> None:
    """The engine's own loop, whose every call is tried four times within a second."""
    frames = ("15m", "30m", "1h", "4h")
    bodies = [
        shape_b(timeframe, 60 + more, symbol=symbol) for symbol in SYMBOLS for timeframe in frames for more in (0, 1)
    ]
    assert len(bodies) == 32
    async with httpx2.AsyncClient(base_url=service.url, timeout=PATIENCE_SECONDS) as engine:
        for body in bodies:
            answers = await asyncio.gather(*(engine.post("/ai/analyze", json=body) for _ in range(4)))
            assert [answer.status_code for answer in answers] == [200] * 4
            assert len({answer.json()["analysis_id"] for answer in answers}) == 1
            assert misfits(answers[0].json(), answer_of("B")) == []


@pytest.mark.parametrize("origin", ORIGINS)
def test_the_dashboards_preflights_and_answers_are_for_its_origin(service: Service, origin: str) -> None:
    for name in (*DASHBOARD, "GET /health", "POST /ai/analyze", "GET /ai/strategies", "GET /ai/info"):
        method, path = name.split(" ")
        asked = {
            "origin": origin,
            "access-control-request-method": method,
            "access-control-request-headers": "authorization,content-type,x-client",
        }
        allowed = httpx2.options(service.url + path, headers=asked)
        assert allowed.status_code == 200, name
        assert allowed.headers["access-control-allow-origin"] == origin
        assert method in allowed.headers["access-control-allow-methods"]
        # A refusal too has to be readable by the page.
        answer = httpx2.request(method, service.url + path, headers={"origin": origin}, content=b"{")
        assert answer.headers["access-control-allow-origin"] == origin, name


def test_every_tool_finds_what_it_unwraps_and_a_text_in_every_error(service: Service) -> None:
    document = service.get("/openapi.json").json()
    for path, operations in document["paths"].items():
        for method in operations:
            name = f"{method.upper()} {path.replace('{', '').replace('}', '')}"
            answer = call(service, name, {} if method == "post" else None)
            if "json" not in answer.headers["content-type"]:
                continue
            body = answer.json()
            if answer.is_success:
                assert not isinstance(body, dict) or "success" not in body or body["data"] is not None, name
            else:
                assert isinstance(body["error"], str), name
                assert body["error"] == body["detail"], name


async def test_the_dashboard_keeps_its_socket_alive_and_comes_back_after_a_restart() -> None:
    """A heartbeat every thirty seconds whose Pong has to come within five, and signals of the agreed shape."""
    port = free_port()
    for _ in range(2):
        with running_service(port=port, RATE_LIMITS="off") as running:
            async with connect(running.socket_url, origin=Origin(ORIGINS[0])) as socket:
                assert misfits(await received(socket), WIRE["websocket"]["server_welcome"]) == []
                for ping in WIRE["websocket"]["client_ping"]:
                    await socket.send(json.dumps(ping))
                    pong = await received(socket)
                    assert misfits(pong, WIRE["websocket"]["server_pong"]) == []
                    assert pong["type"] == "Pong"
                async with httpx2.AsyncClient(base_url=running.url, timeout=PATIENCE_SECONDS) as engine:
                    for body in (shape_a(seed=5, drift=0.35), shape_b(strategy_context=ENGINE_CONTEXT)):
                        assert (await engine.post("/ai/analyze", json=body)).status_code == 200
                        event = await received(socket)
                        assert misfits(event, WIRE["websocket"]["server_signal"]) == []
                        assert event["type"] == "AISignalReceived"
                        assert datetime.fromisoformat(event["timestamp"]).tzinfo


async def received(socket: ClientConnection) -> dict[str, Any]:
    """Return the next message, which has to come before a dashboard would leave."""
    async with asyncio.timeout(PING_SECONDS):
        message: dict[str, Any] = json.loads(await socket.recv())
        return message


@pytest.mark.parametrize(
    ("value", "spec", "wrong"),
    [
        ({"a": 1.0}, {"a": "integer ms"}, 1),
        ({"a": True}, {"a": "number"}, 1),
        ({"a": None}, {"a": "number"}, 1),
        ({"a": None}, {"a": "number|null"}, 0),
        ({"a": "Long"}, {"a": "string enum long|short|neutral (lower case)"}, 1),
        ({"a": 1.2}, {"a": "number 0..1"}, 1),
        ({"x": 0.5, "y": "1"}, {"<name>": "number"}, 1),
        ({}, {"a": {"b": "string"}}, 1),
        ([{"a": 1}, {}], [{"a": "integer"}], 1),
    ],
)
def test_the_strict_reader_refuses_what_a_client_would(value: Any, spec: Any, wrong: int) -> None:
    assert len(misfits(value, spec)) == wrong
