"""A feature table as a file, and the columns of a feature set as a table for a terminal."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from rich.markup import escape
from rich.table import Table

from domain.errors import InvalidRequest
from domain.market import CandleSeries
from features.feature_engineering import FeatureEngineer
from features.feature_sets import FeatureSet

FORMATS = (".csv", ".csv.gz", ".parquet")


def check_output(path: Path) -> None:
    """Refuse a path that could not be written, before any work is done.

    Raises:
        InvalidRequest: unknown ending, or no such folder.
    """
    if not path.name.endswith(FORMATS):
        raise InvalidRequest(f"{path.name}: features are written as {', '.join(FORMATS)}")
    if not path.parent.is_dir():
        raise InvalidRequest(f"there is no folder {path.parent} to write {path.name} to")


def write_features(series: CandleSeries, feature_set: FeatureSet, path: Path) -> pd.DataFrame:
    """Write and return the features of a series: first column `timestamp`, cells still warming up empty.

    Raises:
        InvalidRequest: the file cannot be written.
    """
    table = FeatureEngineer(feature_set).transform(series).reset_index()
    try:
        if path.suffix == ".parquet":
            import fastparquet  # a tenth of a second that only this format needs

            fastparquet.write(str(path), table)
        else:
            table.to_csv(path, index=False)
    except OSError as error:
        raise InvalidRequest(f"{path} cannot be written: {error.strerror or error}") from error
    return table


def render_columns(feature_set: FeatureSet) -> Table:
    """Return the columns of a set with group, warm-up, scale and source, ready to print."""
    title = (
        f"{feature_set.name}: {len(feature_set.columns)} columns, id {feature_set.id}, "
        f"warm-up {feature_set.warm_up}, exact from {feature_set.history} candles"
    )
    table = Table(title=title)
    for heading in ("column", "group"):
        table.add_column(heading, no_wrap=True)
    for heading in ("warm-up", "history"):
        table.add_column(heading, justify="right", no_wrap=True)
    for heading in ("scale", "source"):
        table.add_column(heading)
    for column in feature_set.columns:
        cells = (column.name, column.group, str(column.warm_up), str(column.history), column.unit, column.source)
        table.add_row(*map(escape, cells))
    return table
