"""Whose share a connection is counted in, and what the log has of refused ones."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from loguru import logger

from api.server.connections import Connections, Refusal
from api.server.descriptors import Descriptors
from api.server.http_refusing import MALFORMED
from config.server_settings import ServerSettings
from tests.fixtures.settings import configured
from utils.client_warnings import MAX_LINES, client_warnings


class Client:
    """A connection on which a request is under way, or nothing has come yet."""

    def __init__(self, idle: bool = True) -> None:
        self.idle = idle
        self.closed = False

    def close_idle(self) -> None:
        self.closed = True
        self.idle = False

    def check(self, now: float) -> None:
        raise AssertionError(f"checked at {now}")

    def refuse(self, refusal: Refusal) -> None:
        raise AssertionError(f"refused: {refusal}")


def connections(limit: int = 1000, open_now: int = 0) -> Connections:
    networks = (ip_network("127.0.0.0/8"), ip_network("2001:db8:aaaa::/48"))
    descriptors = Descriptors(20, limit, lambda: open_now, lambda: 0.0)
    return Connections(configured(ServerSettings, max_connections_per_address=2), networks, descriptors)


@pytest.mark.parametrize(
    ("addresses", "refused"),
    [
        (["203.0.113.1"] * 3, True),
        (["203.0.113.1", "203.0.113.1", "203.0.113.2"], False),
        (["::ffff:203.0.113.1", "203.0.113.1", "203.0.113.1"], True),
        # Everybody has a whole /64 of IPv6.
        (["2001:db8:1:2::1", "2001:db8:1:2::2", "2001:db8:1:2:ffff::3"], True),
        (["2001:db8:1:2::1", "2001:db8:1:2::2", "2001:db8:1:3::1"], False),
        (["127.0.0.1"] * 3, False),
        (["2001:db8:aaaa::1"] * 3, False),
        # A Unix socket has no address.
        ([""] * 3, False),
    ],
)
async def test_an_address_is_refused_beyond_its_share(addresses: list[str], refused: bool) -> None:
    entered = connections()
    *first, last = [entered.enter(Client(idle=False), address) for address in addresses]
    assert first == [None, None]
    assert (last is not None) is refused


async def test_a_place_is_free_again_after_its_client_has_gone() -> None:
    entered = connections()
    gone, stays = Client(idle=False), Client(idle=False)
    assert entered.enter(gone, "203.0.113.1") is None
    assert entered.enter(stays, "203.0.113.1") is None
    entered.leave(gone, "203.0.113.1")
    assert entered.enter(Client(idle=False), "203.0.113.1") is None
    refusal = entered.enter(Client(idle=False), "203.0.113.1")
    assert refusal is not None
    assert (refusal.status, refusal.retry_after_seconds) == (503, 10)


async def test_beyond_its_share_an_address_loses_its_own_oldest_idle_connection() -> None:
    entered = connections()
    of_another, busy, idle, newest = Client(), Client(idle=False), Client(), Client()
    assert entered.enter(of_another, "203.0.113.2") is None
    for client in (busy, idle, newest):
        assert entered.enter(client, "203.0.113.1") is None
    assert [client.closed for client in (of_another, busy, idle, newest)] == [False, False, True, False]


async def test_short_of_descriptors_the_oldest_idle_connection_goes_and_without_one_the_newest() -> None:
    entered = connections(limit=40, open_now=20)
    busy, first, second = Client(idle=False), Client(), Client()
    for client in (busy, first, second):
        assert entered.enter(client, "127.0.0.1") is None
    assert (first.closed, second.closed) == (True, False)
    refusals = []
    for _ in range(12):
        client = Client()
        refusals.append(entered.enter(client, "127.0.0.1"))
        client.idle = False
        second.idle = False
    assert refusals[0] is None
    assert refusals[-1] is not None
    assert refusals[-1].reason == "no_descriptors"


def test_a_flood_of_refused_connections_leaves_a_few_lines_in_the_log() -> None:
    entered, lines = connections(), list[str]()
    client_warnings.reset()
    number = logger.add(lambda line: lines.append(line.rstrip()), format="{extra[client]} {extra[status]}")
    try:
        for client in range(MAX_LINES + 10):
            entered.record(MALFORMED, f"203.0.113.{client}", "1")
    finally:
        logger.remove(number)
        client_warnings.reset()
    assert lines == [f"203.0.113.{client} 400" for client in range(MAX_LINES)]
