"""Candles from files."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from services.market_data.csv_candles import higher_timeframes, read_candles

from domain.errors import InvalidMarketData
from domain.market import Timeframe

START = 1_700_006_400_000
NOW = START + 10**10
HEAD = "timestamp,open,high,low,close,volume\n"


def rows(count: int, step_ms: int = Timeframe.H1.ms, start: int = START, factor: int = 1) -> str:
    return "".join(f"{(start + i * step_ms) * factor},10,11,9,10.5,3\n" for i in range(count))


def write(folder: Path, text: str, name: str = "BTCUSDT-1h.csv") -> Path:
    path = folder / name
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    return path


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_reads_plain_and_gzip_and_finds_the_timeframe(tmp_path: Path, name: str) -> None:
    series = read_candles(write(tmp_path, HEAD + rows(5), name), NOW)
    assert series.timeframe is Timeframe.H1
    assert [c.timestamp for c in series.candles] == [START + i * Timeframe.H1.ms for i in range(5)]
    assert series.candles[0].close == 10.5


def test_microseconds_are_recognized(tmp_path: Path) -> None:
    series = read_candles(write(tmp_path, HEAD + rows(5, factor=1000)), NOW)
    assert series.candles[0].timestamp == START


def test_rows_are_sorted_and_repeats_read_once(tmp_path: Path) -> None:
    text = HEAD + rows(3, start=START + 3 * Timeframe.H1.ms) + rows(4)
    assert len(read_candles(write(tmp_path, text), NOW)) == 6


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "cannot be read"),
        ("a,b\n1,2\n", "needs columns .*; it has no timestamp, open, high, low, close, volume$"),
        (HEAD, "at least 2"),
        (HEAD + rows(1), "at least 2"),
        (HEAD + rows(3) + "x,1,1,1,1,1\n", "row 4"),
        (HEAD + rows(3) + f"{START},nan,1,1,1,1\n", "row 4"),
        (HEAD + rows(3) + f"{START},-1,1,1,1,1\n", "out of range"),
        (HEAD + rows(3, step_ms=7), "apart"),
        (HEAD + rows(3, start=NOW), "future"),
    ],
)
def test_a_file_that_holds_no_candles_says_why(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InvalidMarketData, match=words):
        read_candles(write(tmp_path, text), NOW)


def test_binary_and_missing_files_say_why(tmp_path: Path) -> None:
    binary = tmp_path / "a.csv.gz"
    binary.write_bytes(b"\x00\x01\x02 no gzip")
    with pytest.raises(InvalidMarketData, match=r"^a\.csv\.gz cannot be read: Not a gzipped file"):
        read_candles(binary, NOW)
    with pytest.raises(InvalidMarketData, match=r"^missing\.csv cannot be read: No such file or directory$"):
        read_candles(tmp_path / "missing.csv", NOW)


def test_higher_timeframes_are_made_from_whole_candles(tmp_path: Path) -> None:
    series = read_candles(write(tmp_path, HEAD + rows(50)), NOW)
    frames = higher_timeframes(series)
    assert list(frames) == [Timeframe.H1, Timeframe.H4, Timeframe.D1]
    assert len(frames[Timeframe.H4]) == 12
    assert len(frames[Timeframe.D1]) == 2


@pytest.mark.realdata
def test_real_files_are_read(real_data: Path) -> None:
    for name, timeframe in {"BTCUSDT-1h": "1h", "BTCUSDT-15m": "15m", "BTCUSDT-5m": "5m", "ETHUSDT-1h": "1h"}.items():
        series = read_candles(real_data / f"{name}.csv.gz", 2_000_000_000_000)
        assert series.timeframe == timeframe
        assert len(series) > 30_000
