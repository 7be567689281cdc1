"""The same columns by `ta`, by our kernels and by TA-Lib: `python -m benchmarks.features`, half a minute.

Ours and TA-Lib take turns, round by round, on arrays made beforehand; `ta` is so much
slower that it is timed once at the end of each size, or a few times where it is quick.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median

import numpy as np

from benchmarks.libraries import STANDARD, by_ta, by_talib
from benchmarks.report import markdown_table, verdict
from domain.market import Timeframe
from features.catalogue import compute
from features.kernels.candles import Candles
from services.market_data.simulation import candles_from_returns, simulate_returns

SIZES = (100, 1_000, 10_000, 100_000)
# Rounds of each size, and calls in each round, so that a round takes some milliseconds at least.
ROUNDS = 25
CANDLES_PER_ROUND = 10_000
TA_SECONDS = 2.0

Row = dict[str, str | float]


def candles(count: int) -> Candles:
    """Return seeded candles."""
    rng = np.random.default_rng(7)
    path = candles_from_returns(rng, simulate_returns(rng, count, 0.003, None), 30_000.0, 0, Timeframe.H1)
    return Candles(np.array([(c.open, c.high, c.low, c.close, c.volume) for c in path]).T)


def seconds(call: Callable[[], object], times: int) -> float:
    """Return the time of one call."""
    started = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - started) / times


def measure_size(count: int) -> Row:
    """Return the times of the three for so many candles."""
    data = candles(count)
    columns = np.array([data.open, data.high, data.low, data.close, data.volume])
    frame = data.frame()
    times = max(1, CANDLES_PER_ROUND // count)
    ways: dict[str, Callable[[], object]] = {
        # Candles made anew: they remember what has been computed from them.
        "ours": lambda: compute(Candles(columns), STANDARD),
        "TA-Lib": lambda: by_talib(data),
    }
    samples: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, call in ways.items():
            samples[name].append(seconds(call, times))
    slow = [seconds(lambda: by_ta(frame), 1)]
    while sum(slow) < TA_SECONDS:
        slow.append(seconds(lambda: by_ta(frame), 1))
    ours, fast, ta = median(samples["ours"]), median(samples["TA-Lib"]), median(slow)
    return {
        "candles": count,
        "columns": len(STANDARD),
        "ta, ms": ta * 1e3,
        "ours, ms": ours * 1e3,
        "TA-Lib, ms": fast * 1e3,
        "faster than ta, times": ta / ours,
        "TA-Lib's time, times": ours / fast,
        "ours, µs per candle": ours / count * 1e6,
    }


def measure() -> list[Row]:
    """Return the times of all sizes."""
    with np.errstate(all="ignore"):
        return [measure_size(count) for count in SIZES]


def targets(rows: Sequence[Row]) -> list[Mapping[str, str | float]]:
    """Return what `measure` found beside what it should be."""
    last, longest = float(rows[-2]["ours, ms"]), float(rows[-1]["ours, ms"])
    return [
        verdict(
            "indicators, times faster than `ta`, at the worst size",
            min(float(row["faster than ta, times"]) for row in rows),
            15.0,
            at_least=True,
        ),
        verdict(
            "indicators, times TA-Lib's time, at the worst size",
            max(float(row["TA-Lib's time, times"]) for row in rows),
            4.0,
        ),
        # Ten times the candles in ten times the time; half as much again for the smaller caches' sake.
        verdict("indicators, time of 100,000 candles, times that of 10,000", longest / last, 15.0),
    ]


def main() -> None:
    """Print the rows and the targets."""
    rows = measure()
    print(markdown_table(rows), markdown_table(targets(rows)), sep="\n\n")


if __name__ == "__main__":
    main()
