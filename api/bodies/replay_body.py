"""From the body of a replay to its query."""

from __future__ import annotations

from api.bodies.candle_lists import checked_series, market_series
from api.bodies.json_body import by_schema
from api.schemas.record.replays import ReplayRequest
from config.settings import Settings
from services.ledger.replays.replays import ReplayQuery
from services.market_data.replays import replayed_market, require_past


def read_replay(body: bytes, settings: Settings, now_ms: int, _: bool) -> ReplayQuery:
    """Return the query of `/ai/replay`; of candles that are sent, only the timeframes that are named, if any are.

    Raises:
        RequestValidationError: the body is no JSON or does not fit the schema.
        InvalidRequest: more candles than are allowed, a moment that has not come, or none closed by then.
        InvalidMarketData: the candles break a rule of the market.
    """
    request = by_schema(ReplayRequest, body)
    require_past(request.as_of, now_ms)
    wanted = tuple(dict.fromkeys(request.timeframes or ()))
    sent = request.timeframe_data or {}
    limit = settings.analysis.max_candles_per_timeframe
    series = {
        timeframe: checked_series(timeframe, candles, limit)
        for timeframe, candles in sent.items()
        if not wanted or timeframe in wanted
    }
    if not sent:
        return ReplayQuery(request.symbol, request.as_of, wanted)
    series = market_series(request.symbol, series, now_ms + settings.analysis.clock_skew_ms)
    snapshot = replayed_market(request.symbol, series, request.as_of, now_ms)
    return ReplayQuery(request.symbol, request.as_of, wanted, snapshot)
