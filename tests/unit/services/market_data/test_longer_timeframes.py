"""Longer timeframes of a series."""

from __future__ import annotations

from domain.market import CandleSeries, Timeframe
from services.market_data.longer_timeframes import higher_timeframes
from tests.fixtures.candle_exports import HOUR, START, reference


def test_higher_timeframes_are_made_from_whole_candles() -> None:
    start = START // (24 * HOUR) * 24 * HOUR + 20 * HOUR
    frames = higher_timeframes(CandleSeries(Timeframe.H1, reference(54, start_ms=start)))
    assert list(frames)[:2] == [Timeframe.H1, Timeframe.H4]
    assert len(frames[Timeframe.H4]) == 13
    assert len(frames[Timeframe.D1]) == 2
