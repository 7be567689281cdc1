"""From the bytes of a request for signals to a query, as `api/bodies/analyze_body.py` does for one market."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, cast

import msgspec
from msgspec import Meta

from api.bodies.analyze_body import SymbolText
from api.bodies.candle_lists import checked_series, market_series, read_candles
from api.bodies.json_body import by_schema
from api.schemas.analysis.signals import MAX_SYMBOLS, SignalsRequest
from config.settings import AnalysisSettings
from domain.analysis import DataSource, MarketSnapshot
from domain.errors import InvalidRequest
from domain.market import CandleSeries, Timeframe
from domain.timeframe_data import newest_price
from services.signals.stream import SignalsQuery


class _SignalsRequest(msgspec.Struct):
    symbols: Annotated[list[SymbolText], Meta(min_length=1, max_length=MAX_SYMBOLS)]
    timeframe_data: dict[SymbolText, dict[Timeframe, msgspec.Raw]] = {}


_DECODER = msgspec.json.Decoder(_SignalsRequest)


def read_signals_query(body: bytes, settings: AnalysisSettings, now_ms: int, *, trusted: bool) -> SignalsQuery:
    """Return the query of a body; a symbol whose candles are empty is fetched like one without any.

    Raises:
        RequestValidationError: the body is no JSON or does not fit the schema.
        InvalidRequest: candles of a symbol that is not asked for, or more than are allowed.
        InvalidMarketData: the candles break a rule of the market.
    """
    limit = settings.max_candles_per_timeframe
    try:
        request: _SignalsRequest | SignalsRequest = _DECODER.decode(body)
        markets = {
            symbol: {timeframe: read_candles(timeframe, bytes(raw), limit) for timeframe, raw in frames.items()}
            for symbol, frames in cast("_SignalsRequest", request).timeframe_data.items()
        }
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # Not wrong yet: the schema decides, and says why.
        request = by_schema(SignalsRequest, body)
        markets = {
            symbol: {timeframe: checked_series(timeframe, candles, limit) for timeframe, candles in frames.items()}
            for symbol, frames in request.timeframe_data.items()
        }
    symbols = tuple(dict.fromkeys(request.symbols))
    if strange := markets.keys() - set(symbols):
        raise InvalidRequest(
            f"timeframe_data has candles of {min(strange)}, which is not among the symbols", "timeframe_data"
        )
    latest_open_ms = now_ms + settings.clock_skew_ms
    markets = {symbol: market_series(symbol, frames, latest_open_ms) for symbol, frames in markets.items()}
    snapshots = {symbol: _snapshot(symbol, frames, now_ms) for symbol, frames in markets.items() if _filled(frames)}
    return SignalsQuery(symbols, snapshots, trusted)


def _filled(frames: Mapping[Timeframe, CandleSeries]) -> dict[Timeframe, CandleSeries]:
    return {timeframe: series for timeframe, series in frames.items() if len(series)}


def _snapshot(symbol: str, frames: Mapping[Timeframe, CandleSeries], now_ms: int) -> MarketSnapshot:
    filled = _filled(frames)
    return MarketSnapshot(symbol, filled, newest_price(filled, now_ms), None, DataSource.CLIENT)
