"""freqtrade's candles to signals and back, against a running service; the strategy itself needs freqtrade."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, cast

import numpy as np
import pandas as pd
import pytest
from trading_signal_client import Client, Decision, answers, calls, decide

from domain.market import Timeframe
from examples.freqtrade_bot.signal_reader import (
    CANDLES,
    NOT_ASKED,
    SignalReader,
    SignalsUnavailable,
    candles_of,
    columns_of,
    symbol_of,
)
from servers.process import free_port
from tests.fixtures.bodies import base_path, wire_candles
from tests.fixtures.service import Service, running_service

HOUR: answers.Timeframe = "1h"
ANY_CONFIDENCE = 0.0


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with running_service(RATE_LIMITS="off") as running:
        yield running


@pytest.fixture(scope="module")
def candles() -> list[calls.Candle]:
    series = base_path(seed=3, drift=0.0005, count=4 * 270).resample(Timeframe.H1)
    return cast("list[calls.Candle]", wire_candles(series, 262))


@pytest.mark.parametrize("pair", ["BTC/USDT", "BTC/USDT:USDT"])
def test_pairs_of_freqtrade_are_symbols_of_the_service(pair: str) -> None:
    assert symbol_of(pair) == "BTCUSDT"


@pytest.mark.parametrize("unit", ["ns", "ms"])
def test_rows_of_freqtrade_are_candles_of_the_service(candles: list[calls.Candle], unit: Literal["ns", "ms"]) -> None:
    rows = pd.DataFrame(candles)
    rows["date"] = pd.to_datetime(rows.pop("timestamp"), unit="ms", utc=True).dt.as_unit(unit)
    assert candles_of(rows) == candles


def test_decisions_are_entries_exits_and_levels() -> None:
    columns = columns_of(
        [Decision("Long", "up", 95.0, 110.0), Decision(None, "flat"), Decision("Short", "down", 9.0, 5.0)]
    )
    assert (columns["enter_long"], columns["exit_short"]) == ([1, 0, 0], [1, 0, 0])
    assert (columns["enter_short"], columns["exit_long"]) == ([0, 0, 1], [0, 0, 1])
    np.testing.assert_equal(columns["signal_stop"], [95.0, np.nan, 9.0])
    np.testing.assert_equal(columns["signal_target"], [110.0, np.nan, 5.0])
    assert columns["signal_reason"] == ["up", "flat", "down"]


def test_the_past_is_decided_by_what_was_known_at_each_close(service: Service, candles: list[calls.Candle]) -> None:
    with Client(service.url) as client:
        reader = SignalReader(client, HOUR, ANY_CONFIDENCE)
        decisions = reader.past("BTCUSDT", candles)
        assert decisions[: CANDLES - 1] == [NOT_ASKED] * (CANDLES - 1)
        assert len(decisions) == len(candles)
        assert {decision.side for decision in decisions[CANDLES - 1 :]} - {None}
        # Later candles change nothing of what was decided before them.
        assert reader.past("BTCUSDT", candles[:-6]) == decisions[:-6]
        closed_at = candles[-1]["timestamp"] + 3_600_000
        said = client.send(calls.analyze("BTCUSDT", {HOUR: candles[-CANDLES:]}, as_of=closed_at))
        assert decide(said, now_ms=closed_at, min_confidence=ANY_CONFIDENCE) == decisions[-1]


def test_the_newest_candle_is_decided_by_the_answer_of_now(service: Service, candles: list[calls.Candle]) -> None:
    with Client(service.url) as client:
        decision = SignalReader(client, HOUR, ANY_CONFIDENCE).newest("ETHUSDT", candles)
        past = SignalReader(client, HOUR, ANY_CONFIDENCE).past("ETHUSDT", candles)[-1]
        strict = SignalReader(client, HOUR, 0.99).newest("ETHUSDT", candles)
    assert (decision.side, decision.stop, decision.target) == (past.side, past.stop, past.target)
    assert strict.side is None


def test_a_refusal_ends_a_backtest_and_enters_nothing_live(service: Service, candles: list[calls.Candle]) -> None:
    with Client(service.url) as client:
        reader = SignalReader(client, HOUR, ANY_CONFIDENCE)
        with pytest.raises(SignalsUnavailable, match="the service refused not a symbol"):
            reader.past("not a symbol", candles)
        assert reader.newest("not a symbol", candles).side is None


def test_without_the_service_a_backtest_ends_and_nothing_is_entered_live(candles: list[calls.Candle]) -> None:
    with Client(f"http://127.0.0.1:{free_port()}") as client:
        reader = SignalReader(client, HOUR, ANY_CONFIDENCE)
        with pytest.raises(SignalsUnavailable, match="the service cannot be reached"):
            reader.past("BTCUSDT", candles)
        decision = reader.newest("BTCUSDT", candles)
    assert decision.side is None
    assert decision.reason.startswith("no signal: ")


def test_a_backtest_waits_as_long_as_the_rate_limit_says(candles: list[calls.Candle]) -> None:
    waits: list[float] = []
    with running_service(RATE_LIMITS__ANALYZE_TRUSTED="2/day") as limited, Client(limited.url) as client:
        reader = SignalReader(client, HOUR, ANY_CONFIDENCE, wait=waits.append)
        with pytest.raises(SignalsUnavailable, match="RATE_LIMITS=off"):
            reader.past("BTCUSDT", candles)
    assert len(waits) == 10
    assert min(waits) >= 1
