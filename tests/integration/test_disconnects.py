"""Clients that go away in the middle."""

from __future__ import annotations

import asyncio
import json
import time

import httpx2

from tests.fixtures.bodies import shape_a
from tests.fixtures.patience import PATIENCE_SECONDS
from tests.fixtures.raw_clients import HALF_A_BODY, connect
from tests.fixtures.service import running_service


def test_a_client_that_hangs_up_in_its_body_is_no_bug() -> None:
    with running_service() as service:
        for _ in range(5):
            with connect(service) as client:
                client.sendall(HALF_A_BODY)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while 'status="499"' not in service.get("/metrics").text and time.monotonic() < deadline:
            time.sleep(0.05)
        assert 'status="499"' in service.get("/metrics").text
        assert "bug" not in service.output


async def test_a_client_that_goes_away_cancels_nothing_for_those_who_wait() -> None:
    with running_service() as service:
        body = shape_a()
        text = json.dumps(body).encode()
        with connect(service) as leaving:
            leaving.sendall(
                b"POST /ai/analyze HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
                + f"content-length: {len(text)}\r\n\r\n".encode()
                + text
            )
        async with httpx2.AsyncClient(base_url=service.url, timeout=PATIENCE_SECONDS) as client:
            answers = await asyncio.gather(*(client.post("/ai/analyze", json=body) for _ in range(5)))
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.json()["analysis_id"] for answer in answers}) == 1
        assert "Traceback" not in service.output
