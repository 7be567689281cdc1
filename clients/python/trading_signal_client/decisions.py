"""Whether a signal is to be acted on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from trading_signal_client.answers import Analysis, Signal

# A plan of this confidence pays its costs and no more.
PAYS_ITS_COSTS = 0.5
MAX_AGE_SECONDS = 1800.0
# Clocks of two machines differ by less.
CLOCK_SKEW_SECONDS = 60.0


@dataclass(frozen=True)
class Decision:
    """The side to take with its stop and target in quote currency, or no side; `reason` says why, for a person."""

    side: Literal["Long", "Short"] | None
    reason: str
    stop: float | None = None
    target: float | None = None

    def distances(self, price: float) -> tuple[float, float] | None:
        """Return the distances of stop and target from a price as shares of it, for bots that count from their entry.

        Args:
            price: At which the side would be taken, in quote currency.

        Returns:
            Both above 0; None where no side is taken, or the price is not between stop and target.
        """
        if self.side is None or self.stop is None or self.target is None or price <= 0:
            return None
        sign = 1 if self.side == "Long" else -1
        stop, target = sign * (price - self.stop) / price, sign * (self.target - price) / price
        return (stop, target) if stop > 0 and target > 0 else None


def decide(
    signal: Analysis | Signal,
    *,
    now_ms: int,
    min_confidence: float = PAYS_ITS_COSTS,
    max_age_seconds: float = MAX_AGE_SECONDS,
) -> Decision:
    """Decide whether to act on a signal: never on an invented market, an old signal, or a plan that does not pay.

    Args:
        signal: An answer of `/ai/analyze`, or a signal of the socket. A replay is as old as the moment it replays.
        now_ms: The moment of the decision, epoch ms; in a backtest the moment that is tried.
        min_confidence: 0 to 1; the confidence has to be above it.
        max_age_seconds: Above it a signal is old.
    """
    made_at = signal.as_of if isinstance(signal, Analysis) and signal.as_of is not None else signal.timestamp
    age_seconds = (now_ms - made_at) / 1000
    if signal.source_data == "synthetic":
        return Decision(None, "the market is invented (source_data: synthetic)")
    if age_seconds > max_age_seconds:
        return Decision(
            None, f"the signal is {age_seconds / 60:.0f} minutes old, and counts for {max_age_seconds / 60:g}"
        )
    if age_seconds < -CLOCK_SKEW_SECONDS:
        return Decision(
            None, f"the signal is dated {-age_seconds:.0f} s after this machine's clock: compare the clocks"
        )
    if signal.signal.lower() == "neutral":
        return Decision(None, f"Neutral: {_why_neutral(signal)}")
    if signal.confidence <= min_confidence:
        needed = f"it needs more than {min_confidence:g}"
        return Decision(
            None, f"the confidence {signal.confidence:.3f} is too low: {needed} ({PAYS_ITS_COSTS} pays the costs)"
        )
    risk = signal.risk_assessment
    if risk.stop_loss_suggestion is None or risk.take_profit_suggestion is None:
        return Decision(None, "the signal has no stop and target")
    side: Literal["Long", "Short"] = "Long" if signal.signal.lower() == "long" else "Short"
    measured = f"evidence {signal.evidence.verdict}" if signal.evidence else "no evidence"
    return Decision(
        side,
        f"{side} at confidence {signal.confidence:.3f}, {measured}",
        risk.stop_loss_suggestion,
        risk.take_profit_suggestion,
    )


def _why_neutral(signal: Analysis | Signal) -> str:
    failed = [gate.name for gate in signal.gates if not gate.passed]
    if signal.abstention == "refused" and failed:
        return f"refused by {', '.join(failed)}"
    return signal.abstention or "no reason given"
