"""Expiry of documents: by age, and of refits of the evidence that nothing depends on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from config.settings import Settings
from services.guards.given_sides import keep_for
from services.ledger.calibration.kept_refits import remove_refits
from storage.document_ports import (
    EVIDENCE_REFITS,
    FOLLOWED_FORECASTS,
    GIVEN_SIDES,
    JOB_CANCELLATIONS,
    JOB_ORDERS,
    JOBS,
    LEDGER_PARITY,
    LEDGER_REVIEWED_DAYS,
    LEDGER_REVISIONS,
    LLM_CALLS,
    LLM_REPLIES,
    NOTICES,
    PRICE_BANDS,
    REPORTS,
    WEBHOOK_DELIVERIES,
    Collection,
    DocumentStore,
)
from utils.clock import Clock


def ages(settings: Settings) -> dict[Collection, timedelta]:
    """Return the greatest age of documents in collections whose documents expire."""
    ledger = timedelta(days=settings.ledger.retention_days)
    return {
        JOBS: timedelta(days=settings.jobs.keep_days),
        JOB_ORDERS: timedelta(days=settings.jobs.keep_days),
        JOB_CANCELLATIONS: timedelta(days=settings.jobs.keep_days),
        LLM_CALLS: timedelta(days=settings.llm.keep_calls_days),
        LLM_REPLIES: timedelta(days=settings.llm.keep_replies_days),
        GIVEN_SIDES: keep_for(settings.guards),
        LEDGER_REVISIONS: ledger,
        LEDGER_REVIEWED_DAYS: ledger,
        LEDGER_PARITY: ledger,
        PRICE_BANDS: ledger,
        FOLLOWED_FORECASTS: ledger,
        REPORTS: timedelta(days=settings.reports.keep_days),
        NOTICES: timedelta(days=settings.notices.keep_days),
        WEBHOOK_DELIVERIES: timedelta(days=settings.webhooks.keep_days),
    }


class Retention:
    """Removes expired documents; the schedule says when."""

    def __init__(
        self, documents: DocumentStore, clock: Clock, keep: Mapping[Collection, timedelta], keep_refits: int
    ) -> None:
        """Keep the parts.

        Args:
            documents: Of all collections.
            clock: Tells the age of documents; one that never jumps ahead (`UnhurriedClock`).
            keep: Greatest age by collection.
            keep_refits: Number of unused refits that stay.
        """
        self._documents = documents
        self._clock = clock
        self._keep = keep
        self._keep_refits = keep_refits

    async def remove(self) -> dict[str, int]:
        """Remove expired documents, and return their number by the name of the collection.

        Raises:
            StorageUnavailable: the store is down.
        """
        now = self._clock.now()
        removed = {
            collection.name: await self._documents.remove(collection, now - age)
            for collection, age in self._keep.items()
        }
        return removed | {EVIDENCE_REFITS.name: await remove_refits(self._documents, self._keep_refits)}
