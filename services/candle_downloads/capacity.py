"""How many candles of a market lie in a time, and how many of them the store keeps."""

from __future__ import annotations

import numpy as np

from domain.errors import InvalidRequest
from domain.hours.sessions import AROUND_THE_CLOCK
from domain.hours.trading_hours import known_sessions
from domain.market import Timeframe
from domain.values import minute_text


def require_room(symbol: str, timeframe: Timeframe, since_ms: int, until_ms: int, kept: int) -> None:
    """Refuse a time with more candles than the store keeps of a series: it would drop the oldest again.

    Args:
        symbol: Market; one whose hours are not known counts as open around the clock.
        timeframe: Length of a candle.
        since_ms: Earliest open time, epoch ms.
        until_ms: Close of the newest candle that the store will have.
        kept: Newest candles that the store keeps of a series.

    Raises:
        InvalidRequest: there are more; the message says since when they are kept.
    """
    # A market that never closes has the most candles. From its time on, the search goes back in doubled steps.
    fits_ms = early_ms = until_ms - kept * timeframe.ms
    while early_ms > since_ms:
        early_ms = max(until_ms - 2 * (until_ms - early_ms), since_ms)
        if expected_candles(symbol, timeframe, early_ms, until_ms) > kept:
            break
        fits_ms = early_ms
    if fits_ms <= since_ms:
        return
    while fits_ms - early_ms > timeframe.ms:
        middle_ms = (early_ms + fits_ms) // 2
        if expected_candles(symbol, timeframe, middle_ms, until_ms) <= kept:
            fits_ms = middle_ms
        else:
            early_ms = middle_ms
    from_ms = -(-fits_ms // timeframe.ms) * timeframe.ms
    raise InvalidRequest(
        f"the store keeps the newest {kept:,} candles of a series (storage.candles_per_series), and those of {symbol} "
        f"{timeframe} from {minute_text(since_ms)} to {minute_text(until_ms)} UTC are more: ask for candles since "
        f"{minute_text(from_ms)} ({from_ms}) or later, or download them into a file (cli.py candles download)"
    )


def expected_candles(symbol: str, timeframe: Timeframe, since_ms: int, until_ms: int) -> int:
    """Return the number of candles that a market has between two times, without holidays that no calendar tells."""
    sessions = known_sessions(symbol) or AROUND_THE_CLOCK
    if since_ms >= until_ms:
        return 0
    if timeframe.ms >= Timeframe.D1.ms or sessions.continuous:
        return (until_ms - since_ms) // timeframe.ms
    between = sessions.missing_between(np.array([since_ms - timeframe.ms, until_ms], dtype=np.int64), timeframe.ms)
    return int(between[0])
