"""Reading 100,000 rows of CSV, beside pandas alone: `python -m benchmarks.numbers.reading`, ten seconds."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

import pandas as pd

from benchmarks.numbers.features import market, seconds
from benchmarks.report import Row, print_measured, verdict
from domain.market import CandleSeries
from features.candle_reading.reading import read_candles
from features.candle_reading.writing import COLUMNS, write_candles

CANDLES = 100_000
ROUNDS = 15
START_MS, NOW_MS = 1_400_000_400_000, 2_000_000_000_000


def measure() -> list[Row]:
    """Return the times of pandas and of the reader, which take turns, for each form of the same candles."""
    made = market(CANDLES)
    series = CandleSeries.of_arrays(made.timeframe, made.times_ms + START_MS, made.values)
    table = series.frame.assign(timestamp=series.times_ms)[COLUMNS]
    dates = pd.to_datetime(table["timestamp"], unit="ms").dt.strftime("%Y-%m-%d %H:%M:%S")
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        plain, dated = Path(folder) / "BTCUSDT-1h.csv", Path(folder) / "dated.csv"
        write_candles(series, plain)
        table.assign(timestamp=dates).to_csv(dated, index=False)
        for name, path in {"epoch milliseconds": plain, "dates in words": dated}.items():
            alone, read = [], []
            for _ in range(ROUNDS):
                alone.append(seconds(lambda path=path: pd.read_csv(path)))  # type: ignore[misc]  # bound at once
                read.append(seconds(lambda path=path: read_candles(path, NOW_MS)))  # type: ignore[misc]  # bound at once
            ours, theirs = median(read) * 1e3, median(alone) * 1e3
            rows.append({"times": name, "pandas, ms": theirs, "candles, ms": ours, "beyond pandas, ms": ours - theirs})
    return rows


def targets(rows: Sequence[Mapping[str, str | float]]) -> list[Row]:
    """Return the measured figure with its target."""
    return [verdict("reading 100,000 rows of CSV, ms beyond pandas", float(rows[0]["beyond pandas, ms"]), 150.0)]


if __name__ == "__main__":
    print_measured(measure, targets)
