"""Choose the version for a file of candles."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from commands.candles import checked_scope, file_symbol, read_closed
from domain.errors import InvalidRequest, ModelUnavailable
from domain.forecasting import ANY_SYMBOL
from domain.market import CandleSeries, Timeframe

if TYPE_CHECKING:
    from models.registry.registry import Registry


@dataclass(frozen=True)
class ChosenVersion:
    """A version, and the closed candles of a market that it forecasts, in its timeframe."""

    version: str
    symbol: str
    series: CandleSeries


def choose_version(
    registry: Registry, version: str | None, file: Path, symbol: str | None, timeframe: Timeframe | None
) -> ChosenVersion:
    """Return the named version, or else the one in production, with the candles in its timeframe.

    Args:
        registry: Registry of the versions.
        version: Name of a version; None takes the one in production.
        file: File of candles.
        symbol: Market of the candles; None reads it from the file's name.
        timeframe: Timeframe to aggregate to; None takes the version's, or else the file's.

    Raises:
        ModelUnavailable: no version is in production.
        InvalidRequest: the version forecasts another market or timeframe.
    """
    if version is None:
        market = checked_scope(symbol or file_symbol(file))
        series = read_closed(file, timeframe)
        production = registry.resolve(market, series.timeframe)
        if production is None:
            raise ModelUnavailable(
                f"no model is in production for {market} {series.timeframe}: name a version, or train one with "
                f"cli.py train {file}"
            )
        return ChosenVersion(production, market, series)
    model = registry.open(version).metadata
    if timeframe not in (None, model.timeframe):
        raise InvalidRequest(f"{version} forecasts {model.timeframe} candles, not {timeframe}")
    market = checked_scope(symbol or (file_symbol(file) if model.symbol == ANY_SYMBOL else model.symbol))
    if model.symbol not in (market, ANY_SYMBOL):
        raise InvalidRequest(f"{version} forecasts {model.symbol}, not {market}")
    return ChosenVersion(version, market, read_closed(file, model.timeframe))
