"""How many jobs wait in each queue, counted in the store, and the bound of each."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from domain.errors import JobQueueFull, StorageUnavailable
from domain.job_kinds import JobKind, JobQueue
from domain.jobs import JobStatus
from domain.values import EPOCH
from storage.document_ports import JOBS, DocumentStore
from tasks.celery_queues import QUEUES

# A count of this age still serves: reading it again for every job took half of the time in which a job is accepted.
COUNT_SECONDS = 1.0


class WaitingJobs:
    """Counts the jobs that wait in the store, and those that this process has added since.

    A job is refused by a count of that moment alone. It may be accepted by one that is a second old and does not know
    yet what other processes accepted in it.
    """

    def __init__(self, documents: DocumentStore) -> None:
        """Keep the store; nothing is counted yet."""
        self._documents = documents
        self._stored: Counter[JobQueue] = Counter()
        self._added: Counter[JobQueue] = Counter()
        self._being_added: Counter[JobQueue] = Counter()
        self._counted_at: float | None = None

    @asynccontextmanager
    async def room(self, queue: JobQueue) -> AsyncIterator[None]:
        """Keep a place in the queue during the block, and count a job as added when it ends well.

        While the store is down, jobs are accepted uncounted.

        Raises:
            JobQueueFull: as many wait as may.
        """
        most = QUEUES[queue].max_jobs
        if self._is_old() or self._known(queue) >= most:
            await self._count()
        if self._known(queue) >= most:
            raise JobQueueFull(f"{most} jobs of {queue.value} are waiting already; try again when one has finished")
        self._being_added[queue] += 1
        try:
            yield
            self._added[queue] += 1
        finally:
            self._being_added[queue] -= 1

    def _known(self, queue: JobQueue) -> int:
        return self._stored[queue] + self._added[queue] + self._being_added[queue]

    def _is_old(self) -> bool:
        return self._counted_at is None or time.monotonic() - self._counted_at >= COUNT_SECONDS

    async def _count(self) -> None:
        # Before the read: a job that is added during it may be counted twice until the next one, and is never left out.
        self._added.clear()
        started = time.monotonic()
        try:
            totals = await self._documents.totals(JOBS, EPOCH, by=("kind",), where={"status": JobStatus.QUEUED.value})
        except StorageUnavailable:  # the store says so in the log and in /health
            self._stored.clear()
            return
        counts = {str(total.group[0]): total.count for total in totals}
        queues = Counter[JobQueue]()
        for kind in JobKind:
            queues[kind.traits.queue] += counts.get(kind.value, 0)
        self._stored, self._counted_at = queues, started
