"""Safe mode: an operator switches it, every answer is Neutral and says why, and it outlives a restart."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Event
from typing import Any

import pytest
from fastapi import Response
from fastapi.testclient import TestClient
from prometheus_client import REGISTRY

from demo.behaviors import CompletionRequest, normal
from demo.openai_server import FakeOpenAI
from domain.forecasting import ModelType
from models.evaluation.calibration import Calibration
from models.registry.registry import Registry
from tests.conftest import ADMIN_TOKEN, MakeClient
from tests.fixtures.answers import analyzed, posted
from tests.fixtures.bodies import base_path, now_ms, shape_a, shape_b, wire_candles
from tests.fixtures.commands import exit_status
from tests.fixtures.forecasting import put_in_production
from tests.fixtures.llm_clients import llm_section
from tests.fixtures.service import running_service

pytest_plugins = [
    "tests.fixtures.mongod",
    "tests.fixtures.openai_server",
    "tests.fixtures.logs",
    "tests.fixtures.registry",
]

UP_ALWAYS = Calibration(kind="isotonic", points=((0.0, 0.75), (1.0, 0.75)))
REASON = "the exchange reports wrong prices"
UP: dict[str, Any] = {"seed": 5, "drift": 0.35}


def switch(client: TestClient, enabled: bool, reason: str = REASON) -> dict[str, Any]:
    response = client.post("/ai/safe-mode", json={"enabled": enabled, "reason": reason})
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def test_nothing_was_ever_switched(client: TestClient) -> None:
    assert client.get("/ai/safe-mode").json() == {"enabled": False, "reason": None, "changed_at": None}
    assert client.get("/health").json()["problems"] == []


def test_every_answer_is_neutral_and_says_why_cached_ones_too(client: TestClient) -> None:
    body, noise = shape_a(**UP), shape_a(symbol="SOLUSDT", seed=3)
    before = analyzed(client, body)
    assert before["signal"] == "Long"
    state = switch(client, enabled=True)
    assert (state["enabled"], state["reason"]) == (True, REASON)
    assert 0 <= now_ms() - state["changed_at"] < 60_000
    assert client.get("/ai/safe-mode").json() == state
    answer = analyzed(client, body)
    assert (answer["signal"], answer["abstention"], answer["cached"]) == ("Neutral", "refused", False)
    assert answer["reasoning"].startswith(f"Neutral: refused by safe_mode: {REASON}. Long: the trend points up")
    assert answer["lanes"] == before["lanes"]
    assert answer["risk_assessment"]["stop_loss_suggestion"] is None
    again = analyzed(client, body)
    assert (again["cached"], again["gates"], again["analysis_id"]) == (True, answer["gates"], answer["analysis_id"])
    engine = analyzed(client, shape_b(**UP))
    assert (engine["signal"], engine["gates"][0]["passed"]) == ("HOLD", False)
    neutral = analyzed(client, noise)
    assert neutral["reasoning"].startswith(f"Neutral: refused by safe_mode: {REASON}. Neutral: ")
    assert neutral["abstention"] == "no edge"
    for path, request in (
        ("/api/v1/analyze", body),
        ("/analyze", {"symbol": "ADAUSDT", "timeframe": "1h", "candles": body["timeframe_data"]["1h"]}),
    ):
        percent = posted(client, path, request)
        assert (percent["signal"], REASON in percent["reasoning"]) == ("neutral", True)
    switch(client, enabled=False, reason="")
    assert analyzed(client, body)["signal"] == "Long"
    assert client.get("/ai/safe-mode").json()["reason"] is None


def test_another_reason_is_said_from_the_next_answer_on(client: TestClient) -> None:
    body = shape_a(**UP)
    switch(client, enabled=True)
    analyzed(client, body)
    switch(client, enabled=True, reason="a model is rolled back")
    assert "safe_mode: a model is rolled back. " in analyzed(client, body)["reasoning"]


def test_a_batch_withholds_everything(make_client: MakeClient) -> None:
    client = make_client(signals={"min_confidence": 0, "max_signals_per_minute": 1000, "max_correlation": 1})
    candles = {"UPUSDT": {"15m": wire_candles(base_path(1, 0.35), 240)}}
    body = {"symbols": ["UPUSDT", "BTCUSDT"], "timeframe_data": candles}
    before = client.post("/ai/signals", json=body).json()
    assert len(before["signals"]) == 2
    switch(client, enabled=True)
    answer = client.post("/ai/signals", json=body).json()
    assert answer["signals"] == []
    assert sorted(answer["withheld"], key=lambda found: -ord(found["symbol"][0])) == [
        {"symbol": symbol, "reason": f"refused by safe_mode: {REASON}"} for symbol in ("UPUSDT", "BTCUSDT")
    ]
    switch(client, enabled=False)
    assert len(client.post("/ai/signals", json=body).json()["signals"]) == 2


def test_it_is_announced_and_named_by_health_and_metrics(client: TestClient) -> None:
    with client.websocket_connect("/ws") as socket:
        socket.receive_json()
        socket.send_json({"type": "subscribe", "symbols": ["SOLUSDT"]})
        socket.receive_json()
        state = switch(client, enabled=True)
        event = socket.receive_json()
        assert (event["type"], event["data"]) == ("SafeModeChanged", state)
        assert datetime.fromisoformat(event["timestamp"]).tzinfo is not None
        analyzed(client, shape_a(symbol="SOLUSDT", **UP))
        assert socket.receive_json()["data"]["signal"] == "neutral"
    health = client.get("/health").json()
    (problem,) = health["problems"]
    assert (health["status"], health["degraded"], problem["part"]) == ("degraded", ["safe_mode"], "safe_mode")
    assert problem["reason"].endswith(f"every answer is Neutral: {REASON}")
    assert client.get("/readyz").status_code == 200
    assert REGISTRY.get_sample_value("safe_mode") == 1
    switch(client, enabled=False)
    assert client.get("/health").json()["problems"] == []
    assert REGISTRY.get_sample_value("safe_mode") == 0


def test_who_switched_it_is_in_the_log(client: TestClient, log_facts: list[str]) -> None:
    switch(client, enabled=True)
    (line,) = [line for line in log_facts if "safe mode is switched by an administrator" in line]
    for fact in ("WARNING", "'address': '127.0.0.1'", "'enabled': True", f"'reason': '{REASON}'"):
        assert fact in line


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"enabled": True}, "a reason is needed"),
        ({"enabled": True, "reason": "  "}, "a reason is needed"),
        ({"enabled": "yes", "reason": REASON}, "enabled"),
        ({"reason": REASON}, "enabled"),
        ({"enabled": True, "reason": "two\nlines"}, "reason"),
        ({"enabled": True, "reason": "x" * 301}, "reason"),
        ({"enabled": True, "reason": None}, "reason"),
    ],
)
def test_an_order_that_says_no_reason_is_refused(client: TestClient, body: dict[str, Any], words: str) -> None:
    response = client.post("/ai/safe-mode", json=body)
    assert response.status_code == 422
    assert words in response.json()["detail"]
    assert client.get("/ai/safe-mode").json()["enabled"] is False


def test_half_a_character_in_the_reason_is_refused(client: TestClient) -> None:
    body = b'{"enabled": true, "reason": "wrong prices \\ud800"}'
    response = client.post("/ai/safe-mode", content=body, headers={"content-type": "application/json"})
    assert response.status_code == 422
    assert client.get("/ai/safe-mode").json()["enabled"] is False


@pytest.mark.parametrize("store", ["sqlite", pytest.param("mongodb", marks=pytest.mark.realserver)])
def test_a_restart_keeps_it(make_client: MakeClient, store: str, request: pytest.FixtureRequest) -> None:
    changes = {"storage": {"url": request.getfixturevalue("common_mongo_url")}} if store == "mongodb" else {}
    first = make_client(**changes)
    body = shape_a(**UP)
    assert analyzed(first, body)["signal"] == "Long"
    state = switch(first, enabled=True)
    first.__exit__(None, None, None)
    second = make_client(**changes)
    assert second.get("/ai/safe-mode").json() == state
    answer = analyzed(second, body)
    assert (answer["signal"], answer["cached"]) == ("Neutral", False)
    switch(second, enabled=False)
    second.__exit__(None, None, None)
    third = make_client(**changes)
    assert analyzed(third, body)["signal"] == "Long"
    third.__exit__(None, None, None)
    # What was answered since the last switch is still answered.
    assert analyzed(make_client(**changes), body)["cached"] is True


def test_a_switch_while_the_llm_is_asked_counts_for_its_answer(
    make_client: MakeClient, fake_openai: FakeOpenAI
) -> None:
    client = make_client(llm=llm_section(fake_openai.url))
    asked, switched = Event(), Event()

    async def answer_once_it_is_switched(question: CompletionRequest) -> Response:
        asked.set()
        await asyncio.to_thread(switched.wait)
        return await normal(question)

    fake_openai.script(answer_once_it_is_switched)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(analyzed, client, shape_a(**UP))
        asked.wait()
        switch(client, enabled=True)
        switched.set()
        answer = waiting.result()
    assert (answer["source"], answer["signal"]) == ("llm", "Neutral")
    assert answer["reasoning"].startswith(f"Neutral: refused by safe_mode: {REASON}. ")


def test_the_command_line_switches_the_running_service(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with running_service() as running:

        def command(*arguments: str, token: str = ADMIN_TOKEN, url: str = running.url) -> tuple[int, str]:
            monkeypatch.setenv("ADMIN_TOKEN", token)
            status = exit_status("safe-mode", *arguments, "--url", url)
            printed = capsys.readouterr()
            return status, printed.out + printed.err

        assert command("on", "--reason", REASON)[0] == 0
        status, shown = command("status", "--json")
        assert (status, json.loads(shown)["enabled"], json.loads(shown)["reason"]) == (0, True, REASON)
        refused = command("off", token="another")  # noqa: S106
        assert refused[0] == 2
        assert "answers 401: the token that was sent is another one" in refused[1]
        status, shown = command("off")
        assert (status, "off" in shown) == (0, True)
        assert json.loads(command("status", "--json")[1])["enabled"] is False
        assert command("on")[0] == 2
        nowhere = command("status", url="http://127.0.0.1:9")
        assert nowhere[0] == 2
        assert "start the service, or name its address with --url" in nowhere[1]


def test_forecasts_and_trends_are_neutral_with_the_reason(make_client: MakeClient, registry: Registry) -> None:
    put_in_production(registry, ModelType.LSTM, symbol="ETHUSDT", calibration=UP_ALWAYS)
    client = make_client(market_data={"sources": ["synthetic"]})
    body = {name: part for name, part in shape_b(count=200).items() if name != "strategy_context"}
    before = posted(client, "/ai/predict", body)
    assert (before["signal"], before["safe_mode"]) == ("Long", None)
    switch(client, enabled=True)
    for path, signal in (("/ai/predict", "Neutral"), ("/api/v1/predict", "neutral")):
        answer = posted(client, path, body)
        assert (answer["signal"], answer["confidence"], answer["safe_mode"]) == (signal, 0.0, REASON)
        assert answer["probability_up"] == before["probability_up"]
    trend = posted(client, "/predict-trend", {"symbol": "ETHUSDT"})
    assert (trend["trend"], trend["confidence"], trend["safe_mode"]) == ("Neutral", 0.0, REASON)
    switch(client, enabled=False)
    assert posted(client, "/ai/predict", body)["signal"] == "Long"
    said = [entry["kind"] for entry in client.get("/ai/ledger", params={"lane": "model"}).json()["entries"]]
    assert said == ["refused", "side"]  # equal ones are repeats


def test_signals_by_ticker_say_hold_with_the_reason(make_client: MakeClient, registry: Registry) -> None:
    put_in_production(registry, ModelType.LSTM, symbol="ETHUSDT", calibration=UP_ALWAYS)
    client = make_client(market_data={"sources": ["synthetic"]})
    asked = {"ticker": "ETHUSDT", "timeframe": "1h"}
    before = posted(client, "/api/v1/ml/predict/comprehensive", asked)
    assert (before["signal"]["signal"], before["signal"]["safe_mode"]) == ("buy", None)
    switch(client, enabled=True)
    both = posted(client, "/api/v1/ml/predict/comprehensive", asked)
    alone = posted(client, "/api/v1/ml/predict/signal", asked)
    for signal in (both["signal"], alone):
        assert (signal["signal"], signal["confidence"], signal["safe_mode"]) == ("hold", 0.0, REASON)
        assert signal["probabilities"] == before["signal"]["probabilities"]
    assert both["price"] == before["price"]
    switch(client, enabled=False)
    assert posted(client, "/api/v1/ml/predict/signal", asked)["signal"] == "buy"
    said = [entry["kind"] for entry in client.get("/ai/ledger", params={"lane": "model"}).json()["entries"]]
    assert said == ["refused", "side"]  # equal ones are repeats
