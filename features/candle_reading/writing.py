"""Candles to a file in the plain form: open time in epoch ms, open, high, low, close, volume."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from config.files import whole_file
from domain.arrays import FloatArray, IntArray
from domain.errors import InvalidRequest
from domain.market import CandleSeries

COLUMNS = ["timestamp", "open", "high", "low", "close", "volume"]
ENDINGS = (".csv", ".csv.gz", ".parquet", ".json")


def check_target(path: Path, force: bool) -> None:
    """Refuse a path that candles cannot be written to, before any work is done.

    Args:
        path: Its ending, one of `ENDINGS`, decides the form.
        force: Whether to replace a file that is there.

    Raises:
        InvalidRequest: unknown ending, no such folder, or a file that is there.
    """
    if not path.name.endswith(ENDINGS):
        raise InvalidRequest(f"{path.name}: candles are written as {', '.join(ENDINGS)}")
    if not path.parent.is_dir():
        raise InvalidRequest(f"there is no folder {path.parent} to write {path.name} to")
    if path.exists() and not force:
        raise InvalidRequest(f"{path} is there already: choose another name, or replace it with --force")


def write_candles(series: CandleSeries, path: Path) -> None:
    """Write all candles of a series; see `write_columns`.

    Args:
        series: Candles, oldest first.
        path: See `check_target`; a file that is there is replaced.

    Raises:
        InvalidRequest: the folder cannot be written to.
    """
    write_columns(series.times_ms, series.values, path)


def write_columns(times_ms: IntArray, values: FloatArray, path: Path) -> None:
    """Write candles; an unknown volume is an empty cell, or null in JSON.

    Args:
        times_ms: Open times in epoch ms, shape (n,).
        values: Open, high, low, close, volume, shape (n, 5).
        path: See `check_target`; a file that is there is replaced.

    Raises:
        InvalidRequest: the folder cannot be written to.
    """
    table = pd.DataFrame(values, columns=COLUMNS[1:])
    table.insert(0, COLUMNS[0], times_ms)
    with whole_file(path) as part:
        _write(table, path.name, part)


def _write(table: pd.DataFrame, name: str, path: Path) -> None:
    if name.endswith(".parquet"):
        import fastparquet  # a tenth of a second that only this format needs

        fastparquet.write(str(path), table)
    elif name.endswith(".json"):
        table.to_json(path, orient="records", double_precision=15, compression=None)
    else:
        # Level 9 takes three times as long for 3 % less.
        gzip = {"method": "gzip", "compresslevel": 6} if name.endswith(".gz") else None
        table.to_csv(path, index=False, compression=gzip)
