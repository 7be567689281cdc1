"""Files of candles, and the markets that their names tell."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from domain.errors import InsufficientData, InvalidRequest
from domain.forecasting import ANY_SYMBOL, ModelScope
from domain.market import CandleSeries, Timeframe
from domain.values import epoch_ms
from utils.clock import SystemClock

_SCOPE: TypeAdapter[str] = TypeAdapter(ModelScope)


def read_series(file: Path, timeframe: Timeframe | None) -> CandleSeries:
    """Return the candles of a file, made into those of a longer timeframe if one is given.

    Raises:
        InvalidMarketData: the file cannot be read.
        InvalidRequest: its candles are longer than those that are wanted.
    """
    from services.market_data.csv_candles import read_candles  # pandas

    series = read_candles(file, epoch_ms(SystemClock().now()))
    if timeframe is None or timeframe is series.timeframe:
        return series
    if timeframe.ms < series.timeframe.ms:
        raise InvalidRequest(f"the file has {series.timeframe} candles: {timeframe} candles cannot be made from them")
    return series.resample(timeframe)


def read_closed(file: Path, timeframe: Timeframe | None) -> CandleSeries:
    """Return the candles of a file that have closed, one or more; see `read_series`.

    Raises:
        InsufficientData: there is none.
    """
    series = read_series(file, timeframe).closed_by(epoch_ms(SystemClock().now()))
    if not len(series):
        raise InsufficientData(f"{file.name} has no closed candle{f' of {timeframe}' if timeframe else ''}")
    return series


def file_symbol(file: Path) -> str:
    """Return the market that a file's name begins with: up to the first '-', without endings, in capitals."""
    return file.name.partition("-")[0].partition(".")[0].upper()


def checked_scope(symbol: str) -> str:
    """Return the symbol where a model can be trained for it: a market, or `*`.

    Raises:
        InvalidRequest: anything else.
    """
    try:
        return _SCOPE.validate_python(symbol)
    except ValidationError:
        raise InvalidRequest(
            f"{symbol[:40]!r} is no market: 3 to 20 capital letters and digits are needed, or * for all; give --symbol"
        ) from None


def read_markets(
    files: Sequence[Path], symbol: str | None, timeframe: Timeframe | None
) -> tuple[str, dict[str, CandleSeries]]:
    """Return for whom a model of these files is, and the closed candles by market.

    Of one file, the market is `symbol` or else what its name tells. Several files make a pooled model,
    for `*`, and each is the market that its name tells.

    Raises:
        InvalidRequest: several files and one symbol, a market twice, or files of several timeframes.
        InvalidMarketData: a file cannot be read.
    """
    if len(files) == 1 and symbol != ANY_SYMBOL:
        scope = checked_scope(symbol or file_symbol(files[0]))
        return scope, {scope: read_closed(files[0], timeframe)}
    if symbol not in (None, ANY_SYMBOL):
        raise InvalidRequest(f"{len(files)} files make a model of all their markets: leave --symbol out or say '*'")
    markets: dict[str, CandleSeries] = {}
    for file in files:
        market = checked_scope(file_symbol(file))
        if market in markets:
            raise InvalidRequest(f"{file.name}: there is a file of {market} already")
        markets[market] = read_closed(file, timeframe)
    found = {str(series.timeframe) for series in markets.values()}
    if len(found) > 1:
        raise InvalidRequest(f"the files have candles of {', '.join(sorted(found))}: give the --timeframe to make")
    return ANY_SYMBOL, markets
