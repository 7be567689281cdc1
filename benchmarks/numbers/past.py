"""Judgements at every close of a history: `python -m benchmarks.numbers.past`, half a minute."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping, Sequence
from statistics import median

from backtesting.past.judging import judge_past
from backtesting.past.market import PastMarket
from benchmarks.numbers.features import market
from benchmarks.report import Row, print_measured, verdict
from config.sources import load_settings
from domain.market import CandleSeries, Timeframe
from features.indicators.technical_indicators import TechnicalIndicators

DAYS_PER_YEAR = 365
QUARTERS_PER_DAY = Timeframe.D1.ms // Timeframe.M15.ms
ROUNDS = 3


def history(years: int) -> PastMarket:
    """Return years of a market on 15m, 1h and 4h, and three days before them, so that every hour has enough candles."""
    quarters = market((years * DAYS_PER_YEAR + 3) * QUARTERS_PER_DAY)
    series = CandleSeries.of_arrays(Timeframe.M15, quarters.times_ms, quarters.values)
    return PastMarket("BTCUSDT", {Timeframe.M15: series}).with_longer(Timeframe.H1, Timeframe.H4)


def measure() -> list[Row]:
    """Return the CPU time of hourly judgements on three timeframes, of one year and of two, which take turns."""
    settings = load_settings(environment={})
    indicators = TechnicalIndicators(settings.indicators)
    markets = {years: history(years) for years in (1, 2)}
    samples: dict[int, list[float]] = {years: [] for years in markets}
    for _ in range(ROUNDS):
        for years, past in markets.items():
            since_ms = past.series[Timeframe.M15].last_close_ms - years * DAYS_PER_YEAR * Timeframe.D1.ms
            started = time.process_time()
            deque(judge_past(past, settings.analysis, indicators, since_ms=since_ms), maxlen=0)
            samples[years].append(time.process_time() - started)
    return [
        {
            "years": str(years),
            "judgements": years * DAYS_PER_YEAR * 24,
            "s": median(found),
            "ms each": median(found) / (years * DAYS_PER_YEAR * 24) * 1e3,
        }
        for years, found in samples.items()
    ]


def targets(rows: Sequence[Mapping[str, str | float]]) -> list[Row]:
    """Return the measured figures with their targets."""
    one, two = (float(row["s"]) for row in rows)
    return [
        verdict("a year of hourly judgements on three timeframes, s", one, 10.0),
        # Twice the candles in twice the time.
        verdict("two years of them, times the time of one", two / one, 2.2),
    ]


if __name__ == "__main__":
    print_measured(measure, targets)
