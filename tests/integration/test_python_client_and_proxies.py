"""The Python client where something else answers in the service's place."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest
import websockets.asyncio.server
from trading_signal_client import AsyncClient, Client, Problem, calls

from tests.fixtures.http_stand_in import Answer, http_stand_in
from tests.fixtures.patience import PATIENCE_SECONDS

PROBLEM = "application/problem+json"


@pytest.mark.parametrize(
    ("answer", "status", "detail", "retry_after_seconds"),
    [
        (Answer.of({"detail": "slow down"}, 429, retry_after="7"), 429, "slow down", 7),
        (Answer(b"<html>", 503, {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}), 503, "Service Unavailable", None),
        (Answer(b"[]", 500, {"content-type": PROBLEM}), 500, "Internal Server Error", None),
        (Answer(b"{}", 500, {"content-type": PROBLEM}), 500, "Internal Server Error", None),
        (Answer(b"{", 502, {"content-type": PROBLEM}), 502, "Bad Gateway", None),
        (Answer(b'{"detail": ["no text"]}', 400, {"content-type": PROBLEM}), 400, "Bad Request", None),
    ],
)
def test_every_refusal_is_a_problem(answer: Answer, status: int, detail: str, retry_after_seconds: int | None) -> None:
    with http_stand_in() as proxy, Client(proxy.url) as client:
        proxy.always(answer)
        with pytest.raises(Problem) as caught:
            client.send(calls.strategies())
    found = caught.value
    assert (found.status, found.detail, found.retry_after_seconds) == (status, detail, retry_after_seconds)


async def test_an_answer_of_another_program_is_a_problem_that_asks_for_the_address() -> None:
    with http_stand_in() as proxy:
        proxy.always(Answer(b"<html>log in", headers={"content-type": "text/html"}))
        async with AsyncClient(proxy.url) as client:
            with pytest.raises(Problem, match=r"\(text/html\) is not that of the service's /ai/strategies") as caught:
                await client.send(calls.strategies())
    assert caught.value.status == 200


async def test_a_socket_that_is_closed_at_once_is_not_opened_without_pause() -> None:
    opened: list[float] = []
    twice = asyncio.Event()

    async def close(socket: websockets.asyncio.server.ServerConnection) -> None:
        opened.append(asyncio.get_running_loop().time())
        await socket.close(1001)
        if len(opened) == 2:
            twice.set()

    async with websockets.asyncio.server.serve(close, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        # Schemes are in any letters.
        async with (
            AsyncClient(f"HTTP://127.0.0.1:{port}/") as client,
            aclosing(client.signals()) as signals,
            asyncio.timeout(PATIENCE_SECONDS),
        ):
            listening = asyncio.create_task(anext(signals))
            await twice.wait()
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
    assert opened[1] - opened[0] >= 1.0
