"""`/jobs` as a stranger and as the administrator, with real child processes, and its events on a real socket."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api.app import create_app
from api.guard.rate_limit import limiter
from container import build_container
from domain.job_kinds import JobKind
from domain.jobs import Job
from tasks.child_process import ChildProcessRunner
from tests.conftest import LOOPBACK, MakeClient, MakeSettings, admin_headers
from tests.fixtures.containers import container_of
from tests.fixtures.job_functions import RESULT, alive
from tests.fixtures.jobs import job_service
from tests.fixtures.patience import PAUSE_SECONDS
from tests.fixtures.websocket_service import receive, serving, welcomed

TABLE = "tests.fixtures.job_functions"


def administrator(app: FastAPI) -> TestClient:
    return TestClient(app, base_url="http://127.0.0.1:8000", client=LOOPBACK, headers=admin_headers())


class Operator:
    """The administrator, and a way to submit jobs, which no route of this file does."""

    def __init__(self, client: TestClient) -> None:
        self.client = client

    def submit(self, do: str, **parameters: Any) -> str:
        jobs = container_of(self.client).work.jobs
        assert self.client.portal is not None

        async def submit() -> Job:
            job: Job = await jobs.submit(JobKind.TRAIN, {"do": do, **parameters})
            return job

        return self.client.portal.call(submit).job_id

    def until(self, job_id: str, status: str) -> dict[str, Any]:
        """Return the job once it has this status and, if it runs, has reported."""
        while True:
            job: dict[str, Any] = self.client.get(f"/jobs/{job_id}").json()
            if job["status"] == status and (status != "running" or job["progress"]):
                return job
            assert job["status"] in {"queued", "running"}, job
            time.sleep(PAUSE_SECONDS)


@pytest.fixture
def operator(make_settings: MakeSettings) -> Iterator[Operator]:
    limiter.reset()
    settings = make_settings(rate_limits={"enabled": False}, jobs={"max_queued": 2})
    app = create_app(settings, partial(build_container, job_table=TABLE))
    with administrator(app) as client:
        yield Operator(client)


def test_job_is_watched_to_its_end(operator: Operator) -> None:
    job_id = operator.submit("train", symbol="BTCUSDT", candles=[[1, 2]])
    job = operator.until(job_id, "succeeded")
    assert job.keys() == set(Job.model_fields)
    assert job["parameters"] == {"do": "train", "symbol": "BTCUSDT"}
    assert job["result"] == RESULT | {"rows": 1}
    assert job["progress"]["share"] == 1
    assert job["created_at"] <= job["started_at"] <= job["finished_at"]
    assert operator.client.get(f"/api/v1/jobs/{job_id}").json() == job
    assert operator.client.get("/jobs").json() == {"jobs": [job], "complete": True}


def test_running_and_waiting_jobs_are_canceled(operator: Operator) -> None:
    running, waiting = operator.submit("wait"), operator.submit("wait")
    pid = int(operator.until(running, "running")["progress"]["stage"])
    assert operator.client.get(f"/jobs/{waiting}").json()["status"] == "queued"
    for job_id, prefix in [(waiting, "/api/v1"), (running, "")]:
        canceled = operator.client.delete(f"{prefix}/jobs/{job_id}")
        assert (canceled.status_code, canceled.json()["status"]) == (200, "cancelled")
        again = operator.client.delete(f"{prefix}/jobs/{job_id}")
        assert (again.status_code, again.json()["detail"]) == (409, f"job {job_id} has ended already: cancelled")
    assert not alive(pid)
    assert [job["status"] for job in operator.client.get("/jobs").json()["jobs"]] == ["cancelled", "cancelled"]
    assert len(operator.client.get("/jobs", params={"limit": 1}).json()["jobs"]) == 1


def test_service_that_stops_leaves_no_process_and_the_next_one_goes_on(make_settings: MakeSettings) -> None:
    with ExitStack() as stack:
        app = create_app(make_settings(), partial(build_container, job_table=TABLE))
        operator = Operator(stack.enter_context(administrator(app)))
        job_id = operator.submit("wait")
        pid = int(operator.until(job_id, "running")["progress"]["stage"])
    assert not alive(pid)
    with administrator(create_app(make_settings(), partial(build_container, job_table=TABLE))) as client:
        job = Operator(client).until(job_id, "running")
    assert (job["attempts"], job["takeovers"]) == (2, 0)


@pytest.mark.parametrize("limit", ["0", "201", "-1", "many", ""])
def test_limit_out_of_range_is_refused(client: TestClient, limit: str) -> None:
    refused = client.get("/jobs", params={"limit": limit})
    assert refused.status_code == 422
    assert refused.json()["detail"].startswith("query.limit")


@pytest.mark.parametrize("job_id", ["0" * 32, "x" * 5_000, "$where", "%00", "%F0%9F%92%A5", "%ED%A0%80", "a b"])
def test_unknown_job_is_404_whatever_its_name(common_client: TestClient, job_id: str) -> None:
    for method in ("GET", "DELETE"):
        unknown = common_client.request(method, f"/jobs/{job_id}")
        assert (unknown.status_code, unknown.json()["title"]) == (404, "Not Found")


def test_ids_in_the_path_share_one_limit(make_client: MakeClient) -> None:
    client = make_client(rate_limits={"default_trusted": "2/minute"})
    assert [client.get(f"/jobs/{number}").status_code for number in range(3)] == [404, 404, 429]


def test_store_that_is_down_leaves_health_and_the_list(make_client: MakeClient) -> None:
    client = make_client(storage={"url": "mongodb://127.0.0.1:9/none"})
    assert client.get("/health").json()["degraded"] == ["store"]
    assert client.get("/jobs").json() == {"jobs": [], "complete": False}
    unknown = client.get("/jobs/x")
    assert (unknown.status_code, "mongodb" in unknown.json()["detail"]) == (503, True)


async def test_events_reach_every_socket(tmp_path: Path) -> None:
    runner = ChildProcessRunner(timeout_seconds=60, table=TABLE)
    async with (
        serving() as service,
        job_service(tmp_path / "store.db", runner, hub=service.hub) as jobs,
        welcomed(service) as client,
        welcomed(service) as narrow,
    ):
        await narrow.send(json.dumps({"type": "subscribe", "symbols": ["ETHUSDT"]}))
        assert (await receive(narrow))["type"] == "subscribed"
        job = await jobs.service.submit(JobKind.TRAIN, {"do": "train", "symbol": "BTCUSDT", "timeframe": "1h"})
        for socket in (client, narrow):
            events = [await receive(socket) for _ in range(4)]
            assert [event["data"].get("status") for event in events] == ["queued", "running", "succeeded", None]
            assert events[3]["type"] == "TrainingCompleted"
            assert events[3]["data"] == {"job_id": job.job_id, "symbol": "BTCUSDT", "timeframe": "1h", **RESULT}
