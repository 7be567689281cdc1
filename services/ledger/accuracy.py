"""Accuracy, precision and recall of signals, from their known outcomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from domain.feedback import Outcome
from domain.values import Signal


@dataclass(frozen=True)
class Scored:
    """Number of signals of one source and side with one outcome.

    Attributes:
        known: Signals whose confidence is known.
        confidence: Sum of the known confidences.
    """

    source: str
    signal: Signal
    outcome: Outcome
    count: int
    known: int
    confidence: float


@dataclass(frozen=True)
class Performance:
    """Figures of scored signals, all 0 while there are none.

    Attributes:
        scored: Signals with an outcome, neutral ones included.
        successes: Those that succeeded.
        accuracy: Share of the successes in all that succeeded or failed.
        precision: Share of the successes among the Long ones, and among the Short ones: the mean of both.
        recall: Share of the rises signaled as Long, and of the falls signaled as Short: the mean of both.
        f1: Harmonic mean of precision and recall.
        average_confidence: Of signals whose confidence is known.
    """

    scored: int
    successes: int
    accuracy: float
    precision: float
    recall: float
    f1: float
    average_confidence: float


def measure(scored: Sequence[Scored]) -> Performance:
    """Return the figures of signals; a Long that succeeded or a Short that failed counts as a rise, and so on.

    A direction that was never signaled, or never occurred, is left out of the mean.
    """
    counts: dict[tuple[Signal, Outcome], int] = {}
    for group in scored:
        key = group.signal, group.outcome
        counts[key] = counts.get(key, 0) + group.count
    successes = sum(count for (_, outcome), count in counts.items() if outcome is Outcome.SUCCESS)
    failures = sum(count for (_, outcome), count in counts.items() if outcome is Outcome.FAILURE)
    precision, recall = _precision(counts), _recall(counts)
    known = sum(group.known for group in scored)
    return Performance(
        scored=sum(group.count for group in scored),
        successes=successes,
        accuracy=_share(successes, failures) or 0.0,
        precision=precision,
        recall=recall,
        f1=2 * precision * recall / (precision + recall) if precision + recall else 0.0,
        average_confidence=sum(group.confidence for group in scored) / known if known else 0.0,
    )


def _precision(counts: Mapping[tuple[Signal, Outcome], int]) -> float:
    return _mean([_share(*_ended(counts, signal)) for signal in (Signal.LONG, Signal.SHORT)])


def _recall(counts: Mapping[tuple[Signal, Outcome], int]) -> float:
    (long_right, long_wrong), (short_right, short_wrong) = (
        _ended(counts, signal) for signal in (Signal.LONG, Signal.SHORT)
    )
    return _mean([_share(long_right, short_wrong), _share(short_right, long_wrong)])


def _ended(counts: Mapping[tuple[Signal, Outcome], int], signal: Signal) -> tuple[int, int]:
    return counts.get((signal, Outcome.SUCCESS), 0), counts.get((signal, Outcome.FAILURE), 0)


def _share(right: int, wrong: int) -> float | None:
    return right / (right + wrong) if right + wrong else None


def _mean(shares: Sequence[float | None]) -> float:
    known = [share for share in shares if share is not None]
    return sum(known) / len(known) if known else 0.0
