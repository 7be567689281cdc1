"""`features`: write the feature table of a file of candles."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from commands.candles.reading import read_series, tell
from commands.console import output as result_console
from commands.console import say, working
from commands.options import SeriesTimeframe
from domain.errors import InvalidRequest


def features(
    file: Annotated[Path | None, typer.Argument(help="File of candles; see docs/files.md.", show_default=False)] = None,
    set_name: Annotated[
        Literal["standard", "led", "extended", "wide"] | None,
        typer.Option("--set", help="The feature set; standard by default."),
    ] = None,
    timeframe: SeriesTimeframe = None,
    symbol: Annotated[str | None, typer.Option(help="Market, where the file has several.")] = None,
    output: Annotated[
        Path | None, typer.Option(help="File to write: .csv, .csv.gz or .parquet.", show_default=False)
    ] = None,
    show_list: Annotated[
        bool, typer.Option("--list", help="Instead, print every indicator, or with --set the columns of the set.")
    ] = False,
) -> None:
    """Write the feature table of a file, one row per candle; cells still warming up are empty."""
    from features.columns.feature_sets import FEATURE_SETS
    from features.feature_engineering import FeatureEngineer
    from services.reports.feature_table import check_output, render_catalogue, render_columns, write_table

    if show_list:
        result_console().print(render_columns(FEATURE_SETS[set_name]) if set_name else render_catalogue())
        return
    if file is None or output is None:
        raise InvalidRequest("features needs a FILE and --output, or --list")
    check_output(output, file)
    engineer = FeatureEngineer(FEATURE_SETS[set_name or "standard"])
    with working() as now:
        now(f"reading {file.name}")
        read = read_series(file, timeframe, symbol)
        series = read.series
        now(f"computing {len(engineer.feature_columns)} columns of {len(series):,} candles")
        table = engineer.transform(series)
        now(f"writing {output.name}")
        write_table(table, output)
    tell(file, read)
    feature_set = engineer.feature_set
    say(f"{output}: {len(table)} rows, {len(feature_set.columns)} columns, set {feature_set.name} {feature_set.id}")
