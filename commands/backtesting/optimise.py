"""`optimise`: better settings of trades, searched and judged by walk-forward."""

from __future__ import annotations

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
from commands.console import show, stages
from commands.options import Bps, FilesSymbol, Json
from config.sources import load_settings
from utils.clock import SystemClock


def optimise(
    files: Files,
    timeframes: Timeframes = None,
    since: Since = None,
    until: Until = None,
    lane: Annotated[str, typer.Option(help="Who judges: rules or strategy:NAME.")] = "rules",
    trials: Annotated[
        int, typer.Option(help="Settings that are tried before each fold and over all the time, at most 500.")
    ] = 50,
    folds: Annotated[
        int, typer.Option(help="Times in which what was chosen on the time before is traded, 2 to 12.")
    ] = 4,
    fee_bps: Bps = None,
    slippage_bps: Bps = None,
    funding_bps: FundingBps = None,
    sizing: SizingOption = None,
    seed: Annotated[
        int | None, typer.Option(help="Of the search and of random entries; backtests.seed by default.")
    ] = None,
    symbol: FilesSymbol = None,
    plot: Annotated[Path | None, typer.Option(metavar="DIR", help="Write search.png and equity.png.")] = None,
    as_json: Json = False,
) -> None:
    """Search for better settings of trades; what was chosen is judged on the time after it, beside the present ones."""
    settings = load_settings()

    from commands.tables.optimising import optimised
    from services.evidence.file import read_evidence
    from services.optimising.files import write_pictures
    from services.optimising.parameters import OptimiseOptions, OptimiseParameters
    from services.optimising.run import run_optimise

    options = options_of(
        OptimiseOptions,
        timeframes,
        since,
        until,
        lane=lane,
        trials=trials,
        folds=folds,
        fee_bps=fee_bps,
        slippage_bps=slippage_bps,
        funding_bps=funding_bps,
        sizing=sizing,
        seed=seed,
    )
    parameters = OptimiseParameters.of(options, settings, read_evidence(settings.trading.evidence_file))
    candles = candles_of(files, symbol, quiet=as_json)
    with stages() as listener:
        result = run_optimise(candles, parameters, listener, SystemClock().now())
        written = write_pictures(plot, result) if plot else []
    show(result.document, optimised(result.document, written), as_json)
