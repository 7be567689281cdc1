"""`backtest`: the same judgements on the past of markets, traded; `verify`: whether a result is as it was signed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from commands.backtesting.past import (
    Files,
    FundingBps,
    Since,
    SizingOption,
    Timeframes,
    Until,
    candles_of,
    options_of,
)
from commands.console import say, show, stages
from commands.options import Bps, FilesSymbol, Json, Leader
from commands.versions import read_leader
from config.files import read_at_most
from config.sources import load_settings
from domain.errors import InvalidRequest
from utils.clock import SystemClock

MAX_FILE_BYTES = 256 * 1_048_576
GENUINE, ALTERED = "genuine", "altered, or signed with another key"
EXIT_ALTERED = 1


def backtest(
    files: Files,
    timeframes: Timeframes = None,
    since: Since = None,
    until: Until = None,
    lane: Annotated[
        str,
        typer.Option(
            help="Who judges: rules, model:VERSION, blend:VERSION (or VERSION@4, 4 ahead), strategy:NAME or llm:FILE."
        ),
    ] = "rules",
    fee_bps: Bps = None,
    slippage_bps: Bps = None,
    funding_bps: FundingBps = None,
    sizing: SizingOption = None,
    symbol: FilesSymbol = None,
    leader: Leader = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write equity.png, drawdown.png and trades.csv.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Trade the past by the signals of a lane, with costs, beside buy and hold and random entries."""
    settings = load_settings()

    from backtesting.trading.recorded import read_answers
    from commands.tables.backtests import backtested
    from models.registry.registries import Registries
    from services.backtests.files import write_files
    from services.backtests.lane_models import version_of
    from services.backtests.parameters import BacktestOptions, BacktestParameters, lane_of
    from services.backtests.run import run_backtest
    from services.evidence.file import read_evidence

    options = options_of(
        BacktestOptions,
        timeframes,
        since,
        until,
        lane=lane,
        fee_bps=fee_bps,
        slippage_bps=slippage_bps,
        funding_bps=funding_bps,
        sizing=sizing,
    )
    chosen = lane_of(options.lane)
    own = version_of(Registries(settings), chosen)
    if own is not None:
        options, settings = options.model_copy(update={"lane": own.lane}), own.settings
    answers = read_answers(_content(Path(chosen.name))) if chosen.kind == "llm" else []
    parameters = BacktestParameters.of(options, settings, read_evidence(settings.trading.evidence_file))
    candles = candles_of(files, symbol, quiet=as_json)
    leaders = []
    if leader is not None:
        if own is None:
            raise InvalidRequest("--leader is read by the lanes model:VERSION and blend:VERSION alone: leave it out")
        traded = list(dict.fromkeys(market for market, _ in candles))
        leaders = list(read_leader(own.model, traded, None, leader).items())
    with stages() as listener:
        result = run_backtest(candles, parameters, listener, SystemClock().now(), answers, leaders)
        written = write_files(plot, result) if plot else []
    show(result.document, backtested(result.document, written), as_json)


def verify(
    file: Annotated[
        Path, typer.Argument(metavar="RESULT.json", help="What `backtest --json` or `optimise --json` printed.")
    ],
) -> None:
    """Check that the result of a backtest or a search is as this machine signed it; exit code 1 if it is not."""
    from backtesting.trials.run_card import is_genuine
    from services.backtests.run import signing_key

    result = _json(file)
    if not isinstance(result, dict):
        raise InvalidRequest(f"{file.name} is no result of a backtest: it holds no JSON object")
    genuine = is_genuine(result, signing_key(load_settings().backtests).secret())
    say(f"{file.name}: {GENUINE if genuine else ALTERED}")
    if not genuine:
        raise typer.Exit(EXIT_ALTERED)


def _json(file: Path) -> object:
    try:
        return json.loads(_content(file))
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(f"{file.name} is no JSON: {error}") from None


def _content(file: Path) -> bytes:
    """Return the content of a file of a limited size.

    Raises:
        InvalidRequest: it cannot be read, or is too large.
    """
    try:
        return read_at_most(file, MAX_FILE_BYTES)
    except OSError as error:
        raise InvalidRequest(f"{file} cannot be read: {error.strerror or error}") from None
