"""From the findings of the gates to the answer: as it was, or Neutral with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from domain.analysis import Analysis
from domain.trading.gates import DATA_GATES, Abstention, GateName
from domain.values import Signal
from services.guards.gates import Finding


@dataclass(frozen=True)
class Guarded:
    """An answer after the guards.

    Attributes:
        analysis: Neutral where a guard refused its side; it names every gate.
        refusal: What refused it and with which number, for a person; None where it passed.
    """

    analysis: Analysis
    refusal: str | None


def guarded(analysis: Analysis, findings: Sequence[Finding]) -> Guarded:
    """Return the answer with its gates, Neutral where one of them is shut; a Neutral stays one.

    A refused answer has no stop, no target and no position. Its confidence is that of every Neutral, 1 less that of
    the better side, and no more than that side's, which old or thin candles have lowered. In safe mode a Neutral says
    so too.
    """
    shut = [finding for finding in findings if not finding.gate.passed]
    named = {finding.gate.name for finding in shut}
    changes: dict[str, Any] = {"gates": [finding.gate for finding in findings]}
    refusal = None
    if shut and (analysis.signal is not Signal.NEUTRAL or GateName.SAFE_MODE in named):
        refusal = "refused by " + "; ".join(f"{finding.gate.name}: {finding.words}" for finding in shut)
        changes["reasoning"] = f"Neutral: {refusal}. {analysis.reasoning}"
    if named & DATA_GATES:
        changes["abstention"] = Abstention.NO_DATA
    elif shut and analysis.signal is not Signal.NEUTRAL:
        changes["abstention"] = Abstention.REFUSED
    if shut and analysis.signal is not Signal.NEUTRAL:
        no_trade = {"recommended_position_size": 0.0, "stop_loss_suggestion": None, "take_profit_suggestion": None}
        changes |= {
            "signal": Signal.NEUTRAL,
            "confidence": round(min(analysis.confidence, 1 - analysis.confidence), 4),
            "risk_assessment": analysis.risk_assessment.model_copy(update=no_trade),
        }
    return Guarded(analysis.model_copy(update=changes), refusal)
