"""Several writes of analyses as one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from domain.candles.columns import CandleLike
from domain.market import Timeframe
from storage.ports import AnalysisWrite

# How far ahead of this machine's clock that of another replica may run before its analyses count as misdated.
MAX_CLOCK_SKEW_MS = 60_000

CandlesByTime = dict[int, CandleLike]


def merged_candles(writes: Sequence[AnalysisWrite]) -> dict[tuple[str, Timeframe], CandlesByTime]:
    """Return the candles of all writes by series and open time; of those of one open time the last stays.

    Analyses of the same seconds bring mostly the same candles.
    """
    merged: dict[tuple[str, Timeframe], CandlesByTime] = defaultdict(dict)
    for write in writes:
        for timeframe, candles in write.candles.items():
            if candles:
                merged[write.analysis.symbol, timeframe].update((candle.timestamp, candle) for candle in candles)
    return merged
