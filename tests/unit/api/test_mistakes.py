"""Bodies with very many mistakes: the list of them would take gigabytes, so it ends early."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pytest
from pydantic import ValidationError
from pydantic_core import to_json

import api.app  # noqa: F401 - with it come the bodies of all routes
from api.schemas.requests import AnalyzeRequest, RequestModel

MANY = 2_000
HOSTILE = {
    "numbers": [1] * MANY,
    "objects": [{}] * MANY,
    "unknown keys": {f"a{number}": [] for number in range(MANY)},
    "timeframes of objects": {"1h": [{}] * MANY},
    "symbols of unknown timeframes": {f"A{number}": {"x": []} for number in range(MANY)},
    "symbols of objects": {f"A{number}": {"1h": [{}]} for number in range(MANY)},
}


def bodies(kind: type[RequestModel] = RequestModel) -> Iterator[type[RequestModel]]:
    for body in kind.__subclasses__():
        yield body
        yield from bodies(body)


def mistakes(body: type[RequestModel], content: bytes) -> int:
    try:
        body.model_validate_json(content)
    except ValidationError as error:
        return error.error_count()
    return 0


@pytest.mark.parametrize("body", dict.fromkeys(bodies()), ids=lambda body: body.__name__)
def test_no_field_of_a_body_collects_very_many_mistakes(body: type[RequestModel]) -> None:
    for name, sent in product(body.model_fields, HOSTILE.values()):
        assert mistakes(body, to_json({name: sent})) < 100, name


def test_of_wrong_candles_the_first_is_named() -> None:
    assert mistakes(AnalyzeRequest, to_json({"timeframe_data": {"1h": [{}] * MANY}})) == 6 + 5
