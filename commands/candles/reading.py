"""Files of candles, and the markets in their names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from commands.console import say
from domain.errors import InsufficientData, InvalidRequest
from domain.forecasting import ANY_SYMBOL
from domain.market import Timeframe
from domain.naming.symbols import checked_symbol, spelling
from domain.values import epoch_ms
from utils.clock import SystemClock

if TYPE_CHECKING:
    from features.candle_reading.reading import ReadCandles


def read_series(file: Path, timeframe: Timeframe | None, symbol: str | None) -> ReadCandles:
    """Return the candles of a file, aggregated to a longer timeframe if one is given.

    Args:
        file: In one of the usual forms; see docs/files.md.
        timeframe: The one to make; None takes that of the file.
        symbol: The market to read, where the file has several.

    Raises:
        InvalidMarketData: the file cannot be read.
        InvalidRequest: its candles are longer than the timeframe.
    """
    from features.candle_reading.reading import read_candles  # pandas

    read = read_candles(file, epoch_ms(SystemClock().now()), symbol, timeframe)
    series = read.series
    if timeframe is None or timeframe is series.timeframe:
        return read
    if timeframe.ms < series.timeframe.ms:
        raise InvalidRequest(f"the file has {series.timeframe} candles: {timeframe} candles cannot be made from them")
    return replace(read, series=series.resample(timeframe))


def read_closed(file: Path, timeframe: Timeframe | None, symbol: str | None = None) -> ReadCandles:
    """Return the closed candles of a file, at least one; see `read_series`.

    Raises:
        InsufficientData: no candle has closed.
    """
    read = read_series(file, timeframe, symbol)
    series = read.series.closed_by(epoch_ms(SystemClock().now()))
    if not len(series):
        raise InsufficientData(f"{file.name} has no closed candle{f' of {timeframe}' if timeframe else ''}")
    return replace(read, series=series)


def tell(file: Path, read: ReadCandles) -> None:
    """Print on stderr what was understood of a file, if there is anything to say."""
    if read.notes:
        say(f"{file.name}: {read.summary}")


def market_of(read: ReadCandles, file: Path, symbol: str | None) -> str:
    """Return the market of a file: the one given, else the one that stands in the file, else that of its name.

    Raises:
        InvalidRequest: the one given is no symbol, or none tells it.
    """
    if symbol is not None:
        return checked_scope(symbol)
    market = _told(read)
    if market is None:
        raise InvalidRequest(f"{file.name}: which market is it? Its name does not tell; give --symbol")
    return market


def own_market(read: ReadCandles, file: Path) -> str:
    """Return the market that stands in a file, else that of its name, where no option can name it.

    Raises:
        InvalidRequest: none tells it.
    """
    market = _told(read)
    if market is None:
        raise InvalidRequest(
            f"{file.name}: which market is it? Its name does not tell; begin it with the market, as BTCUSDT-1h.csv does"
        )
    return market


def _told(read: ReadCandles) -> str | None:
    return (read.symbol and spelling(read.symbol)) or read.named


def known_market(read: ReadCandles, file: Path, symbol: str | None) -> str | None:
    """Return the market of a file, None where neither the file nor its name tells: that is no reason to refuse it.

    Raises:
        InvalidRequest: the one given is no symbol, and none of those that the file has.
    """
    if symbol is not None and read.symbol is None:
        return checked_scope(symbol)
    try:
        return market_of(read, file, symbol)
    except InvalidRequest:
        return None


def checked_scope(symbol: str) -> str:
    """Return the symbol if a model can be trained for it: a market, or `*`.

    Raises:
        InvalidRequest: it is neither.
    """
    return ANY_SYMBOL if symbol == ANY_SYMBOL else market_name(symbol, "--symbol: ")


def market_name(symbol: str, begin: str = "") -> str:
    """Return the symbol of a market that a person wrote in any usual spelling; it may be part of a file's name.

    Raises:
        InvalidRequest: it is none; the message begins with `begin`.
    """
    try:
        return checked_symbol(spelling(symbol) or symbol)
    except ValueError as error:
        raise InvalidRequest(f"{begin}{error}") from None


def read_markets(
    files: Sequence[Path], symbol: str | None, timeframe: Timeframe | None
) -> tuple[str, dict[str, ReadCandles]]:
    """Return the symbol of a model trained on these files, and the closed candles by market.

    One file is the market `symbol`, or else the one that it names. Several files make a pooled model for `*`,
    and each is the market that it names.

    Raises:
        InvalidRequest: several files and one symbol, a market twice, or files of several timeframes.
        InvalidMarketData: a file cannot be read.
    """
    if len(files) == 1 and symbol != ANY_SYMBOL:
        read = read_closed(files[0], timeframe, symbol)
        scope = checked_scope(market_of(read, files[0], symbol))
        return scope, {scope: read}
    if symbol not in (None, ANY_SYMBOL):
        raise InvalidRequest(f"{len(files)} files make a model of all their markets: leave --symbol out or say '*'")
    markets: dict[str, ReadCandles] = {}
    for file in files:
        read = read_closed(file, timeframe)
        market = checked_scope(own_market(read, file))
        if market in markets:
            raise InvalidRequest(f"{file.name}: there is a file of {market} already")
        markets[market] = read
    found = {str(read.series.timeframe) for read in markets.values()}
    if len(found) > 1:
        raise InvalidRequest(f"the files have candles of {', '.join(sorted(found))}: give the --timeframe to make")
    return ANY_SYMBOL, markets
