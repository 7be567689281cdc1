"""The demonstration's reply to a prompt, by simple rules without a model.

Every RSI over 55 in the prompt votes for Long, every RSI under 45 for Short; so does every MACD
histogram over or under 0. Client data is left out. The majority decides, a tie is Neutral.
Confidence is 0.5, and 0.1 more for each vote of the majority's lead, up to 0.9. The reply is filled
into the JSON schema that the request carries, by the names of its properties.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# "rsi": 61.2, RSI(14) = 61.2, macd_histogram: -3
_VALUE = r"[\w ()]*[\"']?\s*[:=]\s*(-?\d+(?:\.\d+)?)"
_CLIENT_DATA = re.compile(r"<client_data>.*?</client_data>", re.DOTALL)
_RSI = re.compile(r"\brsi" + _VALUE, re.IGNORECASE)
_HISTOGRAM = re.compile(r"histogram" + _VALUE, re.IGNORECASE)
_RSI_HIGH, _RSI_LOW = 55.0, 45.0
_SIGNALS = {1: ("long", "buy", "bullish"), 0: ("neutral", "hold", "sideways"), -1: ("short", "sell", "bearish")}
_WORDS = {1: "a rise", 0: "neither side", -1: "a fall"}
_PLAIN_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "signal": {"enum": ["Long", "Short", "Neutral"]},
        "confidence": {"type": "number"},
        "reasoning": {"type": "string"},
    },
}


def reply_to(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the reply to a chat completion request, as the object that its schema asks for."""
    messages = [str(message.get("content", "")) for message in body.get("messages", [])]
    facts = _CLIENT_DATA.sub("", messages[-1]) if messages else ""
    strengths = [float(text) for text in _RSI.findall(facts)]
    momenta = [float(text) for text in _HISTOGRAM.findall(facts)]
    votes = [(rsi > _RSI_HIGH) - (rsi < _RSI_LOW) for rsi in strengths] + [(m > 0) - (m < 0) for m in momenta]
    lead = sum(votes)
    direction = (lead > 0) - (lead < 0)
    schema = _schema(body, messages)
    rules = _Found(
        direction,
        round(min(0.5 + 0.1 * abs(lead), 0.9), 2),
        _said(strengths, direction),
        schema.get("$defs", {}),
    )
    return dict(rules.value(schema))


def _said(strengths: list[float], direction: int) -> str:
    words = "Demonstration by simple rules, no model was asked."
    values = ", ".join(f"{value:g}" for value in strengths)
    return f"{words} RSI: {values}. Together they speak for {_WORDS[direction]}." if strengths else words


def _schema(body: Mapping[str, Any], messages: list[str]) -> dict[str, Any]:
    """Return the schema that the request carries: as its format, or at the end of its instructions."""
    response_format = body.get("response_format") or {}
    if response_format.get("type") == "json_schema":
        return dict(response_format["json_schema"]["schema"])
    found = re.search(r'^\{.*"properties".*\}$', messages[0] if messages else "", re.MULTILINE)
    return dict(json.loads(found.group())) if found else _PLAIN_SCHEMA


@dataclass(frozen=True)
class _Found:
    """The result of the rules, and its form in the terms of a schema."""

    direction: int
    confidence: float
    reasoning: str
    definitions: Mapping[str, Any]

    def value(self, schema: Mapping[str, Any], name: str = "") -> Any:
        """Return a value of the schema, chosen by the name of the property that it is for."""
        if "$ref" in schema:
            return self.value(self.definitions[schema["$ref"].rpartition("/")[2]], name)
        if "enum" in schema:
            fitting = [value for value in schema["enum"] if str(value).lower() in _SIGNALS[self.direction]]
            return (fitting or schema["enum"])[0]
        kinds = schema.get("type", "")
        if "null" in kinds or any(option.get("type") == "null" for option in schema.get("anyOf", ())):
            return None
        match kinds:
            case "object":
                return {key: self.value(below, key) for key, below in schema.get("properties", {}).items()}
            case "array":
                return []
            case "string":
                return self.reasoning
            case "boolean":
                return False
            case "integer":
                return int(schema.get("minimum", 0))
            case _:
                return self.confidence if name == "confidence" else 0.5
