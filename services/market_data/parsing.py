"""From a source's rows to a checked series, by the same rules as the rows of files."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Annotated, TypeVar

import msgspec
import numpy as np
from msgspec import Meta

from domain.candles.columns import CandleLike
from domain.errors import InvalidMarketData
from domain.market import MAX_PRICE, MAX_VOLUME, MIN_PRICE, Candle, CandleSeries, Timeframe
from domain.session_finder import with_sessions
from domain.values import LAST_MS
from features.candle_reading.rows import market_rows
from services.market_data.fetching import SourceFailed

# Milliseconds or microseconds, of any century.
CandleTime = Annotated[int, Meta(ge=0, lt=10**17)]
# Null where nothing was traded.
CandlePrice = Annotated[float, Meta(ge=MIN_PRICE, le=MAX_PRICE)] | None
# Null or negative where it is not known.
CandleVolume = Annotated[float, Meta(le=MAX_VOLUME)] | None

Decoded = TypeVar("Decoded")


class CandleRow(msgspec.Struct, gc=False):
    """A candle as sources send it: open time in epoch ms or microseconds; other keys are ignored."""

    open_time: CandleTime
    open: CandlePrice
    high: CandlePrice
    low: CandlePrice
    close: CandlePrice
    volume: CandleVolume

    def candle(self) -> Candle:
        """Return the candle with its open time in milliseconds; what is null is NaN."""
        time = self.open_time // 1000 if self.open_time >= LAST_MS else self.open_time
        return candle_of(time, self.open, self.high, self.low, self.close, self.volume)


def candle_of(time_ms: int, *values: float | None) -> Candle:
    """Return a candle whose numbers are NaN where a source has none."""
    return Candle(time_ms, *(math.nan if value is None else value for value in values))


def converted(rows: object, kind: type[Decoded]) -> Decoded:
    """Return values of a library or a database as values of a type.

    Raises:
        SourceFailed: it is not of that type, or a number is out of its bounds.
    """
    try:
        return msgspec.convert(rows, kind)
    except msgspec.ValidationError as error:
        raise SourceFailed(f"answered nonsense: {error}") from error


def decode(decoder: msgspec.json.Decoder[Decoded], body: bytes) -> Decoded:
    """Return the decoded body.

    Raises:
        SourceFailed: it is not JSON of the decoder's type, or a number is out of its bounds.
    """
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SourceFailed(f"answered nonsense: {error}") from error


def series_of(symbol: str, timeframe: Timeframe, candles: Iterable[CandleLike], limit: int) -> CandleSeries:
    """Return up to `limit` newest candles as a checked series with the sessions of its market, possibly empty.

    They may come in any order; of candles with the same open time the last one counts. Candles without prices are
    left out, and a step of rounding in high or low is repaired: see `market_rows`. Their age is not checked here.

    Raises:
        SourceFailed: the candles break a rule of the market.
    """
    by_time = {candle.timestamp: candle for candle in candles if not math.isnan(_sum_of_prices(candle))}
    if not by_time:
        return CandleSeries(timeframe, [])
    newest = [by_time[time] for time in sorted(by_time)][-limit:]
    values = np.array([(c.open, c.high, c.low, c.close, c.volume) for c in newest], dtype=np.float64).reshape(-1, 5)
    try:
        rows = market_rows(values, lambda row: f"the {timeframe} candle of {newest[row].timestamp}")
        if rows.notes:
            times = [candle.timestamp for candle, kept in zip(newest, rows.kept, strict=True) if kept]
            newest = [Candle(time, *row) for time, row in zip(times, rows.values.tolist(), strict=True)]
        return with_sessions(symbol, CandleSeries.ordered(timeframe, newest))
    except InvalidMarketData as error:
        raise SourceFailed(f"answered nonsense: {error.message}") from error


def _sum_of_prices(candle: CandleLike) -> float:
    return candle.open + candle.high + candle.low + candle.close
