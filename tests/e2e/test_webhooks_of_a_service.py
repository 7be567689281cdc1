"""Webhooks of a running service: what was broadcast reaches the receiver, also after a SIGKILL in between."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from trading_signal_client import verify_signature

from tests.conftest import admin_headers
from tests.fixtures.bodies import shape_a
from tests.fixtures.http_stand_in import Answer, StandIn, http_stand_in
from tests.fixtures.patience import eventually
from tests.fixtures.service import running_service

pytestmark = pytest.mark.slow

SECRET = "secret-of-the-tests"  # noqa: S105
SYMBOLS = ["AAAUSDT", "BBBUSDT", "CCCUSDT"]


@pytest.fixture
def receiver() -> Iterator[StandIn]:
    with http_stand_in() as stand_in:
        stand_in.always(Answer(status=200))
        yield stand_in


@pytest.fixture
def environment(tmp_path: Path, receiver: StandIn) -> dict[str, Any]:
    return {
        "DATABASE_URL": f"sqlite:///{tmp_path}/store.db",
        "STORAGE__SPOOL_PATH": f"{tmp_path}/spool",
        "RATE_LIMITS": "off",
        "WEBHOOK_URLS": f"{receiver.url}/hook",
        "WEBHOOK_SECRET": SECRET,
        "WEBHOOKS__CLAIM_SECONDS": "0.5",
        "WEBHOOKS__TIMEOUT_SECONDS": "1",
        "WEBHOOKS__RETRY_SECONDS": "0.1",
    }


def test_what_was_broadcast_before_a_kill_is_delivered_after_the_next_start(
    environment: dict[str, Any], receiver: StandIn
) -> None:
    receiver.always(Answer(hang=True))
    with running_service(**environment) as service:
        answers = [service.post("/ai/analyze", json=shape_a(symbol=symbol)).json() for symbol in SYMBOLS]
        service.stop(signal.SIGKILL)
    tried = {request.headers["X-Delivery"] for request in receiver.requests}
    receiver.requests.clear()
    receiver.always(Answer(status=200))
    with running_service(**environment):
        asyncio.run(eventually(lambda: len(receiver.requests) >= len(SYMBOLS)))
        events = [json.loads(request.body) for request in receiver.requests]
        assert {event["type"] for event in events} == {"AISignalReceived"}
        assert {event["data"]["analysis_id"] for event in events} == {answer["analysis_id"] for answer in answers}
        assert tried <= {request.headers["X-Delivery"] for request in receiver.requests}
        for request in receiver.requests:
            assert verify_signature(SECRET, request.body, request.headers["X-Signature"])


def test_a_dead_letter_of_a_service_is_listed_named_in_health_and_delivered_on_order(
    environment: dict[str, Any], receiver: StandIn
) -> None:
    receiver.always(Answer(status=410))
    with running_service(**environment, WEBHOOKS__MAX_ATTEMPTS="2") as service:
        analysis = service.post("/ai/analyze", json=shape_a(symbol="AAAUSDT")).json()

        def letters() -> list[dict[str, Any]]:
            answer = service.get("/ai/webhooks/dead-letters", headers=admin_headers())
            found: list[dict[str, Any]] = answer.json()["dead_letters"]
            return found

        asyncio.run(eventually(lambda: len(letters()) == 1))
        (letter,) = letters()
        assert (letter["symbol"], letter["attempts"], letter["last_error"]) == (
            "AAAUSDT",
            2,
            "answered with status 410",
        )
        assert letter["event"]["data"]["analysis_id"] == analysis["analysis_id"]
        assert service.get("/health").json()["degraded"] == ["webhook.1", "webhook.1.dead_letters"]
        assert "webhook_dead_letters_total 1.0" in service.get("/metrics").text

        receiver.always(Answer(status=200))
        path = f"/ai/webhooks/dead-letters/{letter['delivery_id']}/retry"
        assert service.post(path, headers=admin_headers()).status_code == 202
        asyncio.run(eventually(lambda: service.get("/health").json()["degraded"] == []))
        assert letters() == []
        assert service.post(path, headers=admin_headers()).status_code == 404
        assert "webhook_waiting 0.0" in service.get("/metrics").text
        assert SECRET not in service.output
    assert {request.headers["X-Delivery"] for request in receiver.requests} == {letter["delivery_id"]}
