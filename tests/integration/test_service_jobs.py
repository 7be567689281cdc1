"""Jobs that need the parts of the service, over HTTP and from the command line, and the schedule."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

import cli
from api.app import create_app
from domain.errors import AppError
from tests.conftest import LOOPBACK, MakeSettings, admin_headers
from tests.fixtures.patience import PATIENCE_SECONDS
from tests.fixtures.service import Service, running_service


@pytest.fixture
def client(make_settings: MakeSettings) -> Iterator[TestClient]:
    settings = make_settings(rate_limits={"enabled": False}, market_data={"sources": ["synthetic"]})
    app = create_app(settings)
    with TestClient(app, base_url="http://127.0.0.1:8000", client=LOOPBACK, headers=admin_headers()) as client:
        yield client


def done(client: TestClient, job_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        job: dict[str, Any] = client.get(f"/jobs/{job_id}").json()
        if job["finished_at"]:
            return job
        time.sleep(0.02)
    raise AssertionError(f"job {job_id} does not end: {job}")


def run(client: TestClient, kind: str, **parameters: Any) -> dict[str, Any]:
    queued = client.post(f"/jobs/{kind}", json=parameters)
    assert queued.status_code == 202, queued.text
    assert queued.json()["kind"] == kind
    return done(client, queued.json()["job_id"])


def test_many_symbols_are_analyzed_published_and_reported_by_symbol(client: TestClient) -> None:
    with client.websocket_connect("/ws") as socket:
        socket.send_json({"action": "subscribe", "symbols": ["BTCUSDT", "ETHUSDT", "NOSUCHUSDT"]})
        job = run(client, "bulk_analysis", symbols=["BTCUSDT", "ETHUSDT", "NOSUCHUSDT"])
        signals: dict[str, Any] = {}
        while len(signals) < 2:
            event = json.loads(socket.receive_text())
            if event["type"] == "AISignalReceived":
                signals[event["data"]["symbol"]] = event["data"]
    assert job["status"] == "succeeded", job["error"]
    assert job["result"]["analyzed"].keys() == signals.keys() == {"BTCUSDT", "ETHUSDT"}
    assert "NOSUCHUSDT" in job["result"]["failed"]["NOSUCHUSDT"]


def test_job_that_can_analyze_nothing_fails_with_the_reason(client: TestClient) -> None:
    job = run(client, "bulk_analysis", symbols=["NOSUCHUSDT"])
    assert job["status"] == "failed"
    assert job["error"].startswith("no symbol could be analyzed; NOSUCHUSDT: ")


@pytest.mark.parametrize(
    ("kind", "result"),
    [
        ("settle", {"settled": 0}),
        ("cleanup_models", {"deleted": [], "kept": 0}),
        ("parity", None),
        ("retention", None),
        ("retrain_if_needed", None),
        ("recalibrate", {"recalibrated": [], "kept": [], "skipped": []}),
        ("self_analysis", None),
        ("portfolio_report", None),
        ("cost_report", None),
        ("performance_analysis", None),
    ],
)
def test_every_other_kind_does_its_work(client: TestClient, kind: str, result: dict[str, Any] | None) -> None:
    job = run(client, kind)
    assert job["status"] == "succeeded", job["error"]
    if result is not None:
        assert job["result"] == result


def test_first_training_waits_for_candles(client: TestClient) -> None:
    result = run(client, "retrain_if_needed")["result"]
    skipped, *further = result.pop("skipped")
    assert [one["horizon_candles"] for one in (skipped, *further)] == [None, 4, 12, 24]
    assert result == {"auto_retrain": True, "full": False, "submitted": []}
    assert (skipped["symbol"], skipped["timeframe"], skipped["reason"]) == ("*", "1h", "first")
    assert skipped["why"]


def test_report_is_made_by_a_job_and_kept(client: TestClient) -> None:
    made = run(client, "health_check")["result"]
    kept = client.get(f"/ai/reports/{made['report_id']}").json()
    assert (made["kind"], kept["kind"], kept["summary"]) == ("health", "health", made["summary"])


def test_day_of_the_ledger_is_certified_on_request(client: TestClient) -> None:
    job = run(client, "parity", day="2026-01-02")
    assert job["result"]["certificate"]["day"] == "2026-01-02"


@pytest.mark.parametrize(
    ("kind", "body", "word"),
    [
        ("bulk_analysis", {"symbols": []}, "symbols"),
        ("bulk_analysis", {"symbols": ["not a symbol!"]}, "symbols"),
        ("bulk_analysis", {"symbols": ["BTCUSDT"] * 1001}, "symbols"),
        ("cleanup_models", {"keep": 0}, "keep"),
        ("parity", {"day": "yesterday"}, "day"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(client: TestClient, kind: str, body: Any, word: str) -> None:
    refused = client.post(f"/jobs/{kind}", json=body)
    assert refused.status_code == 422
    assert word in refused.json()["detail"]
    assert client.get("/jobs").json()["jobs"] == []


def test_job_without_parameters_needs_no_body(client: TestClient) -> None:
    queued = client.post("/jobs/settle")
    assert queued.status_code == 202, queued.text
    assert done(client, queued.json()["job_id"])["result"] == {"settled": 0}
    assert client.post("/jobs/settle", content=b"{}").status_code == 415


def test_unknown_kind_is_refused_with_the_known_ones(client: TestClient) -> None:
    refused = client.post("/jobs/dance", json={})
    assert refused.status_code == 404
    assert refused.json()["detail"].startswith("there is no kind of job 'dance'; there are train, ")
    # the word for kinds of other versions is none to ask for
    assert not refused.json()["detail"].endswith("unknown")


def test_request_with_the_same_name_is_answered_with_the_same_job(client: TestClient) -> None:
    named = {"Idempotency-Key": "tonight"}
    first = client.post("/jobs/settle", json={}, headers=named).json()
    done(client, first["job_id"])
    again = client.post("/jobs/settle", json={}, headers=named)
    assert (again.status_code, again.json()) == (202, first | {"status": "succeeded"})
    other = client.post("/jobs/settle", json={}).json()
    assert other["job_id"] != first["job_id"]


def test_jobs_are_listed_by_status_and_kind(client: TestClient) -> None:
    settled, failed = run(client, "settle"), run(client, "bulk_analysis", symbols=["NOSUCHUSDT"])
    for query, expected in (
        ({"kind": "settle"}, [settled["job_id"]]),
        ({"status": "failed"}, [failed["job_id"]]),
        ({"status": "failed", "kind": "settle"}, []),
        ({}, [failed["job_id"], settled["job_id"]]),
    ):
        assert [job["job_id"] for job in client.get("/jobs", params=query).json()["jobs"]] == expected
    assert client.get("/jobs", params={"kind": "dance"}).status_code == 422


def test_failed_job_is_run_again_under_its_id_and_a_succeeded_one_is_not(client: TestClient) -> None:
    failed, settled = run(client, "bulk_analysis", symbols=["NOSUCHUSDT"]), run(client, "settle")
    again = client.post(f"/jobs/{failed['job_id']}/retry")
    assert (again.status_code, again.json()["job_id"]) == (202, failed["job_id"])
    assert done(client, failed["job_id"])["status"] == "failed"
    refused = client.post(f"/jobs/{settled['job_id']}/retry")
    assert refused.status_code == 409
    assert refused.json()["detail"] == f"job {settled['job_id']} cannot be retried: succeeded"
    assert client.post("/jobs/none/retry").status_code == 404


def test_schedule_shows_when_what_is_due(client: TestClient) -> None:
    schedule = client.get("/ai/schedule").json()
    assert schedule["enabled"] is True
    rows = {row["name"]: row for row in schedule["jobs"]}
    assert (rows["retention"]["kind"], rows["retention"]["cron"]) == ("retention", "30 4 * * *")
    assert rows["retention"]["next_at"].endswith("T04:30:00Z")


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with running_service(MARKET_DATA_SOURCES="synthetic") as service:
        yield service


def command(service: Service, *words: str) -> tuple[int, str]:
    token = admin_headers()["authorization"].removeprefix("Bearer ")
    told = CliRunner().invoke(cli.cli, ["jobs", *words, "--url", service.url], env={"ADMIN_TOKEN": token})
    return told.exit_code, told.exception.message if isinstance(told.exception, AppError) else told.output


def test_commands_run_list_show_and_retry_jobs(service: Service) -> None:
    code, told = command(service, "run", "bulk_analysis", 'symbols=["BTCUSDT"]', "--wait", "--json")
    assert code == 0, told
    job = json.loads(told[told.index("{") :])
    assert list(job["result"]["analyzed"]) == ["BTCUSDT"]
    code, told = command(service, "run", "bulk_analysis", 'symbols=["NOSUCHUSDT"]', "--wait", "--json")
    failed = json.loads(told[told.index("{") :])
    assert (code, failed["status"]) == (1, "failed")
    code, told = command(service, "list", "--status", "failed", "--json")
    assert [job["job_id"] for job in json.loads(told)["jobs"]] == [failed["job_id"]]
    assert "bulk_analysis" in command(service, "list")[1]
    assert "no symbol could be analyzed" in command(service, "show", failed["job_id"])[1].replace("\n", " ")
    assert command(service, "retry", failed["job_id"], "--wait")[0] == 1
    assert "answers 409: job" in command(service, "cancel", failed["job_id"])[1]
    assert "retention" in command(service, "schedule")[1]


def test_kind_that_the_service_does_not_have_is_refused_with_those_it_has(service: Service) -> None:
    code, told = command(service, "run", "back test")
    assert code != 0
    assert "there is no kind of job 'back test'; there are train, " in told
    assert "unknown" not in told


def test_parameter_without_a_value_is_refused(service: Service) -> None:
    assert "a parameter is NAME=VALUE, received 'now'" in command(service, "run", "settle", "now")[1]
