"""The drill as a job, in a process of its own, beside the command."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from tests.conftest import LOOPBACK, MakeSettings, admin_headers
from tests.fixtures.commands import exit_status
from tests.fixtures.patience import ended


@pytest.fixture
def client(make_settings: MakeSettings) -> Iterator[TestClient]:
    # No key of the service reaches the process of a job.
    settings = make_settings(rate_limits={"enabled": False}, llm={"api_key": "sk-of-the-service"})
    with TestClient(
        create_app(settings), base_url="http://127.0.0.1:8000", client=LOOPBACK, headers=admin_headers()
    ) as client:
        yield client


def test_job_has_the_figures_of_the_command_at_the_same_seed(
    client: TestClient, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = {"days": 2, "symbols": 1, "timeframe": "4h", "edge": 0.6, "correlation": 0.0, "seed": 7}
    queued = client.post("/jobs/drill", json=asked)
    assert (queued.status_code, queued.json()["kind"]) == (202, "drill")
    job = ended(client, queued.json()["job_id"])
    assert job["status"] == "succeeded", job["error"]
    assert job["parameters"] == asked

    arguments = [word for name, value in asked.items() for word in (f"--{name}", str(value))]
    # Too few entries to prove the edge, which the command tells by its status.
    assert exit_status("drill", *arguments, "--json") == 1
    command: dict[str, Any] = json.loads(capsys.readouterr().out)
    # Those of the clock of the machine differ.
    job["result"].pop("seconds")
    command.pop("seconds")
    assert job["result"] == command
    assert command["entries"] == 3 * 2 * 6
    # The job's ledger was its own.
    assert client.get("/ai/ledger").json()["entries"] == []


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"days": 91}, "days"),
    ({"days": 0}, "days"),
    ({"symbols": 51}, "symbols"),
    ({"edge": 2.5}, "edge"),
    ({"correlation": -0.1}, "correlation"),
    ({"seed": -1}, "seed"),
    ({"timeframe": "2h"}, "timeframe"),
    ({"timeframe": "1d"}, "a drill takes candles of 5m, 15m, 30m, 1h, 4h"),
    ({"days": 90, "symbols": 50, "timeframe": "5m"}, "1,296,000 answers are too many for a drill"),
]


def test_drills_that_do_not_fit_are_refused(client: TestClient) -> None:
    for body, words in REFUSED:
        refused = client.post("/jobs/drill", json=body)
        assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json"), body
        assert words in refused.json()["detail"]
    assert client.get("/jobs").json()["jobs"] == []
