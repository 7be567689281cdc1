"""The outcome of an entry at one of its horizons."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from domain.ledger.entries import LedgerEntry


class PlanEnd(StrEnum):
    """How a trade plan ended; `void`: the first open was beyond stop or target already, so it was never entered."""

    TARGET = "target"
    STOP = "stop"
    TIME = "time"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class Settlement:
    """The result of an entry at one horizon; there is one at most.

    Attributes:
        entry_id: Of the entry.
        horizon: In candles, or PLAN.
        price: Close at the horizon, or the exit's price; None where the candles are missing for good.
        move: Of the market from the entry's price to that price, as a fraction; None as `price`.
        end: How the plan ended; None at other horizons.
        r: Result of the plan before costs, in units of its risk; None at other horizons.
        ended_ms: Close of the last candle that it rests on, in epoch ms.
        settled_ms: When it was settled, by the server's clock: long after `ended_ms` where candles came late.
        source: Where the candles came from (`stored`, or a source's name), `missing` where there were none.
    """

    entry_id: str
    horizon: int
    price: float | None
    move: float | None
    end: PlanEnd | None
    r: float | None
    ended_ms: int
    settled_ms: int
    source: str


@dataclass(frozen=True, slots=True)
class LedgerRecord:
    """An entry with what is known of it by now.

    Attributes:
        settlements: By horizon, ascending.
        repeats: How often it was given again from the cache.
    """

    entry: LedgerEntry
    settlements: tuple[Settlement, ...]
    repeats: int

    @property
    def settled(self) -> bool:
        """Whether every horizon is settled."""
        return len(self.settlements) == len(self.entry.horizons)
