"""Calls about the ledger: what was said, and the proof that it was not changed since."""

from __future__ import annotations

from typing import Literal

from trading_signal_client import answers
from trading_signal_client.calls.call import Call


def ledger(
    *,
    lane: Literal["rules", "model", "llm", "blend"] | None = None,
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
    """Ask for entries, the newest first; `cursor` is `next` of the page before, times are epoch milliseconds."""
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
