"""The fast parser accepts a subset of what the schema accepts, and reads it the same."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from fastapi.exceptions import RequestValidationError
from hypothesis import given, settings
from hypothesis import strategies as st

from api.analyze_body import _decoder, is_engine_call, parse_body
from api.schemas.requests import AnalyzeRequest
from tests.fixtures.bodies import shape_a, shape_b, shape_c, shape_d

numbers = st.one_of(
    st.integers(-(10**20), 10**20),
    st.floats(),
    st.sampled_from([0, -0.0, 1e-13, 1e-12, 1e12, 1.1e12, 10**11 - 1, 10**11, 10**14 - 1, 10**14, 1e999, True]),
)
values = numbers | st.none() | st.text(max_size=5) | st.lists(numbers, max_size=2)
candle = st.fixed_dictionaries(
    {name: st.just(10.0) | values for name in ("open", "high", "low", "close", "volume")},
    optional={"timestamp": st.just(1_700_000_000_000) | values, "open_time": st.just(1_700_000_000_000) | values},
)
body = st.fixed_dictionaries(
    {
        "symbol": st.sampled_from(["BTCUSDT", "btc", "BTC\n", "A" * 21, ""]) | values,
        "timeframe_data": st.dictionaries(st.sampled_from(["1h", "4h", "2h"]), st.lists(candle, max_size=2), max_size=2)
        | values,
        "current_price": st.just(10.0) | values,
        "volume_24h": st.just(10.0) | values,
        "timestamp": st.just(1_700_000_000_000) | values,
        "strategy_context": st.fixed_dictionaries(
            {},
            optional={
                "selected_strategies": st.lists(st.sampled_from(["RSI Strategy", "x"]), max_size=2) | values,
                "active_strategies": st.lists(st.text(max_size=3), max_size=2) | values,
                "market_condition": st.text(max_size=201) | values,
                "user_preferences": st.dictionaries(st.text(max_size=2), values, max_size=2) | values,
            },
        )
        | values,
    }
)


def as_plain(request: Any) -> dict[str, Any]:
    """Return what both parsers read, in one form."""
    context = request.strategy_context
    return {
        "symbol": request.symbol,
        "frames": {
            str(name): [(c.timestamp, c.open, c.high, c.low, c.close, c.volume) for c in rows]
            for name, rows in request.timeframe_data.items()
        },
        "numbers": (request.current_price, request.volume_24h, request.timestamp),
        "strategies": (context.selected_strategies, context.active_strategies),
    }


@settings(max_examples=500, deadline=None)
@given(body)
def test_what_the_fast_parser_reads_the_schema_reads_the_same(content: dict[str, Any]) -> None:
    text = json.dumps(content).encode()
    try:
        parsed = parse_body(text)
    except RequestValidationError:
        return
    assert as_plain(AnalyzeRequest.model_validate_json(text)) == as_plain(parsed)


@pytest.mark.parametrize("shape", [shape_a, shape_b, shape_c, shape_d])
def test_real_bodies_take_the_fast_way(shape: Any) -> None:
    _decoder.decode(json.dumps(shape()).encode())


def test_the_other_name_of_the_time_takes_the_schemas_way() -> None:
    text = json.dumps(shape_b()).replace('"timestamp": ', '"open_time": ', 100).encode()
    with pytest.raises(msgspec.ValidationError):
        _decoder.decode(text)
    assert len(parse_body(text).timeframe_data) == 1


def test_only_the_engines_own_loop_is_an_engine_call() -> None:
    def parsed(content: dict[str, Any]) -> bool:
        return is_engine_call(parse_body(json.dumps(content).encode()))

    assert parsed(shape_b())
    assert not parsed(shape_a())
    assert not parsed(shape_c())
    both = shape_b()
    both["strategy_context"]["selected_strategies"] = ["RSI Strategy"]
    assert not parsed(both)
