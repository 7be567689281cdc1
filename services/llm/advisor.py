"""Advice from an LLM, checked against the facts that it was given, the same way for every use case."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from domain.errors import LlmUnavailable
from services.llm.grounding import FigureCheck, Names
from services.llm.journal import Journal
from services.llm.pricing import usd
from services.llm.prompt import Prompt
from services.llm.replies import Reply
from utils import metrics

T = TypeVar("T")


@dataclass(frozen=True)
class Advised(Generic[T]):
    """A checked reply.

    Attributes:
        value: The answer that the use case made of it.
        model: The model that answered.
        cost_usd: Of this answer: 0 when it was paid for before, None when it is not known.
        groundedness: Share of verified figures in its texts, 0 to 1; None where they have no figures.
    """

    value: T
    model: str
    cost_usd: float | None
    groundedness: float | None


class Advisor(Generic[Reply]):
    """Asks for replies of one schema and one purpose."""

    def __init__(self, journal: Journal, reply: type[Reply], *, purpose: str, names: Names = ()) -> None:
        """Keep the journal and the kind of reply.

        Args:
            journal: Asks the LLM and stores every reply.
            reply: Schema of a reply.
            purpose: Label of calls in the books and of stored replies.
            names: Facts that a figure after a name must match; without names, a figure must match any fact.
        """
        self._journal = journal
        self._reply = reply
        self._purpose = purpose
        self._names = names

    async def ask(self, prompt: Prompt, symbol: str, believe: Callable[[Reply, FigureCheck], T]) -> Advised[T]:
        """Return the checked reply to a prompt.

        Args:
            prompt: The question and its facts.
            symbol: The market that it is about; empty for none.
            believe: Makes an answer of the reply; every text of it has to go through the check.

        Raises:
            LlmUnavailable: there is no reply, or it is no answer; its `reason` says why in one word.
        """
        answered = await self._journal.ask(prompt, self._reply, purpose=self._purpose, symbol=symbol)
        check = FigureCheck(prompt.facts, self._names)
        value = believe(answered.reply, check)
        share = check.groundedness
        if share is not None:
            metrics.LLM_GROUNDEDNESS.labels(self._purpose).observe(share)
        cost = answered.cost_nano_usd
        return Advised(value, answered.model, None if cost is None else float(usd(cost)), share)


def count_fallback(unavailable: LlmUnavailable) -> str:
    """Count an answer made without the LLM, and return the reason in words for the answer."""
    metrics.LLM_FALLBACKS.labels(unavailable.reason).inc()
    return f"{unavailable.reason}: {unavailable.message}"
