"""Who is calling: proxies, forwarding headers, loopback and the admin token."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from api.access import identify, require_admin
from config.settings import AccessSettings
from domain.errors import NotAllowed, NotAuthenticated

TRUSTED = AccessSettings.model_validate(
    {"trusted_networks": "127.0.0.0/8,::1/128,10.1.0.0/16", "trusted_proxies": "192.0.2.0/24"}
)


def request(peer: str, **headers: str) -> Request:
    raw = [
        (name.replace("_", "-").encode(), value.encode()) for name, value in {"host": "127.0.0.1", **headers}.items()
    ]
    return Request({"type": "http", "client": (peer, 1), "headers": raw})


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "address", "loopback", "trusted"),
    [
        ("127.0.0.1", None, "127.0.0.1", True, True),
        ("::1", None, "::1", True, True),
        ("::ffff:127.0.0.1", None, "::ffff:127.0.0.1", True, True),
        ("10.1.2.3", None, "10.1.2.3", False, True),
        ("203.0.113.9", None, "203.0.113.9", False, False),
        # a reverse proxy on this machine that nobody declared lends out neither loopback nor trust
        ("127.0.0.1", "203.0.113.9", "127.0.0.1", False, False),
        ("127.0.0.1", "127.0.0.1", "127.0.0.1", False, False),
        # a declared proxy: the last address that is not a proxy counts, whatever the client wrote before it
        ("192.0.2.1", "203.0.113.9", "203.0.113.9", False, False),
        ("192.0.2.1", "127.0.0.1, 203.0.113.9", "203.0.113.9", False, False),
        ("192.0.2.1", "10.1.2.3, 192.0.2.7", "10.1.2.3", False, True),
        ("192.0.2.1", "not an address", "192.0.2.1", False, False),
        ("testclient", None, "testclient", False, False),
    ],
)
def test_identify(peer: str, forwarded_for: str | None, address: str, loopback: bool, trusted: bool) -> None:
    headers = {} if forwarded_for is None else {"x_forwarded_for": forwarded_for}
    caller = identify(request(peer, **headers), TRUSTED)
    assert (caller.address, caller.loopback, caller.trusted) == (address, loopback, trusted)


@pytest.mark.parametrize("header", ["forwarded", "x_real_ip", "x_forwarded_host", "x_forwarded_proto"])
def test_any_forwarding_header_takes_loopback_away(header: str) -> None:
    assert identify(request("127.0.0.1", **{header: "x"}), TRUSTED).loopback is False


def test_without_a_token_only_this_machine_is_admin() -> None:
    require_admin(request("127.0.0.1"), TRUSTED)
    require_admin(request("127.0.0.1", host="localhost:8000"), TRUSTED)
    require_admin(request("::1", host="[::1]:8000"), TRUSTED)
    for other in (
        request("10.1.2.3"),
        request("203.0.113.9"),
        request("127.0.0.1", x_forwarded_for="127.0.0.1"),
        request("127.0.0.1", origin="https://evil.example"),
        request("127.0.0.1", host="evil.example"),
    ):
        with pytest.raises(NotAllowed):
            require_admin(other, TRUSTED)


def test_with_a_token_only_its_bearer_is_admin() -> None:
    settings = AccessSettings.model_validate({"admin_token": "correct horse"})
    require_admin(request("203.0.113.9", authorization="Bearer correct horse"), settings)
    for given in ("", "Bearer", "Bearer wrong", "Basic correct horse", "correct horse"):
        with pytest.raises(NotAuthenticated):
            require_admin(request("127.0.0.1", authorization=given), settings)
