"""Calls about the past of a market: its newest candles, and what was said of it."""

from __future__ import annotations

from collections.abc import Sequence

from trading_signal_client import answers
from trading_signal_client.calls.call import Call


def candles(
    symbol: str, timeframe: answers.Timeframe = "1h", *, limit: int = 300, indicators: Sequence[str] = ()
) -> Call[answers.ShownCandles]:
    """Ask for the newest closed candles of a market, at most 1,000, and for indicators of them by name."""
    query: dict[str, int | str] = {"timeframe": timeframe, "limit": limit, "indicators": ",".join(indicators)}
    return Call(
        "candles", "GET", "/ai/candles/{symbol}", answers.ShownCandles, query=query, parameters={"symbol": symbol}
    )


def analyses(symbol: str, *, limit: int = 50, cursor: str | None = None) -> Call[answers.PastAnalyses]:
    """Ask for past analyses of a market, the newest first; `cursor` is `next` of the page before.

    A page may have few or none and still a `next`, which goes on.
    """
    query: dict[str, int | str] = {"symbol": symbol, "limit": limit}
    if cursor is not None:
        query["cursor"] = cursor
    return Call("analyses", "GET", "/ai/analyses", answers.PastAnalyses, query=query)
