"""The newest lines of the log over HTTP, of a service as a process of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from tests.conftest import MakeClient, admin_headers
from tests.fixtures.bodies import shape_b
from tests.fixtures.service import Service, running_service

pytest_plugins = ["tests.fixtures.logs"]


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with running_service(LOG_LEVEL="INFO") as running:
        yield running


def test_the_administrator_reads_what_the_service_has_just_logged(service: Service) -> None:
    body = shape_b(count=100)
    analysis = service.post("/ai/analyze", json=body).json()
    lines = service.get("/ai/log", headers=admin_headers()).json()["lines"]
    (made,) = [line for line in lines if line["facts"].get("analysis_id") == analysis["analysis_id"]]
    assert (made["level"], made["message"], made["logger"]) == (
        "INFO",
        "analysis completed",
        "services.analysis.making",
    )
    assert (made["facts"]["symbol"], made["exception"]) == ("ETHUSDT", None)
    assert [line["time"] for line in lines] == sorted((line["time"] for line in lines), reverse=True)
    assert len(service.get("/ai/log?lines=1", headers=admin_headers()).json()["lines"]) == 1
    warned = service.get("/ai/log?level=WARNING", headers=admin_headers()).json()["lines"]
    assert {line["level"] for line in warned} <= {"WARNING", "ERROR"}


def test_wrong_words_are_refused(client: TestClient) -> None:
    for query, word in (("lines=0", "lines"), ("lines=1001", "lines"), ("level=LOUD", "level")):
        refused = client.get(f"/ai/log?{query}")
        assert refused.status_code == 422
        assert word in refused.json()["detail"]
    assert client.get("/ai/log").json() == {"lines": []}


def test_refused_requests_push_out_no_other_lines(make_client: MakeClient, log_facts: list[str]) -> None:
    client = make_client(market_data={"sources": ["stored"]})
    for _ in range(25):
        assert client.post("/ai/market-condition", json={"symbol": "BTCUSDT"}).status_code == 503
    assert sum("request could not be served" in line for line in log_facts) == 20
