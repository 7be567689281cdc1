"""A service that ends during a job: the job's processes end, and the next service starts it again."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import admin_headers
from tests.fixtures.job_functions import alive
from tests.fixtures.patience import eventually
from tests.fixtures.service import Service, running_service

# The service as `python main.py` serves it, with one job from the start.
SERVICE = """
import asyncio
from contextlib import asynccontextmanager

from api.app import create_app
from api.server.serving import serve
from config.sources import load_settings
from container import build_container
from domain.errors import StorageUnavailable
from domain.job_kinds import JobKind

@asynccontextmanager
async def build(settings):
    async with build_container(settings, job_table="tests.fixtures.job_functions") as container:
        # On a stalled machine the store may take longer than a client waits for it, who would ask again.
        while True:
            try:
                await container.work.jobs.submit(JobKind.TRAIN, dict(do="wait with a child"), key="the one")
                break
            except StorageUnavailable:
                await asyncio.sleep(0.1)
        yield container

settings = load_settings()
serve(create_app(settings, build), settings)
"""


def jobs_of(service: Service) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = service.get("/jobs", headers=admin_headers()).json()["jobs"]
    return found


def stored_attempts(path: Path) -> int:
    """Return how often the one job has begun, as the store says: what is not there yet is lost with a kill."""
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT document FROM jobs").fetchone()
    return int(json.loads(found[0])["attempts"]) if found else 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_service_that_ends_takes_its_job_along(tmp_path: Path, number: signal.Signals) -> None:
    database = f"sqlite:///{tmp_path}/store.db"
    with running_service("-c", SERVICE, DATABASE_URL=database, JOBS__LEASE_SECONDS="2") as service:
        asyncio.run(eventually(lambda: jobs_of(service)[0]["progress"] is not None))
        grandchild = int(jobs_of(service)[0]["progress"]["stage"])
        assert alive(grandchild)
        asyncio.run(eventually(lambda: stored_attempts(tmp_path / "store.db") == 1))
        _, seconds = service.stop(number)
        assert seconds < 30  # the job would take ten minutes
        assert "Traceback" not in service.output
    asyncio.run(eventually(lambda: not alive(grandchild)))
    with running_service("-c", SERVICE, DATABASE_URL=database, JOBS__LEASE_SECONDS="2") as service:
        asyncio.run(eventually(lambda: jobs_of(service)[0]["attempts"] == 2))
        (job,) = jobs_of(service)
        assert job["takeovers"] == (1 if number is signal.SIGKILL else 0)
        assert job["status"] == "running"
