"""From a request about a market to its snapshot."""

from __future__ import annotations

from api.bodies.candle_lists import checked_series, market_series
from api.schemas.analysis.market import MarketRequest
from config.settings import AnalysisSettings
from domain.analysis import DataSource, MarketSnapshot
from domain.timeframe_data import newest_price
from services.market_data.snapshots import check_price


def read_snapshot(request: MarketRequest, settings: AnalysisSettings, now_ms: int) -> MarketSnapshot | None:
    """Return the market that a request shows; None where it has no candles. Without a price the newest close counts.

    Raises:
        InvalidRequest: more candles than are allowed.
        InvalidMarketData: the candles break a rule of the market, or the price does not fit them.
    """
    series = {
        timeframe: checked_series(timeframe, candles, settings.max_candles_per_timeframe)
        for timeframe, candles in (request.timeframe_data or {}).items()
        if candles
    }
    if not series:
        return None
    series = market_series(request.symbol, series, now_ms + settings.clock_skew_ms)
    price = request.current_price or newest_price(series, now_ms)
    check_price(series.values(), price)
    return MarketSnapshot(request.symbol, series, price, request.volume_24h or None, DataSource.CLIENT)
