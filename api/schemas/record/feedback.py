"""Outcomes of signals, and figures of the newest ones."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, ConfigDict, Field

from api.schemas.record.trades import Amount
from api.schemas.requests import EpochMs, RequestModel
from api.schemas.responses import ResponseModel
from domain.feedback import Feedback, Outcome
from domain.ledger.entries import LedgerEntry
from domain.naming.symbols import SymbolName
from domain.values import Share, Signal, utc_time
from services.ledger.signal_quality import SignalQuality

MAX_NOTES = 2_000
Count = Annotated[int, Field(ge=0)]

# The words of an engine's own loop, and ours, in any case.
_SIGNALS = {signal.lower(): signal.value for signal in Signal} | {
    "buy": "Long",
    "strong_buy": "Long",
    "sell": "Short",
    "strong_sell": "Short",
    "hold": "Neutral",
}


def _one_word(value: Any) -> Any:
    return _SIGNALS.get(value.lower(), value) if isinstance(value, str) else value


class FeedbackRequest(RequestModel):
    """The outcome of a signal."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "signal_id": "sig-7f3a",
                    "symbol": "ETHUSDT",
                    "predicted_signal": "Short",
                    "actual_outcome": "failure",
                    "profit_loss": -18.4,
                    "confidence_was_accurate": False,
                    "feedback_notes": None,
                    "timestamp": 1767225600000,
                }
            ]
        }
    )

    signal_id: Annotated[
        str, Field(min_length=1, max_length=100, description="The `analysis_id`, or an id of the client's own.")
    ]
    symbol: SymbolName
    predicted_signal: Annotated[
        Signal, BeforeValidator(_one_word), Field(description="BUY, SELL, HOLD, STRONG_… and other cases are read too.")
    ]
    actual_outcome: Outcome
    profit_loss: Annotated[Amount, Field(description="In quote currency.")]
    confidence_was_accurate: bool
    feedback_notes: Annotated[str, Field(max_length=MAX_NOTES)] | None = None
    timestamp: EpochMs

    def feedback(self) -> Feedback:
        """Return the outcome of the body."""
        return Feedback(**self.model_dump(exclude={"timestamp"}), timestamp_ms=self.timestamp)


class FeedbackKept(ResponseModel):
    """The outcome is kept."""

    message: str
    signal_id: str
    timestamp: Annotated[datetime, Field(description="ISO 8601, UTC.")]


class SignalSummary(ResponseModel):
    """One answer of the ledger."""

    symbol: str
    signal: Signal
    confidence: Share
    timestamp: Annotated[datetime, Field(description="ISO 8601, UTC.")]


class SignalQualityResponse(ResponseModel):
    """The newest answers that callers were given, and figures of them."""

    total: Count
    bull_count: Count
    bear_count: Count
    neutral_count: Count
    neutral_pct: Annotated[float, Field(ge=0, le=100)]
    avg_confidence: Share
    consecutive_neutral: Annotated[Count, Field(description="Neutral signals since the newest other one.")]
    signals: Annotated[list[SignalSummary], Field(description="Newest first.")]
    pipeline_settings: Annotated[dict[str, Any], Field(description="Settings that decide how signals are made.")]

    @classmethod
    def of(cls, newest: list[LedgerEntry], quality: SignalQuality, settings: dict[str, Any]) -> Self:
        """Return the answer for the newest entries."""
        return cls(
            total=len(newest),
            bull_count=quality.long,
            bear_count=quality.short,
            neutral_count=quality.neutral,
            neutral_pct=quality.neutral_percent,
            avg_confidence=round(quality.average_confidence, 4),
            consecutive_neutral=quality.consecutive_neutral,
            signals=[
                SignalSummary(
                    symbol=entry.symbol,
                    signal=entry.side,
                    confidence=entry.confidence,
                    timestamp=utc_time(entry.known_ms),
                )
                for entry in newest
            ],
            pipeline_settings=settings,
        )
