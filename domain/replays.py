"""The market of a moment in the past."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from domain.analysis import DataSource, MarketSnapshot
from domain.errors import InvalidRequest
from domain.market import CandleSeries, Timeframe
from domain.timeframe_data import closed_series, day_volume, newest_price


def replay(symbol: str, series: Mapping[Timeframe, CandleSeries], as_of_ms: int) -> MarketSnapshot:
    """Return the market as it was at a moment: nothing that closed later is in it, in price and volume neither.

    Args:
        symbol: Market.
        series: Candles by timeframe, later ones too; at least one.
        as_of_ms: The moment, in epoch ms.

    Raises:
        InvalidRequest: no candle had closed by then.
    """
    closed = {timeframe: part for timeframe, part in closed_series(series, as_of_ms).items() if len(part)}
    if not closed:
        first_ms = min(replace(one, candles=one.candles[:1]).last_close_ms for one in series.values() if len(one))
        raise InvalidRequest(f"as_of {as_of_ms} is before the first candle closes, at {first_ms}")
    price, volume = newest_price(closed, as_of_ms), day_volume(closed, as_of_ms)
    return MarketSnapshot(symbol, closed, price, volume, DataSource.CLIENT, as_of_ms)
