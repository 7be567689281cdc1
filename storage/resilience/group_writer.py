"""Writes items in groups, and gives up the one of a group that the store refuses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Iterable, Iterator, Sequence
from typing import Generic, TypeVar

from loguru import logger

from domain.errors import Unstorable
from storage.resilience.availability import Availability
from storage.resilience.item_type import ItemType
from storage.resilience.pace import Pace
from storage.resilience.store_calls import bounded
from utils.tracing import Origins

T = TypeVar("T")


class GroupWriter(Generic[T]):
    """Writes groups and reports each success: a store that was down is back when it has taken a write."""

    def __init__(
        self,
        write: Callable[[Sequence[T]], Awaitable[None]],
        items: ItemType[T],
        refused: Callable[[Hashable, Unstorable], None],
        availability: Availability,
        pace: Pace,
    ) -> None:
        """Keep the parts.

        Args:
            write: Writes a group, no key twice in it. Raises `StorageUnavailable` in an outage, `Unstorable` or
                ValueError for what one of the items holds.
            items: What they are.
            refused: Told of each item that is given up.
            availability: Told that the store works.
            pace: Weight of a group, and how long its write may take.
        """
        self._write = write
        self._type = items
        self._refused = refused
        self._availability = availability
        self._pace = pace
        self._unproven: T | None = None
        self._origins = Origins()

    def expect(self, item: T) -> None:
        """Make the write of an item, which is to come, a part of the trace that it comes from."""
        self._origins.note(self._type.key(item))

    def groups(self, items: Iterable[T]) -> Iterator[list[T]]:
        """Yield the items in their order; no key stands twice in a group, and none is heavier than it may be."""
        group: dict[Hashable, T] = {}
        weight = 0
        for item in items:
            key, own = self._type.key(item), self._type.weight(item)
            if key in group or (group and weight + own > self._pace.group_weight):
                yield list(group.values())
                group, weight = {}, 0
            group[key] = item
            weight += own
        if group:
            yield list(group.values())

    async def write(self, group: Sequence[T]) -> None:
        """Write a group; the refused item of one is found by halving it, and given up.

        Raises:
            StorageUnavailable, TimeoutError: the store failed; any of the items may be written or not.
        """
        try:
            with self._origins.span("store write", map(self._type.key, group), items=len(group)):
                await bounded(self._write(group), self._pace.call_seconds)
        except (Unstorable, ValueError) as refusal:
            if len(group) == 1:
                self._unproven = None
                self.give_up(group[0], refusal.message if isinstance(refusal, Unstorable) else str(refusal))
                return
            middle = len(group) // 2
            await self.write(group[:middle])
            await self.write(group[middle:])
        except Exception:
            self._unproven = group[-1]
            raise
        else:
            self._unproven = None
            self._availability.healed()

    async def prove(self) -> None:
        """Write the item that failed last again, unless it is written by now; raises as `write`."""
        if self._unproven is not None:
            await self.write([self._unproven])

    def give_up(self, item: T, reason: str) -> None:
        """Report an item that the store will not take."""
        logger.bind(reason=reason, key=str(self._type.key(item))).error("store refuses a write; it is given up")
        self._refused(self._type.key(item), Unstorable(f"it cannot be stored: {reason}"))
