"""From the bytes of an analysis request to a query.

`AnalyzeRequest` is the schema: it documents the body and explains what is wrong with one.
Reading 160 candles by it takes 170 microseconds, so a msgspec twin goes first and takes 40:
it accepts a subset of the same bodies, and whatever it does not accept is left to the schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, cast

import msgspec
from msgspec import Meta

from api.bodies.candle_lists import Milliseconds, Volume, checked_series, market_series, read_candles
from api.bodies.json_body import by_schema
from api.schemas.models.predictions import PredictRequest
from api.schemas.requests import (
    MAX_COUNT,
    MAX_LIST,
    MAX_TEXT,
    AnalyzeRequest,
    News,
    StrategyContext,
)
from config.settings import AnalysisSettings
from domain.analysis import DataSource, MarketSnapshot
from domain.errors import InvalidRequest
from domain.market import MAX_PRICE, MIN_PRICE, CandleSeries, Timeframe
from domain.naming.symbols import MAX_SYMBOL_LENGTH, SYMBOL_PATTERN
from domain.queries import NOTHING_SAID, AnalysisQuery, ClientContext, NewsSentiment
from domain.trading.costs import MAX_BPS, Costs
from rules.strategies import STRATEGY_NAMES
from services.market_data.replays import replayed_market
from services.market_data.snapshots import check_price

SymbolText = Annotated[
    str, Meta(pattern=rf"\A{SYMBOL_PATTERN.removeprefix('^').removesuffix('$')}\Z", max_length=MAX_SYMBOL_LENGTH)
]
_Text = Annotated[str, Meta(max_length=MAX_TEXT)]
_Number = Annotated[int, Meta(ge=0, le=MAX_COUNT)]


class _News(msgspec.Struct):
    overall_sentiment: _Text | float | None = None
    positive_count: _Number | None = None
    negative_count: _Number | None = None
    neutral_count: _Number | None = None
    fear_greed_index: Annotated[float, Meta(ge=0, le=100)] | None = None


class _Context(msgspec.Struct):
    selected_strategies: Annotated[list[str], Meta(max_length=MAX_LIST)] | None = None
    active_strategies: Annotated[list[_Text], Meta(max_length=MAX_LIST)] | None = None
    market_condition: _Text | None = None
    risk_level: _Text | None = None
    risk_tolerance: _Text | None = None
    user_preferences: dict[str, Any] | None = None
    technical_indicators: dict[str, Any] | None = None
    news_sentiment: _News | None = None


class _Costs(msgspec.Struct):
    fee_bps: Annotated[float, Meta(ge=0, lt=MAX_BPS)]
    slippage_bps: Annotated[float, Meta(ge=0, lt=MAX_BPS)]


class _Request(msgspec.Struct):
    symbol: SymbolText
    timeframe_data: dict[Timeframe, msgspec.Raw]
    current_price: Annotated[float, Meta(ge=0, le=MAX_PRICE)]
    volume_24h: Volume
    timestamp: Milliseconds
    strategy_context: _Context
    as_of: Milliseconds | None = None
    costs: _Costs | None = None


class _PredictRequest(_Request):
    strategy_context: _Context = msgspec.field(default_factory=_Context)


@dataclass(frozen=True)
class BodyForm:
    """A body in its two readings."""

    decoder: msgspec.json.Decoder[_Request]
    schema: type[AnalyzeRequest]


ANALYZE = BodyForm(msgspec.json.Decoder(_Request), AnalyzeRequest)
PREDICT = BodyForm(msgspec.json.Decoder(_PredictRequest), PredictRequest)

_KNOWN = frozenset(STRATEGY_NAMES)


def read_query(
    body: bytes,
    settings: AnalysisSettings,
    now_ms: int,
    *,
    trusted: bool,
    form: BodyForm = ANALYZE,
    listening: bool = False,
) -> tuple[AnalysisQuery, bool]:
    """Return the query of a body, and whether it is a call of an engine's own loop.

    Args:
        body: JSON.
        settings: Limits of the candles.
        now_ms: The server's clock.
        trusted: Whether others may read what this caller sends.
        form: Which of the bodies it is.
        listening: Whether an LLM reads the client's context; the rules do not.

    Raises:
        RequestValidationError: the body is no JSON or does not fit the schema.
        InvalidRequest: a price of 0 beside candles, more candles than are allowed, or a moment that cannot be replayed.
        InvalidMarketData: the candles break a rule of the market, or the price does not fit them.
    """
    try:
        request: _Request | AnalyzeRequest = form.decoder.decode(body)
        series = {
            timeframe: read_candles(timeframe, bytes(raw), settings.max_candles_per_timeframe)
            for timeframe, raw in cast("_Request", request).timeframe_data.items()
        }
        fits = _KNOWN.issuperset(request.strategy_context.selected_strategies or ())
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        fits = False
    if not fits:
        # Not wrong yet: the schema decides, and says why.
        request = by_schema(form.schema, body)
        series = {
            timeframe: checked_series(timeframe, candles, settings.max_candles_per_timeframe)
            for timeframe, candles in request.timeframe_data.items()
        }
    series = market_series(request.symbol, series, now_ms + settings.clock_skew_ms)
    context = request.strategy_context
    chosen = context.selected_strategies
    query = AnalysisQuery(
        symbol=request.symbol,
        strategies=tuple(dict.fromkeys(chosen)) if chosen else STRATEGY_NAMES,
        snapshot=_snapshot(request, series, now_ms),
        received_ms=now_ms,
        trusted=trusted,
        client=_client_context(context) if listening else NOTHING_SAID,
        costs=Costs(fee_bps=costs.fee_bps, slippage_bps=costs.slippage_bps) if (costs := request.costs) else None,
    )
    return query, _is_engine_call(context, len(series))


def _snapshot(
    request: _Request | AnalyzeRequest, series: Mapping[Timeframe, CandleSeries], now_ms: int
) -> MarketSnapshot | None:
    if request.as_of is not None:
        return replayed_market(request.symbol, series, request.as_of, now_ms)
    if not series:
        return None
    if request.current_price < MIN_PRICE:
        raise InvalidRequest(
            "current_price must be above 0 when candles are sent; it may be 0 only with an empty timeframe_data",
            "current_price",
        )
    check_price(series.values(), request.current_price)
    return MarketSnapshot(request.symbol, series, request.current_price, request.volume_24h, DataSource.CLIENT)


def _client_context(context: _Context | StrategyContext) -> ClientContext:
    """Return the client's context, with at most `MAX_LIST` of its plain preferences."""
    preferences = [
        (name[:MAX_TEXT], value[:MAX_TEXT] if isinstance(value, str) else value)
        for name, value in sorted((context.user_preferences or {}).items())[:MAX_LIST]
        if isinstance(value, str) or (isinstance(value, (int, float)) and abs(value) < MAX_COUNT)
    ]
    news = context.news_sentiment
    return ClientContext(
        market_condition=context.market_condition,
        risk_level=context.risk_level,
        risk_tolerance=context.risk_tolerance,
        strategies=tuple(context.active_strategies or ()),
        preferences=tuple(preferences),
        news=_news(news) if news else None,
    )


def _news(news: _News | News) -> NewsSentiment:
    return NewsSentiment(
        news.overall_sentiment, news.positive_count, news.negative_count, news.neutral_count, news.fear_greed_index
    )


def _is_engine_call(context: _Context | StrategyContext, timeframes: int) -> bool:
    """Return whether it has one timeframe, strategies of the engine's own, and no choice of ours."""
    return timeframes == 1 and context.active_strategies is not None and context.selected_strategies is None
