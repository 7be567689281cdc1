"""Recorded answers become calls at the first open that they could be acted on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from backtesting.trading import recorded
from backtesting.trading.orders import Call, TradedMarket
from backtesting.trading.recorded import read_answers, recorded_calls
from backtesting.trading.simulation import simulate
from domain.errors import InvalidRequest
from domain.market import Timeframe
from domain.values import Signal
from rules.plans import HORIZON_CANDLES
from tests.fixtures.trading import START_MS, candles, terms

HOUR_MS = Timeframe.H1.ms
SERIES = candles([(100, 101, 99, 100)] * 5)


def answer(**changes: Any) -> dict[str, Any]:
    usual = {"timestamp": START_MS + HOUR_MS, "symbol": "BTCUSDT", "signal": "Long", "confidence": 0.7}
    return {**usual, "stop": 95.0, "target": 110.0, **changes}


def calls(*answers: dict[str, Any]) -> list[Call]:
    return recorded_calls(read_answers(json.dumps(answers).encode()), "BTCUSDT", SERIES, "llm")


def test_an_answer_at_a_close_is_filled_at_the_open_of_that_moment() -> None:
    (call,) = calls(answer())
    assert (call.position, call.side, call.stop, call.target) == (0, Signal.LONG, 95, 110)
    assert (call.confidence, call.ground, call.horizon_candles) == (0.7, "llm", HORIZON_CANDLES)
    (trade,) = simulate([TradedMarket("BTCUSDT", SERIES, [call])], terms()).trades
    assert trade.opened_ms == START_MS + HOUR_MS


def test_an_answer_within_a_candle_is_filled_at_the_next_open() -> None:
    (call,) = calls(answer(timestamp=START_MS + HOUR_MS + 1))
    assert call.position == 1


def test_of_several_answers_between_two_opens_the_last_one_counts() -> None:
    at = START_MS + HOUR_MS
    later, earlier = answer(timestamp=at + 20, signal="Short", stop=105, target=90), answer(timestamp=at + 10)
    assert [call.side for call in calls(later, earlier)] == [Signal.SHORT]
    withdrawn = answer(timestamp=at + 30, signal="Neutral", stop=None, target=None)
    assert calls(later, earlier, withdrawn) == []


def test_answers_before_the_first_candle_and_to_other_markets_are_left_out() -> None:
    assert calls(answer(timestamp=START_MS - 5), answer(timestamp=START_MS), answer(symbol="ETHUSDT")) == []


def test_calls_are_ascending_whatever_the_order_of_the_answers() -> None:
    found = calls(answer(timestamp=START_MS + 3 * HOUR_MS), answer(), answer(timestamp=START_MS + 2 * HOUR_MS))
    assert [call.position for call in found] == [0, 1, 2]


def test_answers_of_the_service_itself_are_read_with_the_moment_of_their_replay() -> None:
    risk = {"stop_loss_suggestion": 96.0, "take_profit_suggestion": 108.0, "recommended_position_size": 0.12}
    whole = {
        "symbol": "BTCUSDT",
        "signal": "Long",
        "confidence": 0.55,
        "reasoning": "The trend points up.",
        "risk_assessment": risk,
        "timestamp": START_MS + 10**9,
        "generated_at": START_MS + 10**9,
        "as_of": START_MS + 2 * HOUR_MS,
    }
    (call,) = calls(whole)
    assert (call.position, call.stop, call.target, call.size) == (1, 96, 108, 0.12)
    (call,) = calls({**whole, "as_of": None, "timestamp": START_MS + 3 * HOUR_MS})
    assert call.position == 2


def test_without_a_size_the_share_is_the_one_that_loses_a_hundredth_at_the_stop() -> None:
    (near,), (far,) = calls(answer(stop=99)), calls(answer(stop=90))
    assert [near.size, far.size] == pytest.approx([0.25, 0.1])
    (call,) = calls(answer(size=0.05))
    assert call.size == 0.05


@pytest.mark.parametrize("generated_at", ["2020-01-06T01:00:00Z", "2020-01-06T02:00:00+01:00", START_MS + HOUR_MS])
def test_times_are_milliseconds_or_iso(generated_at: object) -> None:
    keys = answer(generated_at=generated_at)
    del keys["timestamp"]
    (call,) = calls(keys)
    assert call.position == 0


def test_a_list_lines_and_one_object_are_read_alike() -> None:
    one, other = answer(), answer(timestamp=START_MS + 2 * HOUR_MS)
    as_list = read_answers(json.dumps([one, other], indent=1).encode())
    as_lines = read_answers(f"{json.dumps(one)}\n\n{json.dumps(other)}\n".encode())
    assert as_list == as_lines
    assert len(as_list) == 2
    assert read_answers(json.dumps(one, indent=2).encode()) == as_list[:1]
    assert read_answers(b"[]") == read_answers(b"") == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"signal": "Buy"}, "answer 2: signal: needs 'Long', 'Short' or 'Neutral'"),
        ({"confidence": 70}, "answer 2: confidence: needs at most 1"),
        ({"timestamp": 1_578_268_800}, "answer 2: moment_ms: 1578268800 is no time in epoch milliseconds"),
        ({"timestamp": True}, "answer 2: moment_ms: True is no time"),
        ({"timestamp": "2020-01-06T01:00:00"}, "has no offset from UTC"),
        ({"timestamp": "yesterday"}, "Invalid isoformat string"),
        ({"timestamp": None}, "has none of as_of, timestamp, generated_at"),
        ({"stop": None}, "a Long needs a stop on the losing side of its target, received stop None"),
        ({"stop": 111}, "received stop 111.0 and target 110.0"),
        ({"target": -1}, "answer 2: target"),
    ],
)
def test_an_answer_that_cannot_be_read_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        calls(answer(), answer(**changes))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"symbol": 1}\nnot json', "line 2 of the recorded answers is no JSON"),
        (b"[1, 2]", "answer 1: is no object"),
        (b'"text"', "answer 1: is no object"),
        (b"[" * 100_000, "line 1 of the recorded answers is no JSON"),
        (b"\xff\xfe", "line 1 of the recorded answers is no JSON"),
    ],
)
def test_a_file_that_holds_no_answers_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        read_answers(content)


def test_a_file_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorded, "MAX_BYTES", 10)
    with pytest.raises(InvalidRequest, match="at most 10 bytes, received 11"):
        read_answers(b" " * 11)
