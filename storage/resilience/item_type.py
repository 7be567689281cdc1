"""Identity, weight and text of the items of a queue."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


def _always(_: object) -> bool:
    return True


def _weightless(_: object) -> int:
    return 0


def _dropped(_: object) -> None:
    """Drop an item that has to become lighter."""


@dataclass(frozen=True)
class ItemType(Generic[T]):
    """Identity, weight and text of an item.

    Attributes:
        key: A newer item of a key takes the place of the one that waits.
        encode: Gives an item as JSON text; ValueError where it has no such text.
        decode: Reads it back; ValueError, KeyError or TypeError where another version of the service made it.
        lasting: Whether an item is kept through an outage.
        weight: Of an item, 0 or more: what the store has to do for it beyond the item itself.
        lightened: What is left of an item without its weight; None where that is nothing.
    """

    key: Callable[[T], Hashable]
    encode: Callable[[T], str]
    decode: Callable[[str], T]
    lasting: Callable[[T], bool] = _always
    weight: Callable[[T], int] = _weightless
    lightened: Callable[[T], T | None] = _dropped
