"""One new candle: the incremental form beside the newest window: `python -m benchmarks.incremental`, some seconds."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from statistics import median, quantiles

import numpy as np

from benchmarks.report import markdown_table, verdict
from domain.market import CandleSeries, Timeframe
from features.feature_engineering import FeatureEngineer
from features.feature_sets import FEATURE_SETS, FeatureSet
from services.market_data.simulation import candles_from_returns, simulate_returns

# In rounds that each complete the same number of higher candles.
STEPS, ROUND = 4_096, 64
# The other way takes milliseconds.
WINDOWS = 200

Row = dict[str, str | float]


def candles(count: int) -> CandleSeries:
    """Return seeded candles."""
    rng = np.random.default_rng(7)
    path = candles_from_returns(rng, simulate_returns(rng, count, 0.003, None), 30_000.0, 0, Timeframe.M15)
    return CandleSeries(Timeframe.M15, path)


def measure_set(feature_set: FeatureSet) -> Row:
    """Return the times of one new row of a set, after the history that it needs."""
    engineer, known = FeatureEngineer(feature_set), feature_set.history
    series = candles(known + STEPS)
    incremental = engineer.incremental(CandleSeries(series.timeframe, series.candles[:known]))
    steps, windows = [], []
    for candle in series.candles[known:]:
        started = time.thread_time()
        incremental.update(candle)
        steps.append(time.thread_time() - started)
    for end in range(known + STEPS - WINDOWS, known + STEPS):
        past = CandleSeries(series.timeframe, series.candles[:end])
        started = time.thread_time()
        engineer.last_window(past, 1)
        windows.append(time.thread_time() - started)
    step = median(sum(steps[start : start + ROUND]) / ROUND for start in range(0, STEPS, ROUND))
    return {
        "set": feature_set.name,
        "columns": len(feature_set.columns),
        "step, µs of CPU": step * 1e6,
        "99 of 100 within, µs": quantiles(steps, n=100)[-1] * 1e6,
        "newest window, µs of CPU": median(windows) * 1e6,
        "times faster": median(windows) / step,
    }


def measure() -> list[Row]:
    """Return the times of both sets."""
    return [measure_set(each) for each in FEATURE_SETS.values()]


def targets(rows: Sequence[Row]) -> list[Mapping[str, str | float]]:
    """Return what `measure` found beside what it should be."""
    return [verdict("incremental row of the standard set, µs of CPU", float(rows[0]["step, µs of CPU"]), 100.0)]


def main() -> None:
    """Print the rows and the targets."""
    rows = measure()
    print(markdown_table(rows), markdown_table(targets(rows)), sep="\n\n")


if __name__ == "__main__":
    main()
