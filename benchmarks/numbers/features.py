"""The `standard` set and its indicators by `ta`, us and TA-Lib: `python -m benchmarks.numbers.features`, a minute.

Ours and TA-Lib take turns, round by round; `ta` is so much slower that it is timed once at the
end of each size, or a few times where it is quick. What is timed is first held to agree.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from statistics import median

import numpy as np
import pandas as pd

from benchmarks.numbers import libraries, standard_set
from benchmarks.report import markdown_table, verdict
from config.sources import load_settings
from domain.arrays import FloatArray
from domain.market import CandleSeries, Timeframe
from features.columns.feature_sets import STANDARD
from features.feature_engineering import FeatureEngineer
from features.indicators.catalogue import compute
from features.indicators.technical_indicators import TechnicalIndicators
from features.kernels.candles import Candles
from services.market_data.sources.simulation import candles_from_returns, simulate_returns

SIZES = (100, 1_000, 10_000, 100_000)
# Of the four timeframes of an analysis: whole windows, and a client's lists of different lengths.
LENGTHS = ((300, 300, 300, 300), (300, 200, 100, 100))
# Number of markets in a batch, and of the candles of each; rounds.
MARKETS, MARKET_CANDLES, MARKET_ROUNDS = 200, 300, 7
# Rounds of each size, and calls in each round, so that a round takes some milliseconds at least.
ROUNDS = 25
CANDLES_PER_ROUND = 10_000
TA_SECONDS = 2.0

Row = dict[str, str | float]
Way = Callable[[], object]


def market(count: int) -> CandleSeries:
    """Return seeded candles."""
    rng = np.random.default_rng(7)
    path = candles_from_returns(rng, simulate_returns(rng, count, 0.003, None), 30_000.0, 0, Timeframe.H1)
    return CandleSeries(Timeframe.H1, path)


def as_rows(series: CandleSeries) -> FloatArray:
    """Return open, high, low, close and volume as rows."""
    return np.ascontiguousarray(series.values.T)  # noqa: PD011


def seconds(call: Way, times: int = 1) -> float:
    """Return the CPU time of one call, which does not count other processes."""
    started = time.process_time()
    for _ in range(times):
        call()
    return (time.process_time() - started) / times


def compare(count: int, columns: int, ours: Way, by_talib: Way, by_ta: Way) -> Row:
    """Return the times of three ways to compute the same columns."""
    times = max(1, CANDLES_PER_ROUND // count)
    samples: dict[Way, list[float]] = {ours: [], by_talib: []}
    for _ in range(ROUNDS):
        for way, found in samples.items():
            found.append(seconds(way, times))
    slow = [seconds(by_ta, 1)]
    while sum(slow) < TA_SECONDS:
        slow.append(seconds(by_ta, 1))
    typical, fast, ta = median(samples[ours]), median(samples[by_talib]), median(slow)
    return {
        "candles": count,
        "columns": columns,
        "ta, ms": ta * 1e3,
        "ours, ms": typical * 1e3,
        "TA-Lib, ms": fast * 1e3,
        "faster than ta, times": ta / typical,
        "TA-Lib's time, times": typical / fast,
        "ours, µs per candle": typical / count * 1e6,
    }


def measure_standard(count: int) -> Row:
    """Return the times of all columns of the `standard` set, from a series of candles to a matrix.

    The libraries are given the candles as arrays or as a frame; ours makes what it needs of the series.
    """
    series, engineer = market(count), FeatureEngineer(STANDARD)
    times, values, frame = series.times_ms, as_rows(series), series.frame
    return compare(
        count,
        len(STANDARD.columns),
        lambda: engineer.matrix(series),
        lambda: standard_set.by_talib(times, values),
        lambda: pd.DataFrame(standard_set.by_ta(times, frame)),
    )


def measure_indicators(count: int) -> Row:
    """Return the times of the indicators alone that all three have, from arrays to arrays."""
    series = market(count)
    values, frame = as_rows(series), series.frame
    data = Candles(values)
    return compare(
        count,
        len(libraries.INDICATORS),
        # Candles made anew: they remember what has been computed from them.
        lambda: compute(Candles(values), libraries.INDICATORS),
        lambda: libraries.by_talib(data),
        lambda: libraries.by_ta(frame),
    )


def measure_together() -> list[Row]:
    """Return the times of the newest indicators of a market's timeframes, one by one and in one call.

    Raises:
        ValueError: the two differ.
    """
    indicators = TechnicalIndicators(load_settings(environment={}).indicators)
    rows = list[Row]()
    for lengths in LENGTHS:
        series = [market(count).values for count in lengths]  # noqa: PD011
        alone, together = partial(_one_by_one, indicators, series), partial(indicators.newest_of, series)
        if alone() != together():
            raise ValueError("indicators computed together are not those of each timeframe alone")
        samples: dict[Way, list[float]] = {alone: [], together: []}
        for _ in range(ROUNDS):
            for way, found in samples.items():
                found.append(seconds(way, 5))
        single, batch = median(samples[alone]), median(samples[together])
        rows.append(
            {
                "candles of each timeframe": ", ".join(map(str, lengths)),
                "one by one, ms": single * 1e3,
                "in one call, ms": batch * 1e3,
                "share": batch / single,
            }
        )
    return rows


def _one_by_one(indicators: TechnicalIndicators, series: Sequence[FloatArray]) -> list[dict[str, float]]:
    return [found for values in series for found in indicators.newest_of([values])]


def measure_markets() -> list[Row]:
    """Return the times of the `standard` set over many short series: in one call, one by one, and by TA-Lib.

    Raises:
        ValueError: the two of ours differ.
    """
    history, engineer = market(MARKETS * MARKET_CANDLES), FeatureEngineer(STANDARD)
    many = [history.part(start, start + MARKET_CANDLES) for start in range(0, len(history), MARKET_CANDLES)]
    given = [(series.times_ms, as_rows(series)) for series in many]
    ways: dict[str, Callable[[], list[FloatArray]]] = {
        "in one call": lambda: engineer.matrices(many),
        "one by one": lambda: [engineer.matrix(series) for series in many],
        "by TA-Lib, one by one": lambda: [standard_set.by_talib(times, values) for times, values in given],
    }
    together, alone = ways["in one call"](), ways["one by one"]()
    if not all(np.array_equal(*both, equal_nan=True) for both in zip(together, alone, strict=True)):
        raise ValueError("features computed together are not those of each series alone")
    samples: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(MARKET_ROUNDS):
        for name, way in ways.items():
            samples[name].append(seconds(way, 1))
    talib = median(samples["by TA-Lib, one by one"])
    return [
        {
            f"{MARKETS} series of {MARKET_CANDLES} candles": name,
            "ms": (typical := median(found)) * 1e3,
            "TA-Lib's time, times": typical / talib,
        }
        for name, found in samples.items()
    ]


def require_agreement() -> None:
    """Compare both libraries' `standard` columns with ours.

    Raises:
        ValueError: a column differs by more than a millionth where it no longer depends on the start.
    """
    series = market(2_000)
    times, values = series.times_ms, as_rows(series)
    ours = FeatureEngineer(STANDARD).matrix(series).T
    by_ta = standard_set.by_ta(times, series.frame)
    for column, mine, fast in zip(STANDARD.columns, ours, standard_set.by_talib(times, values), strict=True):
        for theirs in (fast, by_ta[column.name].to_numpy(np.float64)):
            known = slice(max(column.history, 50), None)
            if not np.allclose(theirs[known], mine[known], rtol=1e-6, atol=1e-6 * np.abs(mine[known]).mean()):
                raise ValueError(f"the columns {column.name} to compare are not the same")


def measure() -> dict[str, list[Row]]:
    """Return the times of all sizes, for the whole set and for the indicators alone."""
    with np.errstate(all="ignore"):
        require_agreement()
        return {
            "standard set": [measure_standard(count) for count in SIZES],
            "indicators alone": [measure_indicators(count) for count in SIZES],
            "indicators of four timeframes": measure_together(),
            "many series": measure_markets(),
        }


def targets(tables: Mapping[str, Sequence[Row]]) -> list[Mapping[str, str | float]]:
    """Return the measured figures with their targets."""
    rows = tables["standard set"]
    last, longest = float(rows[-2]["ours, ms"]), float(rows[-1]["ours, ms"])
    return [
        verdict(
            "standard set, times faster than `ta`, at the worst size",
            min(float(row["faster than ta, times"]) for row in rows),
            15.0,
            at_least=True,
        ),
        verdict(
            "standard set, times TA-Lib's time, at the worst size",
            max(float(row["TA-Lib's time, times"]) for row in rows),
            4.0,
        ),
        # Ten times the candles in ten times the time; half as much again for the smaller caches' sake.
        verdict("standard set, time of 100,000 candles, times that of 10,000", longest / last, 15.0),
        verdict(
            "indicators of four timeframes in one call, share of one by one",
            float(tables["indicators of four timeframes"][0]["share"]),
            0.5,
        ),
        verdict(
            f"standard set over {MARKETS} series in one call, times TA-Lib's time",
            float(tables["many series"][0]["TA-Lib's time, times"]),
            1.5,
        ),
    ]


def main() -> None:
    """Print the rows and the targets."""
    tables = measure()
    for name, rows in tables.items():
        print(f"## {name}", markdown_table(rows), sep="\n\n", end="\n\n")
    print(markdown_table(targets(tables)))


if __name__ == "__main__":
    main()
