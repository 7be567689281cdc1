"""From the findings of the gates to the answer: as it was, or Neutral with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from domain.analysis import TradeSignal
from domain.trading.gates import DATA_GATES, Abstention, GateName
from domain.values import Signal
from services.guards.gates import Finding

Answered = TypeVar("Answered", bound=TradeSignal)


@dataclass(frozen=True)
class Guarded(Generic[Answered]):
    """An answer after the guards.

    Attributes:
        answer: Neutral where a guard refused its side; it names every gate.
        refusal: What refused it and with which number, for a person; None where it passed.
    """

    answer: Answered
    refusal: str | None


def guarded(answer: Answered, findings: Sequence[Finding]) -> Guarded[Answered]:
    """Return the answer with its gates, Neutral where one of them is shut; a Neutral stays one.

    A refused answer has no stop, no target and no position. Its confidence is that of every Neutral, 1 less that of
    the better side, and no more than that side's, which old or thin candles have lowered. In safe mode a Neutral says
    so too.
    """
    shut = [finding for finding in findings if not finding.gate.passed]
    named = {finding.gate.name for finding in shut}
    changes: dict[str, Any] = {"gates": [finding.gate for finding in findings]}
    refusal = None
    if shut and (answer.signal is not Signal.NEUTRAL or GateName.SAFE_MODE in named):
        refusal = "refused by " + "; ".join(f"{finding.gate.name}: {finding.words}" for finding in shut)
    if named & DATA_GATES:
        changes["abstention"] = Abstention.NO_DATA
    elif shut and answer.signal is not Signal.NEUTRAL:
        changes["abstention"] = Abstention.REFUSED
    if shut and answer.signal is not Signal.NEUTRAL:
        no_trade = {"recommended_position_size": 0.0, "stop_loss_suggestion": None, "take_profit_suggestion": None}
        changes |= {
            "signal": Signal.NEUTRAL,
            "confidence": round(min(answer.confidence, 1 - answer.confidence), 4),
            "risk_assessment": answer.risk_assessment.model_copy(update=no_trade),
        }
    return Guarded(answer.model_copy(update=changes), refusal)
