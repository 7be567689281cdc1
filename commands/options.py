"""Arguments and options that several commands share, and how their texts are read."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal, overload

import typer

from domain.errors import InvalidRequest
from domain.forecasting import ModelTarget
from domain.market import Timeframe
from domain.values import epoch_ms
from utils.version import service_version

# Of a moment, UTC.
MOMENT_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]

CandleFile = Annotated[Path, typer.Argument(metavar="FILE", help="File of candles: CSV, JSON, Parquet or an export.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")]
FileSymbol = Annotated[str | None, typer.Option(help="Market, where the file has several.")]
FilesSymbol = Annotated[str | None, typer.Option(help="Market of all files; the one that each file names by default.")]
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
    typer.Option(min=1, help="Candles ahead, such as 4; the usual horizon by default."),
]
OneTarget = Annotated[
    ModelTarget | None, typer.Option(help="Only models of the close of one horizon, or only plan models.")
]
Bps = Annotated[
    float | None, typer.Option(min=0, max=4_999, help="Of each side of a trade; that of the kind of market by default.")
]
Version = Annotated[str, typer.Argument(help="Name of a version.")]


@overload
def moment_ms(moment: datetime) -> int: ...
@overload
def moment_ms(moment: None) -> None: ...
def moment_ms(moment: datetime | None) -> int | None:
    """Return a moment that an option names, which is UTC, in epoch ms; None of none."""
    return None if moment is None else epoch_ms(moment.replace(tzinfo=UTC))


def timeframes_of(listed: str | None) -> tuple[Timeframe, ...]:
    """Return the timeframes of `--timeframes`, in their order; none where the option is left out.

    Raises:
        InvalidRequest: a name is no timeframe.
    """
    names = [name.strip() for name in (listed or "").split(",") if name.strip()]
    unknown = [name for name in names if name not in set(Timeframe)]
    if unknown:
        raise InvalidRequest(f"--timeframes: {unknown[0]!r} is no timeframe; there are {', '.join(Timeframe)}")
    return tuple(dict.fromkeys(map(Timeframe, names)))


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(service_version())
        raise typer.Exit


def before_a_command(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Take the options that stand before a command."""
