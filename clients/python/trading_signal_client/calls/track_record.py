"""Calls about the record of the lanes."""

from __future__ import annotations

from typing import Literal

from trading_signal_client import answers
from trading_signal_client.calls.call import Call


def track_record(
    *,
    days: int = 30,
    group: Literal["lane", "symbol", "side", "version", "confidence", "day"] = "lane",
    lane: Literal["rules", "model", "llm", "blend", "shadow"] | None = None,
    symbol: str | None = None,
    timeframe: str | None = None,
    horizon: Literal["1", "4", "12", "24", "plan"] | None = None,
) -> Call[answers.TrackRecord]:
    """Ask what the settled calls of the last days came to, by lane, timeframe, horizon and group."""
    wanted = {"days": days, "group": group, "lane": lane, "symbol": symbol, "timeframe": timeframe, "horizon": horizon}
    query = {name: value for name, value in wanted.items() if value is not None}
    return Call("track_record", "GET", "/ai/track-record", answers.TrackRecord, query=query)


def lanes(days: int = 30) -> Call[answers.ComparedLanes]:
    """Ask for each lane's records, costs and sampling, and what each adds to another."""
    return Call("lanes", "GET", "/ai/lanes", answers.ComparedLanes, query={"days": days})


def evidence(limit: int = 30) -> Call[answers.EvidenceState]:
    """Ask for the evidence in use by timeframe, and for its newest refits."""
    return Call("evidence", "GET", "/ai/evidence", answers.EvidenceState, query={"limit": limit})
