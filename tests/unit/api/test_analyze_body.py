"""The fast parser only makes reading faster: what is read, and what is refused, the schema decides."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import msgspec
import pytest
from fastapi.exceptions import RequestValidationError
from hypothesis import given, settings
from hypothesis import strategies as st

from api.bodies.analyze_body import ANALYZE, PREDICT, BodyForm, read_query
from api.schemas.requests import AnalyzeRequest
from config.sources import load_settings
from domain.errors import AppError, InvalidMarketData
from domain.queries import NOTHING_SAID, AnalysisQuery, NewsSentiment
from tests.fixtures.bodies import now_ms, shape_a, shape_b, shape_c, shape_d

ANALYSIS = load_settings(environment={}).analysis
NOW_MS = 1_800_000_000_000

numbers = st.one_of(
    st.integers(-(10**20), 10**20),
    st.floats(),
    st.sampled_from([0, -0.0, 1e-13, 1e-12, 1e12, 1.1e12, 10**11 - 1, 10**11, 10**14 - 1, 10**14, 1e999, True]),
)
NEWS = ["overall_sentiment", "positive_count", "negative_count", "neutral_count", "fear_greed_index"]
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
    },
    optional={
        "as_of": st.sampled_from([1_700_003_600_000, 1_700_000_000_000, NOW_MS + 1]) | values,
        "strategy_context": st.fixed_dictionaries(
            {},
            optional={
                "selected_strategies": st.lists(st.sampled_from(["RSI Strategy", "x"]), max_size=2) | values,
                "active_strategies": st.lists(st.text(max_size=3), max_size=2) | values,
                "market_condition": st.text(max_size=201) | values,
                "user_preferences": st.dictionaries(st.text(max_size=2), values, max_size=2) | values,
                "news_sentiment": st.dictionaries(st.sampled_from(NEWS), values, max_size=3) | values,
            },
        )
        | values,
    },
)


def read(content: bytes, form: BodyForm = ANALYZE) -> tuple[AnalysisQuery, bool]:
    return read_query(content, ANALYSIS, NOW_MS, trusted=True, form=form, listening=True)


def as_plain(query: AnalysisQuery) -> dict[str, Any]:
    """Return what was read in a form that two parsers can be compared by."""
    snapshot = query.snapshot
    series = snapshot.series if snapshot else {}
    return {
        "symbol": query.symbol,
        "strategies": query.strategies,
        "numbers": (snapshot.price, snapshot.volume_24h, snapshot.as_of_ms) if snapshot else None,
        "candles": {
            name: [(c.timestamp, c.open, c.high, c.low, c.close, c.volume) for c in one.candles]
            for name, one in series.items()
        },
    }


def outcome(content: bytes, form: BodyForm) -> Any:
    """Return what reading gives: the query, or the kind of error."""
    try:
        query, engine = read(content, form)
    except (RequestValidationError, AppError) as error:
        return type(error)
    return as_plain(query), engine


@pytest.mark.parametrize("form", [ANALYZE, PREDICT])
@settings(max_examples=100)
@given(content=body)
def test_the_fast_parser_never_changes_what_the_schema_says(form: BodyForm, content: dict[str, Any]) -> None:
    text = json.dumps(content).encode()
    schema_alone = BodyForm(msgspec.json.Decoder(int), form.schema)  # the fast parser accepts no body at all
    assert outcome(text, form) == outcome(text, schema_alone)


def test_a_prediction_needs_no_context() -> None:
    content = shape_b()
    whole, _ = read(json.dumps(content).encode(), PREDICT)
    for without in ({**content, "strategy_context": None}, {k: content[k] for k in content if k != "strategy_context"}):
        query, _ = read(json.dumps(without).encode(), PREDICT)
        assert as_plain(query) == as_plain(whole)
        with pytest.raises(RequestValidationError, match="strategy_context"):
            read(json.dumps(without).encode())


@pytest.mark.parametrize("shape", [shape_a, shape_b, shape_c, shape_d])
def test_real_bodies_take_the_fast_way(shape: Any) -> None:
    with patch.object(AnalyzeRequest, "model_validate_json", side_effect=AssertionError("the slow way")):
        read_query(json.dumps(shape()).encode(), ANALYSIS, now_ms(), trusted=True)


def test_a_replay_takes_the_fast_way_and_has_only_what_had_closed() -> None:
    content = shape_a()
    as_of = content["timeframe_data"]["15m"][-9]["timestamp"]
    with patch.object(AnalyzeRequest, "model_validate_json", side_effect=AssertionError("the slow way")):
        query, _ = read_query(
            json.dumps(content | {"as_of": as_of, "current_price": 0}).encode(), ANALYSIS, now_ms(), trusted=True
        )
    assert query.snapshot is not None
    closes = {timeframe: series.last_close_ms for timeframe, series in query.snapshot.series.items()}
    assert closes == {timeframe: as_of // timeframe.ms * timeframe.ms for timeframe in closes}
    assert len(closes) == 4
    assert query.snapshot.price == content["timeframe_data"]["15m"][-10]["close"]
    assert query.snapshot.as_of_ms == as_of


def test_the_other_name_of_the_time_is_read_too() -> None:
    content = shape_b()
    expected = read_query(json.dumps(content).encode(), ANALYSIS, now_ms(), trusted=True)
    for row in content["timeframe_data"]["1h"]:
        row["open_time"] = row.pop("timestamp")
    other = read_query(json.dumps(content).encode(), ANALYSIS, now_ms(), trusted=True)
    assert as_plain(other[0]) == as_plain(expected[0])


def test_a_rounding_step_of_a_high_passes_and_more_is_refused() -> None:
    content = shape_b()
    last = content["timeframe_data"]["1h"][-1]
    top = max(last["open"], last["close"])
    last["high"] = math.nextafter(top, 0)
    query, _ = read(json.dumps(content).encode())
    assert query.snapshot is not None
    assert next(iter(query.snapshot.series.values())).highs[-1] == top
    last["high"] = top * (1 - 1e-7)
    with pytest.raises(InvalidMarketData, match="1h candle 99 is impossible"):
        read(json.dumps(content).encode())


def test_candles_kept_from_an_earlier_request_are_still_held_to_the_clock() -> None:
    text = json.dumps(shape_b()).encode()
    read_query(text, ANALYSIS, now_ms(), trusted=True)
    with pytest.raises(InvalidMarketData, match="future"):
        read_query(text, ANALYSIS, now_ms() - 86_400_000, trusted=True)


def test_only_the_engines_own_loop_is_an_engine_call() -> None:
    def is_engine_call(content: dict[str, Any]) -> bool:
        return read_query(json.dumps(content).encode(), ANALYSIS, now_ms(), trusted=True)[1]

    assert is_engine_call(shape_b())
    assert not is_engine_call(shape_a())
    assert not is_engine_call(shape_c())
    both = shape_b()
    both["strategy_context"]["selected_strategies"] = ["RSI Strategy"]
    assert not is_engine_call(both)


def test_what_the_client_says_reaches_those_who_listen_and_is_a_key_of_its_own() -> None:
    body = shape_a()
    body["strategy_context"] |= {
        "news_sentiment": {"overall_sentiment": "calm", "negative_count": 2, "fear_greed_index": 40},
        "user_preferences": {"b": 1, "a": "x" * 500, "nested": {}, "huge": 1e300},
    }
    query, _ = read(json.dumps(body).encode())
    said = query.client
    assert (said.market_condition, said.risk_level) == ("Bullish", "Moderate")
    assert said.preferences == (("a", "x" * 200), ("b", 1))
    assert said.news == NewsSentiment(overall="calm", negative=2, fear_greed=40.0)
    deaf, _ = read_query(json.dumps(body).encode(), ANALYSIS, NOW_MS, trusted=True)
    assert deaf.client == NOTHING_SAID
    assert deaf.cache_key != query.cache_key
    body["strategy_context"]["news_sentiment"]["fear_greed_index"] = 60
    assert read(json.dumps(body).encode())[0].cache_key != query.cache_key
    assert query.cache_key == replace(query).cache_key
