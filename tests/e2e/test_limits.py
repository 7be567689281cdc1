"""The limits of one client: heads, bodies, waiting requests, connections."""

from __future__ import annotations

import json
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.fixtures.bodies import shape_a
from tests.fixtures.patience import PATIENCE_SECONDS
from tests.fixtures.raw_clients import (
    HALF_A_BODY,
    connect,
    connections,
    last_answer,
    peak_megabytes,
    read_to_end,
    send,
    statuses,
)
from tests.fixtures.service import Service, running_service
from tests.fixtures.websocket_service import HANDSHAKE

UPGRADE = b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAEAAEAAAAIAAAABAAMAAABk\r\n"
GET = b"GET /livez HTTP/1.1\r\nhost: 127.0.0.1\r\n"
POST = b"POST /ai/analyze HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
CHUNKED = POST + b"transfer-encoding: chunked\r\n\r\n"
# A head takes one at most; a service that has just started has grown by seventeen of its own. Kept, what each client
# sends would take fifty and more.
MEGABYTES_OF_ONE_CLIENT = 32
MEGABYTES_OF_TWENTY_CLIENTS = 64


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """Serve with time limits short enough for a test, and longer than machines stall."""
    with running_service(
        RATE_LIMITS="off",
        SERVER__HEAD_TIMEOUT_SECONDS="5",
        SERVER__BODY_GRACE_SECONDS="5",
        SERVER__MIN_BODY_BYTES_PER_SECOND="100",
        SERVER__WRITE_TIMEOUT_SECONDS="5",
        SERVER__MAX_UNFINISHED_BODY_BYTES="2097152",
    ) as running:
        running.post("/ai/analyze", json=shape_a()).raise_for_status()
        yield running
        assert "Traceback" not in running.output, running.output[running.output.index("Traceback") - 500 :][:6000]


@pytest.mark.parametrize(
    ("start", "unit", "count", "status", "kind"),
    [
        (GET + b"x: ", b"x" * 1_000_000, 200, 431, "head_too_large"),
        (GET, b"x: y\r\n", 1_000_000, 431, "too_many_headers"),
        (GET, b"x: " + b"y" * 2000 + b"\r\n", 50_000, 431, "head_too_large"),
        (b"GET /", b"x" * 1_000_000, 50, 414, "url_too_long"),
        (b"", b"\r\n", 25_000_000, 431, "head_too_large"),
        (CHUNKED + b"1\r\nx\r\n0\r\n", b"x: y\r\n", 1_000_000, 431, "too_many_headers"),
        (CHUNKED + b"1\r\nx\r\n0\r\nx: ", b"x" * 1_000_000, 50, 431, "head_too_large"),
        (CHUNKED + b"1;", b"x" * 1_000_000, 50, 431, "head_too_large"),
    ],
    ids=["value", "lines", "long lines", "URL", "empty lines", "trailers", "trailer", "chunk extension"],
)
def test_a_head_without_end_is_refused_and_takes_no_memory(
    service: Service, start: bytes, unit: bytes, count: int, status: int, kind: str
) -> None:
    before = peak_megabytes(service)
    sent = start + unit * count  # made first: a connection that is silent meanwhile would be closed
    with connect(service) as client:
        send(client, sent)
        answer = last_answer(client)
    assert answer.status == status
    assert answer.problem["type"].endswith(f":{kind}")
    assert answer.headers["connection"] == "close"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert peak_megabytes(service) - before < MEGABYTES_OF_ONE_CLIENT
    assert service.get("/livez").status_code == 200


def test_a_head_within_the_bounds_is_served(service: Service) -> None:
    lines = b"".join(b"x-%d: %s\r\n" % (number, b"y" * 600) for number in range(97))
    with connect(service) as client:
        send(client, GET + lines + b"connection: close\r\n\r\n")
        assert last_answer(client).status == 200
    url = b"/livez?" + b"x" * 7900
    with connect(service) as client:
        send(client, b"GET " + url + b" HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n")
        assert last_answer(client).status == 200


@pytest.mark.parametrize(
    "request_bytes",
    [b"\x16\x03\x01\x02\x00\x01\r\n\r\n", b"GET / HTTP/1.1\nhost: x\n\n", b"CONNECT x:443 HTTP/1.1\r\n\r\n"],
    ids=["TLS", "line feeds alone", "CONNECT"],
)
def test_what_is_no_http_is_answered_with_a_problem_document(service: Service, request_bytes: bytes) -> None:
    with connect(service) as client:
        send(client, request_bytes)
        answer = last_answer(client)
    assert answer.status == 400
    assert answer.problem["type"].endswith(":malformed_http")


