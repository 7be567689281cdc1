"""Lists of candles within a body: decoded, checked, and kept for the next request that has the same.

The candles of a timeframe are the same bytes again in retries, in the calls of several
dashboards and, once closed, for hours: what was read and checked a moment ago is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Annotated, cast

import msgspec
import numpy as np
from msgspec import Meta

from domain.arrays import FloatArray, IntArray
from domain.candles.columns import CandleLike
from domain.errors import InvalidMarketData, InvalidRequest
from domain.hours.clocks import MINUTE_MS
from domain.market import MAX_PRICE, MAX_VOLUME, MIN_PRICE, CandleSeries, Timeframe
from domain.session_finder import in_market
from domain.timeframe_data import require_like_prices
from domain.values import FIRST_MS, LAST_MS

# A longer list of candles is not kept; 64 of this length take a few megabytes.
MAX_KEPT_BYTES = 32_768
# Of a minute, as times of the close have them: 59 s, 59.999 s.
_LAST_MOMENTS = frozenset({MINUTE_MS - 1_000, MINUTE_MS - 1})

Price = Annotated[float, Meta(ge=MIN_PRICE, le=MAX_PRICE)]
Volume = Annotated[float, Meta(ge=0, le=MAX_VOLUME)]
Milliseconds = Annotated[int, Meta(ge=FIRST_MS, lt=LAST_MS)]


class _Candle(msgspec.Struct, gc=False):
    timestamp: Milliseconds
    open: Price
    high: Price
    low: Price
    close: Price
    volume: Volume


_decoder = msgspec.json.Decoder(list[_Candle])
_encoder = msgspec.msgpack.Encoder()


def _encoded_candle() -> np.dtype[np.void]:
    """Return where the six numbers lie in a candle as MessagePack: a map with a byte of type before each item.

    All candles have one length, since a float takes 8 bytes, and so does a time of `FIRST_MS` or later.
    """
    names, offsets, end = _Candle.__struct_fields__, [], 1
    for name in names:
        offsets.append(end + 1 + len(name) + 1)
        end = offsets[-1] + 8
    formats = [">u8", *[">f8"] * (len(names) - 1)]
    return np.dtype({"names": list(names), "formats": formats, "offsets": offsets, "itemsize": end})


_ENCODED_CANDLE = _encoded_candle()


def read_candles(timeframe: Timeframe, text: bytes, max_candles: int) -> CandleSeries:
    """Return the candles of a JSON list, those of a short one possibly read before.

    Raises:
        msgspec.DecodeError: they do not fit, or only by the schema.
        InvalidRequest, InvalidMarketData: as `checked_series`.
    """
    read = _kept_candles if len(text) <= MAX_KEPT_BYTES else _kept_candles.__wrapped__
    return read(timeframe, text, max_candles)


def checked_series(timeframe: Timeframe, candles: Sequence[object], max_candles: int) -> CandleSeries:
    """Return candles that the schema read as a series; `in_market` checks their distances.

    Raises:
        InvalidRequest: there are more than `max_candles`.
        InvalidMarketData: prices or order that no market has.
    """
    _require_at_most(max_candles, timeframe, candles)
    return posted_series(timeframe, cast("Sequence[CandleLike]", candles))


def posted_series(
    timeframe: Timeframe, candles: Sequence[CandleLike], arrays: tuple[IntArray, FloatArray] | None = None
) -> CandleSeries:
    """Return candles as a series, as `CandleSeries.ordered` does, unless its times are those of the close.

    Raises:
        InvalidMarketData: prices, order or times that no market has.
    """
    if candles and candles[0].timestamp % MINUTE_MS in _LAST_MOMENTS:
        raise InvalidMarketData(
            f"{timeframe} candle 0 has the time {candles[0].timestamp}, the last moment of a minute: send the times at "
            "which candles open, not those at which they close"
        )
    return CandleSeries.ordered(timeframe, candles, arrays)


@lru_cache(maxsize=64)
def _kept_candles(timeframe: Timeframe, text: bytes, max_candles: int) -> CandleSeries:
    candles = _decoder.decode(text)
    _require_at_most(max_candles, timeframe, candles)
    return posted_series(timeframe, candles, _arrays(candles))


def _require_at_most(max_candles: int, timeframe: Timeframe, candles: Sequence[object]) -> None:
    if len(candles) > max_candles:
        field = f"timeframe_data.{timeframe}"
        raise InvalidRequest(f"{field}: at most {max_candles} candles, received {len(candles)}", field)


def _arrays(candles: list[_Candle]) -> tuple[IntArray, FloatArray]:
    """Return times and values of n candles, shapes (n,) and (n, 5), in a quarter of the time that attributes take."""
    encoded = _encoder.encode(candles)
    start = len(encoded) - len(candles) * _ENCODED_CANDLE.itemsize
    rows = np.frombuffer(encoded, _ENCODED_CANDLE, len(candles), start)
    time, *numbers = _Candle.__struct_fields__
    values = np.empty((len(candles), len(numbers)))
    for column, name in enumerate(numbers):
        values[:, column] = rows[name]
    return rows[time].astype(np.int64), values


def market_series(
    symbol: str, series: Mapping[Timeframe, CandleSeries], latest_open_ms: int
) -> dict[Timeframe, CandleSeries]:
    """Return the candles that a request has of a market, by timeframe, with the sessions in which it trades.

    Raises:
        InvalidMarketData: their distances fit no sessions, one opens after `latest_open_ms`, or they are of different
            markets.
    """
    in_sessions = in_market(symbol, series)
    for candles in in_sessions.values():
        candles.require_opened_by(latest_open_ms)
    require_like_prices(in_sessions)
    return in_sessions
