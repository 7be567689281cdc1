"""The outcome of a signal, as its client reports it."""

from __future__ import annotations

from enum import StrEnum

from domain.values import Frozen, Signal


class Outcome(StrEnum):
    """Whether acting on a signal paid."""

    SUCCESS = "success"
    FAILURE = "failure"
    NEUTRAL = "neutral"


class Feedback(Frozen):
    """The outcome of one signal.

    Attributes:
        signal_id: The `analysis_id` of one of our analyses, or an id of the client's own.
        profit_loss: In quote currency.
        timestamp_ms: When the client says that it ended.
    """

    signal_id: str
    symbol: str
    predicted_signal: Signal
    actual_outcome: Outcome
    profit_loss: float
    confidence_was_accurate: bool
    feedback_notes: str | None
    timestamp_ms: int