def test_a_request_before_a_malformed_one_is_answered_first(service: Service) -> None:
    with connect(service) as client:
        send(client, GET + b"\r\n" + GET + b"\r\nno HTTP at all\r\n\r\n")
        assert statuses(read_to_end(client)) == [200, 200, 400]


@pytest.mark.parametrize("close", [b"connection: close\r\n", b""], ids=["and closes", "and goes on"])
def test_an_offer_of_another_protocol_is_ignored_and_its_body_read(service: Service, close: bytes) -> None:
    """Java's client offers HTTP/2 in this way with every first request."""
    body = json.dumps(shape_a()).encode()
    with connect(service) as client:
        send(client, POST + UPGRADE + close + b"content-length: %d\r\n\r\n" % len(body) + body)
        if not close:
            send(client, GET + UPGRADE + b"\r\n" + GET + b"connection: close\r\n\r\n")
        received = read_to_end(client)
    assert statuses(received) == ([200] if close else [200, 200, 200]), received
    assert b'"strategy_scores"' in received


def test_a_head_that_does_not_end_is_refused_in_time_and_a_silent_connection_closed(service: Service) -> None:
    with connect(service) as slow, connect(service) as silent:
        send(slow, GET + b"x: ")
        answer = last_answer(slow)
        assert answer.status == 408
        assert answer.problem["type"].endswith(":head_too_slow")
        assert read_to_end(silent) == b""


def test_a_trusted_client_may_pause_longer_between_requests_than_a_head_may_take(service: Service) -> None:
    with connect(service) as pausing, connect(service) as restless:
        for client in (pausing, restless):
            send(client, GET + b"\r\n")
            assert client.recv(12) == b"HTTP/1.1 200"
        send(restless, b"\r\n")  # belongs to no request
        with connect(service) as silent:
            assert read_to_end(silent) == b""
        assert read_to_end(restless).endswith(b"}")
        send(pausing, GET + b"connection: close\r\n\r\n")
        answer = last_answer(pausing)
    assert (answer.status, answer.headers["connection"]) == (200, "close")


def test_a_body_that_does_not_come_is_refused_and_one_that_keeps_the_pace_is_served(service: Service) -> None:
    body = json.dumps(shape_a()).encode()
    with connect(service) as fair, connect(service) as slow:
        # At 100 bytes a second the first part lasts for more than a minute.
        head = POST + b"connection: close\r\ncontent-length: %d\r\n\r\n" % len(body)
        send(fair, head + body[:8000])
        send(slow, HALF_A_BODY)
        answer = last_answer(slow)
        assert answer.status == 408
        assert answer.problem["type"].endswith(":body_too_slow")
        send(fair, body[8000:])
        assert last_answer(fair).status == 200


def test_the_oldest_unfinished_body_goes_when_all_together_are_too_large(service: Service) -> None:
    body = json.dumps(shape_a()).encode().ljust(900_000)
    head = POST + b"connection: close\r\ncontent-length: %d\r\n\r\n" % len(body)
    with connect(service) as first, connect(service) as second, connect(service) as third:
        for client in (first, second, third):
            send(client, head + body[:-10])
        answer = last_answer(first)
        assert answer.status == 503
        assert answer.headers["retry-after"] == "10"
        assert answer.problem["type"].endswith(":too_many_bodies")
        for client in (second, third):
            send(client, body[-10:])
            assert last_answer(client).status == 200


def test_a_connection_serves_on_after_bodies_that_are_larger_than_a_head_may_be(service: Service) -> None:
    body = json.dumps(shape_a() | {"note": "x" * 200_000})
    target = urlsplit(service.url)
    with closing(HTTPConnection(target.hostname or "", target.port, timeout=PATIENCE_SECONDS)) as client:
        for _ in range(5):
            for method, path, sent in (("POST", "/ai/analyze", body), ("GET", "/livez", None)):
                client.request(method, path, sent, {"content-type": "application/json"})
                answer = client.getresponse()
                assert (path, answer.status, answer.read()[:0]) == (path, 200, b"")


def test_a_trailer_does_not_become_a_header(service: Service) -> None:
    with connect(service) as client:
        start = CHUNKED.replace(b"\r\n\r\n", b"\r\nconnection: close\r\nx-request-id: mine\r\n\r\n")
        send(client, start + b"1\r\n{\r\n0\r\nx-request-id: planted\r\n\r\n")
        assert last_answer(client).headers["x-request-id"] == "mine"
    with connect(service) as client:
        start = CHUNKED.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")
        send(client, start + b"1\r\n{\r\n0\r\nx-request-id: planted\r\n\r\n")
        assert last_answer(client).headers["x-request-id"] != "planted"


