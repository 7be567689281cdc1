"""Who is calling: proxies, forwarding headers, web pages, loopback and the admin token."""

from __future__ import annotations

import pytest
from loguru import logger
from pydantic import SecretStr
from starlette.requests import Request

from api.guard.access import identify, require_admin, share_of
from api.server.start_screen import log_access
from config.server_settings import AccessSettings
from config.sources import load_settings
from domain.errors import NotAllowed, NotAuthenticated
from tests.fixtures.settings import configured

TRUSTED = configured(
    AccessSettings, trusted_networks=["127.0.0.0/8", "::1/128", "10.1.0.0/16"], trusted_proxies=["192.0.2.0/24"]
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
        # an undeclared reverse proxy on this machine lends out neither loopback nor trust
        ("127.0.0.1", "203.0.113.9", "127.0.0.1", False, False),
        ("127.0.0.1", "127.0.0.1", "127.0.0.1", False, False),
        # a declared proxy: the last address that is not a proxy counts, whatever the client wrote before it
        ("192.0.2.1", "203.0.113.9", "203.0.113.9", False, False),
        ("192.0.2.1", "127.0.0.1, 203.0.113.9", "203.0.113.9", False, False),
        ("192.0.2.1", "10.1.2.3, 192.0.2.7", "10.1.2.3", False, True),
        ("192.0.2.1", "not an address", "192.0.2.1", False, False),
        # an undeclared proxy before a declared one does not lend out its trust either
        ("192.0.2.1", "203.0.113.9, 10.1.2.3", "10.1.2.3", False, False),
        ("192.0.2.1", "203.0.113.9, 127.0.0.1, 192.0.2.7", "127.0.0.1", False, False),
        ("testclient", None, "testclient", False, False),
    ],
)
def test_identify(peer: str, forwarded_for: str | None, address: str, loopback: bool, trusted: bool) -> None:
    headers = {} if forwarded_for is None else {"x_forwarded_for": forwarded_for}
    caller = identify(request(peer, **headers), TRUSTED)
    assert (caller.address, caller.loopback, caller.trusted) == (address, loopback, trusted)


def test_the_line_that_a_proxy_adds_counts_and_not_the_one_that_its_client_sent() -> None:
    sent, added = (b"x-forwarded-for", b"127.0.0.1"), (b"x-forwarded-for", b"203.0.113.9")
    scope = {"type": "http", "client": ("192.0.2.1", 1), "headers": [(b"host", b"127.0.0.1"), sent, added]}
    caller = identify(Request(scope), TRUSTED)
    assert (caller.address, caller.loopback, caller.trusted) == ("203.0.113.9", False, False)


FORWARDING = [
    "forwarded",
    "via",
    "x_real_ip",
    "x_forwarded_host",
    "x_forwarded_proto",
    "x_client_ip",
    "x_cluster_client_ip",
    "cf_connecting_ip",
    "true_client_ip",
]


@pytest.mark.parametrize("header", FORWARDING)
def test_any_forwarding_header_takes_loopback_and_trust_away(header: str) -> None:
    for peer in ("127.0.0.1", "10.1.2.3"):
        caller = identify(request(peer, **{header: "127.0.0.1"}), TRUSTED)
        assert (caller.loopback, caller.trusted) == (False, False)


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("localhost", True),
        ("LOCALHOST:8000", True),
        ("localhost.:8000", True),
        ("api.localhost:8000", True),
        ("127.0.0.1:8000", True),
        ("192.168.1.7", True),
        ("[::1]:8000", True),
        ("[fe80::1]", True),
        # of a compose file, which no other site can be called
        ("service:8000", True),
        ("signals.example:443", True),
        ("SIGNALS.example.", True),
        ("evil.example", False),
        ("evil.example:8000", False),
        ("www.signals.example", False),
        ("localhost.evil.example", False),
        ("evil-localhost.example", False),
        ("127.0.0.1.evil.example", False),
        ("127.0.0.1.", True),
        ("[::1].evil.example", False),
        ("", False),
    ],
)
def test_trust_by_address_holds_only_under_a_name_that_no_other_site_can_have(host: str, own: bool) -> None:
    settings = TRUSTED.model_copy(update={"trusted_hosts": ("signals.example",)})
    caller = identify(request("127.0.0.1", host=host), settings)
    assert (caller.address, caller.loopback, caller.trusted) == ("127.0.0.1", own, own)


@pytest.mark.parametrize(
    ("host", "origin", "trusted"),
    [
        ("127.0.0.1:8000", "http://dashboard.example", True),
        ("127.0.0.1:8000", "http://127.0.0.1:8000", True),
        ("localhost:8000", "http://localhost:8000", True),
        # TLS ends at a proxy
        ("localhost", "https://localhost", True),
        ("127.0.0.1:8000", "http://127.0.0.1:3000", False),
        ("127.0.0.1:8000", "https://evil.example", False),
        ("127.0.0.1:8000", "https://dashboard.example", False),
        ("127.0.0.1:8000", "null", False),
        ("127.0.0.1:8000", "", False),
        ("127.0.0.1:8000", "file://127.0.0.1:8000", False),
        # its own origin, but under a name that leads here by DNS rebinding
        ("evil.example:8000", "http://evil.example:8000", False),
        ("evil.example:8000", "http://dashboard.example", False),
    ],
)
@pytest.mark.parametrize("any_origin", [(), ("*",)])
def test_trust_by_address_holds_for_no_page_of_another_site(
    host: str, origin: str, trusted: bool, any_origin: tuple[str, ...]
) -> None:
    settings = TRUSTED.model_copy(update={"cors_origins": ("http://dashboard.example", *any_origin)})
    assert identify(request("127.0.0.1", host=host, origin=origin), settings).trusted is trusted


