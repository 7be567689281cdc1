"""From freqtrade's candles to the service's signals and back to freqtrade's columns; freqtrade is not needed here."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import httpx2
import pandas as pd
from trading_signal_client import Client, Decision, Problem, answers, calls, decide

log = logging.getLogger(__name__)
CANDLES = 250
REPEATS = 10
NOT_ASKED = Decision(None, "not asked")


class SignalsUnavailable(Exception):
    """The service refuses or cannot be reached, so that a backtest would say nothing."""


def symbol_of(pair: str) -> str:
    """Return the service's name of a pair: BTCUSDT for BTC/USDT and BTC/USDT:USDT."""
    return pair.partition(":")[0].replace("/", "")


def candles_of(rows: pd.DataFrame) -> list[calls.Candle]:
    """Return the candles of freqtrade's rows, whose `date` is the open time in UTC."""
    times = pd.DatetimeIndex(rows["date"]).as_unit("ms").asi8
    columns = (rows[name].astype(float) for name in ("open", "high", "low", "close", "volume"))
    return [
        {"timestamp": int(at), "open": o, "high": h, "low": low, "close": c, "volume": v}
        for at, o, h, low, c, v in zip(times, *columns, strict=True)
    ]


def columns_of(decisions: Sequence[Decision]) -> dict[str, list[Any]]:
    """Return freqtrade's columns of the decisions at its candles: entries, exits, levels and reasons."""
    long = [int(decision.side == "Long") for decision in decisions]
    short = [int(decision.side == "Short") for decision in decisions]
    return {
        "enter_long": long,
        "exit_long": short,
        "enter_short": short,
        "exit_short": long,
        "signal_stop": [math.nan if decision.stop is None else decision.stop for decision in decisions],
        "signal_target": [math.nan if decision.target is None else decision.target for decision in decisions],
        "signal_reason": [decision.reason for decision in decisions],
    }


class SignalReader:
    """Asks the service about candles of one timeframe."""

    def __init__(
        self,
        client: Client,
        timeframe: answers.Timeframe,
        min_confidence: float,
        *,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        """Keep what is asked with; `wait` pauses for seconds where the service limits the rate."""
        self._client, self._timeframe, self._min_confidence, self._wait = client, timeframe, min_confidence, wait

    def newest(self, symbol: str, candles: Sequence[calls.Candle]) -> Decision:
        """Decide by the newest candle now; where the service cannot be asked, no side is taken and the log says why."""
        try:
            analysis = self._client.send(calls.analyze(symbol, {self._timeframe: candles[-CANDLES:]}))
        except (Problem, httpx2.TransportError) as error:
            log.warning("no signal of %s: %s", symbol, error)
            return Decision(None, f"no signal: {error}")
        decision = decide(analysis, now_ms=time.time_ns() // 1_000_000, min_confidence=self._min_confidence)
        log.info("%s: %s", symbol, decision.reason)
        return decision

    def past(self, symbol: str, candles: Sequence[calls.Candle]) -> list[Decision]:
        """Decide at each candle with 249 before it, by what the service would have answered at its close.

        Raises:
            SignalsUnavailable: the service refuses, or cannot be reached.
        """
        length = min((b["timestamp"] - a["timestamp"] for a, b in pairwise(candles)), default=0)
        decisions = [NOT_ASKED] * min(len(candles), CANDLES - 1)
        for end in range(CANDLES, len(candles) + 1):
            known = candles[end - CANDLES : end]
            decisions.append(self._at(symbol, known, known[-1]["timestamp"] + length))
        return decisions

    def _at(self, symbol: str, candles: Sequence[calls.Candle], closed_at: int) -> Decision:
        asked = calls.analyze(symbol, {self._timeframe: candles}, as_of=closed_at)
        for _ in range(REPEATS):
            try:
                return decide(self._client.send(asked), now_ms=closed_at, min_confidence=self._min_confidence)
            except Problem as problem:
                if problem.status != 429:
                    raise SignalsUnavailable(f"the service refused {symbol}: {problem.detail}") from problem
                self._wait(problem.retry_after_seconds or 1)
            except httpx2.TransportError as error:
                raise SignalsUnavailable(f"the service cannot be reached: {error}") from error
        raise SignalsUnavailable("the service limits the rate: start it with RATE_LIMITS=off for a backtest")
