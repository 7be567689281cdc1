"""Answers over HTTP and of the loop as entries of the ledger: fresh and cached, of whom, and what is kept apart."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from fastapi.testclient import TestClient

from demo import behaviors
from demo.behaviors import CompletionRequest, content, normal, wrong
from demo.openai_server import FakeOpenAI
from domain.analysis import DataSource
from domain.forecasting import ANY_SYMBOL, ModelType
from domain.ledger.entries import Apart, EntryKind, LedgerEntry, LedgerLane, Origin
from domain.market import Timeframe
from domain.values import Signal
from models.registry.registry import Registry
from storage.document_ports import LEDGER_LANES
from tests.conftest import MakeClient
from tests.fixtures.answers import analyzed, posted
from tests.fixtures.bodies import base_path, now_ms, shape_a, shape_b, shape_c, wire_candles
from tests.fixtures.containers import container_of
from tests.fixtures.forecasting import put_in_production
from tests.fixtures.llm_clients import llm_section
from tests.fixtures.recording import StoredLedger

pytest_plugins = ["tests.fixtures.openai_server", "tests.fixtures.registry"]

RULES, MODEL, LLM, BLEND = LedgerLane.RULES, LedgerLane.MODEL, LedgerLane.LLM, LedgerLane.BLEND
AS_STRANGER = {"x-forwarded-for": "203.0.113.9"}
UP: dict[str, Any] = {"seed": 5, "drift": 0.35}
OPEN_FILTERS = {"min_confidence": 0, "max_signals_per_minute": 1000, "max_correlation": 1}
Serve = Callable[..., TestClient]


@pytest.fixture
def written() -> StoredLedger:
    return StoredLedger()


@pytest.fixture
def serve(make_client: MakeClient, written: StoredLedger) -> Serve:
    """Return a function that starts a service, whose ledger is then `written`."""

    def start(**sections: dict[str, Any]) -> TestClient:
        written.client = make_client(**sections)
        return written.client

    return start


@pytest.fixture
def client(serve: Serve) -> TestClient:
    return serve(signals=OPEN_FILTERS)


def earlier(body: dict[str, Any], days: int = 3) -> dict[str, Any]:
    """Return the same body, its candles some days older."""
    moved = copy.deepcopy(body)
    for candles in moved["timeframe_data"].values():
        for candle in candles:
            candle["timestamp"] -= days * Timeframe.D1.ms
    return moved


def assert_given(entry: LedgerEntry, answer: dict[str, Any]) -> None:
    """Check that an entry says what the answer says."""
    risk = answer["risk_assessment"]
    assert entry.given is True
    assert entry.id == f"{answer['analysis_id']}.{entry.lane}"
    assert (entry.symbol, entry.timeframe) == (answer["symbol"], answer["timeframe"])
    assert (entry.side, entry.confidence) == (answer["signal"], answer["confidence"])
    assert (entry.stop, entry.target) == (risk["stop_loss_suggestion"], risk["take_profit_suggestion"])


def test_a_fresh_answer_is_an_entry_and_the_same_of_the_cache_a_repeat(
    client: TestClient, written: StoredLedger
) -> None:
    body = shape_a(**UP)
    before = now_ms()
    answer = analyzed(client, body, **{"x-request-id": "question-1"})
    entry = written.of(RULES)
    assert_given(entry, answer)
    assert (entry.side, entry.kind, entry.has_plan) == (Signal.LONG, EntryKind.SIDE, True)
    assert entry.price == body["current_price"]
    assert entry.target_first == answer["evidence"]["target_first"]
    assert entry.cost_bps == answer["evidence"]["cost_bps"]
    assert entry.closed_ms == body["timeframe_data"]["1h"][-1]["timestamp"] + Timeframe.H1.ms
    assert before <= entry.known_ms <= now_ms()
    assert (entry.origin, entry.request_id, entry.apart) == (Origin.API, "question-1", None)
    assert [analyzed(client, body)["cached"] for _ in range(2)] == [True, True]
    assert len(written.entries) == 1
    assert written.repeats == {entry.id: 2}


def test_a_neutral_is_an_entry_of_its_own_kind(client: TestClient, written: StoredLedger) -> None:
    answer = analyzed(client, shape_b(seed=3))
    assert answer["abstention"] == "no edge"
    entry = written.of(RULES)
    assert (entry.side, entry.kind, entry.has_plan, entry.target_first) == (
        Signal.NEUTRAL,
        EntryKind.NO_EDGE,
        False,
        None,
    )


def test_what_safe_mode_refuses_is_an_entry_that_says_so(client: TestClient, written: StoredLedger) -> None:
    assert client.post("/ai/safe-mode", json={"enabled": True, "reason": "a test"}).status_code == 200
    answer = analyzed(client, shape_a(**UP))
    assert_given(written.of(RULES), answer)
    assert written.of(RULES).kind is EntryKind.REFUSED


def test_other_forms_of_the_answer_are_entries_too(client: TestClient, written: StoredLedger) -> None:
    body = shape_b(**UP)
    percent = posted(client, "/api/v1/analyze", body)
    assert written.of(RULES).confidence == pytest.approx(percent["confidence"] / 100, abs=1e-4)
    chart = {"symbol": "ADAUSDT", "timeframe": "1h", "candles": body["timeframe_data"]["1h"]}
    posted(client, "/analyze", chart)
    assert [entry.symbol for entry in written.entries] == ["ETHUSDT", "ADAUSDT"]


def test_equal_questions_at_the_same_moment_are_one_fresh_entry(
    serve: Serve, fake_openai: FakeOpenAI, written: StoredLedger
) -> None:
    arrived, go_on = Event(), Event()

    def held(asked: CompletionRequest) -> Any:
        arrived.set()
        assert go_on.wait(30)
        return normal(asked)

    fake_openai.always = held
    client, body = serve(llm=llm_section(fake_openai.url)), shape_a(**UP)
    with ThreadPoolExecutor(4) as callers:
        first = callers.submit(analyzed, client, body)
        assert arrived.wait(30)
        others = [callers.submit(analyzed, client, body) for _ in range(3)]
        go_on.set()
        answers = [call.result() for call in (first, *others)]
    assert len({answer["analysis_id"] for answer in answers}) == len(fake_openai.asked) == 1
    assert len(written.given) == 1
    assert written.repeats == {written.given[0].id: 3}


def test_what_strangers_send_is_kept_apart(client: TestClient, written: StoredLedger) -> None:
    body = shape_b(**UP)
    answer = analyzed(client, body, **AS_STRANGER)
    assert analyzed(client, body, **AS_STRANGER)["cached"] is True
    entry = written.of(RULES)
    assert_given(entry, {**answer, "signal": entry.side.value})
    assert (entry.apart, entry.horizons) == (Apart.STRANGER, ())
    assert written.repeats == {entry.id: 1}


def test_spam_of_strangers_changes_no_figure_and_fills_no_disk(serve: Serve, written: StoredLedger) -> None:
    client = serve(ledger={"max_apart_per_day": 3}, rate_limits={"enabled": False})
    for seed in range(6):
        analyzed(client, shape_b(seed=seed), **AS_STRANGER)
        analyzed(client, shape_b(seed=seed), **AS_STRANGER)
    assert [entry.apart for entry in written.entries] == [Apart.STRANGER] * 3
    assert set(written.repeats) <= {entry.id for entry in written.entries}
    analyzed(client, shape_b(**UP))
    assert written.entries[-1].scored
    left_out = re.search(r'ledger_entries_left_out_total{apart="stranger"} (\S+)', client.get("/metrics").text)
    assert left_out is not None
    assert float(left_out.group(1)) >= 3


def test_stale_candles_are_kept_apart(client: TestClient, written: StoredLedger) -> None:
    body = earlier(shape_b(**UP))
    for _ in range(2):
        analyzed(client, body)
    assert [(entry.apart, entry.kind) for entry in written.entries] == [(Apart.STALE, EntryKind.NO_DATA)] * 2
    assert written.repeats == {}


def test_replays_leave_no_entry(client: TestClient, written: StoredLedger, tmp_path: Path) -> None:
    put_in_production(Registry(tmp_path / "models"), symbol="ETHUSDT")
    body = shape_b(count=200)
    as_of = body["timeframe_data"]["1h"][149]["timestamp"] + Timeframe.H1.ms
    for path in ("/ai/analyze", "/ai/analyze", "/ai/predict"):
        assert posted(client, path, body | {"as_of": as_of})["as_of"] == as_of
    assert (written.entries, written.repeats) == ([], {})


def test_synthetic_candles_are_kept_apart(client: TestClient, written: StoredLedger) -> None:
    assert analyzed(client, shape_c("BTCUSDT"))["source_data"] == "synthetic"
    entry = written.of(RULES)
    assert (entry.apart, entry.source_data) == (Apart.SYNTHETIC, DataSource.SYNTHETIC)
    analyzed(client, shape_c("BTCUSDT"), **AS_STRANGER)
    assert written.repeats == {entry.id: 1}


def test_candles_that_contradict_earlier_ones_are_kept_apart(client: TestClient, written: StoredLedger) -> None:
    body = shape_b(**UP)
    analyzed(client, body)
    other = copy.deepcopy(body)
    candle = other["timeframe_data"]["1h"][50]
    candle |= {name: candle[name] * 2 for name in ("open", "high", "low", "close")}
    analyzed(client, other)
    assert [entry.apart for entry in written.entries] == [None, Apart.CONTRADICTED]


def test_rules_model_and_llm_stand_on_the_same_candles(
    serve: Serve, fake_openai: FakeOpenAI, written: StoredLedger, tmp_path: Path
) -> None:
    version = put_in_production(Registry(tmp_path / "models"), symbol="ETHUSDT")
    fake_openai.always = wrong(signal="Short", confidence=0.83)
    client = serve(llm=llm_section(fake_openai.url))
    answer = analyzed(client, shape_b("1h", count=300, **UP))
    assert (answer["source"], answer["forecast"]["model_version"]) == ("llm", version)
    llm, rules, model = written.of(LLM), written.of(RULES), written.of(MODEL)
    assert (llm.given, llm.side, llm.cost_usd) == (True, Signal.SHORT, answer["cost_usd"])
    assert (llm.id, llm.confidence) == (f"{answer['analysis_id']}.llm", answer["confidence"])
    assert (llm.stop, llm.target) == (
        answer["risk_assessment"]["stop_loss_suggestion"],
        answer["risk_assessment"]["take_profit_suggestion"],
    )
    assert (rules.given, rules.side, rules.confidence) == (
        False,
        answer["lanes"]["rules"]["side"],
        answer["lanes"]["rules"]["confidence"],
    )
    assert rules.has_plan
    assert (model.given, model.side, model.probability_up, model.confidence) == (
        False,
        answer["lanes"]["model"]["side"],
        answer["lanes"]["model"]["probability"],
        answer["lanes"]["model"]["confidence"],
    )
    assert len({(entry.closed_ms, entry.price, entry.symbol, entry.timeframe) for entry in written.entries}) == 1
    assert len({entry.lane_id for entry in written.entries}) == 3


def test_where_the_llm_fails_the_answer_is_of_the_rules(
    serve: Serve, fake_openai: FakeOpenAI, written: StoredLedger
) -> None:
    fake_openai.always = behaviors.server_error
    analyzed(serve(llm=llm_section(fake_openai.url)), shape_a(**UP))
    assert [(entry.lane, entry.given) for entry in written.entries] == [(RULES, True)]


def test_prompts_and_words_are_not_written_down(serve: Serve, fake_openai: FakeOpenAI, written: StoredLedger) -> None:
    fake_openai.always = content(lambda reply: json.dumps(reply | {"reasoning": "XYZZY " * 5}))
    answer = analyzed(serve(llm=llm_section(fake_openai.url)), shape_a(**UP))
    assert "XYZZY" in answer["reasoning"]
    assert "XYZZY" not in repr(written.entries)


def test_a_weighted_model_makes_blends_and_stands_beside(serve: Serve, written: StoredLedger, tmp_path: Path) -> None:
    put_in_production(Registry(tmp_path / "models"), symbol="ETHUSDT")
    client = serve(analysis={"blend": "weighted"})
    answer = analyzed(client, shape_b("1h", count=300, **UP))
    assert answer["source"] == "ensemble"
    blend, rules = written.of(BLEND), written.of(RULES)
    assert (blend.given, blend.confidence, rules.given) == (True, answer["confidence"], False)
    assert rules.confidence == answer["lanes"]["rules"]["confidence"]
    assert written.of(MODEL).probability_up == answer["forecast"]["probability_up"]


def test_identities_of_the_lanes_are_stored(client: TestClient, written: StoredLedger) -> None:
    analyzed(client, shape_a(**UP))
    container = container_of(client)
    assert client.portal is not None
    client.portal.call(container.base.stores.documents.flush)
    stored = client.portal.call(container.base.stores.documents.get, LEDGER_LANES, written.of(RULES).lane_id)
    assert stored is not None
    assert (stored["lane"], stored["parts"]["indicators"]["rsi_period"]) == ("rules", 14)


def test_a_forecast_is_an_entry_of_the_model_and_the_same_again_a_repeat(
    client: TestClient, written: StoredLedger, tmp_path: Path
) -> None:
    put_in_production(Registry(tmp_path / "models"), symbol="ETHUSDT")
    body = shape_b("1h", count=300, **UP)
    answer = posted(client, "/ai/predict", body)
    posted(client, "/api/v1/predict", body)
    entry = written.of(MODEL)
    assert (entry.origin, entry.given, entry.apart, entry.has_plan) == (Origin.PREDICT, True, None, False)
    assert (entry.side, entry.probability_up, entry.confidence) == (
        answer["signal"],
        answer["probability_up"],
        answer["confidence"],
    )
    assert entry.closed_ms == body["timeframe_data"]["1h"][-1]["timestamp"] + Timeframe.H1.ms
    assert written.repeats == {entry.id: 1}
    posted(client, "/ai/predict", body, **AS_STRANGER)
    posted(client, "/ai/predict", earlier(body))
    assert [entry.apart for entry in written.entries] == [None, Apart.STRANGER, Apart.STALE]
    analysis = analyzed(client, body)
    (beside,) = [found for found in written.entries if found.id == f"{analysis['analysis_id']}.model"]
    assert (beside.lane, beside.lane_id, beside.closed_ms) == (MODEL, entry.lane_id, entry.closed_ms)


def test_a_signal_by_ticker_is_an_entry_of_the_model_and_a_price_alone_is_none(
    client: TestClient, written: StoredLedger, tmp_path: Path
) -> None:
    put_in_production(Registry(tmp_path / "models"), symbol="ETHUSDT", timeframe="4h")
    body = shape_b("4h", count=520, **UP)
    analyzed(client, body)  # its candles are kept, and read from the store
    client.get("/ai/storage/stats")  # waits for the write
    before, asked = written.entries, {"ticker": "ETHUSDT", "timeframe": "4h"}
    assert posted(client, "/api/v1/ml/predict/price", asked | {"steps": 30})["model_version"]
    assert written.entries == before
    told = posted(client, "/api/v1/ml/predict/signal", asked)
    posted(client, "/api/v1/ml/predict/comprehensive", asked)
    posted(client, "/api/v1/ml/predict/comprehensive", asked, **AS_STRANGER)
    entry, strangers = written.entries[len(before) :]
    assert (entry.lane, entry.origin, entry.given, entry.apart) == (MODEL, Origin.PREDICT, True, None)
    assert (entry.symbol, entry.timeframe, entry.source_data) == ("ETHUSDT", "4h", told["source_data"])
    assert entry.side == {"buy": "Long", "sell": "Short", "hold": "Neutral"}[told["signal"]]
    # Its bands are counted apart, once for the two trusted answers of the same close.
    found = client.get("/ai/lanes").json()["price_bands"]
    assert [(of["timeframe"], of["horizon"], of["coverage"], of["waiting"]) for of in found] == [
        ("4h", horizon, 0.9, 1) for horizon in (1, 4, 12, 24)
    ]
    assert entry.probability_up == told["probabilities"]["up"]
    assert entry.closed_ms == body["timeframe_data"]["4h"][-1]["timestamp"] + Timeframe.H4.ms
    assert written.repeats == {entry.id: 1}
    assert strangers.apart is Apart.STRANGER


def test_a_trend_is_an_entry_of_the_rules(client: TestClient, written: StoredLedger) -> None:
    analyzed(client, shape_b("4h", count=250, seed=5, drift=0.35))  # kept, and read from the store
    client.get("/ai/storage/stats")  # waits for the write
    asked = {"symbol": "ETHUSDT", "timeframe": "4h"}
    answer = posted(client, "/predict-trend", asked)
    posted(client, "/predict-trend", asked)
    _, entry = written.entries
    sides = {"Uptrend": "Long", "Downtrend": "Short", "Neutral": "Neutral"}
    assert (entry.side, entry.confidence) == (sides[answer["trend"]], answer["confidence"])
    assert (entry.lane, entry.origin, entry.timeframe) == (RULES, Origin.TREND, "4h")
    assert (entry.given, entry.apart, entry.has_plan) == (True, None, False)
    assert written.repeats == {entry.id: 1}
    posted(client, "/predict-trend", asked, **AS_STRANGER)
    assert [entry.apart for entry in written.entries] == [None, None, Apart.STRANGER]


def batch(drifts: dict[str, float]) -> dict[str, Any]:
    """Return a request for signals with the candles of markets, by their drift per candle."""
    frames = {
        symbol: {"15m": wire_candles(base_path(seed, drift), 240)}
        for seed, (symbol, drift) in enumerate(drifts.items(), 1)
    }
    return {"symbols": list(drifts), "timeframe_data": frames}


def test_signals_of_a_batch_are_entries_and_the_same_again_repeats(client: TestClient, written: StoredLedger) -> None:
    body = batch({"UPUSDT": 0.35, "DOWNUSDT": -0.35})
    answer = posted(client, "/ai/signals", body)
    entries = {entry.symbol: entry for entry in written.entries}
    for signal in answer["signals"]:
        entry = entries[signal["symbol"]]
        assert (entry.lane, entry.origin, entry.given, entry.apart) == (RULES, Origin.STREAM, True, None)
        assert (entry.side.upper(), entry.confidence) == (signal["direction"], signal["confidence"])
        assert (entry.stop, entry.target) == (
            signal["risk_metrics"].get("stop_loss"),
            signal["risk_metrics"].get("take_profit"),
        )
    assert len(entries) == len(written.entries) == 2
    assert all(signal["cached"] for signal in posted(client, "/ai/signals", body)["signals"])
    assert written.repeats == {entry.id: 1 for entry in written.entries}


def test_fetched_signals_of_the_cache_are_repeats(client: TestClient, written: StoredLedger) -> None:
    for _ in range(2):
        posted(client, "/ai/signals", {"symbols": ["BTCUSDT", "ETHUSDT"]})
    assert sorted(entry.symbol for entry in written.entries) == ["BTCUSDT", "ETHUSDT"]
    assert {entry.apart for entry in written.entries} == {Apart.SYNTHETIC}
    assert written.repeats == {entry.id: 1 for entry in written.entries}


def test_signals_that_a_filter_withholds_stand_beside(serve: Serve, written: StoredLedger) -> None:
    client = serve(signals=OPEN_FILTERS | {"min_confidence": 0.99})
    answer = posted(client, "/ai/signals", batch({"UPUSDT": 0.35}))
    assert [withheld["symbol"] for withheld in answer["withheld"]] == ["UPUSDT"]
    entry = written.of(RULES)
    assert (entry.given, entry.side, entry.has_plan) == (False, Signal.LONG, True)


def test_signals_that_a_guard_refuses_are_refused(client: TestClient, written: StoredLedger) -> None:
    assert client.post("/ai/safe-mode", json={"enabled": True, "reason": "a test"}).status_code == 200
    posted(client, "/ai/signals", batch({"UPUSDT": 0.35}))
    assert (written.of(RULES).given, written.of(RULES).kind) == (True, EntryKind.REFUSED)


def test_signals_of_strangers_are_kept_apart(client: TestClient, written: StoredLedger) -> None:
    posted(client, "/ai/signals", batch({"UPUSDT": 0.35}), **AS_STRANGER)
    assert [entry.apart for entry in written.entries] == [Apart.STRANGER]


def test_models_stand_beside_the_signals(client: TestClient, written: StoredLedger, registry: Registry) -> None:
    put_in_production(registry, ModelType.LSTM, symbol=ANY_SYMBOL, timeframe=Timeframe.M15)
    posted(client, "/ai/signals", batch({"UPUSDT": 0.35}))
    assert {(entry.lane, entry.given) for entry in written.entries} == {(RULES, True), (MODEL, False)}


def test_the_loop_writes_down_what_it_makes_and_callers_repeat_it(client: TestClient, written: StoredLedger) -> None:
    container = container_of(client)
    assert client.portal is not None
    made = client.portal.call(container.answers.analysis.refresh, "BTCUSDT")
    entry = written.of(RULES)
    assert (entry.id, entry.origin, entry.request_id) == (f"{made.analysis_id}.rules", Origin.LOOP, None)
    asked = shape_c("BTCUSDT", strategy_context={})
    assert analyzed(client, asked)["analysis_id"] == made.analysis_id
    assert written.repeats == {entry.id: 1}


def test_an_answer_that_outlived_a_restart_is_a_repeat(serve: Serve, written: StoredLedger) -> None:
    body = shape_b(**UP)
    first = serve()
    analyzed(first, body)
    first.get("/ai/storage/stats")  # waits for the write
    (entry,) = written.entries
    assert analyzed(serve(), body)["cached"] is True
    assert written.entries == [entry]
    assert written.repeats == {entry.id: 1}


def test_the_lanes_say_which_version_answers_and_what_it_changed(serve: Serve, written: StoredLedger) -> None:
    for sections in ({}, {"indicators": {"rsi_period": 9}}):
        client = serve(**sections)
        analyzed(client, shape_b(seed=7 + len(sections)))
        container = container_of(client)
        assert client.portal is not None
        client.portal.call(container.base.stores.documents.flush)
    answer = written.client.get("/ai/lanes").json()
    found = {lane["lane"]: lane["versions"] for lane in answer["lanes"]}
    assert [version["lane_id"] for version in found["rules"]] == [entry.lane_id for entry in reversed(written.entries)]
    assert found["rules"][0]["changed"] == [{"part": "indicators.rsi_period", "before": "14", "after": "9"}]
    assert found["rules"][1]["changed"] == []
    assert found["rules"][1]["since"] <= found["rules"][0]["since"] <= now_ms()
    assert found["llm"] == []
