"""A feature table as a file; the catalogue, the columns of a set and their importance as tables for a terminal."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from config.files import whole_file
from domain.errors import InvalidRequest
from features.columns.feature_sets import FeatureSet
from features.datasets.importance import Importance
from features.indicators.catalogue import FAMILIES, indicator

FORMATS = (".csv", ".csv.gz", ".parquet")
PARAMETERS_WIDTH = 16
# Columns of a ranking.
SHOWN = 20


def check_output(path: Path, candles: Path) -> None:
    """Refuse a path that could not be written, before any work is done.

    Args:
        path: Where the features are to go.
        candles: The file that they are made from.

    Raises:
        InvalidRequest: unknown ending, no such folder, or the file of the candles itself.
    """
    if not path.name.endswith(FORMATS):
        raise InvalidRequest(f"{path.name}: features are written as {', '.join(FORMATS)}")
    if not path.parent.is_dir():
        raise InvalidRequest(f"there is no folder {path.parent} to write {path.name} to")
    if path.exists() and candles.exists() and path.samefile(candles):
        raise InvalidRequest(f"{path} holds the candles: features need another file")


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write the features of a series: first column `timestamp`, cells still warming up empty.

    Args:
        table: From `FeatureEngineer.transform`.

    Raises:
        InvalidRequest: the file cannot be written.
    """
    table = table.reset_index()
    with whole_file(path) as part:
        if path.suffix == ".parquet":
            import fastparquet  # a tenth of a second that only this format needs

            fastparquet.write(str(part), table)
        else:
            table.to_csv(part, index=False, compression="gzip" if path.suffix == ".gz" else None)


def render_catalogue() -> Table:
    """Return every indicator with group, customary parameters and their warm-up, scale and source, ready to print."""
    table = _table(f"{len(FAMILIES)} indicators with their customary parameters")
    table.add_column(_stacked("indicator", "group"), no_wrap=True)
    table.add_column("parameters", max_width=PARAMETERS_WIDTH)
    table.add_column("warm-up", justify="right")
    table.add_column(_stacked("scale", "source"), overflow="fold")
    for family in FAMILIES.values():
        parameters = ", ".join(f"{name}={value:g}" for name, value in family.defaults.items()) or "none"
        warm_up = str(indicator(family.name).warm_up)
        table.add_row(_stacked(family.name, family.group), parameters, warm_up, _stacked(family.scale, family.source))
    return table


def render_columns(feature_set: FeatureSet) -> Table:
    """Return the columns of a set with group, warm-up, needed history, formula, scale and source, ready to print."""
    table = _table(
        f"{feature_set.name}: {len(feature_set.columns)} columns, id {feature_set.id}, "
        f"warm-up {feature_set.warm_up}, exact from {feature_set.history} candles"
    )
    table.add_column(_stacked("column", "group"), no_wrap=True)
    table.add_column(_stacked("warm-up", "history"), justify="right")
    table.add_column(_stacked("formula", "scale; source"), overflow="fold")
    for column in feature_set.columns:
        rows = _stacked(str(column.warm_up), str(column.history))
        meaning = _stacked(column.definition, f"{column.unit}; {column.source}")
        table.add_row(_stacked(column.name, column.group), rows, meaning)
    return table


def render_importance(correlation: Importance, information: Importance, noise: Importance, rows: int) -> Group:
    """Return the columns that tell most of the next close by themselves, by their correlation with it.

    Args:
        correlation: With the direction of the next close.
        information: Mutual information of the same.
        noise: Mutual information with directions that were shuffled.
        rows: Number of candles.
    """
    table = _table(f"the first {min(SHOWN, len(correlation.columns))} of {len(correlation.columns)} columns")
    for heading in ("column", "correlation", "mutual information, nats"):
        table.add_column(heading)
    by_name = dict(zip(information.columns, information.scores, strict=True))
    for name, score in correlation.ranking()[:SHOWN]:
        table.add_row(name, f"{score:.4f}", f"{by_name[name]:.4f}")
    by_chance = (
        f"by chance up to {2 / math.sqrt(rows):.4f} (two deviations) and {max(noise.scores):.4f} (shuffled closes)"
    )
    return Group(
        table,
        f"of {rows:,} candles, {by_chance}; what is chosen by these candles is not tested by them",
    )


def _table(title: str) -> Table:
    return Table(title=title, box=SIMPLE_HEAD, collapse_padding=True, pad_edge=False)


def _stacked(first: str, second: str) -> Text:
    """Return two lines of a cell: entries of two lines leave room for the sources in 80 characters."""
    return Text.assemble(first, "\n", (second, "dim"))
