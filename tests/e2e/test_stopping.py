"""SIGTERM while requests wait: the rules answer for an LLM that hangs, and what cannot be answered is a 503."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from collections.abc import Iterator

import httpx2
import pytest
from fastapi import Response

from demo.behaviors import CompletionRequest, hang
from demo.openai_server import FakeOpenAI, serving
from tests.fixtures.bodies import shape_a
from tests.fixtures.llm_clients import KEYS
from tests.fixtures.patience import PATIENCE_SECONDS
from tests.fixtures.raw_clients import last_answer
from tests.fixtures.service import Service, running_service
from tests.fixtures.websocket_service import serving as serving_in_this_loop

ADMIN = "key-of-the-admin"


class HangingLlm:
    """An endpoint that never answers; `asked` is set once it has a request."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.fake = FakeOpenAI()
        self.fake.always = self._hang

    async def _hang(self, asked: CompletionRequest) -> Response:
        self.asked.set()
        return await hang(asked)


@pytest.fixture
def llm() -> Iterator[HangingLlm]:
    hanging = HangingLlm()
    with serving(hanging.fake):
        yield hanging


async def stopped_while_waiting(service: Service, llm: HangingLlm, request: httpx2.Request) -> httpx2.Response:
    """Return the answer to a request that waited for the LLM when the service was told to stop."""
    async with httpx2.AsyncClient(timeout=PATIENCE_SECONDS) as client:
        waiting = asyncio.create_task(client.send(request))
        assert await asyncio.to_thread(llm.asked.wait, PATIENCE_SECONDS)
        status, _ = await asyncio.to_thread(service.stop)
        assert status in (0, -signal.SIGTERM)  # uvicorn passes the signal on once everything is closed
        return await waiting


async def test_the_rules_answer_for_an_llm_that_hangs_when_the_service_stops(llm: HangingLlm) -> None:
    with running_service(OPENAI_API_KEY=KEYS[0], OPENAI_BASE_URL=llm.fake.url) as service:
        body = shape_a(seed=5, drift=0.35)
        request = httpx2.Request("POST", f"{service.url}/ai/analyze", json=body)
        response = await stopped_while_waiting(service, llm, request)
        output = service.output
    answer = response.json()
    assert (response.status_code, answer["source"], answer["signal"]) == (200, "technical", "Long")
    assert answer["fallback_reason"] == "stopping: the LLM is no longer waited for: the service stops"
    assert "Traceback" not in output


async def test_what_only_the_llm_can_answer_is_a_503_when_the_service_stops(llm: HangingLlm) -> None:
    with running_service(OPENAI_API_KEY=KEYS[0], OPENAI_BASE_URL=llm.fake.url, ADMIN_TOKEN=ADMIN) as service:
        headers = {"authorization": f"Bearer {ADMIN}"}
        request = httpx2.Request("GET", f"{service.url}/debug/gpt4", headers=headers)
        response = await stopped_while_waiting(service, llm, request)
        output = service.output
    problem = response.json()
    assert (response.status_code, response.headers["content-type"]) == (503, "application/problem+json")
    assert problem["detail"] == problem["error"]
    assert problem["detail"] == "the service is shutting down; send it again"
    assert "Traceback" not in output


def test_a_body_that_never_ends_is_a_503_when_the_service_stops() -> None:
    with running_service() as service:
        host, port = service.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=PATIENCE_SECONDS) as half:
            half.sendall(
                b"POST /ai/analyze HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                b"Content-Length: 1000\r\n\r\n{"
            )
            assert service.get("/livez").status_code == 200  # the half body was read before this
            service.stop()
            received = b""
            while part := half.recv(65_536):
                received += part
        output = service.output
    assert received.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert b"application/problem+json" in received
    assert "Traceback" not in output


async def test_a_request_that_was_sent_before_the_service_stops_is_answered_though_it_was_not_read_yet() -> None:
    request = b"GET /openapi.json HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"
    async with serving_in_this_loop() as service:
        with socket.create_connection(("127.0.0.1", service.port), timeout=PATIENCE_SECONDS) as client:
            client.sendall(request)
            assert await asyncio.to_thread(client.recv, 12) == b"HTTP/1.1 200"
            # This loop serves: nothing is read until it is given up.
            client.sendall(request)
            await service.server.shutdown()
            answer = await asyncio.to_thread(last_answer, client)
    assert (answer.status, answer.headers["connection"]) == (200, "close")
