"""Figures of the newest signals: number of each side, confidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from domain.ledger.entries import LedgerEntry
from domain.values import Signal


@dataclass(frozen=True)
class SignalQuality:
    """Counts of the newest signals; shares and means are 0 where there are none.

    Attributes:
        neutral_percent: 0 to 100.
        consecutive_neutral: Neutral signals since the last Long or Short.
    """

    long: int
    short: int
    neutral: int
    neutral_percent: float
    average_confidence: float
    consecutive_neutral: int


def summarize(newest_first: Sequence[LedgerEntry]) -> SignalQuality:
    """Return the figures of entries."""
    signals = [entry.side for entry in newest_first]
    neutral, total = signals.count(Signal.NEUTRAL), len(signals)
    return SignalQuality(
        long=signals.count(Signal.LONG),
        short=signals.count(Signal.SHORT),
        neutral=neutral,
        neutral_percent=round(100 * neutral / total, 2) if total else 0.0,
        average_confidence=sum(entry.confidence for entry in newest_first) / total if total else 0.0,
        consecutive_neutral=sum(1 for _ in takewhile(lambda signal: signal is Signal.NEUTRAL, signals)),
    )
