"""The parts of the LLM, put together; without a key or an endpoint only the books are there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from config.llm_settings import LlmSettings
from services.llm.client import LlmClient
from services.llm.journal import Journal
from services.llm.ledger import CostLedger
from services.pending_documents import PendingDocuments
from storage.document_ports import LLM_CALLS, LLM_REPLIES, DocumentStore
from utils.clock import Clock

# The first requests find the budget known; a store that is down delays the start no longer.
BOOKS_SECONDS = 0.5


@dataclass(frozen=True)
class LlmParts:
    """What asks the LLM and counts what it costs; `client` and `journal` are None where none is configured."""

    ledger: CostLedger
    pending: PendingDocuments
    client: LlmClient | None
    journal: Journal | None


@asynccontextmanager
async def open_llm(settings: LlmSettings, documents: DocumentStore, clock: Clock) -> AsyncIterator[LlmParts]:
    """Make the parts, read the books of earlier processes, and in the end store what is not stored yet."""
    ledger = CostLedger(settings, clock)
    # Before anything is timed: it imports the `openai` package.
    client = _client(settings, ledger, clock) if settings.enabled else None
    keep = {
        LLM_CALLS: timedelta(days=settings.keep_calls_days),
        LLM_REPLIES: timedelta(days=settings.keep_replies_days),
    }
    pending = PendingDocuments(documents, clock, keep=keep, before=partial(ledger.load, documents))
    ledger.store_in(pending)
    journal = Journal(client, ledger, documents, pending, settings, clock) if client else None
    async with AsyncExitStack() as stack:
        stack.push_async_callback(pending.close)
        if client is not None:
            stack.push_async_callback(client.close)
        if journal is not None:
            stack.push_async_callback(journal.close)
        await pending.open(BOOKS_SECONDS)
        yield LlmParts(ledger, pending, client, journal)


def _client(settings: LlmSettings, ledger: CostLedger, clock: Clock) -> LlmClient:
    return LlmClient(settings, book=ledger.book, allow=ledger.allow, reserve=ledger.reserve, clock=clock)
