"""Calls about the record of the lanes."""

from __future__ import annotations

from typing import Literal

from trading_signal_client import answers
from trading_signal_client.calls.call import Call

Grouping = Literal["lane", "symbol", "side", "version", "confidence", "day"]
Lane = Literal["rules", "model", "llm", "blend", "shadow"]
Horizon = Literal["1", "4", "12", "24", "plan"]


def track_record(
    *,
    days: int = 30,
    group: Grouping = "lane",
    lane: Lane | None = None,
    symbol: str | None = None,
    timeframe: str | None = None,
    horizon: Horizon | None = None,
) -> Call[answers.TrackRecord]:
    """Ask for the results of settled calls of the last days, by lane, timeframe, horizon and group."""
    query = _known(days=days, group=group, lane=lane, symbol=symbol, timeframe=timeframe, horizon=horizon)
    return Call("track_record", "GET", "/ai/track-record", answers.TrackRecord, query=query)


def track_record_picture(
    *,
    days: int = 30,
    group: Grouping = "lane",
    lane: Lane | None = None,
    symbol: str | None = None,
    timeframe: str | None = None,
    horizon: Horizon | None = None,
) -> Call[str]:
    """Ask for the hit rates of `track_record` as SVG."""
    query = _known(days=days, group=group, lane=lane, symbol=symbol, timeframe=timeframe, horizon=horizon)
    return Call("track_record_picture", "GET", "/ai/track-record.svg", str, query=query)


def calibration_picture(*, days: int = 30, lane: Lane | None = None, timeframe: str | None = None) -> Call[str]:
    """Ask for stated probabilities beside what occurred, as SVG."""
    query = _known(days=days, lane=lane, timeframe=timeframe)
    return Call("calibration_picture", "GET", "/ai/calibration.svg", str, query=query)


def lanes(days: int = 30) -> Call[answers.ComparedLanes]:
    """Ask for each lane's records, costs and sampling, and what each adds to another."""
    return Call("lanes", "GET", "/ai/lanes", answers.ComparedLanes, query={"days": days})


def evidence(limit: int = 30) -> Call[answers.EvidenceState]:
    """Ask for the evidence in use by timeframe, and for its newest refits."""
    return Call("evidence", "GET", "/ai/evidence", answers.EvidenceState, query={"limit": limit})


def _known(**parameters: int | str | None) -> dict[str, int | str]:
    return {name: value for name, value in parameters.items() if value is not None}
