"""`backtest`: the same judgements on the past of markets, traded; `verify`: whether a result is as it was signed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.candles import market_of, read_closed, tell
from commands.console import say, show, stages
from commands.options import Json
from config.sources import load_settings
from domain.errors import InvalidRequest
from domain.market import CandleSeries
from domain.values import epoch_ms
from utils.clock import SystemClock

if TYPE_CHECKING:
    from services.backtests.order import BacktestWish

_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
MAX_FILE_BYTES = 256 * 1_048_576
GENUINE, ALTERED = "genuine", "altered, or signed with another key"
EXIT_ALTERED = 1

Bps = Annotated[float | None, typer.Option(min=0, max=4_999, help="Of each side of a trade; trading.* by default.")]


def backtest(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="Candles; several files of one symbol are its timeframes, several symbols share one account.",
        ),
    ],
    timeframes: Annotated[
        str | None,
        typer.Option(help="Separated by commas: the first is traded, all are read; made from shorter ones if need be."),
    ] = None,
    since: Annotated[datetime | None, typer.Option(formats=_FORMATS, help="First judgement, UTC.")] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=_FORMATS, help="End, UTC; later candles are not read.")
    ] = None,
    lane: Annotated[
        str, typer.Option(help="Who judges: rules, model:VERSION, blend:VERSION, strategy:NAME or llm:FILE.")
    ] = "rules",
    fee_bps: Bps = None,
    slippage_bps: Bps = None,
    funding_bps: Annotated[
        float | None,
        typer.Option(min=-4_999, max=4_999, help="Every 8 hours, paid by Long; trading.funding_bps by default."),
    ] = None,
    sizing: Annotated[
        str | None,
        typer.Option(help="fixed:SHARE, recommended, recommended:SHARE or risk:SHARE; backtests.sizing by default."),
    ] = None,
    symbol: Annotated[
        str | None, typer.Option(help="Market of all files; the one that each file names by default.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write equity.png, drawdown.png and trades.csv.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Trade the past by the signals of a lane, with costs, beside buy and hold and random entries."""
    settings = load_settings()
    since_ms, until_ms = (None if moment is None else epoch_ms(moment.replace(tzinfo=UTC)) for moment in (since, until))
    if since_ms is not None and until_ms is not None and since_ms >= until_ms:
        raise InvalidRequest("--since has to be before --until")

    from backtesting.trading.recorded import read_answers
    from commands.tables.backtests import backtested
    from services.backtests.files import write_files
    from services.backtests.order import BacktestOrder, lane_of
    from services.backtests.run import run_backtest
    from services.evidence_file import read_book

    wish = _wish(
        lane=lane,
        timeframes=None if timeframes is None else tuple(part.strip() for part in timeframes.split(",")),
        since_ms=since_ms,
        until_ms=until_ms,
        fee_bps=fee_bps,
        slippage_bps=slippage_bps,
        funding_bps=funding_bps,
        sizing=sizing,
    )
    chosen = lane_of(wish.lane)
    answers = read_answers(_content(Path(chosen.name))) if chosen.kind == "llm" else []
    order = BacktestOrder.of(wish, settings, read_book(settings.trading.evidence_file))
    candles: list[tuple[str, CandleSeries]] = []
    for file in files:
        read = read_closed(file, None, symbol)
        candles.append((market_of(read, file, symbol), read.series))
        if not as_json:
            tell(file, read)
    with stages() as listener:
        result = run_backtest(candles, order, listener, SystemClock().now(), answers)
        written = write_files(plot, result) if plot else []
    show(result.document, backtested(result.document, written), as_json)


def verify(
    file: Annotated[Path, typer.Argument(metavar="RESULT.json", help="What `backtest --json` printed.")],
) -> None:
    """Check that a backtest's result is as this machine signed it; exit code 1 if it is not."""
    from backtesting.trials.run_card import is_genuine
    from services.backtests.run import signing_key

    result = _json(file)
    if not isinstance(result, dict):
        raise InvalidRequest(f"{file.name} is no result of a backtest: it holds no JSON object")
    genuine = is_genuine(result, signing_key(load_settings().backtests).secret())
    say(f"{file.name}: {GENUINE if genuine else ALTERED}")
    if not genuine:
        raise typer.Exit(EXIT_ALTERED)


def _wish(**values: object) -> BacktestWish:
    """Return the wish.

    Raises:
        InvalidRequest: a value is none; one line that names the option.
    """
    from pydantic import ValidationError

    from services.backtests.order import BacktestWish

    try:
        return BacktestWish.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        option = str(first["loc"][0]).replace("_", "-")
        raise InvalidRequest(f"--{option}: {first['msg'].removeprefix('Value error, ')}") from None


def _json(file: Path) -> object:
    try:
        return json.loads(_content(file))
    except ValueError as error:
        raise InvalidRequest(f"{file.name} is no JSON: {error}") from None


def _content(file: Path) -> bytes:
    """Return the content of a file of a limited size.

    Raises:
        InvalidRequest: it cannot be read, or is too large.
    """
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise InvalidRequest(f"{file} cannot be read: {error.strerror or error}") from None
    if len(content) > MAX_FILE_BYTES:
        raise InvalidRequest(f"{file.name} has more than {MAX_FILE_BYTES:,} bytes")
    return content
