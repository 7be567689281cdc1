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
from services.llm.calling.envelope import read_envelope, refusal_of, usage_of
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
        # a wrong key at Google and xAI
        (400, [{"error": {"code": 400, "message": "API key not valid. Please pass one."}}], CallOutcome.UNAUTHORIZED),
        (400, {"message": "Incorrect API key provided: ab***yz."}, CallOutcome.UNAUTHORIZED),
        # a model that is missing at Google, Groq, Azure, OpenRouter, Mistral, DeepSeek and vLLM
        (404, [{"error": {"code": 404, "message": f"models/x is not found. {'See' * 70}"}}], CallOutcome.MODEL_UNKNOWN),
        (400, {"code": "model_decommissioned"}, CallOutcome.MODEL_UNKNOWN),
        (404, {"code": "DeploymentNotFound", "message": "The API deployment is not there"}, CallOutcome.MODEL_UNKNOWN),
        (404, {"code": 404, "message": "No endpoints found for x/y."}, CallOutcome.MODEL_UNKNOWN),
        (400, {"code": 400, "message": "x/y is not a valid model ID"}, CallOutcome.MODEL_UNKNOWN),
        (400, {"type": "invalid_model", "code": "1500", "message": "Invalid model: x"}, CallOutcome.MODEL_UNKNOWN),
        (400, {"message": "Model Not Exist"}, CallOutcome.MODEL_UNKNOWN),
        (404, {"code": 404, "type": "NotFoundError", "message": "The model `x` is gone"}, CallOutcome.MODEL_UNKNOWN),
        (429, {"code": "billing_not_active"}, CallOutcome.QUOTA),
        (429, {"type": "exceeded_current_quota_error"}, CallOutcome.QUOTA),
        (400, {"message": 'Unknown name "$defs" at generation_config.response_schema'}, CallOutcome.FORMAT_REFUSED),
        (422, "`temperature` must be strictly positive", CallOutcome.PARAMETER_REFUSED),
        (400, {"message": "The model takes no max_tokens: unsupported, deprecated"}, CallOutcome.PARAMETER_REFUSED),
        # a limit that is too high is one under its other name too
        (400, {"param": "max_tokens", "message": "max_tokens is too large: 2000"}, CallOutcome.BAD_REQUEST),
        (400, {"message": "the model's context of 2048 is too short for max_tokens"}, CallOutcome.BAD_REQUEST),
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


def usage(**changes: Any) -> TokenUsage | None:
    tokens = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110} | changes
    return usage_of(json.dumps({"usage": tokens}).encode())


@pytest.mark.parametrize(
    ("total", "output"), [(110, 10), (400, 300), (None, 10), (0, 10), (90, 10)], ids=["OpenAI", "xAI", "-", "0", "odd"]
)
def test_thinking_that_only_the_total_counts_is_output(total: int | None, output: int) -> None:
    assert usage(total_tokens=total) == TokenUsage(100, 0, output)


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({"error": {"message": "Rate limited", "code": 429}}, (429, {"message": "Rate limited", "code": 429})),
        ({"error": "Unexpected endpoint or method."}, (400, "Unexpected endpoint or method.")),
        ({"error": {"code": 200}, "choices": None}, (400, {"code": 200})),
        ({"error": {"code": True}}, (400, {"code": True})),
        ({"error": None, "choices": []}, None),
        ({"error": {"code": 502}, "usage": {"prompt_tokens": 5}}, None),
        ({"error": {"code": 502}, "choices": [{"message": {"content": "Lo"}}]}, None),
        ([], None),
    ],
)
def test_an_error_with_status_200_is_one_unless_tokens_were_billed(body: Any, refusal: tuple[int, Any] | None) -> None:
    assert refusal_of(json.dumps(body).encode()) == refusal


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
