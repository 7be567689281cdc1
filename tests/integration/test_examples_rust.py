"""The engine in Rust, which no test compiles: its structs and the OpenAPI document, its bounds and `decide()`."""

from __future__ import annotations

import re
from typing import Any

import pytest
from trading_signal_client import decisions

from tests.fixtures.openapi_document import openapi_document
from tests.fixtures.service import ROOT

SOURCE = "".join((ROOT / "examples/rust_engine/src" / name).read_text() for name in ("main.rs", "signal.rs"))
STRUCTS = {
    name: dict(re.findall(r"^    (?:pub )?(\w+): (.+),$", fields, re.MULTILINE))
    for name, fields in re.findall(r"struct (\w+) \{\n(.+?)\n\}", SOURCE, re.DOTALL)
}
PLAIN = {"number": "f64", "integer": "i64", "string": "String", "boolean": "bool"}


def schema_of(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = openapi_document()["components"]["schemas"][name]
    return schema


def in_rust(schema: dict[str, Any]) -> str:
    """Return the type of Rust that holds what a schema describes."""
    match schema:
        case {"anyOf": [some, {"type": "null"}]}:
            return f"Option<{in_rust(some)}>"
        case {"$ref": reference}:
            name = reference.rpartition("/")[2]
            return in_rust(schema_of(name)) if "enum" in schema_of(name) else name.removesuffix("Body")
        case {"enum": [*values]} if {str(value).lower() for value in values} == {"long", "short", "neutral"}:
            return "Side"
        case {"type": "array", "items": items}:
            return f"Vec<{in_rust(items)}>"
        case {"type": "object", "additionalProperties": values}:
            return f"HashMap<String, {in_rust(values)}>"
    return PLAIN[schema["type"]]


@pytest.mark.parametrize(
    ("struct", "schema"),
    [
        ("Signal", "AnalyzeResponse"),
        ("Signal", "BroadcastSignal"),
        ("RiskAssessment", "RiskAssessment"),
        ("Gate", "Gate"),
        ("Evidence", "Evidence"),
        ("Problem", "Problem"),
        ("AnalyzeRequest", "AnalyzeRequest"),
        ("StrategyContext", "StrategyContext"),
        ("Candle", "CandleBody"),
    ],
)
def test_structs_have_the_types_of_the_document(struct: str, schema: str) -> None:
    fields = schema_of(schema)["properties"]
    wrong = {
        name: rust
        for name, rust in STRUCTS[struct].items()
        if (rust != in_rust(fields[name]) if name in fields else not rust.startswith("Option<"))
    }
    assert STRUCTS[struct]
    assert wrong == {}


@pytest.mark.parametrize(("struct", "schema"), [("AnalyzeRequest", "AnalyzeRequest"), ("Candle", "CandleBody")])
def test_requests_have_what_the_service_needs(struct: str, schema: str) -> None:
    assert STRUCTS[struct].keys() >= set(schema_of(schema)["required"])


def test_its_bounds_are_those_of_the_python_client() -> None:
    bounds = {name: float(value) for name, value in re.findall(r"const (\w+): f64 = ([\d.]+);", SOURCE)}
    assert bounds == {name: getattr(decisions, name) for name in bounds}
    assert bounds.keys() == {"PAYS_ITS_COSTS", "MAX_AGE_SECONDS", "CLOCK_SKEW_SECONDS"}
