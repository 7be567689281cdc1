"""What the commands that trade the past have in common: options, candles and checks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from commands.candles.reading import market_of, read_closed, tell
from commands.options import MOMENT_FORMATS, moment_ms
from config.errors.needs import need_of
from domain.errors import InvalidRequest
from domain.market import CandleSeries

if TYPE_CHECKING:
    from services.backtests.parameters import BacktestOptions

Options = TypeVar("Options", bound="BacktestOptions")


Files = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILE",
        help="Candles; several files of one symbol are its timeframes, several symbols share one account.",
    ),
]
Timeframes = Annotated[
    str | None,
    typer.Option(help="Separated by commas: the first is traded, all are read; made from shorter ones if need be."),
]
Since = Annotated[datetime | None, typer.Option(formats=MOMENT_FORMATS, help="First judgement, UTC.")]
Until = Annotated[datetime | None, typer.Option(formats=MOMENT_FORMATS, help="End, UTC; later candles are not read.")]
FundingBps = Annotated[
    float | None,
    typer.Option(min=-4_999, max=4_999, help="Every 8 hours, paid by Long; from the settings by default."),
]
SizingOption = Annotated[
    str | None,
    typer.Option(help="fixed:SHARE, recommended, recommended:SHARE or risk:SHARE; backtests.sizing by default."),
]


def options_of(
    kind: type[Options],
    timeframes: str | None,
    since: datetime | None,
    until: datetime | None,
    **values: object,
) -> Options:
    """Return the options.

    Raises:
        InvalidRequest: a value is none; one line that names the option.
    """
    from pydantic import ValidationError

    since_ms, until_ms = moment_ms(since), moment_ms(until)
    if since_ms is not None and until_ms is not None and since_ms >= until_ms:
        raise InvalidRequest("--since has to be before --until")
    named = None if timeframes is None else tuple(part.strip() for part in timeframes.split(","))
    try:
        return kind.model_validate({"timeframes": named, "since_ms": since_ms, "until_ms": until_ms, **values})
    except ValidationError as error:
        first = error.errors()[0]
        option = str(first["loc"][0]).replace("_", "-")
        raise InvalidRequest(f"--{option}: {need_of(first)}") from None


def candles_of(files: Sequence[Path], symbol: str | None, *, quiet: bool) -> list[tuple[str, CandleSeries]]:
    """Return symbol and closed candles of each file; what was read is told unless it should be quiet."""
    candles = []
    for file in files:
        read = read_closed(file, None, symbol)
        candles.append((market_of(read, file, symbol), read.series))
        if not quiet:
            tell(file, read)
    return candles