@pytest.mark.slow
def test_requests_that_wait_unread_take_little_memory_and_are_answered_in_order(service: Service) -> None:
    numbered = [GET + b"x-request-id: %d\r\n\r\n" % number for number in range(10_000)]
    requests, wanted = b"".join(numbered), 2_000
    before = peak_megabytes(service)
    with connections(service, 20) as clients, httpx2.Client(base_url=service.url, timeout=PATIENCE_SECONDS) as other:
        left = dict.fromkeys(clients, requests)
        for client in clients:
            client.setblocking(False)
        # Until the service reads no more from any client.
        while ready := select.select([], [client for client in clients if left[client]], [], 0.5)[1]:
            for client in ready:
                left[client] = left[client][client.send(left[client]) :]
            assert other.get("/livez").status_code == 200
    assert peak_megabytes(service) - before < MEGABYTES_OF_TWENTY_CLIENTS
    received = bytearray()
    with connect(service) as client:
        sender = threading.Thread(target=client.sendall, args=(b"".join(numbered[:wanted]),))
        sender.start()
        while received.count(b"alive") < wanted:
            received += client.recv(1 << 20)
        sender.join()
    ids = [int(line[14:]) for line in received.split(b"\r\n") if line.startswith(b"x-request-id: ")]
    assert ids == list(range(wanted))


def test_a_client_that_does_not_read_its_answers_is_cut(service: Service) -> None:
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", int(service.url.rsplit(":", 1)[1])))
        send(client, b"GET /openapi.json HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n" * 100)
        cut = select.poll()
        cut.register(client, select.POLLERR | select.POLLHUP)
        assert cut.poll(1000 * PATIENCE_SECONDS)


def test_a_socket_whose_handshake_has_a_line_that_is_too_long_is_refused(service: Service) -> None:
    with connect(service) as client:
        send(client, HANDSHAKE.replace(b"\r\n\r\n", b"\r\ncookie: " + b"x" * 9000 + b"\r\n\r\n"))
        answer = last_answer(client)
    assert answer.status == 431
    assert answer.problem["type"].endswith(":head_too_large")


def test_a_client_that_is_refused_early_may_send_its_body_to_the_end(service: Service) -> None:
    # A reset while the client still sends takes the answer away from it, which proxies show as 502.
    head = POST.replace(b"/ai/analyze HTTP/1.1", b"/ai/train HTTP/1.0") + b"content-length: 3000000\r\n\r\n"
    with connect(service) as client:
        client.sendall(head + b" " * 1_000_000)
        assert last_answer(client).status == 401
        for _ in range(2):
            client.sendall(b" " * 1_000_000)
        # Once all has come the connection is closed.
        with pytest.raises((BrokenPipeError, ConnectionResetError)):  # noqa: PT012
            while True:
                client.sendall(b" ")


def test_an_address_has_its_share_of_connections_sockets_included() -> None:
    with (
        running_service(TRUSTED_NETWORKS="203.0.113.0/24", SERVER__MAX_CONNECTIONS_PER_ADDRESS="3") as service,
        connect(service) as first,
        connect(service) as second,
        connect(service) as third,
    ):
        send(first, HANDSHAKE)
        assert first.recv(12) == b"HTTP/1.1 101"
        for client in (second, third):
            send(client, GET + b"\r\n")
            assert client.recv(12) == b"HTTP/1.1 200"
        with connect(service) as fourth:
            # The oldest that only waits for its next request goes.
            send(fourth, GET + b"\r\n")
            assert fourth.recv(12) == b"HTTP/1.1 200"
            while second.recv(65_536):
                pass
        for client in (third, fourth := connect(service)):
            send(client, HANDSHAKE)
            while b"HTTP/1.1 101" not in client.recv(65_536):
                pass
        with connect(service) as fifth:
            answer = last_answer(fifth)
        assert answer.status == 503
        assert answer.headers["retry-after"] == "10"
        assert answer.problem["type"].endswith(":too_many_connections")
        for client in (first, third, fourth):
            client.close()
        # The places are free once the service has seen it; a socket's too.
        for _ in range(3):
            while True:
                with connect(service) as client:
                    send(client, GET + b"connection: close\r\n\r\n")
                    if last_answer(client).status == 200:
                        break


def test_trusted_networks_have_any_number_of_connections() -> None:
    with running_service(SERVER__MAX_CONNECTIONS_PER_ADDRESS="3") as service, connections(service, 20) as clients:
        for client in clients:
            send(client, GET + b"connection: close\r\n\r\n")
        assert [last_answer(client).status for client in clients] == [200] * 20
