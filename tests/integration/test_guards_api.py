"""The guards as a client sees them: each refusal with its number, and who moves what they remember."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from prometheus_client import REGISTRY

from demo.behaviors import wrong
from demo.openai_server import FakeOpenAI
from domain.market import CandleSeries, Timeframe
from domain.trading.gates import GateName
from services.analysis.service import AnalysisService
from tests.conftest import MakeClient
from tests.fixtures.answers import analyzed, posted
from tests.fixtures.bodies import base_path, shape_a, shape_b, shape_c, wire_candles
from tests.fixtures.candle_files import write_candles
from tests.fixtures.containers import container_of
from tests.fixtures.llm_clients import llm_section

pytest_plugins = ["tests.fixtures.openai_server"]

# From an address that no trusted proxy vouches for: a stranger.
AS_STRANGER = {"x-forwarded-for": "203.0.113.9"}
UP: dict[str, Any] = {"seed": 5, "drift": 0.35}
DOWN: dict[str, Any] = {"seed": 5, "drift": -0.35}
# The same market may then be posted with a rise and with a fall.
ANY_REVISION = {"max_revision_factor": 1000}
NO_TRADE = {"stop_loss_suggestion": None, "take_profit_suggestion": None, "recommended_position_size": 0}


def refused_by(answer: dict[str, Any], gate: str) -> str:
    """Return the reasoning of an answer that this gate alone refuses."""
    assert answer["signal"] in {"Neutral", "HOLD", "neutral"}
    assert [found["name"] for found in answer["gates"]] == list(GateName)
    assert [found["name"] for found in answer["gates"] if not found["passed"]] == [gate]
    assert {name: answer["risk_assessment"][name] for name in NO_TRADE} == NO_TRADE
    reasoning: str = answer["reasoning"]
    assert reasoning.startswith(f"Neutral: refused by {gate}: ")
    return reasoning


def value(answer: dict[str, Any], gate: str) -> tuple[float | None, float | None]:
    found = next(check for check in answer["gates"] if check["name"] == gate)
    return found["value"], found["needed"]


def with_holes(body: dict[str, Any], timeframe: str = "1h") -> dict[str, Any]:
    """Leave out every seventh candle."""
    holed = copy.deepcopy(body)
    candles = holed["timeframe_data"][timeframe]
    holed["timeframe_data"][timeframe] = [candle for at, candle in enumerate(candles) if at % 7 or at < 7]
    return holed


@pytest.mark.parametrize("shape", [shape_a, shape_b])
def test_every_answer_names_the_guards_and_why_it_is_neutral(client: TestClient, shape: Any) -> None:
    long = analyzed(client, shape(**UP))
    assert [(gate["name"], gate["passed"]) for gate in long["gates"]] == [(name, True) for name in GateName]
    assert long["abstention"] is None
    assert value(long, "enough_data") == (100, 60)
    noise = analyzed(client, shape(symbol="SOLUSDT", seed=3))
    assert (noise["signal"] in {"Neutral", "HOLD"}, noise["abstention"]) == (True, "no edge")
    percent = posted(client, "/api/v1/analyze", shape(**UP))
    assert (percent["gates"], percent["abstention"]) == (long["gates"], None)


def test_a_broken_series_is_no_data(client: TestClient) -> None:
    body = shape_b(**UP)
    for candle in body["timeframe_data"]["1h"][60:]:
        candle |= {name: candle[name] / 10 for name in ("open", "high", "low", "close")}
    body["current_price"] /= 10
    answer = analyzed(client, body)
    assert (answer["signal"], answer["abstention"]) == ("HOLD", "no data")
    assert value(answer, "unbroken_data") == (40, 60)


def test_too_many_missing_candles_are_refused(client: TestClient) -> None:
    answer = analyzed(client, with_holes(shape_b(count=120, **UP)))
    words = refused_by(answer, "complete_data")
    assert "of the candles on 1h are missing, at most 10.0% may be" in words
    assert (answer["abstention"], answer["lanes"]["rules"]["side"]) == ("no data", "Long")


def test_an_operator_may_need_more_candles_of_a_side(make_client: MakeClient) -> None:
    client = make_client(guards={"min_candles": 120})
    assert "100 candles on 1h count, 120 are needed" in refused_by(analyzed(client, shape_b(**UP)), "enough_data")
    assert analyzed(client, shape_b(count=120, **UP))["signal"].endswith("BUY")


@pytest.mark.parametrize("path", ["/ai/analyze", "/api/v1/analyze"])
def test_the_opposite_side_is_refused_until_candles_have_closed(make_client: MakeClient, path: str) -> None:
    client = make_client(analysis=ANY_REVISION)
    assert analyzed(client, shape_a(**UP))["signal"] == "Long"
    before = REGISTRY.get_sample_value("guard_refusals_total", {"gate": "cooldown"}) or 0.0
    answer = posted(client, path, shape_a(**DOWN))
    words = "Long was given 0 candles ago on 1h, 3 have to close before a Short. Short: the trend points down"
    assert words in refused_by(answer, "cooldown")
    assert value(answer, "cooldown") == (0, 3)
    assert (answer["abstention"], answer["lanes"]["rules"]["side"].lower()) == ("refused", "short")
    assert REGISTRY.get_sample_value("guard_refusals_total", {"gate": "cooldown"}) == before + 1
    again = posted(client, path, shape_a(**DOWN))
    assert (again["cached"], again["gates"]) == (True, answer["gates"])
    assert analyzed(client, shape_a(symbol="SOLUSDT", **DOWN))["signal"] == "Short"
    assert analyzed(client, shape_b("4h", **DOWN))["signal"].endswith("SELL")


def test_the_broadcast_names_the_guards_too(make_client: MakeClient) -> None:
    client = make_client(analysis=ANY_REVISION)
    analyzed(client, shape_a(**UP))
    with client.websocket_connect("/ws") as socket:
        socket.receive_json()
        answer = analyzed(client, shape_a(**DOWN))
        event = socket.receive_json()["data"]
    assert (event["signal"], event["abstention"], event["gates"]) == ("neutral", "refused", answer["gates"])


def test_what_was_given_outlives_a_restart(make_client: MakeClient) -> None:
    first = make_client(analysis=ANY_REVISION)
    analyzed(first, shape_a(**UP))
    first.__exit__(None, None, None)
    refused_by(analyzed(make_client(analysis=ANY_REVISION), shape_a(**DOWN)), "cooldown")


def test_one_bet_on_many_symbols_has_a_limit(make_client: MakeClient) -> None:
    client = make_client(guards={"max_exposure": 0.5})
    answers = [
        analyzed(client, shape_a(symbol=symbol, **UP)) for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT")
    ]
    size = answers[0]["risk_assessment"]["recommended_position_size"]
    assert size > 0
    allowed = int(0.5 / size)
    assert allowed < len(answers)
    assert [answer["signal"] for answer in answers] == ["Long"] * allowed + ["Neutral"] * (len(answers) - allowed)
    last = answers[-1]
    assert "of the capital would be on one bet, with the open Long of BTCUSDT" in refused_by(last, "exposure")
    assert list(value(last, "exposure")) == pytest.approx([size * (allowed + 1), 0.5])
    assert last["abstention"] == "refused"
    assert analyzed(client, shape_a(symbol="ADAUSDT", seed=8, drift=0.35))["signal"] == "Long"


def test_a_new_side_needs_more_confidence_than_a_kept_one(make_client: MakeClient) -> None:
    client = make_client(analysis=ANY_REVISION, guards={"hysteresis": 0.5, "cooldown_candles": 0})
    assert analyzed(client, shape_a(**DOWN))["signal"] == "Short"
    answer = analyzed(client, shape_a(**UP))
    confidence, needed = value(answer, "confidence")
    assert needed == 1
    assert f"the confidence is {confidence:.4g}, a new Long needs 1" in refused_by(answer, "confidence")
    assert answer["confidence"] == pytest.approx(1 - (confidence or 0), abs=1e-4)


def test_the_llm_is_guarded_as_the_rules_are(make_client: MakeClient, fake_openai: FakeOpenAI) -> None:
    client = make_client(
        analysis=ANY_REVISION, llm=llm_section(fake_openai.url), guards={"hysteresis": 0.5, "cooldown_candles": 0}
    )
    fake_openai.script(wrong(signal="Short"))
    assert analyzed(client, shape_a(**DOWN))["signal"] == "Short"
    answer = analyzed(client, shape_a(**UP))
    assert (answer["source"], answer["lanes"]["llm"]["side"]) == ("llm", "Long")
    refused_by(answer, "confidence")


def test_a_neutral_of_the_llm_has_no_edge(make_client: MakeClient, fake_openai: FakeOpenAI) -> None:
    client = make_client(llm=llm_section(fake_openai.url))
    fake_openai.script(wrong(signal="Neutral"))
    answer = analyzed(client, shape_a(**UP))
    assert (answer["source"], answer["signal"], answer["abstention"]) == ("llm", "Neutral", "no edge")
    assert answer["lanes"]["rules"]["side"] == "Long"


def test_a_stranger_moves_nothing(make_client: MakeClient) -> None:
    client = make_client(analysis=ANY_REVISION, guards={"max_exposure": 0.3})
    for symbol in ("ETHUSDT", "SOLUSDT", "XRPUSDT"):
        assert analyzed(client, shape_a(symbol=symbol, **UP), **AS_STRANGER)["signal"] == "Long"
    assert analyzed(client, shape_a(**DOWN))["signal"] == "Short"
    assert analyzed(client, shape_a(symbol="ADAUSDT", **UP))["signal"] == "Long"
    assert "refused by cooldown: Short was given" in analyzed(client, shape_b(**UP), **AS_STRANGER)["reasoning"]


def test_a_strangers_question_about_fetched_candles_counts_once_a_trusted_caller_is_answered_by_it(
    make_client: MakeClient, tmp_path: Path
) -> None:
    quarters = base_path(5, 0.35)
    write_candles(tmp_path / "ETHUSDT-1h.csv", quarters.resample(Timeframe.H1))
    sources = {"sources": ["files"], "files_path": str(tmp_path), "timeframes": ["1h"]}
    client = make_client(market_data=sources, analysis=ANY_REVISION)
    assert analyzed(client, shape_c(), **AS_STRANGER)["signal"] == "Long"
    assert analyzed(client, shape_b(**DOWN))["signal"].endswith("SELL")

    other = make_client(market_data=sources, analysis=ANY_REVISION, storage={"url": f"sqlite:///{tmp_path}/other.db"})
    assert analyzed(other, shape_c(), **AS_STRANGER)["signal"] == "Long"
    assert analyzed(other, shape_c())["cached"] is True
    refused_by(analyzed(other, shape_b(**DOWN)), "cooldown")


def test_the_services_own_analyses_are_remembered(make_client: MakeClient, tmp_path: Path) -> None:
    quarters: CandleSeries = base_path(5, 0.35)
    write_candles(tmp_path / "ETHUSDT-1h.csv", quarters.resample(Timeframe.H1))
    sources = {"sources": ["files"], "files_path": str(tmp_path), "timeframes": ["1h"]}
    client = make_client(market_data=sources, analysis=ANY_REVISION)
    analysis: AnalysisService = container_of(client).answers.analysis
    assert client.portal is not None
    assert client.portal.call(analysis.refresh, "ETHUSDT").signal == "Long"
    refused_by(analyzed(client, shape_b(**DOWN)), "cooldown")


def test_candles_that_contradict_those_posted_before_are_guarded_and_not_remembered(client: TestClient) -> None:
    assert analyzed(client, shape_a(**UP))["signal"] == "Long"
    answer = analyzed(client, shape_a(**DOWN))
    assert "they are not kept" in refused_by(answer, "cooldown")
    analyzed(client, shape_a(symbol="SOLUSDT", seed=3))
    assert "they are not kept" in analyzed(client, shape_a(symbol="SOLUSDT", **UP))["reasoning"]
    assert analyzed(client, shape_a(symbol="SOLUSDT", **DOWN))["signal"] == "Short"


def test_the_same_replay_gives_the_same_answer_whatever_was_given_since(make_client: MakeClient) -> None:
    client = make_client(analysis=ANY_REVISION, guards={"max_exposure": 0.3})
    body = shape_a(**DOWN)
    as_of = body["timeframe_data"]["15m"][-1]["timestamp"] + Timeframe.M15.ms
    own = {"analysis_id", "timestamp", "generated_at", "data_age_seconds"}

    def replayed() -> dict[str, Any]:
        return {key: found for key, found in analyzed(client, body | {"as_of": as_of}).items() if key not in own}

    before = replayed()
    assert before["signal"] == "Short"
    analyzed(client, shape_a(**UP))
    analyzed(client, shape_a(symbol="SOLUSDT", **DOWN))
    analyzed(client, shape_a(symbol="XRPUSDT", **DOWN))
    refused = analyzed(client, body)
    assert refused["signal"] == "Neutral"
    assert replayed() == before
    client.post("/ai/safe-mode", json={"enabled": True, "reason": "wrong prices"})
    assert replayed() == before


def test_a_batch_withholds_what_the_guards_refuse(make_client: MakeClient) -> None:
    open_filters = {"min_confidence": 0, "max_signals_per_minute": 1000, "max_correlation": 1}
    client = make_client(signals=open_filters, analysis=ANY_REVISION)

    def batch(seed: int, drift: float) -> dict[str, Any]:
        candles = wire_candles(base_path(seed, drift), 240)
        return posted(client, "/ai/signals", {"symbols": ["ETHUSDT"], "timeframe_data": {"ETHUSDT": {"15m": candles}}})

    assert [signal["direction"] for signal in batch(1, 0.35)["signals"]] == ["LONG"]
    (withheld,) = batch(2, -0.35)["withheld"]
    assert withheld["reason"] == (
        "refused by cooldown: Long was given 0 candles ago on 15m, 3 have to close before a Short"
    )
    refused_by(analyzed(client, shape_b("15m", count=240, seed=2, drift=-0.35)), "cooldown")
