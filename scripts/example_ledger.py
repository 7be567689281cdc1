"""A ledger of two lanes for the examples of the OpenAPI document: one follows the last move, the other opposes it."""

from __future__ import annotations

from typing import Any

from domain.analysis import DataSource
from domain.ledger.entries import EntryKind, LedgerEntry, LedgerLane, Origin
from domain.ledger.settlements import Settlement
from domain.market import Timeframe
from domain.values import Signal
from services.broadcast.hub import SignalHub
from services.ledger.proofs.day_closing import DayCloser
from services.ledger.scoring.sums import add_up
from storage.ledger_ports import LedgerStore
from utils.clock import SystemClock

SYMBOL = "BTCUSDT"


async def fill_ledger(ledger: LedgerStore, candles: list[dict[str, Any]]) -> None:
    """Keep calls of two lanes, settled by the candles after them: one follows the last move, the other opposes it."""
    entries, settlements = [], []
    for at in range(len(candles) - 480, len(candles) - 1):
        before, now, after = (float(candles[at + step]["close"]) for step in (-1, 0, 1))
        closed_ms = candles[at]["timestamp"] + Timeframe.H1.ms
        up = now > before
        for lane, side in ((LedgerLane.RULES, up), (LedgerLane.LLM, not up)):
            entry = LedgerEntry(
                id=f"{closed_ms}-{lane}",
                lane=lane,
                lane_id="4f1d0c2b9a37",
                origin=Origin.LOOP,
                symbol=SYMBOL,
                timeframe=Timeframe.H1,
                closed_ms=closed_ms,
                known_ms=closed_ms + 1_500,
                kind=EntryKind.SIDE,
                side=Signal.LONG if side else Signal.SHORT,
                price=now,
                stop=None,
                target=None,
                horizon_candles=None,
                target_first=None,
                probability_up=0.52 if side else 0.48,
                confidence=0.55,
                cost_bps=12.0,
                given=lane is LedgerLane.LLM,
                cost_usd=0.0004 if lane is LedgerLane.LLM else None,
                source_data=DataSource.STORED,
                apart=None,
                request_id=None,
            )
            entries.append(entry)
            ended_ms = closed_ms + Timeframe.H1.ms
            settled = Settlement(entry.id, 1, after, after / now - 1, None, None, ended_ms, ended_ms + 60_000, "stored")
            settlements.append(settled)
    await ledger.append(entries)
    await ledger.settle(settlements)
    for day in await ledger.days_to_add_up():
        await ledger.put_aggregates(day, add_up(await ledger.settled(day), day))
    await DayCloser(ledger, SignalHub(1_000), SystemClock(), retention_days=30).close_days()
