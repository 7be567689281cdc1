"""How long writes are collected, kept in memory and waited for, and how long readers wait."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Pace:
    """Times and sizes of a queue of writes, and time limits of reads.

    Attributes:
        group_items: Items of one write at most.
        group_weight: Weight of one write at most (`ItemType.weight`: candles); an item alone may have more.
        group_seconds: How long items are collected before they are written.
        spill_seconds: What the store has not taken by then goes to the spool; nothing is in memory alone for twice as
            long.
        keep_seconds: How long a caller whose item must outlive the process waits for the store, where no spool takes
            the item.
        retry_seconds: Pause before a store that failed is tried again, and between two checks of an idle one.
        open_seconds: How long the start waits for the store: a healthy MongoDB takes a tenth of it, and what follows at
            the start may keep the event loop busy for seconds.
        flush_seconds: How long a reader waits for the writes before it.
        candle_seconds: How long an analysis waits for stored candles; another source takes as long.
        query_seconds: How long a reader waits that cannot be answered without the store.
        call_seconds: A call that takes longer has failed; longer than the drivers' own time-outs.
        close_seconds: Time limit of the last try, and of closing the store.
    """

    group_items: int = 200
    group_weight: int = 5_000
    group_seconds: float = 0.05
    spill_seconds: float = 0.2
    keep_seconds: float = 2.0
    retry_seconds: float = 2.0
    open_seconds: float = 0.5
    flush_seconds: float = 1.0
    candle_seconds: float = 0.5
    query_seconds: float = 2.0
    call_seconds: float = 5.0
    close_seconds: float = 0.8
