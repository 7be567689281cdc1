"""Calls about the ledger: what was said, and the proof that it was not changed since."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Literal

from trading_signal_client import answers
from trading_signal_client.calls.call import Call, Candles


def ledger(
    *,
    lane: Literal["rules", "model", "llm", "blend", "shadow"] | None = None,
    lane_id: str | None = None,
    symbol: str | None = None,
    timeframe: str | None = None,
    side: Literal["Long", "Short", "Neutral"] | None = None,
    kind: Literal["side", "no edge", "no data", "refused"] | None = None,
    origin: Literal["api", "loop", "stream", "predict", "trend"] | None = None,
    given: bool | None = None,
    scored: bool | None = None,
    since: int | None = None,
    until: int | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> Call[answers.LedgerPage]:
    """Ask for entries, the newest first; `cursor` is `next` of the page before, times are epoch milliseconds.

    A page looks through a bounded number of entries: it may have few or none and still a `next`, which goes on.
    """
    wanted = {
        "lane": lane,
        "lane_id": lane_id,
        "symbol": symbol,
        "timeframe": timeframe,
        "side": side,
        "kind": kind,
        "origin": origin,
        "given": None if given is None else str(given).lower(),
        "scored": None if scored is None else str(scored).lower(),
        "since": since,
        "until": until,
        "limit": limit,
        "cursor": cursor,
    }
    query = {name: value for name, value in wanted.items() if value is not None}
    return Call("ledger", "GET", "/ai/ledger", answers.LedgerPage, query=query)


def ledger_entry(entry_id: str) -> Call[answers.LedgerEntry]:
    """Ask for one entry with its settlements so far."""
    return Call("ledger_entry", "GET", "/ai/ledger/{entry_id}", answers.LedgerEntry, parameters={"entry_id": entry_id})


def ledger_proof(entry_id: str) -> Call[answers.LedgerProof]:
    """Ask for the path from an entry to the root of its day; refused until the day is closed."""
    return Call(
        "ledger_proof", "GET", "/ai/ledger/{entry_id}/proof", answers.LedgerProof, parameters={"entry_id": entry_id}
    )


def ledger_days(limit: int = 30) -> Call[answers.LedgerDays]:
    """Ask for the roots of the newest closed days."""
    return Call("ledger_days", "GET", "/ai/ledger/days", answers.LedgerDays, query={"limit": limit})


def ledger_export(day: date, form: Literal["ndjson", "parquet"] = "ndjson") -> Call[bytes]:
    """Ask for the file of a UTC day, which `cli.py ledger verify` checks: its entries, settlements and proof."""
    return Call("ledger_export", "GET", "/ai/ledger/export", bytes, query={"day": day.isoformat(), "format": form})


def ledger_parity(limit: int = 30) -> Call[answers.ParityCertificates]:
    """Ask for the newest certificates: how far the replays of a day are from what was said in it."""
    return Call("ledger_parity", "GET", "/ai/ledger/parity", answers.ParityCertificates, query={"limit": limit})


def replay(
    symbol: str, as_of: int, candles: Candles | None = None, *, timeframes: Sequence[answers.Timeframe] = ()
) -> Call[answers.Replay]:
    """Ask what would have been said at a moment of the past.

    Args:
        symbol: Such as BTCUSDT.
        as_of: Epoch ms; nothing that closed later is used.
        candles: By timeframe, oldest first; without them stored ones are read, else the history of the sources.
        timeframes: To be read; by default those of the settings, or those of the candles.
    """
    body = {"symbol": symbol, "as_of": as_of, "timeframes": list(timeframes), "timeframe_data": candles or {}}
    return Call("replay", "POST", "/ai/replay", answers.Replay, body)
