"""`models build-default`: train the versions that come with the service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.candles.reading import checked_scope, own_market, read_closed, tell
from commands.console import say, show, stages
from commands.options import Json
from config.sources import load_settings
from domain.errors import InsufficientData, InvalidRequest
from domain.forecasting import ModelType, is_shipped_market
from domain.market import CandleSeries, Timeframe
from domain.values import epoch_ms
from utils.clock import SystemClock

if TYPE_CHECKING:
    from services.training.default_models import DefaultModel

TIMEFRAMES = (Timeframe.H1, Timeframe.H4, Timeframe.M15)
DEFAULT_FOLDER = Path(__file__).resolve().parents[2] / "models" / "default"
LAST_DAY = datetime(2024, 12, 31)  # noqa: DTZ001 - a day, not a moment


def build_default(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Candles of coins; a market may have several.")],
    to: Annotated[
        datetime,
        typer.Option(formats=["%Y-%m-%d"], help="Last day of the candles, UTC; the figures are of its two years."),
    ] = LAST_DAY,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder that is replaced.", show_default="that of the service")
    ] = DEFAULT_FOLDER,
    booster: Annotated[ModelType, typer.Option("--type", help="What is trained beside logistic regression.")] = (
        ModelType.LIGHTGBM
    ),
    as_json: Json = False,
) -> None:
    """Train the versions that come with the service, for * of 1h, 4h and 15m, and print their figures."""
    settings, until = load_settings(), to.date()
    markets = _markets(files, until, as_json)

    from commands.tables.shipped import built_table
    from services.training.default_models import build_default_models

    kinds = (ModelType.LOGISTIC, booster)
    with stages() as listener:
        built = build_default_models(markets, until, kinds, settings, out, listener, SystemClock().now)
    show({"folder": str(out), "models": [_document(model) for model in built]}, built_table(built), as_json)


def _markets(files: Sequence[Path], until: date, as_json: bool) -> dict[Timeframe, dict[str, CandleSeries]]:
    """Return the candles of each timeframe up to a day, each market from its longest candles that make it.

    Raises:
        InvalidRequest: a market that is no coin.
        InsufficientData: no file has candles for any timeframe.
    """
    read: dict[str, dict[Timeframe, CandleSeries]] = {}
    for file in files:
        found = read_closed(file, None)
        if not as_json:
            tell(file, found)
        market = checked_scope(own_market(found, file))
        if not is_shipped_market(market):
            raise InvalidRequest(f"{file.name}: {market} is no coin; what comes with the service knows coins alone")
        read.setdefault(market, {})[found.series.timeframe] = found.series
    end_ms = epoch_ms(datetime.combine(until + timedelta(days=1), datetime.min.time(), UTC))
    markets = {timeframe: _of_timeframe(read, timeframe, end_ms) for timeframe in TIMEFRAMES}
    for timeframe, candles in markets.items():
        if not candles and not as_json:
            say(f"{timeframe}: no file has candles for it up to {until}: it is left out")
    if not any(markets.values()):
        raise InsufficientData(f"no file has candles for {', '.join(TIMEFRAMES)} up to {until}")
    return {timeframe: candles for timeframe, candles in markets.items() if candles}


def _of_timeframe(
    read: Mapping[str, Mapping[Timeframe, CandleSeries]], timeframe: Timeframe, end_ms: int
) -> dict[str, CandleSeries]:
    found = {}
    for market, by_timeframe in read.items():
        finer = [own for own in by_timeframe if timeframe.ms % own.ms == 0]
        if finer:
            series = by_timeframe[max(finer, key=lambda own: own.ms)].closed_by(end_ms)
            if len(series):
                found[market] = series.resample(timeframe).closed_by(end_ms)
    return found


def _document(built: DefaultModel) -> dict[str, Any]:
    told = {
        "version",
        "type",
        "symbol",
        "timeframe",
        "horizon_candles",
        "data",
        "judged",
        "metrics",
        "baselines",
        "plans",
    }
    model = built.metadata
    return {
        **model.model_dump(mode="json", include=told),
        "serves": built.serves,
        "graph_bytes": built.graph_bytes,
        "reasons": list(model.verdict.reasons) if model.verdict else [],
    }
