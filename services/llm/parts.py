"""The parts of the LLM; without a key or an endpoint, the books alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

from loguru import logger

from config.llm_settings import LlmSettings
from services.llm.calling.calls import ASKED_ELSEWHERE, NO_READY_KEY, OVER_BUDGET, Unusable
from services.llm.calling.client import LlmClient
from services.llm.calling.key_ring import CallOutcome
from services.llm.cost_ledger import CostLedger
from services.llm.journal import Journal
from services.llm.replies import INVALID_REPLY
from services.llm.sharing import ALONE, LlmSharing
from storage.document_ports import DocumentStore, LastingDocuments
from utils import metrics
from utils.clock import Clock
from utils.concurrency import background

# The start waits for the books, so that the first requests know the budget; at most this long for a store that is down.
BOOKS_SECONDS = 0.5


@dataclass(frozen=True)
class LlmParts:
    """Client, journal and books of the LLM; `client` and `journal` are None where none is configured."""

    ledger: CostLedger
    client: LlmClient | None
    journal: Journal | None


@asynccontextmanager
async def open_llm(
    settings: LlmSettings, documents: LastingDocuments, clock: Clock, sharing: LlmSharing = ALONE
) -> AsyncIterator[LlmParts]:
    """Make the parts, and read the books of earlier processes and, again and again, of other replicas."""
    _start_failures_at_zero()
    _warn_of_unpriced_models(settings)
    ledger = CostLedger(settings, clock, sharing)
    # First, since it imports the `openai` package, which takes time.
    client = _client(settings, ledger, clock, sharing) if settings.enabled else None
    ledger.store_in(documents)
    journal = Journal(client, ledger, documents, settings, clock, sharing) if client else None
    loaded = asyncio.Event()

    async def load(store: DocumentStore) -> None:
        await ledger.load(store)
        loaded.set()

    async with AsyncExitStack() as stack:
        if client is not None:
            stack.push_async_callback(client.close)
        if journal is not None:
            stack.push_async_callback(journal.close)
        documents.first(load)
        with suppress(TimeoutError):
            await asyncio.wait_for(loaded.wait(), BOOKS_SECONDS)
        await stack.enter_async_context(background(ledger.follow(), "books of the LLM"))
        yield LlmParts(ledger, client, journal)


def _client(settings: LlmSettings, ledger: CostLedger, clock: Clock, sharing: LlmSharing) -> LlmClient:
    return LlmClient(
        settings, book=ledger.book, allow=ledger.allow, reserve=ledger.reserve, clock=clock, sharing=sharing
    )


def _warn_of_unpriced_models(settings: LlmSettings) -> None:
    stops = settings.budgets.daily_stop_usd, settings.budgets.monthly_stop_usd
    models = (settings.model, *settings.fallback_models)
    unpriced = [model for model in models if settings.model_settings(model).prices is None]
    if settings.enabled and unpriced and stops != (None, None):
        words = "no budget stops an LLM without prices: set them in llm.models, 0 where it is free"
        logger.bind(models=", ".join(unpriced)).warning(words)


def _start_failures_at_zero() -> None:
    """Create the series of every known failure of a call, of a reply and of a question, with an LLM or without."""
    calls = [outcome for outcome in CallOutcome if outcome is not CallOutcome.ANSWERED]
    not_asked = (NO_READY_KEY, OVER_BUDGET, ASKED_ELSEWHERE)
    metrics.start_at_zero(metrics.OPENAI_ERRORS, calls)
    metrics.start_at_zero(metrics.GPT4_FAILURES, (*calls, *Unusable, INVALID_REPLY))
    metrics.start_at_zero(metrics.LLM_OUTCOMES, (*CallOutcome, *Unusable, *not_asked))
    metrics.start_at_zero(metrics.LLM_FALLBACKS, (*calls, *Unusable, INVALID_REPLY, *not_asked))
