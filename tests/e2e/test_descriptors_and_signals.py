"""Few file descriptors, and every way to end the service."""

from __future__ import annotations

import asyncio
import json
import signal
from contextlib import ExitStack

import pytest

from tests.fixtures.bodies import shape_b
from tests.fixtures.patience import PATIENCE_SECONDS, eventually
from tests.fixtures.raw_clients import (
    HALF_A_BODY,
    connect,
    connections,
    last_answer,
    read_to_end,
    send,
)
from tests.fixtures.service import Service, running_service
from tests.fixtures.websocket_service import HANDSHAKE

pytestmark = pytest.mark.slow

START = "runpy.run_path('main.py', run_name='__main__')"
FEW_DESCRIPTORS = f"import resource, runpy; resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256)); {START}"
BY_NOHUP = f"import signal, runpy; signal.signal(signal.SIGHUP, signal.SIG_IGN); {START}"
# Runs the service in a terminal of its own, which SIGUSR1 closes; ends with the service's status.
IN_A_TERMINAL = """
import os, pty, signal, sys
pid, terminal = pty.fork()
if not pid:
    os.execv(sys.executable, [sys.executable, "main.py"])
signal.signal(signal.SIGUSR1, lambda number, frame: os.close(terminal))
signal.pause()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
GOING_AWAY = b"\x88\x02\x03\xe9"


def degraded(service: Service) -> list[str]:
    names: list[str] = service.get("/health").json()["degraded"]
    return names


def wait_until_free(service: Service) -> None:
    asyncio.run(eventually(lambda: not degraded(service)))


def wait_for_lines(service: Service, times: int) -> None:
    """Return when the log has told that often of the shortage and of its end."""
    lines = ("file descriptors run out", "file descriptors are free again")
    asyncio.run(eventually(lambda: [service.output.count(line) for line in lines] == [times, times]))


def test_sockets_are_refused_before_the_last_descriptors_are_gone() -> None:
    with running_service("-c", FEW_DESCRIPTORS) as service:
        assert degraded(service) == []
        for times in (1, 2):
            with ExitStack() as stack:
                clients, answers = [], []
                for _ in range(300):
                    clients.append(stack.enter_context(connect(service)))
                    send(clients[-1], HANDSHAKE)
                    answers.append(clients[-1].recv(12))
                served = answers.count(b"HTTP/1.1 101")
                assert 150 < served < 256 - 32
                # Who came first stays.
                assert answers == [b"HTTP/1.1 101"] * served + [b"HTTP/1.1 503"] * (300 - served)
                refusal = read_to_end(clients[-1]).decode()
                assert "retry-after: 30" in refusal
                assert "file descriptor" in refusal
                assert service.get("/livez").status_code == 200
                assert degraded(service) == ["file_descriptors"]
            wait_until_free(service)
            wait_for_lines(service, times)
        assert "Traceback" not in service.output


def test_silent_connections_give_way_to_requests() -> None:
    with running_service("-c", FEW_DESCRIPTORS) as service:
        with connections(service, 300) as clients:
            assert service.get("/livez").status_code == 200
            assert degraded(service) == ["file_descriptors"]
            # The oldest are closed without a word, the newest are served.
            assert clients[0].recv(1) == b""
            send(clients[-1], b"GET /livez HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
            assert clients[-1].recv(12) == b"HTTP/1.1 200"
        wait_until_free(service)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_every_signal_ends_in_order(number: signal.Signals) -> None:
    with running_service() as service, connect(service) as client:
        send(client, HANDSHAKE)
        assert client.recv(12) == b"HTTP/1.1 101"
        status, seconds = service.stop(number)
        assert status == 0
        assert seconds < 8
        assert read_to_end(client).endswith(GOING_AWAY)
        assert "Finished server process" in service.output
        assert "Traceback" not in service.output


def test_a_service_started_by_nohup_outlives_its_terminal() -> None:
    with running_service("-c", BY_NOHUP) as service:
        service.process.send_signal(signal.SIGHUP)
        assert service.get("/livez").status_code == 200
        assert service.process.poll() is None


def test_a_closed_terminal_ends_the_service_in_order() -> None:
    with running_service("-c", IN_A_TERMINAL) as service, connect(service) as client:
        send(client, HANDSHAKE)
        assert client.recv(12) == b"HTTP/1.1 101"
        assert service.stop(signal.SIGUSR1)[0] == 0
        assert read_to_end(client).endswith(GOING_AWAY)


def test_half_sent_bodies_neither_hold_up_the_end_nor_leave_tracebacks() -> None:
    with running_service() as service, connections(service, 100) as clients:
        for client in clients:
            send(client, HALF_A_BODY)
        assert service.get("/livez").status_code == 200
        status, seconds = service.stop()
        assert status == 0
        assert seconds < 8
        for client in clients:
            answer = last_answer(client)
            assert answer.status == 503
            assert answer.headers["retry-after"] == "5"
            assert answer.problem["type"].endswith(":shutting_down")
        assert "Traceback" not in service.output
        assert "ERROR" not in service.output


def test_a_body_that_is_complete_soon_after_the_signal_is_answered() -> None:
    body = json.dumps(shape_b()).encode()
    head = HALF_A_BODY.partition(b"content-length")[0] + b"content-length: %d\r\n\r\n" % len(body)
    with running_service() as service, connect(service) as client:
        send(client, head + body[:-10])
        assert service.get("/livez").status_code == 200
        service.process.send_signal(signal.SIGTERM)
        asyncio.run(eventually(lambda: "Shutting down" in service.output))
        send(client, body[-10:])
        assert last_answer(client).status == 200
        assert service.process.wait(PATIENCE_SECONDS) == 0
