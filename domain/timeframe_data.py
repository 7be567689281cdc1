"""Rules over the candles of several timeframes of one market."""

from __future__ import annotations

from collections.abc import Iterable

from domain.market import CandleSeries


def data_end_ms(series: Iterable[CandleSeries], now_ms: int) -> int:
    """Return the moment up to which the candles tell: what closes after it was still forming.

    It is the server's clock, or earlier when the candles end earlier: then it is the newest
    moment that any of them proves to have passed, so that an old, still open 4h candle does
    not show hours that its 15m siblings have not reached.
    """
    filled = [s for s in series if s.candles]
    if not filled:
        return now_ms
    shortest_ms = min(s.timeframe.ms for s in filled)
    return min(now_ms, max(s.last_close_ms if s.timeframe.ms == shortest_ms else s.last_open_ms for s in filled))
