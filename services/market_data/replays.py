"""The market of a moment in the past, from candles that a client sends."""

from __future__ import annotations

from collections.abc import Mapping

from domain.analysis import DataSource, MarketSnapshot
from domain.errors import InvalidRequest
from domain.market import CandleSeries, Timeframe
from domain.timeframe_data import data_end_ms
from services.market_data.snapshots import day_volume, newest_price


def replayed_market(
    symbol: str, series: Mapping[Timeframe, CandleSeries], as_of_ms: int, now_ms: int
) -> MarketSnapshot:
    """Return the market as it was at a moment: nothing that closed later is in it, in price and volume neither.

    Args:
        symbol: Market.
        series: Candles by timeframe, later ones too.
        as_of_ms: The moment, in epoch ms.
        now_ms: The server's clock.

    Raises:
        InvalidRequest: there are no candles, the moment has not come yet, or no candle had closed by then.
    """
    first_closes = [one.candles[0].timestamp + one.timeframe.ms for one in series.values() if len(one)]
    if not first_closes:
        raise InvalidRequest("as_of needs the candles of its time in timeframe_data")
    if as_of_ms > now_ms:
        raise InvalidRequest(f"as_of {as_of_ms} is after the server's clock, {now_ms}: a replay is of the past")
    if as_of_ms < min(first_closes):
        raise InvalidRequest(f"as_of {as_of_ms} is before the first candle closes, at {min(first_closes)}")
    end_ms = data_end_ms(series.values(), as_of_ms)
    closed = {timeframe: part for timeframe, one in series.items() if len(part := one.closed_by(end_ms))}
    price, volume = newest_price(closed, as_of_ms), day_volume(closed, as_of_ms)
    return MarketSnapshot(symbol, closed, price, volume, DataSource.CLIENT, as_of_ms)
