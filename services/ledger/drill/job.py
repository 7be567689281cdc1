"""A drill from its parameters to its result, for the command and for jobs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory, gettempdir
from typing import Annotated, Any

from pydantic import Field

from config.settings import Settings
from domain.jobs import TellProgress, TellShare, tell_share
from domain.market import Timeframe
from domain.values import Frozen, Share
from services.evidence.file import open_weigher
from services.ledger.drill.document import drill_document
from services.ledger.drill.parameters import (
    MAX_DAYS,
    MAX_EDGE,
    MAX_SYMBOLS,
    DrillParameters,
    DrillSettings,
    SimulatedWalk,
)
from services.ledger.drill.result import DrillResult
from services.ledger.drill.running import Drill
from storage.document_ports import DocumentStore
from storage.ledger_ports import LedgerStore
from utils.concurrency import worker_threads

# Opens a ledger and a store of documents in a new file.
OpenStores = Callable[[Path], AbstractAsyncContextManager[tuple[LedgerStore, DocumentStore]]]

_PREFIX = "trading-signal-drill-"
# A drill that runs writes into its folder every few seconds.
_ABANDONED_SECONDS = 86_400.0


class DrillJobParameters(Frozen):
    """One drill, as JSON between the service and the job's process; its figures are shown with the job."""

    days: Annotated[int, Field(ge=1, le=MAX_DAYS)]
    symbols: Annotated[int, Field(ge=1, le=MAX_SYMBOLS)]
    timeframe: Timeframe
    edge: Annotated[float, Field(ge=0, le=MAX_EDGE)]
    correlation: Share
    seed: Annotated[int, Field(ge=0)]
    settings: DrillSettings


def job_parameters(parameters: DrillParameters, settings: Settings) -> dict[str, Any]:
    """Return the parameters of a job that runs a drill, JSON-like."""
    walk = parameters.walk
    return DrillJobParameters(
        days=parameters.days,
        symbols=parameters.symbols,
        timeframe=parameters.timeframe,
        edge=walk.edge,
        correlation=walk.correlation,
        seed=walk.seed,
        settings=DrillSettings.of(settings),
    ).model_dump(mode="json")


def run_job(parameters: dict[str, Any], report: TellProgress, open_stores: OpenStores) -> dict[str, Any]:
    """Return the result of a drill as plain values.

    Raises:
        InvalidRequest: as `DrillParameters`.
        ConfigurationError: the file of evidence cannot be read.
        StorageUnavailable: the temporary file cannot be written.
    """
    job = DrillJobParameters.model_validate(parameters)
    walk = SimulatedWalk(job.edge, job.correlation, job.seed)
    drill = DrillParameters(job.days, job.symbols, job.timeframe, walk)
    return drill_document(asyncio.run(run_drill(drill, job.settings, open_stores, tell_share(report))))


async def run_drill(
    parameters: DrillParameters, settings: DrillSettings, open_stores: OpenStores, tell: TellShare
) -> DrillResult:
    """Run it in a database of its own in a temporary folder: the service's never sees a simulated entry.

    Args:
        parameters: What to simulate.
        settings: What answers and ledger go by.
        open_stores: Makes the database.
        tell: Takes the present step in words, and the share that is done.

    Raises:
        ConfigurationError: the file of evidence cannot be read.
        StorageUnavailable: the temporary file cannot be written.
    """
    remove_abandoned(Path(gettempdir()), time.time())
    with TemporaryDirectory(prefix=_PREFIX) as folder, worker_threads(1, "drill") as executor:
        async with open_stores(Path(folder) / "drill.db") as (ledger, documents):
            weigher = open_weigher(settings.trading)
            return await Drill(parameters, settings, weigher, ledger, documents, executor, tell).run()


def remove_abandoned(temporary: Path, now_seconds: float) -> None:
    """Remove what drills left behind that were killed, as cancelled jobs are; what cannot be removed stays.

    Args:
        temporary: Folder of temporary folders.
        now_seconds: By the clock of the file system, since the epoch.
    """
    for folder in temporary.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            newest = max(path.stat().st_mtime for path in (folder, *folder.iterdir()))
            if newest < now_seconds - _ABANDONED_SECONDS:
                rmtree(folder)