def test_the_name_that_the_service_listens_on_is_its_own() -> None:
    access = load_settings(environment={"HOST": "Signals.Example", "TRUSTED_HOSTS": "a.example, B.example"}).access
    assert access.trusted_hosts == ("a.example", "b.example", "signals.example")
    local = access.model_copy(update={"trusted_networks": TRUSTED.trusted_networks})
    assert identify(request("10.1.2.3", host="signals.example:8000"), local).trusted


def test_only_the_bearer_of_the_token_is_admin() -> None:
    settings = TRUSTED.model_copy(update={"admin_token": SecretStr("correct horse")})
    require_admin(request("203.0.113.9", authorization="Bearer correct horse"), settings)
    require_admin(request("127.0.0.1", authorization="Bearer correct horse", x_forwarded_for="1.2.3.4"), settings)
    for given in ("", "Bearer", "Bearer wrong", "Basic correct horse", "correct horse"):
        with pytest.raises(NotAuthenticated):
            require_admin(request("127.0.0.1", authorization=given), settings)
    with pytest.raises(NotAuthenticated):
        require_admin(request("127.0.0.1"), TRUSTED)


def test_loopback_is_admin_where_the_config_says_so_and_nothing_stands_between() -> None:
    settings = TRUSTED.model_copy(update={"loopback_admin": True, "admin_token": SecretStr("correct horse")})
    require_admin(request("127.0.0.1"), settings)
    require_admin(request("127.0.0.1", host="localhost:8000", origin="http://localhost:8000"), settings)
    require_admin(request("::1", host="[::1]:8000"), settings)
    for other in (
        request("10.1.2.3"),
        request("203.0.113.9"),
        request("127.0.0.1", x_forwarded_for="127.0.0.1"),
        request("127.0.0.1", via="1.1 proxy"),
        request("127.0.0.1", origin="https://evil.example"),
        request("127.0.0.1", host="evil.example"),
    ):
        with pytest.raises(NotAuthenticated):
            require_admin(other, settings)


@pytest.mark.parametrize(
    ("site", "origin", "refused"),
    [
        (None, None, False),
        ("none", None, False),
        ("same-origin", None, False),
        ("same-origin", "http://127.0.0.1", False),
        ("same-site", "http://dashboard.example", False),
        ("cross-site", "http://dashboard.example", False),
        ("cross-site", None, True),
        ("same-site", None, True),
        ("cross-site", "https://evil.example", True),
        ("cross-site", "null", True),
        ("anything else", None, True),
    ],
)
@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer correct horse"}])
def test_a_browser_changes_nothing_for_a_page_of_another_site(
    site: str | None, origin: str | None, refused: bool, headers: dict[str, str]
) -> None:
    values = {"cors_origins": ("http://dashboard.example",), "admin_token": SecretStr("correct horse")}
    settings = TRUSTED.model_copy(update=values | {"loopback_admin": True})
    sent = headers | {key: value for key, value in {"sec_fetch_site": site, "origin": origin}.items() if value}
    if refused:
        with pytest.raises(NotAllowed):
            require_admin(request("127.0.0.1", **sent), settings)
    else:
        require_admin(request("127.0.0.1", **sent), settings)


def test_addresses_of_one_ipv6_network_share_their_places() -> None:
    assert share_of("2001:db8:1:2::1") == share_of("2001:db8:1:2:ffff::9") != share_of("2001:db8:1:3::1")
    assert share_of("203.0.113.9") == share_of("::ffff:203.0.113.9") != share_of("203.0.113.10")
    assert share_of("testclient") == "testclient"


def test_a_wrong_token_is_told_from_a_missing_one() -> None:
    settings = TRUSTED.model_copy(update={"admin_token": SecretStr("correct horse")})
    with pytest.raises(NotAuthenticated, match=r"^this route needs the header"):
        require_admin(request("203.0.113.9"), settings)
    with pytest.raises(NotAuthenticated, match=r"^the token that was sent is another one; this route needs the"):
        require_admin(request("203.0.113.9", authorization="Bearer horse"), settings)


@pytest.mark.parametrize(("token", "warned"), [("short", True), ("sixteen-or-more!", False)])
def test_a_token_that_can_be_guessed_is_warned_of_without_being_shown(token: str, warned: bool) -> None:
    lines: list[str] = []
    sink = logger.add(lambda message: lines.append(str(message)), level="WARNING", format="{message}")
    try:
        log_access(TRUSTED.model_copy(update={"admin_token": SecretStr(token)}))
    finally:
        logger.remove(sink)
    assert any("ADMIN_TOKEN has fewer than 16 characters" in line for line in lines) is warned
    assert not any(token in line for line in lines)
