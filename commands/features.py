"""`features`: write the feature table of a file of candles."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from commands.candles.reading import read_series, tell
from commands.console import output as result_console
from commands.console import say, working
from commands.options import FileSymbol, SeriesTimeframe
from domain.errors import InsufficientData, InvalidRequest

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import RenderableType

    from domain.market import CandleSeries

# Fewer rows tell nothing of a column.
LEAST_ROWS = 100


def features(
    file: Annotated[Path | None, typer.Argument(help="File of candles; see docs/files.md.", show_default=False)] = None,
    set_name: Annotated[
        Literal["standard", "led", "extended", "wide"] | None,
        typer.Option("--set", help="The feature set; standard by default."),
    ] = None,
    timeframe: SeriesTimeframe = None,
    symbol: FileSymbol = None,
    output: Annotated[
        Path | None, typer.Option(help="File to write: .csv, .csv.gz or .parquet.", show_default=False)
    ] = None,
    show_list: Annotated[
        bool, typer.Option("--list", help="Instead, print every indicator, or with --set the columns of the set.")
    ] = False,
    importance: Annotated[
        bool, typer.Option("--importance", help="Instead, print the columns that tell most of the next close.")
    ] = False,
) -> None:
    """Write the feature table of a file, one row per candle; cells still warming up are empty."""
    from features.columns.feature_sets import FEATURE_SETS
    from features.feature_engineering import FeatureEngineer
    from services.reports.feature_table import check_output, render_catalogue, render_columns, write_table

    if show_list:
        result_console().print(render_columns(FEATURE_SETS[set_name]) if set_name else render_catalogue())
        return
    if file is None or (output is None) is not importance:
        raise InvalidRequest("features needs a FILE and either --output or --importance, or --list")
    if output is not None:
        check_output(output, file)
    engineer = FeatureEngineer(FEATURE_SETS[set_name or "standard"])
    with working() as now:
        now(f"reading {file.name}")
        read = read_series(file, timeframe, symbol)
        series = read.series
        now(f"computing {len(engineer.feature_columns)} columns of {len(series):,} candles")
        table = engineer.transform(series)
        if output is None:
            now("comparing the columns with the next close")
            ranked = _ranked(table, series)
        else:
            now(f"writing {output.name}")
            write_table(table, output)
    tell(file, read)
    if output is None:
        result_console().print(ranked)
        return
    feature_set = engineer.feature_set
    say(f"{output}: {len(table)} rows, {len(feature_set.columns)} columns, set {feature_set.name} {feature_set.id}")


def _ranked(table: pd.DataFrame, series: CandleSeries) -> RenderableType:
    """Return the columns by what each tells of the direction of the next close.

    Raises:
        InsufficientData: fewer than `LEAST_ROWS` rows have every value and a next close that moved.
    """
    import numpy as np

    from features.datasets.candle_checks import unbroken_runs
    from features.datasets.importance import correlation_importance, mutual_information_importance
    from features.datasets.targets import forward_returns
    from services.reports.feature_table import render_importance

    values, returns = table.to_numpy(), forward_returns(series.closes, 1, unbroken_runs(series))
    known = np.isfinite(values).all(axis=1) & np.isfinite(returns) & (returns != 0.0)
    if known.sum() < LEAST_ROWS:
        raise InsufficientData(
            f"{known.sum()} of {len(table)} candles have every column and a next close that moved; "
            f"{LEAST_ROWS} are needed"
        )
    values, up, columns = values[known], (returns[known] > 0.0).astype(np.float64), tuple(table.columns)
    information, noise = (
        mutual_information_importance(values, target, columns, discrete_target=True, seed=0)
        for target in (up, np.random.default_rng(0).permutation(up))
    )
    return render_importance(correlation_importance(values, up, columns), information, noise, int(known.sum()))
