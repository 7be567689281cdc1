"""Error replies and envelopes: what they mean, and that no bytes break the reading of them."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo.replies import reply_to
from services.llm.calling.calls import TokenUsage, Unusable
from services.llm.calling.envelope import read_envelope, usage_of
from services.llm.calling.failures import outcome_of
from services.llm.calling.key_ring import CallOutcome
from tests.fixtures.llm_clients import REPLY_SCHEMA

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=8), below, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("status", "error", "outcome"),
    [
        (401, {"code": "invalid_api_key"}, CallOutcome.UNAUTHORIZED),
        (403, {"code": None}, CallOutcome.FORBIDDEN),
        (429, {"code": None, "type": "insufficient_quota"}, CallOutcome.QUOTA),
        (429, {"code": "rate_limit_exceeded"}, CallOutcome.RATE_LIMITED),
        (429, "slow down", CallOutcome.RATE_LIMITED),
        (404, {"message": "The model `x` does not exist"}, CallOutcome.MODEL_UNKNOWN),
        (404, "Not Found", CallOutcome.BAD_REQUEST),
        (404, "<html>" + "model " * 100, CallOutcome.BAD_REQUEST),
        (400, {"param": "response_format"}, CallOutcome.FORMAT_REFUSED),
        (422, {"message": "json_schema is not supported"}, CallOutcome.FORMAT_REFUSED),
        (400, {"param": "max_tokens", "message": "Unsupported parameter"}, CallOutcome.PARAMETER_REFUSED),
        (400, {"message": "Unrecognized request argument supplied: reasoning_effort"}, CallOutcome.PARAMETER_REFUSED),
        (422, {"detail": [{"type": "extra_forbidden", "loc": ["temperature"]}]}, CallOutcome.PARAMETER_REFUSED),
        (400, {"message": "8000 tokens are too many beside max_tokens of 2000"}, CallOutcome.BAD_REQUEST),
        (400, {"param": "messages", "message": "unsupported role"}, CallOutcome.BAD_REQUEST),
        (408, None, CallOutcome.SERVER_ERROR),
        (503, None, CallOutcome.SERVER_ERROR),
        (529, None, CallOutcome.SERVER_ERROR),
        (418, None, CallOutcome.BAD_REQUEST),
    ],
)
def test_what_an_error_means(status: int, error: object, outcome: CallOutcome) -> None:
    assert outcome_of(status, error) is outcome


@given(st.integers(300, 599), JSON)
def test_any_error_means_something_that_is_no_answer(status: int, error: Any) -> None:
    assert outcome_of(status, error) is not CallOutcome.ANSWERED


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_no_bytes_break_the_reading(body: bytes) -> None:
    envelope = read_envelope(body)
    assert envelope.content or envelope.unusable
    usage = usage_of(body)
    assert usage is None or usage.cached_input <= usage.input


def test_the_tokens_of_an_unreadable_envelope_still_count() -> None:
    body = b'{"choices": "none", "usage": {"prompt_tokens": 10, "completion_tokens": 2}}'
    assert read_envelope(body).unusable is Unusable.MALFORMED
    assert usage_of(body) == TokenUsage(10, 0, 2)


def test_the_openai_package_is_imported_with_the_first_client() -> None:
    code = "import sys, services.llm.calling.client; sys.exit('openai' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def ask(facts: str, schema: dict[str, Any] | None = None) -> dict[str, Any]:
    body: dict[str, Any] = {"messages": [{"role": "system", "content": "x"}, {"role": "user", "content": facts}]}
    if schema:
        body["response_format"] = {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema}}
    return reply_to(body)


@pytest.mark.parametrize(
    ("facts", "signal", "confidence"),
    [
        ('{"rsi": 61.2, "macd_histogram": 3}', "Long", 0.7),
        ("1h RSI (14): 38.5\n4h RSI: 41\nMACD histogram = -2", "Short", 0.8),
        ("rsi_14: 60\nrsi: 40", "Neutral", 0.5),
        ("price: 61200", "Neutral", 0.5),
    ],
)
def test_the_demo_follows_its_rules(facts: str, signal: str, confidence: float) -> None:
    reply = ask(facts, dict(REPLY_SCHEMA.schema))
    assert (reply["signal"], reply["confidence"]) == (signal, confidence)
    assert "Demonstration" in reply["reasoning"]


def test_the_demo_fits_any_schema_of_the_strict_subset() -> None:
    level = {"type": "object", "properties": {"name": {"type": "string"}, "score": {"type": "number"}}}
    schema = {
        "type": "object",
        "$defs": {"Risk": {"type": "object", "properties": {"overall": {"enum": ["Low", "High"]}}}},
        "properties": {
            "trend": {"type": "string", "enum": ["Bullish", "Bearish", "Sideways"]},
            "scores": {"type": "array", "items": level},
            "stop": {"type": ["number", "null"]},
            "target": {"anyOf": [{"type": "number"}, {"type": "null"}]},
            "risk": {"$ref": "#/$defs/Risk"},
            "count": {"type": "integer"},
            "sure": {"type": "boolean"},
        },
    }
    assert ask("rsi: 70", schema) == {
        "trend": "Bullish",
        "scores": [],
        "stop": None,
        "target": None,
        "risk": {"overall": "Low"},
        "count": 0,
        "sure": False,
    }
