"""The OpenAPI document as a newcomer reads it: examples that are real answers, words for everything, tags in order."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from fastapi.testclient import TestClient

from api.openapi import EXAMPLES_FILE
from tests.fixtures.openapi_document import openapi_document

pytest_plugins = ["tests.fixtures.operators"]

DOCS = Path(__file__).resolve().parents[2] / "docs"
EXAMPLES = json.loads(EXAMPLES_FILE.read_text())
# Prometheus' own text, pictures and files.
WITHOUT_JSON = {"metrics", "ledger_export", "model_card", "track_record_picture", "calibration_picture"}
PARAMETERS = {
    "{version}": "lstm_model_20260131_120000",
    "{job_id}": "0" * 32,
    "{ticker}": "BTCUSDT",
    "{symbol}": "BTCUSDT",
}


@cache
def operations() -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Return method, path and description of each operation by its id."""
    return {
        operation["operationId"]: (method.upper(), path, operation)
        for path, by in openapi_document()["paths"].items()
        for method, operation in by.items()
    }


def answer_of(operation: dict[str, Any]) -> dict[str, Any]:
    responses = operation["responses"].items()
    answer: dict[str, Any] = next(answer for status, answer in responses if status.startswith("2"))["content"]
    return dict(answer["application/json"])


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = openapi_document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def validator(schema: dict[str, Any]) -> Any:
    return jsonschema_rs.Draft202012Validator(schema | {"components": openapi_document()["components"]})


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_answer_has_an_example_that_has_its_schema_and_all_of_its_keys(name: str) -> None:
    answer = answer_of(operations()[name][2])
    examples = [example["value"] for example in answer["examples"].values()]
    choices = [resolved(choice) for choice in answer["schema"].get("anyOf", [answer["schema"]])]
    for example in examples:
        errors = [str(error) for error in validator(answer["schema"]).iter_errors(example)]
        assert errors == []
        if isinstance(example, dict):
            assert set(example) in [set(choice["properties"]) for choice in choices]
    assert len(examples) == len(choices)


def test_every_operation_has_examples_and_no_example_is_of_one_that_is_gone() -> None:
    assert EXAMPLES.keys() == operations().keys() - WITHOUT_JSON


def test_the_example_of_every_body_is_accepted(operator: TestClient) -> None:
    bodies = {
        name: described[2].get("requestBody", {"content": {}})["content"] for name, described in operations().items()
    }
    with_body = {name: described for name, described in operations().items() if "application/json" in bodies[name]}
    assert with_body
    for name, (method, path, operation) in with_body.items():
        for key, value in PARAMETERS.items():
            path = path.replace(key, value)
        examples = resolved(operation["requestBody"]["content"]["application/json"]["schema"])["examples"]
        assert examples
        for example in examples:
            answer = operator.request(method, path, json=example)
            named = [] if answer.is_success else [error["field"] for error in answer.json()["errors"]]
            assert not any(named), (name, answer.text)


def test_every_route_is_on_a_page_of_the_documentation() -> None:
    parameter = re.compile(r"\{\w+\}")
    pages = parameter.sub("{}", "".join(page.read_text() for page in DOCS.glob("*.md")))
    # Routes of forecasts by ticker stand in a table below their prefix.
    routes = [parameter.sub("{}", path).removeprefix("/api/v1/ml") for path in openapi_document()["paths"]]

    assert [route for route in routes if not re.search(rf"{re.escape(route)}(?![\w/{{-])", pages)] == []


def test_everything_is_described_and_tagged_in_the_order_a_newcomer_reads() -> None:
    document = openapi_document()
    assert [tag["name"] for tag in document["tags"]] == [
        "analysis",
        "predictions",
        "insights",
        "ledger",
        "jobs",
        "models",
        "reports",
        "llm",
        "storage",
        "system",
    ]
    known = {tag["name"] for tag in document["tags"]}
    for method, path, operation in operations().values():
        assert operation["summary"], path
        assert operation["description"], path
        assert known >= set(operation["tags"]) != set(), path
        problems = [answer for status, answer in operation["responses"].items() if not status.startswith("2")]
        assert all(list(answer["content"]) == ["application/problem+json"] for answer in problems), (method, path)
