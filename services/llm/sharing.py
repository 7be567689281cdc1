"""What replicas agree upon before they ask the LLM."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class PeriodBudget:
    """A budget of a period, in nano-dollars.

    Attributes:
        period: 2026-11-28 or 2026-11.
        spent: As this replica knows it, its calls under way included.
        stop: What must not be exceeded; None: no limit.
        kept_seconds: How long the period is of interest, at least.
    """

    period: str
    spent: int
    stop: int | None
    kept_seconds: int


class LlmSharing(Protocol):
    """Turns of keys, budgets and questions, shared by replicas; no method raises or waits long, but `asking`."""

    async def turn(self, key_id: str, seconds: float, /) -> float:
        """Take the turn of a key for these seconds; return 0, or the seconds left where another replica has it."""

    async def turns(self, key_ids: Sequence[str], /) -> list[float]:
        """Return the seconds until each key is free at other replicas and here, 0 where it is or where none knows."""

    async def reserve(self, accounts: Sequence[PeriodBudget], most: int, /) -> str | None:
        """Count the greatest cost of a call as spent; return the period whose stop forbids it, then none is counted."""

    async def settle(self, accounts: Sequence[PeriodBudget], difference: int, /) -> None:
        """Add what calls have cost less what was reserved for them."""

    def asking(self, question: str, most_seconds: float, /) -> AbstractAsyncContextManager[bool]:
        """Hold the right to ask a question; give whether another replica has asked it meanwhile.

        Raises:
            TimeoutError: on entry, another replica still asks it after this time.
        """


class Alone:
    """One process, which shares nothing."""

    async def turn(self, _: str, __: float) -> float:
        """Return 0: the ring of this process spaces its keys."""
        return 0.0

    async def turns(self, key_ids: Sequence[str]) -> list[float]:
        """Return zeros."""
        return [0.0 for _ in key_ids]

    async def reserve(self, _: Sequence[PeriodBudget], __: int) -> str | None:
        """Return None: the books of this process decide."""
        return None

    async def settle(self, _: Sequence[PeriodBudget], __: int) -> None:
        """Do nothing."""

    @asynccontextmanager
    async def asking(self, _: str, __: float) -> AsyncIterator[bool]:
        """Give False."""
        yield False


ALONE = Alone()
