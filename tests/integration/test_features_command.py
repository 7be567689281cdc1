"""`cli.py features` on files."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from functools import partial
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fastparquet import ParquetFile
from rich.console import Console
from rich.table import Table

from domain.market import CandleSeries, Timeframe
from faults.equipment.small_disk import SmallDisk
from features.columns.feature_sets import FEATURE_SETS, STANDARD
from features.feature_engineering import FeatureEngineer
from features.indicators.catalogue import FAMILIES
from services.reports.feature_table import render_catalogue, render_columns
from tests.fixtures.candle_files import write_candles
from tests.fixtures.commands import exit_status
from tests.fixtures.exchange_candles import exchange_candles
from tests.fixtures.histories import simulated
from tests.fixtures.planted_market import reversal_market

pytest_plugins = ["tests.fixtures.small_disk"]

Command = Callable[..., int]


@pytest.fixture
def command() -> Command:
    """Return a function that runs the command line and gives its exit status."""
    return partial(exit_status, "features")


def candle_file(folder: Path, series: CandleSeries) -> Path:
    table = series.frame.assign(timestamp=[candle.timestamp for candle in series.candles])
    path = folder / "BTCUSDT-15m.csv.gz"
    path.write_bytes(gzip.compress(table.to_csv(index=False).encode()))
    return path


def read(path: Path) -> pd.DataFrame:
    if path.suffix == ".parquet":
        with path.open("rb") as file:
            table: pd.DataFrame = ParquetFile(file).to_pandas()
            return table
    return pd.read_csv(path)


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "parquet"])
def test_on_a_full_disk_the_table_of_before_stays_and_no_part_of_a_new_one(
    tmp_path: Path, command: Command, small_disk: SmallDisk, capsys: pytest.CaptureFixture[str], ending: str
) -> None:
    candles = candle_file(tmp_path, simulated(1, timeframe=Timeframe.M15, count=400))
    output = small_disk.folder / f"features.{ending}"
    output.write_bytes(b"of before")
    small_disk.fill()
    before = sorted(small_disk.folder.iterdir())
    assert command(candles, "--output", output) == 2
    assert f"features.{ending} cannot be written: No space left on device" in " ".join(capsys.readouterr().err.split())
    assert (sorted(small_disk.folder.iterdir()), output.read_bytes()) == (before, b"of before")


@pytest.mark.parametrize("set_name", FEATURE_SETS)
@pytest.mark.parametrize("ending", ["csv", "csv.gz", "parquet"])
def test_writes_the_table_of_transform(tmp_path: Path, command: Command, set_name: str, ending: str) -> None:
    series = simulated(1, timeframe=Timeframe.M15, count=400)
    output = tmp_path / f"out.{ending}"
    assert command(candle_file(tmp_path, series), "--set", set_name, "--output", output) == 0
    written = read(output)
    expected = FeatureEngineer(FEATURE_SETS[set_name]).transform(series)
    assert written.columns.tolist() == ["timestamp", *expected.columns]
    assert written["timestamp"].tolist() == expected.index.tolist()
    assert np.array_equal(written.to_numpy()[:, 1:], expected.to_numpy(), equal_nan=True)


def test_cells_that_warm_up_are_empty(tmp_path: Path, command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "out.csv"
    command(candle_file(tmp_path, simulated(1, timeframe=Timeframe.M15, count=100)), "--output", output)
    lines = output.read_text().splitlines()
    first, last = lines[1].split(","), lines[-1].split(",")
    names = lines[0].split(",")
    assert first[names.index("rsi_14")] == ""
    assert first[names.index("price_position")] != ""
    assert "" not in last
    assert f"100 rows, {len(STANDARD.columns)} columns, set standard {STANDARD.id}" in capsys.readouterr().err.replace(
        "\n", " "
    )


def test_candles_are_resampled_first(tmp_path: Path, command: Command) -> None:
    series = simulated(1, timeframe=Timeframe.M15, count=400)
    output = tmp_path / "out.csv"
    command(candle_file(tmp_path, series), "--timeframe", "1h", "--output", output)
    expected = FeatureEngineer(STANDARD).transform(series.resample(Timeframe.H1))
    assert np.array_equal(read(output).to_numpy()[:, 1:], expected.to_numpy(), equal_nan=True)


def test_lists_every_indicator(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("--list") == 0
    shown = capsys.readouterr().out
    assert [name for name in FAMILIES if f" {name} " not in shown] == []
    macd, of_macd = (line.split() for line in shown.splitlines() if re.match(r" (macd|psar) ", line))
    assert macd == ["macd", "fast=12,", "slow=26", "25", "price", "difference"]
    assert of_macd == ["psar", "step=0.02,", "2", "price"]
    assert "Appel, The Moving Average Convergence-Divergence Method (1979)" in shown


@pytest.mark.parametrize("name", FEATURE_SETS)
def test_lists_every_column_of_a_set(command: Command, capsys: pytest.CaptureFixture[str], name: str) -> None:
    feature_set = FEATURE_SETS[name]
    assert command("--list", "--set", name) == 0
    shown = capsys.readouterr().out
    assert feature_set.id in shown
    assert [column.name for column in feature_set.columns if f" {column.name} " not in shown] == []


@pytest.mark.parametrize("table", [render_catalogue(), *map(render_columns, FEATURE_SETS.values())])
def test_lists_are_whole_in_a_narrow_terminal(table: Table) -> None:
    console = Console(width=80, file=StringIO())
    console.print(table)
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]  # a StringIO
    assert max(map(len, lines)) <= 80
    assert not any("…" in line for line in lines)
    assert sum("Wilder" in line for line in lines) > 3


def test_a_pipe_gets_no_progress(tmp_path: Path, command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "out.csv"
    command(candle_file(tmp_path, simulated(1, timeframe=Timeframe.M15, count=100)), "--output", output)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.splitlines() == [f"{output}: 100 rows, 75 columns, set standard {STANDARD.id}"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "needs a FILE and either --output or --importance"),
        (["{file}"], "needs a FILE and either --output or --importance"),
        (["{file}", "--output", "{folder}/out.xlsx"], "written as .csv, .csv.gz, .parquet"),
        (["{file}", "--output", "{folder}/nowhere/out.csv"], "there is no folder"),
        (["{file}", "--output", "{folder}/taken.csv"], "cannot be written"),
        (["{folder}/missing.csv", "--output", "{folder}/out.csv"], "missing.csv: cannot be read: No such file"),
        (["{folder}", "--output", "{folder}/out.csv"], "cannot be read: Is a directory"),
        (
            ["{folder}/broken.csv.gz", "--output", "{folder}/out.csv"],
            "broken.csv.gz: is a damaged or",
        ),
        (["{folder}/binary.csv", "--output", "{folder}/out.csv"], "binary.csv: is binary"),
        (["{folder}/no-close.csv", "--output", "{folder}/out.csv"], "has no column for close"),
        (["{file}", "--output", "{file}"], "holds the candles"),
        (["{file}", "--timeframe", "5m", "--output", "{folder}/out.csv"], "cannot be made"),
    ],
)
def test_errors_are_one_line(
    tmp_path: Path, command: Command, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    file = candle_file(tmp_path, simulated(1, timeframe=Timeframe.M15, count=100))
    (tmp_path / "taken.csv").mkdir()
    (tmp_path / "broken.csv.gz").write_bytes(file.read_bytes()[:-100])
    (tmp_path / "binary.csv").write_bytes(bytes(99))
    (tmp_path / "no-close.csv").write_text("time,open,high,low,volume\n0,1,1,1,1\n")
    status = command(*(argument.format(file=file, folder=tmp_path) for argument in arguments))
    shown = capsys.readouterr().err.strip()
    assert status == 2
    assert shown.startswith("error: ")
    assert words in shown
    assert "\n" not in shown


def test_writes_features_of_an_exchanges_candles(tmp_path: Path, command: Command) -> None:
    series = exchange_candles(1, Timeframe.M15, 2_000)
    file, output = candle_file(tmp_path, series), tmp_path / "out.csv"
    assert command(file, "--set", "standard", "--timeframe", "1h", "--output", output) == 0
    written = read(output)
    expected = FeatureEngineer(STANDARD).transform(series.resample(Timeframe.H1))
    assert written.columns[0] == "timestamp"
    assert np.array_equal(written.to_numpy()[:, 1:], expected.to_numpy(), equal_nan=True)
    assert not written.iloc[STANDARD.warm_up :].isna().any(axis=None)


def test_the_column_that_tells_the_next_close_comes_first(
    tmp_path: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_candles(tmp_path / "BTCUSDT-1h.csv", reversal_market(1_500, 0.7, 1))
    assert command(file, "--importance") == 0
    first, correlation, information = capsys.readouterr().out.splitlines()[4].split()
    assert first in {"price_return_1", "oc_spread", "price_position"}
    # The sign of the last move is worth 0.4, as seven turns in ten are; its size is noise.
    assert 0.3 < float(correlation) < 0.45
    assert float(information) > 0.05


def test_what_has_too_few_candles_for_a_ranking_is_refused(
    tmp_path: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_candles(tmp_path / "BTCUSDT-1h.csv", reversal_market(120, 0.7, 1))
    assert command(file, "--importance") == 2
    assert "100 are needed" in capsys.readouterr().err
    assert command(file, "--importance", "--output", tmp_path / "out.csv") == 2
    assert "either --output or --importance" in capsys.readouterr().err
