"""Longer timeframes made from one series."""

from __future__ import annotations

from domain.market import CandleSeries, Timeframe

# Few look at them: an hour is followed by four and by the day.
_SELDOM = (Timeframe.H8, Timeframe.H12)


def higher_timeframes(series: CandleSeries, count: int = 3) -> dict[Timeframe, CandleSeries]:
    """Return the series with up to `count` longer timeframes made from it, shortest first."""
    frames = {series.timeframe: series}
    shortest = series.timeframe
    for timeframe in Timeframe:
        # A timeframe only twice as long adds little: 15m is followed by 1h and 4h, not by 30m.
        if timeframe in _SELDOM:
            continue
        if len(frames) <= count and timeframe.ms >= 3 * shortest.ms and timeframe.ms % series.timeframe.ms == 0:
            frames[timeframe] = series.resample(timeframe)
            shortest = timeframe
    return frames
