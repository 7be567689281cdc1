"""The OpenAPI document as a newcomer reads it: examples that are real answers, words for everything, tags in order."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest
from fastapi.testclient import TestClient

from api.openapi import EXAMPLES_FILE
from tests.fixtures.openapi_document import openapi_document

pytest_plugins = ["tests.fixtures.operators"]

document = openapi_document()
OPERATIONS = {
    each["operationId"]: (method.upper(), path, each)
    for path, by in document["paths"].items()
    for method, each in by.items()
}
WITH_BODY = [name for name, (_, _, each) in OPERATIONS.items() if "requestBody" in each]
# Prometheus' own text, and pictures.
WITHOUT_JSON = {"metrics", "track_record_picture", "calibration_picture"}
PARAMETERS = {
    "{version}": "lstm_model_20260131_120000",
    "{job_id}": "0" * 32,
    "{ticker}": "BTCUSDT",
    "{symbol}": "BTCUSDT",
}


def answer_of(operation: dict[str, Any]) -> dict[str, Any]:
    responses = operation["responses"].items()
    answer: dict[str, Any] = next(each for status, each in responses if status.startswith("2"))["content"]
    return dict(answer["application/json"])


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def validator(schema: dict[str, Any]) -> Any:
    return jsonschema_rs.Draft202012Validator(schema | {"components": document["components"]})


@pytest.mark.parametrize("name", sorted(OPERATIONS.keys() - WITHOUT_JSON))
def test_every_answer_has_an_example_that_has_its_schema_and_all_of_its_keys(name: str) -> None:
    answer = answer_of(OPERATIONS[name][2])
    examples = [each["value"] for each in answer["examples"].values()]
    choices = [resolved(each) for each in answer["schema"].get("anyOf", [answer["schema"]])]
    for example in examples:
        errors = [str(error) for error in validator(answer["schema"]).iter_errors(example)]
        assert errors == []
        if isinstance(example, dict):
            assert set(example) in [set(choice["properties"]) for choice in choices]
    assert len(examples) == len(choices)


def test_no_example_is_of_an_operation_that_is_gone() -> None:
    assert json.loads(EXAMPLES_FILE.read_text()).keys() == OPERATIONS.keys() - WITHOUT_JSON


@pytest.mark.parametrize("name", WITH_BODY)
def test_the_example_of_a_body_is_accepted(operator: TestClient, name: str) -> None:
    method, path, operation = OPERATIONS[name]
    for key, value in PARAMETERS.items():
        path = path.replace(key, value)
    (example,) = resolved(operation["requestBody"]["content"]["application/json"]["schema"])["examples"]
    answer = operator.request(method, path, json=example)
    assert answer.is_success or answer.json()["errors"] == [], answer.text  # fields at fault


def test_everything_is_described_and_tagged_in_the_order_a_newcomer_reads() -> None:
    assert [tag["name"] for tag in document["tags"]] == [
        "analysis",
        "predictions",
        "insights",
        "ledger",
        "jobs",
        "models",
        "llm",
        "storage",
        "system",
    ]
    known = {tag["name"] for tag in document["tags"]}
    for method, path, operation in OPERATIONS.values():
        assert operation["summary"], path
        assert operation["description"], path
        assert known >= set(operation["tags"]) != set(), path
        problems = [each for status, each in operation["responses"].items() if not status.startswith("2")]
        assert all(list(each["content"]) == ["application/problem+json"] for each in problems), (method, path)
