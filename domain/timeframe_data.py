"""Rules over the candles of several timeframes of one market."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from domain.market import CandleSeries, Timeframe


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


def closed_series(series: Mapping[Timeframe, CandleSeries], now_ms: int) -> dict[Timeframe, CandleSeries]:
    """Return the candles of each timeframe that have closed, by the clock and by what the others show.

    Where sessions begin off the grid, a candle by the clock may hold one of its siblings that is still forming, as
    the 4h candle of 04:00 holds the hour from 07:45: then it has not closed either.
    """
    end_ms = data_end_ms(series.values(), now_ms)
    closed = {timeframe: candles.closed_by(end_ms) for timeframe, candles in series.items()}
    forming = [
        (timeframe.ms, candles.candles[len(closed[timeframe])].timestamp)
        for timeframe, candles in series.items()
        if len(closed[timeframe]) < len(candles)
    ]
    for timeframe, candles in closed.items():
        if candles.candles and any(
            length_ms < timeframe.ms and candles.last_open_ms <= opened_ms < candles.last_open_ms + timeframe.ms
            for length_ms, opened_ms in forming
        ):
            closed[timeframe] = candles.closed_by(candles.last_close_ms - 1)
    return closed
