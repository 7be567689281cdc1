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


def read_candles(
    content: bytes,
    *,
    name: str = "",
    symbol: str | None = None,
    timeframe: answers.Timeframe | None = None,
    limit: int = 1000,
) -> Call[answers.ReadCandles]:
    """Send the content of a file of candles, and be told what is in it and its newest candles, at most 20,000.

    `name` is a hint of the market. `symbol` and `timeframe` choose where the file has several, which `choose` says.
    """
    query: dict[str, int | str] = {"name": name, "limit": limit}
    if symbol is not None:
        query["symbol"] = symbol
    if timeframe is not None:
        query["timeframe"] = timeframe
    headers = {"Content-Type": "application/octet-stream"}
    return Call(
        "read_candles", "POST", "/ai/candles/read", answers.ReadCandles, query=query, headers=headers, content=content
    )
