"""What a queue of writes has to know of its items."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


def _always(_: object) -> bool:
    return True


@dataclass(frozen=True)
class Form(Generic[T]):
    """The identity of an item and its form as text.

    Attributes:
        key: A newer item of a key takes the place of the one that waits.
        encode: Gives an item as JSON text; ValueError where it has no such form.
        decode: Reads it back; ValueError, KeyError or TypeError where another version of the service made it.
        lasting: Whether an item is kept through an outage.
    """

    key: Callable[[T], Hashable]
    encode: Callable[[T], str]
    decode: Callable[[str], T]
    lasting: Callable[[T], bool] = _always
