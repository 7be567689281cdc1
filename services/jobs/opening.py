"""The parts of the jobs that one process runs by itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from loguru import logger

from config.job_settings import JobSettings
from domain.errors import StorageUnavailable
from services.broadcast.hub import SignalHub
from services.jobs.events import JobEvents
from services.jobs.launching import Launcher, LocalLauncher
from services.jobs.records import JobRecords
from services.jobs.recovery import JobRecovery
from services.jobs.runner import JobRunner
from services.jobs.service import JobService
from services.jobs.worker import JobWorker
from storage.document_ports import LastingDocuments
from utils.clock import Clock
from utils.concurrency import background

# Given what the jobs of a process are made of.
MakeLauncher = Callable[[JobRecords, JobEvents], Launcher]
# At the end, the last states wait at most this long for the store.
SAVE_SECONDS = 5.0


@asynccontextmanager
async def run_jobs(
    settings: JobSettings,
    runner: JobRunner,
    documents: LastingDocuments,
    hub: SignalHub,
    clock: Clock,
    monotonic: Callable[[], float] = time.monotonic,
    make_launcher: MakeLauncher | None = None,
) -> AsyncIterator[JobService]:
    """Take jobs and run them, until all that run here are ended and their states are saved.

    Args:
        settings: Of jobs.
        runner: Does the work of those that run here.
        documents: Have the records.
        hub: Is told of every status.
        clock: Dates them.
        monotonic: Seconds that never jump back.
        make_launcher: Makes what gets jobs to a worker; by default the worker is here.
    """
    events = JobEvents(hub, clock, monotonic)
    records = JobRecords(documents, clock)
    worker = JobWorker(records, runner, events, settings, clock, monotonic)
    launcher = make_launcher(records, events) if make_launcher else LocalLauncher(worker, settings)
    recovery = JobRecovery(records, launcher, events, settings, clock)
    if make_launcher is None:
        worker.when_free(recovery.look_soon)
    async with background(records.run(), "states of jobs"), background(worker.run(), "leases of jobs"):
        try:
            async with background(recovery.run(), "recovery of jobs"):
                yield JobService(records, launcher, worker, events, clock)
        finally:
            await launcher.close()
            await worker.close()
    try:
        async with asyncio.timeout(SAVE_SECONDS):
            await records.save()
    except (StorageUnavailable, TimeoutError):
        logger.warning("the last states of jobs could not be stored: these jobs start again")
