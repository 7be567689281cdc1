"""The market of a moment in the past, from candles that a client sends."""

from __future__ import annotations

from collections.abc import Mapping

from domain.analysis import MarketSnapshot, replay
from domain.errors import InvalidRequest
from domain.market import CandleSeries, Timeframe


def replayed_market(
    symbol: str, series: Mapping[Timeframe, CandleSeries], as_of_ms: int, now_ms: int
) -> MarketSnapshot:
    """Return the market as it was at a moment; see `replay`.

    Args:
        symbol: Market.
        series: Candles by timeframe, later ones too.
        as_of_ms: The moment, in epoch ms.
        now_ms: The server's clock.

    Raises:
        InvalidRequest: there are no candles, the moment has not come yet, or no candle had closed by then.
    """
    if not any(map(len, series.values())):
        raise InvalidRequest(
            "as_of needs the candles of its time in timeframe_data; POST /ai/replay finds them itself", "timeframe_data"
        )
    require_past(as_of_ms, now_ms)
    return replay(symbol, series, as_of_ms)


def require_past(as_of_ms: int, now_ms: int) -> None:
    """Refuse a moment that has not come yet.

    Raises:
        InvalidRequest: it is after the server's clock.
    """
    if as_of_ms > now_ms:
        raise InvalidRequest(
            f"as_of {as_of_ms} is after the server's clock, {now_ms}: a replay is of the past", "as_of"
        )
