"""The time that a job looks at, held against the candles that it has."""

from __future__ import annotations

from domain.errors import InsufficientData
from domain.market import CandleSeries
from domain.values import minute_text


def require_candles_in(symbol: str, series: CandleSeries, since_ms: int | None, until_ms: int | None) -> None:
    """Refuse a time in which no candle of a series closes, and say from when to when they reach.

    Args:
        symbol: Of the market.
        series: At least one closed candle.
        since_ms: Earliest close, epoch ms; None begins with the series.
        until_ms: Latest close; None ends with the series.

    Raises:
        InsufficientData: no candle closes in it.
    """
    first_ms, last_ms = series.candles[0].timestamp, series.last_close_ms
    if until_ms is not None and until_ms < series.closes_ms[0]:
        wanted = f"by {minute_text(until_ms)}"
    elif since_ms is not None and since_ms > last_ms:
        wanted = f"since {minute_text(since_ms)}"
    else:
        return
    raise InsufficientData(
        f"{symbol} {series.timeframe} has no closed candle {wanted} UTC: its candles reach from "
        f"{minute_text(first_ms)} to {minute_text(last_ms)} UTC; choose a time within them, or give candles of the time"
    )
