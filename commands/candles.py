"""Files of candles, and the markets in their names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from domain.errors import InsufficientData, InvalidRequest
from domain.file_names import file_market
from domain.forecasting import ANY_SYMBOL, scope_name
from domain.market import CandleSeries, Timeframe
from domain.values import epoch_ms
from utils.clock import SystemClock


def read_series(file: Path, timeframe: Timeframe | None) -> CandleSeries:
    """Return the candles of a file, aggregated to a longer timeframe if one is given.

    Raises:
        InvalidMarketData: the file cannot be read.
        InvalidRequest: its candles are longer than the timeframe.
    """
    from services.market_data.csv_candles import read_candles  # pandas

    series = read_candles(file, epoch_ms(SystemClock().now()))
    if timeframe is None or timeframe is series.timeframe:
        return series
    if timeframe.ms < series.timeframe.ms:
        raise InvalidRequest(f"the file has {series.timeframe} candles: {timeframe} candles cannot be made from them")
    return series.resample(timeframe)


def read_closed(file: Path, timeframe: Timeframe | None) -> CandleSeries:
    """Return the closed candles of a file, at least one; see `read_series`.

    Raises:
        InsufficientData: no candle has closed.
    """
    series = read_series(file, timeframe).closed_by(epoch_ms(SystemClock().now()))
    if not len(series):
        raise InsufficientData(f"{file.name} has no closed candle{f' of {timeframe}' if timeframe else ''}")
    return series


def file_symbol(file: Path) -> str:
    """Return the market in a file's name; `domain/file_names.py` has the rule.

    Raises:
        InvalidRequest: the name has none.
    """
    symbol = file_market(file.name).symbol
    if symbol is None:
        raise InvalidRequest(f"{file.name}: which market is it? Its name does not tell; give --symbol")
    return symbol


def checked_scope(symbol: str) -> str:
    """Return the symbol if a model can be trained for it: a market, or `*`.

    Raises:
        InvalidRequest: it is neither.
    """
    try:
        return scope_name(symbol)
    except ValueError as error:
        raise InvalidRequest(f"--symbol: {error}") from None


def read_markets(
    files: Sequence[Path], symbol: str | None, timeframe: Timeframe | None
) -> tuple[str, dict[str, CandleSeries]]:
    """Return the symbol of a model trained on these files, and the closed candles by market.

    One file is the market `symbol`, or else that of its name. Several files make a pooled model for `*`,
    and each is the market of its name.

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
