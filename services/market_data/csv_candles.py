"""Candles from a CSV file, plain or gzip, or from a parquet file."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pandas as pd

from domain.errors import InvalidMarketData
from domain.market import MAX_PRICE, MAX_VOLUME, MIN_PRICE, Candle, CandleSeries, Timeframe
from features.datasets.candle_checks import usual_timeframe

COLUMNS = ["timestamp", "open", "high", "low", "close", "volume"]
# Some exchanges publish microseconds since 2025; such numbers are far greater than any millisecond.
FIRST_MICROSECOND = 10**14


def read_candles(path: Path, now_ms: int) -> CandleSeries:
    """Return the candles of a file with columns timestamp (open time, epoch ms), open, high, low, close, volume.

    The timeframe is the most frequent distance between two candles. Rows are sorted and
    repeated open times are read once, the last row winning.

    Raises:
        InvalidMarketData: the file cannot be read, lacks a column, or holds impossible candles.
    """
    frame = _read_parquet(path) if path.suffix == ".parquet" else _read_csv(path)
    if missing := [name for name in COLUMNS if name not in frame]:
        raise InvalidMarketData(f"{path.name} needs columns {', '.join(COLUMNS)}; it has no {', '.join(missing)}")
    numeric = frame.apply(pd.to_numeric, errors="coerce")
    bad = ~np.isfinite(numeric.to_numpy(dtype=float)).all(axis=1)
    if bad.any():
        raise InvalidMarketData(f"{path.name}: row {int(bad.argmax()) + 1} is not six finite numbers")
    prices = numeric[["open", "high", "low", "close"]].to_numpy(dtype=float)
    volume = numeric["volume"].to_numpy(dtype=float)
    inside = ((prices >= MIN_PRICE) & (prices <= MAX_PRICE)).all(axis=1) & (volume >= 0) & (volume <= MAX_VOLUME)
    if not inside.all():
        raise InvalidMarketData(f"{path.name}: row {int((~inside).argmax()) + 1} has a price or volume out of range")
    numeric["timestamp"] = numeric["timestamp"].astype("int64")
    in_microseconds = numeric["timestamp"] >= FIRST_MICROSECOND
    numeric.loc[in_microseconds, "timestamp"] //= 1000
    numeric = numeric.drop_duplicates("timestamp", keep="last").sort_values("timestamp")
    times = numeric["timestamp"].to_numpy()
    rows = numeric[COLUMNS[1:]].to_numpy(dtype=float).tolist()
    candles = [Candle(time, *row) for time, row in zip(times.tolist(), rows, strict=True)]
    try:
        timeframe = usual_timeframe(times)
    except InvalidMarketData as error:
        raise InvalidMarketData(f"{path.name}: {error.message}") from error
    series = CandleSeries.checked(timeframe, candles)
    series.require_opened_by(now_ms)
    return series


def _read_csv(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path, usecols=COLUMNS.__contains__)
    except UnicodeDecodeError as error:
        raise InvalidMarketData(f"{path.name} is no CSV text, plain or as .gz") from error
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise _unreadable(path, error) from error


def _read_parquet(path: Path) -> pd.DataFrame:
    import fastparquet  # a tenth of a second that only this format needs

    try:
        with path.open("rb") as content:
            table = fastparquet.ParquetFile(content)
            frame: pd.DataFrame = table.to_pandas(columns=[name for name in COLUMNS if name in table.columns])
    except Exception as error:  # its errors share no base
        raise _unreadable(path, error) from error
    return frame


def _unreadable(path: Path, error: Exception) -> InvalidMarketData:
    return InvalidMarketData(f"{path.name} cannot be read: {getattr(error, 'strerror', None) or error}")


def higher_timeframes(series: CandleSeries, count: int = 3) -> dict[Timeframe, CandleSeries]:
    """Return the series with up to `count` longer timeframes made from it, shortest first."""
    frames = {series.timeframe: series}
    shortest = series.timeframe
    for timeframe in Timeframe:
        # A timeframe only twice as long adds little: 15m is followed by 1h and 4h, not by 30m.
        if len(frames) <= count and timeframe.ms >= 3 * shortest.ms and timeframe.ms % series.timeframe.ms == 0:
            frames[timeframe] = series.resample(timeframe)
            shortest = timeframe
    return frames
