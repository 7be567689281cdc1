"""Choose the version for a file of candles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from commands.candles.reading import checked_scope, known_market, market_of, own_market, read_closed
from domain.errors import InvalidRequest, ModelUnavailable
from domain.forecasting import ANY_SYMBOL
from domain.market import CandleSeries, Timeframe

if TYPE_CHECKING:
    from features.candle_reading.reading import ReadCandles
    from models.registry.metadata import ModelMetadata
    from models.registry.registry import Registry


@dataclass(frozen=True)
class ChosenVersion:
    """A version, and the closed candles of a market that it forecasts, in its timeframe, as they were read."""

    version: str
    symbol: str
    read: ReadCandles

    @property
    def series(self) -> CandleSeries:
        """The candles."""
        return self.read.series


def choose_version(
    registry: Registry, version: str | None, file: Path, symbol: str | None, timeframe: Timeframe | None
) -> ChosenVersion:
    """Return the named version, or else the one in production, with the candles in its timeframe.

    Args:
        registry: Registry of the versions.
        version: Name of a version; None takes the one in production.
        file: File of candles.
        symbol: Market of the candles; None takes the one that the file or its name tells, else that of the version.
        timeframe: Timeframe to aggregate to; None takes the version's, or else the file's.

    Raises:
        ModelUnavailable: no version is in production.
        InvalidRequest: the version forecasts another market or timeframe.
    """
    if version is None:
        read = read_closed(file, timeframe, symbol)
        market = checked_scope(market_of(read, file, symbol))
        production = registry.resolve(market, read.series.timeframe)
        if production is None:
            raise ModelUnavailable(
                f"no model is in production for {market} {read.series.timeframe}: name a version, or train one with "
                f"cli.py train {file}"
            )
        return ChosenVersion(production, market, read)
    model = registry.open(version).metadata
    if timeframe not in (None, model.timeframe):
        raise InvalidRequest(f"{version} forecasts {model.timeframe} candles, not {timeframe}")
    if model.symbol == ANY_SYMBOL:
        read = read_closed(file, model.timeframe, symbol)
        return ChosenVersion(version, checked_scope(market_of(read, file, symbol)), read)
    read = read_closed(file, model.timeframe, symbol or model.symbol)
    market = checked_scope(symbol) if symbol else known_market(read, file, None) or model.symbol
    if market != model.symbol:
        remedy = "" if symbol else f" as {file.name} has; where it is {model.symbol}, say --symbol {model.symbol}"
        raise InvalidRequest(f"{version} forecasts {model.symbol}, not {market}{remedy}")
    return ChosenVersion(version, market, read)


def read_leader(
    model: ModelMetadata, symbols: Sequence[str], timeframe: Timeframe | None, file: Path | None
) -> dict[str, CandleSeries]:
    """Return the closed candles of what leads some markets, by its name; nothing without a file.

    Args:
        model: The version that reads them.
        symbols: The markets, at least one.
        timeframe: The one to make; None takes that of the file.
        file: File of candles of the leader.

    Raises:
        InvalidRequest: the version reads no leader of these markets, or the file has another market.
    """
    if file is None:
        return {}
    leaders = {leader for symbol in symbols if (leader := model.leader(symbol))}
    named, be = ", ".join(symbols), "is" if len(symbols) == 1 else "are"
    if not leaders:
        raise InvalidRequest(f"{model.version} reads no market beside {named}: leave --leader out")
    read = read_closed(file, timeframe, None)
    market = checked_scope(own_market(read, file))
    if market not in leaders:
        raise InvalidRequest(f"{file.name} has {market}; {named} {be} led by {', '.join(sorted(leaders))}")
    return {market: read.series}
