"""What every subsystem uses: settings, clock, stores, threads, the link to other replicas, notices and webhooks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Executor
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

import httpx2

from config.ledger_settings import LedgerSettings
from config.settings import Settings, StorageSettings
from services.broadcast.hub import SignalHub
from services.notices.notifier import Notifier, open_notices
from services.replicas.opening import Replicas, open_replicas
from services.webhooks.webhooks import Webhooks, open_webhooks
from storage.factory import open_stores
from storage.pruning import UnhurriedClock
from storage.resilience.documents import ResilientDocuments
from storage.resilience.ledger import ResilientLedger
from storage.resilience.store import ResilientStore
from storage.upkeep import keep_ledger_within_bounds, keep_within_bounds
from utils.clock import Clock
from utils.concurrency import background, worker_threads
from utils.http_client import http_client
from utils.logging import Logs


class Stores(NamedTuple):
    """The stores of one database, which work through its outages."""

    analyses: ResilientStore
    documents: ResilientDocuments
    ledger: ResilientLedger


@dataclass(frozen=True)
class Infrastructure:
    """What any subsystem may use.

    Attributes:
        stopping: Set when the server begins to stop.
        client: Asks sources of candles, an engine, and what the reports look at.
        executor: Threads in which markets are measured.
        hub: Broadcasts to sockets, of all replicas.
        replicas: What is shared with other replicas.
    """

    settings: Settings
    clock: Clock
    stopping: asyncio.Event
    logs: Logs
    stores: Stores
    client: httpx2.AsyncClient
    executor: Executor
    hub: SignalHub
    replicas: Replicas
    notices: Notifier
    webhooks: Webhooks


@asynccontextmanager
async def open_infrastructure(settings: Settings, logs: Logs, clock: Clock) -> AsyncIterator[Infrastructure]:
    """Open the parts, and close them in the opposite order."""
    async with AsyncExitStack() as stack:
        opened, entered = stack.enter_async_context, stack.enter_context
        stores = await opened(open_storage(settings.storage, settings.ledger, clock))
        client = await opened(http_client(timeout=settings.market_data.timeout_seconds, follow_redirects=False))
        executor = entered(worker_threads(settings.analysis.worker_threads, "analysis"))
        hub = entered(closing(SignalHub(settings.websocket.max_buffered_bytes)))
        yield Infrastructure(
            settings=settings,
            clock=clock,
            stopping=asyncio.Event(),
            logs=logs,
            stores=stores,
            client=client,
            executor=executor,
            hub=hub,
            replicas=await opened(open_replicas(settings.redis, hub)),
            notices=await opened(open_notices(settings.notices, stores.documents, clock)),
            webhooks=await opened(open_webhooks(settings.webhooks, stores.documents, clock)),
        )


@asynccontextmanager
async def open_storage(
    settings: StorageSettings, ledger_settings: LedgerSettings, clock: Clock
) -> AsyncIterator[Stores]:
    """Give the store of analyses and the ledger, both kept within their bounds, and the store of documents."""
    retention = timedelta(days=ledger_settings.retention_days)
    async with (
        open_stores(settings, clock) as (store, documents, ledger),
        background(keep_within_bounds(store), "store upkeep"),
        background(keep_ledger_within_bounds(ledger, retention, UnhurriedClock(clock)), "ledger upkeep"),
    ):
        yield Stores(store, documents, ledger)
