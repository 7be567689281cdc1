"""From a source's rows to a checked series; one invalid row makes the whole answer invalid."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from domain.candle_columns import CandleLike
from domain.errors import InvalidMarketData
from domain.market import MAX_PRICE, MAX_VOLUME, MIN_PRICE, Candle, CandleSeries, Timeframe
from services.market_data.csv_candles import FIRST_MICROSECOND
from services.market_data.fetching import SourceFailed

CandlePrice = Annotated[float, Meta(ge=MIN_PRICE, le=MAX_PRICE)]
CandleVolume = Annotated[float, Meta(ge=0, le=MAX_VOLUME)]

Decoded = TypeVar("Decoded")


class CandleRow(msgspec.Struct, gc=False):
    """A candle as sources send it: open time in epoch ms or microseconds; other keys are ignored."""

    open_time: Annotated[int, Meta(ge=0)]
    open: CandlePrice
    high: CandlePrice
    low: CandlePrice
    close: CandlePrice
    volume: CandleVolume

    def candle(self) -> Candle:
        """Return the candle with its open time in milliseconds."""
        time = self.open_time // 1000 if self.open_time >= FIRST_MICROSECOND else self.open_time
        return Candle(time, self.open, self.high, self.low, self.close, self.volume)


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


def series_of(timeframe: Timeframe, candles: Iterable[CandleLike], limit: int) -> CandleSeries:
    """Return up to `limit` newest candles as a checked series, possibly empty.

    They may come in any order; of candles with the same open time the last one counts.
    Their age is not checked here.

    Raises:
        SourceFailed: the candles break a rule of the market.
    """
    by_time = {candle.timestamp: candle for candle in candles}
    newest = [by_time[time] for time in sorted(by_time)][-limit:]
    try:
        return CandleSeries.checked(timeframe, newest)
    except InvalidMarketData as error:
        raise SourceFailed(f"answered nonsense: {error.message}") from error
