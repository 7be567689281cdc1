"""Items that wait in memory for the store, bounded."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from itertools import islice
from typing import Generic, TypeVar

from loguru import logger

from storage.resilience.item_type import ItemType

T = TypeVar("T")


class Backlog(Generic[T]):
    """Items by key, in the order they came; a newer item of a key takes the place of the one that waits.

    When it is full the oldest are made lighter or dropped, and counted.
    """

    def __init__(self, items: ItemType[T], *, max_items: int, max_weight: int = 0) -> None:
        """Keep the bounds.

        Args:
            items: Key and weight of an item.
            max_items: Items at most.
            max_weight: Of all items together; without effect where they weigh nothing.
        """
        self._type = items
        self._max_items = max_items
        self._max_weight = max_weight
        self._items: dict[Hashable, T] = {}
        self._weight = 0
        self._full = False

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._items

    def keep(self, item: T) -> list[Hashable]:
        """Let the item wait; return the keys of items that lost their weight, or their place, to it."""
        key = self._type.key(item)
        self.discard(key)
        self._items[key] = item
        self._weight += self._type.weight(item)
        lost: list[Hashable] = []
        while self._weight > self._max_weight and (heavy := next(filter(self._heavy, self._items), None)) is not None:
            self._lighten(heavy)
            lost.append(heavy)
        while len(self._items) > self._max_items:
            lost.append(oldest := next(iter(self._items)))
            self.discard(oldest)
        if lost and not self._full:
            logger.bind(waiting=len(self)).error("too many writes wait for the store; the oldest are dropped")
        self._full = bool(lost) or (self._full and len(self) > self._max_items // 2)
        return lost

    @property
    def half_full(self) -> bool:
        """Whether as many items wait that soon some would be dropped."""
        return 2 * len(self._items) > self._max_items or 2 * self._weight > self._max_weight > 0

    def oldest(self, count: int) -> list[T]:
        """Return at most `count` of the oldest items, which stay here until they are removed."""
        return list(islice(self._items.values(), count))

    def any(self, condition: Callable[[T], bool]) -> bool:
        """Return whether an item that waits meets a condition."""
        return any(map(condition, self._items.values()))

    def keys(self) -> set[Hashable]:
        """Return the keys of the items that wait."""
        return set(self._items)

    def remove(self, items: Iterable[T]) -> list[Hashable]:
        """Remove items, but none that has been replaced meanwhile; return the keys that do not wait any more."""
        taken = {self._type.key(item): item for item in items}
        for key, item in taken.items():
            if self._items.get(key) is item:
                self.discard(key)
        return [key for key in taken if key not in self._items]

    def discard(self, key: Hashable) -> None:
        """Forget the item of a key, if there is one."""
        if key in self._items:
            self._weight -= self._type.weight(self._items.pop(key))

    def _heavy(self, key: Hashable) -> bool:
        return self._type.weight(self._items[key]) > 0

    def _lighten(self, key: Hashable) -> None:
        item = self._items[key]
        rest = self._type.lightened(item)
        if rest is None:
            self.discard(key)
        else:
            self._weight -= self._type.weight(item)
            self._items[key] = rest
