"""`/ws` over real sockets: messages, hostile clients, shutdown."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from datetime import datetime
from functools import partial
from typing import Any, cast

import pytest
from pydantic import SecretStr
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from api.server.websocket_protocol import ImpatientWebSocketProtocol
from tests.fixtures.patience import eventually
from tests.fixtures.websocket_service import PATIENCE_SECONDS, close_code, masked, receive, serving, stalled, welcomed

TOKEN = "open-sesame"  # noqa: S105


@pytest.mark.parametrize("stock", [False, True])
async def test_client_is_welcomed_and_gets_signals(stock: bool) -> None:
    async with serving(stock) as service, connect(service.url) as client:
        welcome = await receive(client)
        assert welcome["message"] == "Connected to AI Trading Service"
        assert datetime.fromisoformat(welcome["timestamp"]).tzinfo is not None
        service.hub.publish("BTCUSDT", lambda: '{"number":1}')
        assert await receive(client) == {"number": 1}


HOSTILE = [
    "",
    "null",
    "\x00",
    "[" * 16_000,
    '{"type":' * 2_000,
    "9" * 16_000,
    '"\\ud800"',
    '{"type":"subscribe","symbols":["\\ud800"]}',
    '{"type":"subscribe","symbols":[' + "9" * 15_000 + "]}",
    '{"type":"subscribe","symbols":1e999}',
    '{"type":"subscribe","symbols":NaN}',
    '{"type":"subscribe"}',
    '{"type":["subscribe"]}',
    '{"type":"subscribe","symbols":' + "[" * 15_000,
    "💥" * 4_000,
]


async def test_any_text_is_answered_however_hostile() -> None:
    async with serving() as service, welcomed(service) as client:
        for text in ['{"type":"Ping","timestamp":"2026-01-01T00:00:00.000Z"}', '{"type":"ping"}', "hello"]:
            await client.send(text)
            pong = await receive(client)
            assert pong.keys() == {"type", "message", "timestamp"}
            assert pong["type"] == "Pong"
        for text in HOSTILE:
            await client.send(text)
            assert (await receive(client))["type"] in {"Pong", "Error"}
        await client.send(["a", "", "b"])
        assert (await receive(client))["type"] == "Pong"


async def test_subscription_filters_and_is_acknowledged() -> None:
    async with serving() as service, welcomed(service) as client:

        async def seen() -> str:
            for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT"):
                service.hub.publish(symbol, partial(json.dumps, {"symbol": symbol[0]}))
            await client.send("end")
            found = ""
            while (message := await receive(client)).get("type") != "Pong":
                found += message["symbol"]
            return found

        async def change(kind: str, symbols: list[str]) -> dict[str, Any]:
            await client.send(json.dumps({"type": kind, "symbols": symbols}))
            return await receive(client)

        assert await seen() == "BES"
        answer = await change("subscribe", ["ETHUSDT"])
        assert (answer["type"], answer["symbols"]) == ("subscribed", ["ETHUSDT"])
        assert await seen() == "E"
        assert (await change("subscribe", ["BTCUSDT"]))["type"] == "subscribed"
        assert await seen() == "BE"
        assert (await change("unsubscribe", ["ETHUSDT"]))["type"] == "unsubscribed"
        assert await seen() == "B"
        for symbols in (["btcusdt"], ["BTCUSDT\n"], [], ["X" * 21], ["ETHUSDT", "$"]):
            error = await change("subscribe", symbols)
            assert error["type"] == "Error"
            assert "BTCUSDT" in error["data"]["message"]
        assert await seen() == "B"


async def test_all_clients_receive_the_same_messages_in_order() -> None:
    async with serving() as service:
        clients = [await connect(service.url, max_queue=None) for _ in range(30)]
        for client in clients:
            await receive(client)
        for number in range(200):
            service.hub.publish("BTCUSDT", partial(json.dumps, {"number": number, "pad": "x" * 900}))
            if number % 50 == 0:
                await asyncio.sleep(0)
        for client in clients:
            assert [(await receive(client))["number"] for _ in range(200)] == list(range(200))
            await client.close()
        await eventually(lambda: len(service.hub) == 0)


@pytest.mark.parametrize(
    ("frame", "is_text", "code"),
    [(b"\x00\x01", False, 1003), (b"x" * 1_000_000, True, 1009), (b"\xff\xfe", True, 1007)],
    ids=["binary", "oversized", "not UTF-8"],
)
async def test_a_frame_that_cannot_be_served_closes_politely_and_leaves_no_traceback(
    frame: bytes, is_text: bool, code: int, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving() as service, welcomed(service) as client, welcomed(service) as other:
        await client.send(frame, text=is_text)
        assert await close_code(client) == code
        await other.send("still there?")
        assert (await receive(other))["type"] == "Pong"
        await eventually(lambda: service.connections == 1)
    assert [record for record in caplog.records if record.exc_info] == []


async def test_oversized_text_is_refused_on_a_plain_uvicorn_too() -> None:
    async with serving(stock=True) as service, welcomed(service) as client:
        await client.send("x" * 20_000)
        assert await close_code(client) == 1009


async def test_client_that_stops_reading_is_dropped_and_the_others_lose_nothing() -> None:
    async with serving() as service, stalled(service), welcomed(service, max_queue=None) as client:
        text, sent, buffered = "x" * 4096, 0, 0
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(service.hub) == 2:
                service.hub.publish("BTCUSDT", lambda: text)
                sent += 1
                assert await client.recv() == text
                buffered = max(buffered, service.transport_bytes)
        await eventually(lambda: service.connections == 1)
        assert buffered <= 2 * len(text)
        service.hub.publish("BTCUSDT", lambda: "last")
        assert await client.recv() == "last"


async def test_client_that_stops_reading_is_let_go_on_a_plain_uvicorn_too() -> None:
    async with serving(stock=True, max_buffered_bytes=8192) as service, stalled(service):
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(service.hub):
                service.hub.publish("BTCUSDT", lambda: "x" * 4096)
                await asyncio.sleep(0)


@pytest.mark.parametrize("frames", [masked(1, b"{}"), masked(9, b"x" * 100)], ids=["texts", "ping frames"])
async def test_flooding_without_reading_ends_in_a_drop(frames: bytes) -> None:
    loop = asyncio.get_running_loop()
    async with serving(max_buffered_bytes=16_384) as service, stalled(service) as client, welcomed(service) as other:

        async def flood() -> None:
            while True:
                await loop.sock_sendall(client, frames * 500)
                assert service.transport_bytes < 512 * 1024

        with pytest.raises(ConnectionError):
            await asyncio.wait_for(flood(), PATIENCE_SECONDS)
        await eventually(lambda: len(service.hub) == 1)
        await other.send("still there?")
        assert (await receive(other))["type"] == "Pong"


async def test_thousands_of_tiny_texts_are_answered_in_order_and_few_of_them_wait() -> None:
    texts, most = 20_000, 0
    async with serving() as service, welcomed(service, max_queue=None) as client:
        (served,) = service.server.server_state.connections
        client.transport.write(masked(1, b"a") * texts)
        for _ in range(texts):
            assert (await receive(client))["type"] == "Pong"
            most = max(most, cast(ImpatientWebSocketProtocol, served).queue.qsize())
        await client.send('{"type":"subscribe","symbols":["BTCUSDT"]}')
        assert (await receive(client))["type"] == "subscribed"
    assert most < 200


async def test_sockets_that_come_and_go_leave_no_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="uvicorn.error")
    async with serving(max_clients=1) as service:
        caplog.clear()
        async with welcomed(service):
            with pytest.raises(InvalidStatus):
                await connect(service.url)
        await eventually(lambda: service.connections == 0)
        assert caplog.messages == []


async def test_token_is_taken_from_header_or_subprotocol_and_never_from_the_url() -> None:
    async with serving(token=SecretStr(TOKEN)) as service:
        refused: list[tuple[str, dict[str, Any]]] = [
            ("", {}),
            (f"?token={TOKEN}", {}),
            ("", {"additional_headers": {"Authorization": "Bearer wrong"}}),
            ("", {"subprotocols": ["bearer", "wrong"]}),
            ("", {"subprotocols": [TOKEN]}),
            ("", {"subprotocols": ["bearer"]}),
        ]
        for query, options in refused:
            with pytest.raises(InvalidStatus) as caught:
                await connect(service.url + query, **options)
            assert caught.value.response.status_code == 403
            assert TOKEN not in caught.value.response.body.decode()
            assert isinstance(json.loads(caught.value.response.body)["detail"], str)
        assert len(service.hub) == 0
        async with welcomed(service, additional_headers={"Authorization": f"Bearer {TOKEN}"}) as client:
            assert client.subprotocol is None
        async with welcomed(service, subprotocols=["bearer", TOKEN]) as client:
            assert client.subprotocol == "bearer"


async def test_a_full_service_refuses_sockets_until_one_closes() -> None:
    async with serving(max_clients=1) as service:
        async with welcomed(service):
            with pytest.raises(InvalidStatus) as caught:
                await connect(service.url)
            assert caught.value.response.status_code == 503
            assert "Retry-After" in caught.value.response.headers
        await eventually(lambda: len(service.hub) == 0)
        async with welcomed(service):
            pass


async def test_one_address_takes_its_share_of_the_places_and_no_more() -> None:
    async with serving(trusted=False, max_clients=3, max_clients_per_address=2) as service:
        other = {"local_addr": ("127.0.0.2", 0)}
        async with welcomed(service):
            async with welcomed(service):
                with pytest.raises(InvalidStatus) as caught:
                    await connect(service.url)
                refusal = caught.value.response
                assert (refusal.status_code, refusal.headers["Retry-After"]) == (429, "30")
                assert json.loads(refusal.body)["detail"] == "2 sockets are open from this address, which is its share"
                async with welcomed(service, **other):
                    pass
            await eventually(lambda: len(service.hub) == 1)
            async with welcomed(service):
                pass


async def test_a_trusted_network_may_take_every_place() -> None:
    async with (
        serving(max_clients=3, max_clients_per_address=1) as service,
        welcomed(service),
        welcomed(service),
        welcomed(service),
    ):
        with pytest.raises(InvalidStatus) as caught:
            await connect(service.url)
        assert caught.value.response.status_code == 503


async def test_closing_the_hub_tells_clients_that_the_service_goes_away() -> None:
    async with serving() as service, welcomed(service) as client:
        service.hub.close()
        assert await close_code(client) == 1001
        await eventually(lambda: service.connections == 0)


async def test_server_stops_soon_with_a_client_that_does_not_read() -> None:
    async with serving() as service, stalled(service), welcomed(service, max_queue=None) as client:
        while not service.transport_bytes:
            service.hub.publish("BTCUSDT", lambda: "x" * 4096)
            await client.recv()
        started = time.monotonic()
        service.server.should_exit = True
        assert await close_code(client) == 1001
        await eventually(lambda: service.connections == 0)
        assert time.monotonic() - started < 8  # uvicorn alone would wait ten for the one that does not read


async def test_client_that_never_answers_a_ping_is_cut() -> None:
    async with serving(ping_seconds=0.05, pong_timeout_seconds=0.05) as service, stalled(service):
        await eventually(lambda: service.connections == 0 and len(service.hub) == 0)
