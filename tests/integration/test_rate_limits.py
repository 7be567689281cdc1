"""Rate limits: strict for strangers, wide for the engine, counted before the body is read."""

from __future__ import annotations

from fastapi.testclient import TestClient

from tests.conftest import LOOPBACK, STRANGER, MakeClient
from tests.fixtures.bodies import shape_b


def statuses(client: TestClient, count: int, **headers: str) -> list[int]:
    return [client.post("/ai/analyze", json={"bad": "body"}, headers=headers).status_code for _ in range(count)]


def test_a_stranger_gets_ten_a_minute_and_is_told_when_to_return(make_client: MakeClient) -> None:
    client = make_client(STRANGER)
    assert statuses(client, 11) == [422] * 10 + [429]
    response = client.post("/ai/analyze", json=shape_b())
    assert response.headers["content-type"] == "application/problem+json"
    assert 1 <= int(response.headers["retry-after"]) <= 60
    assert "10 per 1 minute" in response.json()["detail"]


def test_the_engines_burst_passes_from_a_trusted_address(make_client: MakeClient) -> None:
    assert 429 not in statuses(make_client(LOOPBACK), 100)


def test_a_proxy_on_this_machine_does_not_lend_its_trust(make_client: MakeClient) -> None:
    assert 429 in statuses(make_client(LOOPBACK), 11, **{"x-forwarded-for": "127.0.0.1"})


def test_clients_behind_a_declared_proxy_are_counted_one_by_one(make_client: MakeClient) -> None:
    client = make_client(LOOPBACK, access={"trusted_proxies": ["127.0.0.0/8"]})
    assert 429 in statuses(client, 11, **{"x-forwarded-for": "203.0.113.1"})
    assert 429 not in statuses(client, 10, **{"x-forwarded-for": "203.0.113.2"})


def test_a_client_cannot_take_another_address_of_its_ipv6_network_for_every_request(make_client: MakeClient) -> None:
    client = make_client(LOOPBACK, access={"trusted_proxies": ["127.0.0.0/8"]})
    codes = [statuses(client, 1, **{"x-forwarded-for": f"2001:db8:0:1::{number}"})[0] for number in range(11)]
    assert codes == [422] * 10 + [429]
    assert statuses(client, 1, **{"x-forwarded-for": "2001:db8:0:2::1"}) == [422]


def test_limits_can_be_switched_off(make_client: MakeClient) -> None:
    assert 429 not in statuses(make_client(STRANGER, rate_limits={"enabled": False}), 30)


def test_an_app_built_twice_counts_once(make_client: MakeClient) -> None:
    make_client(STRANGER)
    assert statuses(make_client(STRANGER), 10) == [422] * 10


def test_every_route_that_costs_something_is_limited(make_client: MakeClient) -> None:
    client = make_client(STRANGER, rate_limits=dict.fromkeys(("analyze", "default", "debug"), "1/minute"))
    free = {"/health", "/livez", "/readyz"}
    for path, operations in client.get("/openapi.json").json()["paths"].items():
        for method in operations:
            codes = [client.request(method, path).status_code for _ in range(2)]
            assert (codes[1] == 429) is (path not in free), (method, path, codes)
