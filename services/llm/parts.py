"""The parts of the LLM, put together; without a key or an endpoint only the books are there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

from config.llm_settings import LlmSettings
from services.llm.calling.client import LlmClient
from services.llm.journal import Journal
from services.llm.ledger import CostLedger
from storage.document_ports import DocumentStore, LastingDocuments
from utils.clock import Clock

# The first requests find the budget known; a store that is down delays the start no longer.
BOOKS_SECONDS = 0.5


@dataclass(frozen=True)
class LlmParts:
    """What asks the LLM and counts what it costs; `client` and `journal` are None where none is configured."""

    ledger: CostLedger
    client: LlmClient | None
    journal: Journal | None


@asynccontextmanager
async def open_llm(settings: LlmSettings, documents: LastingDocuments, clock: Clock) -> AsyncIterator[LlmParts]:
    """Make the parts, and read the books of earlier processes."""
    ledger = CostLedger(settings, clock)
    # Before anything is timed: it imports the `openai` package.
    client = _client(settings, ledger, clock) if settings.enabled else None
    ledger.store_in(documents)
    journal = Journal(client, ledger, documents, settings, clock) if client else None
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
        yield LlmParts(ledger, client, journal)


def _client(settings: LlmSettings, ledger: CostLedger, clock: Clock) -> LlmClient:
    return LlmClient(settings, book=ledger.book, allow=ledger.allow, reserve=ledger.reserve, clock=clock)
