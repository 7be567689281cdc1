"""What a scenario is and what it tells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


class Failed(Exception):
    """The service did not hold; the text says in one sentence what it did."""


class NotTried(Exception):
    """The scenario needs what this machine has not; the text says what."""


@dataclass(frozen=True)
class Outcome:
    """What a service held.

    Attributes:
        load: What was asked of it, with counts.
        result: What it answered, with counts.
        lost: Acknowledged answers that were not found again, of how many; a dash where nothing was to be kept.
    """

    load: str
    result: str
    lost: str = "-"


@dataclass(frozen=True)
class Scenario:
    """A fault, and how to bring it about.

    Attributes:
        name: By which it is chosen on the command line.
        title: In the table.
        run: Called with an empty folder for the files of the service.
    """

    name: str
    title: str
    run: Callable[[Path], Outcome]


def require(held: bool, sentence: str) -> None:
    """Raise `Failed` unless it held."""
    if not held:
        raise Failed(sentence)


def require_no_5xx(statuses: Counter[int]) -> None:
    """Raise `Failed` when a status of the 500s is among them."""
    bad = {status: count for status, count in statuses.items() if status >= 500}
    require(not bad, f"the service answered {said(Counter(bad))}")


def said(statuses: Counter[int]) -> str:
    """Return statuses with their counts, such as `3,000 x 200, 12 x 429`."""
    return ", ".join(f"{count:,} x {status}" for status, count in sorted(statuses.items()))
