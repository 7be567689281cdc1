"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from domain.forecasting import ModelTarget
from domain.market import Timeframe

# Of a moment, UTC.
MOMENT_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]

CandleFile = Annotated[Path, typer.Argument(metavar="FILE", help="File of candles: CSV, JSON, Parquet or an export.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")]
FileSymbol = Annotated[str | None, typer.Option(help="Market, where the file has several.")]
SeriesTimeframe = Annotated[Timeframe | None, typer.Option(help="Timeframe; that of the file by default.")]
ScopeSymbol = Annotated[str | None, typer.Option(help="Market, or * for all; the one that the file names by default.")]
Epochs = Annotated[int | None, typer.Option(min=1, help="Epochs of each network; from the settings by default.")]
Seed = Annotated[int | None, typer.Option(min=0, help="Random seed; from the settings by default.")]
Backend = Annotated[
    Literal["tensorflow", "jax"] | None, typer.Option(help="Backend of Keras; from the settings by default.")
]
Leader = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Candles of the market that leads, such as BTCUSDT, for a version that reads them."
    ),
]
Horizon = Annotated[
    int | None,
    typer.Option(min=1, help="Candles ahead, one of models.further_horizons_candles; the usual horizon by default."),
]
OneTarget = Annotated[
    ModelTarget | None, typer.Option(help="Only models of the close of one horizon, or only plan models.")
]
Version = Annotated[str, typer.Argument(help="Name of a version.")]
