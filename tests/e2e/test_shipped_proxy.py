"""Two services behind the proxy that is shipped for them, run by a real nginx."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from websockets.sync.client import connect

from servers.process import free_port
from tests.fixtures.bodies import shape_a, shape_c
from tests.fixtures.nginx import shipped_proxy
from tests.fixtures.patience import PATIENCE_SECONDS
from tests.fixtures.service import Service, running_service

# Documentation's own network: of no program on this machine, so a client there is a stranger.
STRANGER = {"x-forwarded-for": "203.0.113.9"}


@pytest.fixture(scope="module")
def replicas() -> Iterator[list[Service]]:
    # The machine of the tests is not trusted: a client is what the proxy says it is.
    settings: dict[str, Any] = {
        "TRUSTED_PROXIES": "127.0.0.1/32",
        "TRUSTED_NETWORKS": "198.51.100.0/24",
        "RATE_LIMITS__ANALYZE": "2/hour",
    }
    with running_service(**settings) as one, running_service(**settings) as other:
        yield [one, other]


@pytest.fixture
def proxy(replicas: list[Service]) -> Iterator[httpx2.Client]:
    with (
        shipped_proxy(*(replica.url.removeprefix("http://") for replica in replicas)) as url,
        httpx2.Client(base_url=url, timeout=PATIENCE_SECONDS) as client,
    ):
        yield client


def test_both_replicas_answer(proxy: httpx2.Client, replicas: list[Service]) -> None:
    trusted = {"x-forwarded-for": "198.51.100.7"}
    ids = {proxy.get("/livez", headers=trusted).headers["x-request-id"].split("-")[0] for _ in range(8)}
    assert len(ids) == len(replicas)


def test_a_client_is_counted_by_its_own_address(proxy: httpx2.Client) -> None:
    # Each replica allows two: of nine requests of one client, at least five are refused by its limit.
    answers = [proxy.post("/ai/analyze", json=shape_c(), headers=STRANGER).status_code for _ in range(9)]
    assert set(answers) == {200, 429}
    assert answers.count(200) == 4
    other = {"x-forwarded-for": "203.0.113.10"}
    assert proxy.post("/ai/analyze", json=shape_c(), headers=other).status_code == 200
    # A client that invents a hop is known by the last address that a proxy saw.
    invented = {"x-forwarded-for": "198.51.100.7, 203.0.113.9"}
    assert proxy.post("/ai/analyze", json=shape_c(), headers=invented).status_code == 429


def test_a_trusted_client_stays_trusted(proxy: httpx2.Client) -> None:
    trusted = {"x-forwarded-for": "198.51.100.7"}
    answers = [proxy.post("/ai/analyze", json=shape_a(seed=seed), headers=trusted).status_code for seed in range(6)]
    assert answers == [200] * 6


def test_a_socket_is_welcomed_through_the_proxy(proxy: httpx2.Client) -> None:
    url = str(proxy.base_url).replace("http://", "ws://").rstrip("/")
    with connect(f"{url}/ws", open_timeout=PATIENCE_SECONDS) as socket:
        assert json.loads(socket.recv(PATIENCE_SECONDS))["message"] == "Connected to AI Trading Service"
        socket.send(json.dumps({"type": "ping"}))
        assert json.loads(socket.recv(PATIENCE_SECONDS))["type"].lower() == "pong"


@pytest.mark.parametrize(
    ("size_bytes", "words"), [(5_000_000, "4194304"), (9_000_000, "larger than the proxy passes on")]
)
def test_a_large_body_is_refused_in_the_service_s_words_or_in_their_form(
    proxy: httpx2.Client, size_bytes: int, words: str
) -> None:
    refused = proxy.post("/ai/feedback", content=b" " * size_bytes, headers={"content-type": "application/json"})
    assert (refused.status_code, refused.headers["content-type"]) == (413, "application/problem+json")
    problem = refused.json()
    assert problem["type"] == "urn:trading-signal-service:problem:payload_too_large"
    assert words in problem["detail"]
    assert problem.keys() == proxy.get("/no-such-path").json().keys()


def test_replicas_that_are_gone_or_not_yet_there_cost_no_request(replicas: list[Service]) -> None:
    addresses = [*(f"127.0.0.1:{free_port()}" for _ in range(3)), replicas[0].url.removeprefix("http://")]
    with shipped_proxy(*addresses) as url, httpx2.Client(base_url=url, timeout=PATIENCE_SECONDS) as client:
        assert [client.get("/livez").status_code for _ in range(6)] == [200] * 6


def test_without_any_replica_the_proxy_says_so_at_once() -> None:
    with shipped_proxy(f"127.0.0.1:{free_port()}") as url:
        refused = httpx2.get(f"{url}/livez", timeout=PATIENCE_SECONDS)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    assert refused.json()["type"] == "urn:trading-signal-service:problem:not_ready"
