"""From the bytes of an analysis request to a query.

`AnalyzeRequest` is the schema: it documents the body and explains what is wrong with one.
It takes 170 microseconds for 160 candles, so a msgspec twin goes first and takes 40: it
accepts a subset of the same bodies, and whatever it does not accept is left to the schema.
"""

from __future__ import annotations

from typing import Annotated, Any, cast

import msgspec
from fastapi.exceptions import RequestValidationError
from msgspec import Meta
from pydantic import ValidationError
from starlette.requests import Request

from api.schemas.requests import FIRST_MS, LAST_MS, MAX_LIST, MAX_TEXT, AnalyzeRequest
from config.settings import AnalysisSettings
from domain.analysis import AnalysisQuery, DataSource, MarketSnapshot
from domain.errors import InvalidRequest, PayloadTooLarge, UnsupportedMediaType
from domain.market import MAX_PRICE, MAX_VOLUME, MIN_PRICE, CandleLike, CandleSeries, Timeframe, check_price
from services.strategies import STRATEGY_NAMES

_Price = Annotated[float, Meta(ge=MIN_PRICE, le=MAX_PRICE)]
_Volume = Annotated[float, Meta(ge=0, le=MAX_VOLUME)]
_Milliseconds = Annotated[int, Meta(ge=FIRST_MS, lt=LAST_MS)]
_Text = Annotated[str, Meta(max_length=MAX_TEXT)] | None


class _Candle(msgspec.Struct, gc=False):
    timestamp: _Milliseconds
    open: _Price
    high: _Price
    low: _Price
    close: _Price
    volume: _Volume


class _Context(msgspec.Struct):
    selected_strategies: Annotated[list[str], Meta(max_length=MAX_LIST)] | None = None
    active_strategies: Annotated[list[Annotated[str, Meta(max_length=MAX_TEXT)]], Meta(max_length=MAX_LIST)] | None = (
        None
    )
    market_condition: _Text = None
    risk_level: _Text = None
    user_preferences: dict[str, Any] | None = None
    technical_indicators: dict[str, Any] | None = None


class _Request(msgspec.Struct):
    symbol: Annotated[str, Meta(pattern=r"\A[A-Z0-9]{3,20}\Z")]
    timeframe_data: dict[Timeframe, list[_Candle]]
    current_price: Annotated[float, Meta(ge=0, le=MAX_PRICE)]
    volume_24h: _Volume
    timestamp: _Milliseconds
    strategy_context: _Context


_decoder = msgspec.json.Decoder(_Request)
_KNOWN = frozenset(STRATEGY_NAMES)

ParsedRequest = AnalyzeRequest | _Request


async def read_body(request: Request, max_bytes: int) -> bytes:
    """Return the bytes of a JSON request.

    Raises:
        UnsupportedMediaType: the body is not declared as JSON. That also keeps the pages of
            others out: a browser sends JSON across origins only after asking.
        PayloadTooLarge: more than `max_bytes` are announced or come.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaType("send the body as JSON, with the header 'Content-Type: application/json'")
    announced = request.headers.get("content-length", "")
    body = bytearray()
    if not (announced.isdecimal() and int(announced) > max_bytes):
        async for chunk in request.stream():
            body += chunk
            if len(body) > max_bytes:
                break
        else:
            return bytes(body)
    raise PayloadTooLarge(f"the body may have at most {max_bytes} bytes")


def parse_body(body: bytes) -> ParsedRequest:
    """Return the parsed body; both forms have the same attributes.

    Raises:
        RequestValidationError: the body is no JSON or does not fit the schema.
    """
    try:
        request = _decoder.decode(body)
        if _KNOWN.issuperset(request.strategy_context.selected_strategies or ()):
            return request
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass  # not wrong yet: the schema decides, and says why
    try:
        return AnalyzeRequest.model_validate_json(body)
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_url=False, include_input=False)) from None


def is_engine_call(request: ParsedRequest) -> bool:
    """Return whether the engine's own loop asks: one timeframe, its own names, no choice of strategies."""
    context = request.strategy_context
    return (
        context.active_strategies is not None
        and context.selected_strategies is None
        and len(request.timeframe_data) == 1
    )


def to_query(request: ParsedRequest, settings: AnalysisSettings, now_ms: int, *, trusted: bool) -> AnalysisQuery:
    """Return the query of a parsed body.

    Raises:
        InvalidRequest: a price of 0 beside candles, or more candles than are allowed.
        InvalidMarketData: the candles break a rule of the market, or the price does not fit them.
    """
    chosen = request.strategy_context.selected_strategies
    strategies = tuple(dict.fromkeys(chosen)) if chosen else STRATEGY_NAMES
    if not request.timeframe_data:
        return AnalysisQuery(request.symbol, strategies, snapshot=None, trusted=trusted)
    if request.current_price < MIN_PRICE:
        raise InvalidRequest(
            "current_price must be above 0 when candles are sent; it may be 0 only with an empty timeframe_data"
        )
    latest_open_ms = now_ms + round(settings.clock_skew_seconds * 1000)
    series: dict[Timeframe, CandleSeries] = {}
    for timeframe, candles in request.timeframe_data.items():
        if len(candles) > settings.max_candles_per_timeframe:
            raise InvalidRequest(
                f"timeframe_data.{timeframe}: at most {settings.max_candles_per_timeframe} candles, "
                f"received {len(candles)}"
            )
        series[timeframe] = CandleSeries.checked(timeframe, cast("list[CandleLike]", candles), latest_open_ms)
    check_price(series.values(), request.current_price)
    snapshot = MarketSnapshot(request.symbol, series, request.current_price, request.volume_24h, DataSource.CLIENT)
    return AnalysisQuery(request.symbol, strategies, snapshot, trusted)
