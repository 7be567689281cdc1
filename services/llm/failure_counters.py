"""Counters of the LLM's failures, which are 0 before the first one, with an LLM or without."""

from __future__ import annotations

from services.llm.calling.calls import ASKED_ELSEWHERE, NO_READY_KEY, OVER_BUDGET, Unusable
from services.llm.calling.key_ring import CallOutcome
from services.llm.replies import INVALID_REPLY
from utils import metrics


def start_failures_at_zero() -> None:
    """Create the series of every known failure of a call, of a reply and of a question."""
    calls = [outcome for outcome in CallOutcome if outcome is not CallOutcome.ANSWERED]
    not_asked = (NO_READY_KEY, OVER_BUDGET, ASKED_ELSEWHERE)
    metrics.start_at_zero(metrics.OPENAI_ERRORS, calls)
    metrics.start_at_zero(metrics.GPT4_FAILURES, (*calls, *Unusable, INVALID_REPLY))
    metrics.start_at_zero(metrics.LLM_OUTCOMES, (*CallOutcome, *Unusable, *not_asked))
    metrics.start_at_zero(metrics.LLM_FALLBACKS, (*calls, *Unusable, INVALID_REPLY, *not_asked))
