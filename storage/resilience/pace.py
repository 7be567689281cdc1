"""How long writes are collected, kept in memory, and waited for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Pace:
    """Times and sizes of a queue of writes.

    Attributes:
        group_items: Items of one write at most.
        group_seconds: How long items are collected before they are written.
        spill_seconds: What the store has not taken by then goes to the spool; nothing is in memory alone for twice as
            long.
        keep_seconds: A caller whose item must outlive the process waits for the store so long, where no spool takes it.
        retry_seconds: Pause before a store that failed is tried again, and between two checks of an idle one.
        call_seconds: A call that takes longer has failed; longer than the drivers' own time-outs.
        close_seconds: Of the last try.
    """

    group_items: int = 200
    group_seconds: float = 0.02
    spill_seconds: float = 0.2
    keep_seconds: float = 2.0
    retry_seconds: float = 2.0
    call_seconds: float = 5.0
    close_seconds: float = 0.8
