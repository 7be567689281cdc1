"""From the candles of a dashboard's chart to a query."""

from __future__ import annotations

from api.bodies.candle_lists import posted_series
from api.schemas.analysis.version_one import ChartRequest
from config.settings import AnalysisSettings
from domain.analysis import DataSource, MarketSnapshot
from domain.errors import InvalidRequest
from domain.queries import AnalysisQuery
from domain.session_finder import with_sessions
from rules.strategies import STRATEGY_NAMES


def chart_query(request: ChartRequest, settings: AnalysisSettings, now_ms: int, *, trusted: bool) -> AnalysisQuery:
    """Return the query of a chart, with every strategy.

    Args:
        request: Candles of one timeframe, or none.
        settings: Limits of the candles.
        now_ms: The server's clock.
        trusted: Whether others may read what this caller sends.

    Raises:
        InvalidRequest: more candles than are allowed.
        InvalidMarketData: the candles break a rule of the market.
    """
    candles, limit = request.candles, settings.max_candles_per_timeframe
    if not candles:
        return AnalysisQuery(request.symbol, STRATEGY_NAMES, None, now_ms, trusted)
    if len(candles) > limit:
        raise InvalidRequest(f"candles: at most {limit}, received {len(candles)}", "candles")
    series = with_sessions(request.symbol, posted_series(request.timeframe, candles))
    series.require_opened_by(now_ms + settings.clock_skew_ms)
    snapshot = MarketSnapshot(
        request.symbol, {request.timeframe: series}, candles[-1].close, volume_24h=None, source_data=DataSource.CLIENT
    )
    return AnalysisQuery(request.symbol, STRATEGY_NAMES, snapshot, now_ms, trusted)
