"""Subsystem of the LLM: what asks it, and how long others wait for a free key."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from container.infrastructure import Infrastructure
from services.llm.calling.patience import wait_for_a_key
from services.llm.parts import LlmParts, open_llm
from services.reviews.trades import TradeReviews


@dataclass(frozen=True)
class LlmSubsystem:
    """The parts that ask.

    Attributes:
        patience: Waits until a key is free, for work that nobody waits for.
    """

    parts: LlmParts
    patience: Callable[[], Awaitable[None]]
    trades: TradeReviews


@asynccontextmanager
async def open_llm_subsystem(base: Infrastructure) -> AsyncIterator[LlmSubsystem]:
    """Open what asks the LLM where one is configured, and review trades in the background."""
    settings, documents = base.settings, base.stores.documents
    async with open_llm(settings.llm, documents, base.clock, base.replicas.llm) as llm:
        patience = partial(wait_for_a_key, llm.client, settings.llm.spacing_seconds)
        trades = TradeReviews(llm.journal, documents, settings.trades, base.clock, patience)
        async with trades.reviewing():
            yield LlmSubsystem(llm, patience, trades)
