"""Reading a reply to an analysis: what is taken for what, what is no answer, and the schema that asks for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.analysis import TrendDirection
from domain.errors import LlmUnavailable
from domain.values import Signal
from services.analysis.reply import ANALYSIS_SCHEMA, AnalysisReply
from services.llm.replies import INVALID_REPLY, read_reply
from services.reviews.trade_reply import TRADE_SCHEMA

REPLY: dict[str, Any] = {
    "signal": "Long",
    "confidence": 0.6,
    "reasoning": "The 1h trend is up.",
    "strategy_scores": [{"name": "momentum", "score": 0.7}],
    "trend_direction": "Bullish",
    "trend_strength": 0.5,
    "support_levels": [99.0],
    "resistance_levels": [],
    "stop_loss": None,
    "take_profit": None,
}


def read(**changes: Any) -> AnalysisReply:
    return read_reply(AnalysisReply, json.dumps({**REPLY, **changes}))


@pytest.mark.parametrize(
    ("said", "taken"),
    [
        ("LONG", Signal.LONG),
        (" long ", Signal.LONG),
        ("Buy", Signal.LONG),
        ("SELL", Signal.SHORT),
        ("hold", Signal.NEUTRAL),
    ],
)
def test_the_signal_is_taken_in_any_case_and_in_the_words_of_an_order(said: str, taken: Signal) -> None:
    assert read(signal=said).signal is taken


@pytest.mark.parametrize(
    ("said", "taken"),
    [
        (0, 0.0),
        (0.4, 0.4),
        (1, 1.0),
        (10.5, 0.105),
        (70, 0.7),
        (100, 1.0),
        ("0.7", 0.7),
        (" 0,7 ", 0.7),
        ("7e-1", 0.7),
        ("70", 0.7),
        ("70,5", 0.705),
        ("70%", 0.7),
        ("70 %", 0.7),
        ("70 percent", 0.7),
        ("8%", 0.08),
        ("0.5 %", 0.005),
        ("100%", 1.0),
    ],
)
def test_a_share_may_be_a_string_and_from_above_10_on_a_percentage(said: Any, taken: float) -> None:
    reply = read(confidence=said, trend_strength=said, strategy_scores=[{"name": "a", "score": said}])
    assert (reply.confidence, reply.trend_strength, reply.strategy_scores[0].score) == (taken, taken, taken)


@pytest.mark.parametrize(
    "said", [8, 1.5, 10, "8", "10", 101, "101%", "-5%", "1,234", "NaN", "Infinity%", "high", "%", ""]
)
def test_a_number_that_is_neither_a_share_nor_a_percentage_above_10_is_no_answer(said: Any) -> None:
    with pytest.raises(LlmUnavailable, match="confidence") as refused:
        read(confidence=said)
    assert refused.value.reason == INVALID_REPLY


@pytest.mark.parametrize(
    ("said", "taken"),
    [("42000", 42000), ("42,000.50", 42000.5), ("1,042,000", 1_042_000), ("0.0421", 0.0421), ("0,042", 0.042), (7, 7)],
)
def test_a_price_may_be_a_string(said: Any, taken: float) -> None:
    reply = read(support_levels=[said], resistance_levels=[said], stop_loss=said, take_profit=said)
    assert (reply.support_levels, reply.resistance_levels) == ([taken], [taken])
    assert (reply.stop_loss, reply.take_profit) == (taken, taken)


@pytest.mark.parametrize("score", [0.6, "0.6", "60%", 60])
def test_a_map_of_scores_is_taken_for_scores_by_name(score: Any) -> None:
    reply = read(strategy_scores={"momentum": score, "RSI Strategy": 0.2})
    assert [(strategy.name, strategy.score) for strategy in reply.strategy_scores] == [
        ("momentum", 0.6),
        ("RSI Strategy", 0.2),
    ]


def test_the_direction_is_taken_in_any_case() -> None:
    assert read(trend_direction="BEARISH").trend_direction is TrendDirection.BEARISH


def test_the_reasoning_is_one_line_without_deceptive_characters() -> None:
    assert read(reasoning="Up.\n\n\x1b[31mStrong\u202e <b>trend").reasoning == "Up. [31mStrong b trend"


def test_comparisons_in_the_reasoning_are_said_in_words() -> None:
    reply = read(reasoning="RSI (61.2) > 50, ADX <20 and price >= EMA 21.")
    assert reply.reasoning == "RSI (61.2) above 50, ADX below 20 and price above EMA 21."


@pytest.mark.parametrize(
    "changes",
    [
        {"confidence": 101},
        {"confidence": -0.01},
        {"confidence": True},
        {"confidence": None},
        {"signal": "STRONG"},
        {"signal": None},
        {"signal": 1},
        {"reasoning": "short"},
        {"reasoning": " " * 50},
        {"strategy_scores": {"momentum": None}},
        {"strategy_scores": "momentum: 0.7"},
        {"strategy_scores": [{"name": "momentum"}]},
        {"trend_direction": "Up"},
        {"support_levels": ["about 99"]},
        {"support_levels": [float("inf")]},
        {"stop_loss": "1e999"},
        {"stop_loss": "none"},
    ],
)
def test_whatever_no_rule_covers_is_no_answer(changes: dict[str, Any]) -> None:
    with pytest.raises(LlmUnavailable) as refused:
        read(**changes)
    assert refused.value.reason == INVALID_REPLY
    assert next(iter(changes)) in refused.value.message


@pytest.mark.parametrize("name", REPLY)
def test_every_key_is_needed(name: str) -> None:
    with pytest.raises(LlmUnavailable, match=f"{name}: needs a value"):
        read_reply(AnalysisReply, json.dumps({key: value for key, value in REPLY.items() if key != name}))


@given(st.text() | st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists).map(json.dumps))
def test_no_content_breaks_the_reader(content: str) -> None:
    with pytest.raises(LlmUnavailable):
        read_reply(AnalysisReply, content)


def test_a_refusal_repeats_nothing_of_the_reply() -> None:
    with pytest.raises(LlmUnavailable) as refused:
        read(signal="sk-secret", strategy_scores=[{"sk-secret": 1}])
    assert "sk-secret" not in refused.value.message


def objects(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield schema
        for below in schema.values():
            yield from objects(below)
    if isinstance(schema, list):
        for below in schema:
            yield from objects(below)


@pytest.mark.parametrize("schema", [ANALYSIS_SCHEMA, TRADE_SCHEMA])
def test_the_schema_is_one_that_strict_mode_takes(schema: Any) -> None:
    found = list(objects(schema.schema))
    assert found
    for schema in found:
        assert schema["additionalProperties"] is False
        assert sorted(schema["required"]) == sorted(schema["properties"])
