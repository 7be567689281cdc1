"""Builds the watch over drift and runs it in the background."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from config.watch_settings import DriftSettings
from domain.notices import Notice
from models.serving.served_models import ServedModels
from services.broadcast.hub import SignalHub
from services.drift.check import DriftCheck
from services.drift.watch import DriftWatch
from services.leases import Lease
from storage.document_ports import DocumentStore
from storage.ledger_ports import LedgerStore
from storage.ports import CandleStore
from utils.clock import Clock
from utils.concurrency import background, worker_threads

# A replica that is killed holds the others back for so long; longer than the check of one model takes.
LEASE_SECONDS = 900.0


@asynccontextmanager
async def open_drift(
    settings: DriftSettings,
    served: ServedModels,
    stores: tuple[CandleStore, DocumentStore, LedgerStore],
    hub: SignalHub,
    notify: Callable[[Notice], None],
    clock: Clock,
) -> AsyncIterator[DriftWatch]:
    """Check the models in production for drift in the background, on one replica at a time."""
    store, documents, ledger = stores
    with worker_threads(1, "drift") as executor:
        check = DriftCheck(
            registries=served.registries,
            store=store,
            ledger=ledger,
            documents=documents,
            settings=settings,
            clock=clock,
            executor=executor,
        )
        watch = DriftWatch(
            served=served,
            check=check,
            documents=documents,
            hub=hub,
            notify=notify,
            lease=Lease(documents, "drift", LEASE_SECONDS, clock),
            check_seconds=settings.check_seconds,
            clock=clock,
            executor=executor,
        )
        async with background(watch.run(), "drift of the models"):
            yield watch
