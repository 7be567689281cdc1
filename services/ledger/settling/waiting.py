"""When a horizon that is not settled is looked at again, and when its candles are given up; pure."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from domain.hours.sessions import Sessions
from domain.ledger.entries import PLAN, Settleable
from domain.ledger.settlements import Settlement
from domain.market import Timeframe
from services.ledger.settling.outcomes import grace_ms
from storage.ledger_ports import Due

# Candles after which a plan is looked at, so that a target that comes early is settled early.
PLAN_LOOKS = (1, 4, 12, 24, 48, 96, 168, 240)
# How long candles may stay away after the end of a horizon: two days, or 24 candles if that is longer; while no source
# answers, seven times as long.
_PATIENCE_MS = 2 * Timeframe.D1.ms
_PATIENCE_CANDLES = 24
_PATIENCE_UNASKED = 7
# A market that opens too seldom for a horizon within this time is closed.
_FURTHEST_MS = 5 * 365 * Timeframe.D1.ms
MISSING = "missing"


def next_look_ms(due: Due, sessions: Sessions, known_until_ms: int) -> int:
    """Return when the candle closes that may settle a horizon next, epoch ms.

    Args:
        due: The horizon.
        sessions: When its market trades.
        known_until_ms: Close of the newest candle that was looked at.
    """
    if due.horizon != PLAN:
        return _close_ms(due.entry, due.horizon, sessions)
    last = last_candle(due)
    for candles in PLAN_LOOKS:
        if candles < last and (close_ms := _close_ms(due.entry, candles, sessions)) > known_until_ms:
            return close_ms
    return _close_ms(due.entry, last, sessions)


def last_candle(due: Due) -> int:
    """Return the number of the last candle that a horizon may rest on, counted from the entry's newest."""
    entry = due.entry
    if due.horizon != PLAN:
        return due.horizon
    late_ms = max(0, entry.known_ms - grace_ms(entry.timeframe) - entry.closed_ms)
    return (entry.horizon_candles or 0) + -(-late_ms // entry.timeframe.ms)


def missing(due: Due, sessions: Sessions, now_ms: int, *, asked: bool) -> Settlement | None:
    """Return the settlement of a horizon whose candles are missing for good; None while they may come.

    Args:
        due: The horizon.
        sessions: When its market trades.
        now_ms: The time, epoch ms.
        asked: Whether a source was asked and has no such candles either.
    """
    ended_ms = _close_ms(due.entry, last_candle(due), sessions)
    patience_ms = max(_PATIENCE_MS, _PATIENCE_CANDLES * due.entry.timeframe.ms) * (1 if asked else _PATIENCE_UNASKED)
    if now_ms - ended_ms < patience_ms:
        return None
    return Settlement(due.entry.id, due.horizon, None, None, None, None, ended_ms, now_ms, MISSING)


def _close_ms(entry: Settleable, candles: int, sessions: Sessions) -> int:
    if sessions.continuous or entry.timeframe.ms > Timeframe.D1.ms:
        return entry.closed_ms + candles * entry.timeframe.ms
    return _close_in_sessions_ms(entry.closed_ms, max(1, candles), entry.timeframe.ms, sessions)


@lru_cache(maxsize=16_384)
def _close_in_sessions_ms(closed_ms: int, candles: int, length_ms: int, sessions: Sessions) -> int:
    """Return when the candle of a number after a close will close in a market with nights and weekends."""
    before_ms, reach_ms = closed_ms - length_ms, 2 * (candles + 1) * length_ms + 7 * Timeframe.D1.ms
    opens_ms = sessions.missing_times(before_ms, closed_ms + reach_ms, length_ms)
    while len(opens_ms) < candles and reach_ms < _FURTHEST_MS:
        reach_ms *= 2
        opens_ms = sessions.missing_times(before_ms, closed_ms + reach_ms, length_ms)
    if len(opens_ms) < candles:
        return closed_ms + candles * length_ms
    return int(sessions.closes_ms(np.asarray(opens_ms[candles - 1 : candles]), length_ms)[0])
