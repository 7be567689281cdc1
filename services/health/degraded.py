"""A part of the service that does not work: why, and what an operator can do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Degraded:
    """A part that does not work, or not as it should.

    Attributes:
        part: Its name, `store` or `model BTCUSDT 1h`, say.
        reason: What is wrong.
        remedy: What to do, in a sentence.
    """

    part: str
    reason: str
    remedy: str


# Answers from memory in microseconds: what has to look at a disk or a network does so beforehand.
Check = Callable[[], Iterable[Degraded]]
