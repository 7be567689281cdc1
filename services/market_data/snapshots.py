"""Checks of fetched candles and of their price."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from operator import attrgetter

from domain.errors import InvalidMarketData, MarketDataUnavailable
from domain.market import CandleSeries, Timeframe
from domain.timeframe_data import data_age, data_end_ms

# When a candle has just opened, the clock of an exchange may be ahead of ours by this much.
CLOCK_SKEW_MS = 60_000


def require_fresh(series: Mapping[Timeframe, CandleSeries], now_ms: int, max_age_candles: float) -> None:
    """Refuse candles that are old or from the future, by the server's clock and the market's calendar.

    While the market is closed, its last candle is not old.

    Args:
        series: Candles per timeframe, none without any.
        now_ms: The server's clock in epoch ms.
        max_age_candles: Greatest age of the newest candle, in candles of the market since its close.

    Raises:
        MarketDataUnavailable: a timeframe is stale (with its age) or ahead of the clock.
    """
    for timeframe, candles in series.items():
        if candles.last_open_ms > now_ms + CLOCK_SKEW_MS:
            ahead = duration_text(candles.last_open_ms - now_ms)
            raise MarketDataUnavailable(f"its newest {timeframe} candle opens {ahead} ahead of the server's clock")
        age = data_age([candles], now_ms, now_ms)
        if age.lengths > max_age_candles:
            limit = duration_text(max_age_candles * timeframe.ms)
            hours = "" if candles.sessions.continuous else " of trading"
            traded = duration_text(candles.sessions.trading_ms(candles.last_close_ms, now_ms))
            raise MarketDataUnavailable(
                f"is stale: its newest {timeframe} candle closed {traded}{hours} ago, the limit is {limit}"
            )


def require_enough(series: Mapping[Timeframe, CandleSeries], now_ms: int, min_candles: int) -> None:
    """Refuse candles that no timeframe has enough of for an analysis; one timeframe with enough suffices.

    Raises:
        MarketDataUnavailable: no timeframe has `min_candles` closed candles.
    """
    end_ms = data_end_ms(series.values(), now_ms)
    closed = {timeframe: len(candles.closed_by(end_ms)) for timeframe, candles in series.items()}
    if max(closed.values(), default=0) < min_candles:
        received = ", ".join(f"{timeframe}: {count}" for timeframe, count in closed.items())
        raise MarketDataUnavailable(f"needs {min_candles} closed candles in at least one timeframe, has {received}")


def check_price(series: Iterable[CandleSeries], price: float) -> None:
    """Refuse a price that cannot belong to the candles: stop and target would be nonsense.

    Raises:
        InvalidMarketData: the price is not within half and twice the newest close.
    """
    newest = max([s for s in series if s.candles], key=attrgetter("last_close_ms"), default=None)
    if newest is None:
        return
    close = newest.candles[-1].close
    if not close / 2 <= price <= close * 2:
        raise InvalidMarketData(
            f"current_price {price} does not fit the candles, whose newest {newest.timeframe} close is {close}"
        )


def duration_text(milliseconds: float) -> str:
    """Return a duration for people: 45 s, 32 min, 5.2 h, 3.0 days."""
    seconds = milliseconds / 1000
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    if seconds < 2 * 86_400:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86_400:.1f} days"
