"""Who is calling: the address, and whether it is loopback, trusted, a client with a token or the administrator."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

from pydantic import SecretStr
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection

from config.settings import AccessSettings, Network
from domain.errors import NotAllowed, NotAuthenticated

# Whoever sends one of these stands behind a proxy, so the peer's address says nothing of them.
FORWARDING_HEADERS = {b"x-forwarded-for", b"forwarded", b"x-real-ip", b"x-forwarded-host", b"x-forwarded-proto"}
LOOPBACK_HOSTS = {"127.0.0.1", "localhost", "[::1]"}


@dataclass(frozen=True)
class Caller:
    """Where a request comes from.

    Attributes:
        address: Address of the client, or of its proxy when that is not to be believed.
        loopback: The client itself is on this machine.
        trusted: The client is in `access.trusted_networks`.
    """

    address: str
    loopback: bool
    trusted: bool


def identify(connection: HTTPConnection, settings: AccessSettings) -> Caller:
    """Return the caller of a request or socket, which is found out once per connection scope.

    `X-Forwarded-For` counts only when the peer is a trusted proxy: then the client is the
    last address that is not itself one. A forwarding header from anyone else makes the
    caller a stranger, so that a proxy on this machine does not lend out its loopback.
    """
    state = connection.scope.setdefault("state", {})
    if "caller" not in state:
        state["caller"] = _find_out(connection, settings)
    caller: Caller = state["caller"]
    return caller


def _find_out(connection: HTTPConnection, settings: AccessSettings) -> Caller:
    peer = connection.client.host if connection.client else ""
    if not any(name in FORWARDING_HEADERS for name, _ in connection.scope["headers"]):
        return _known_caller(peer, settings.trusted_networks)
    address = _parse(peer)
    if address is None or not _inside(address, settings.trusted_proxies):
        return Caller(peer, loopback=False, trusted=False)
    for hop in reversed([part.strip() for part in connection.headers.get("x-forwarded-for", "").split(",")]):
        hop_address = _parse(hop)
        if hop_address is None:
            return Caller(peer, loopback=False, trusted=False)
        if not _inside(hop_address, settings.trusted_proxies):
            return _known_caller(hop, settings.trusted_networks)
    return Caller(peer, loopback=False, trusted=False)


def require_admin(connection: HTTPConnection, settings: AccessSettings) -> None:
    """Let pass who may change things: the bearer of the admin token, or loopback when there is none.

    Raises:
        NotAuthenticated: a token is configured and the request has none or another.
        NotAllowed: no token is configured and the request does not come from this machine.
    """
    if settings.admin_token is not None:
        if not is_one_of(bearer(connection.headers), [settings.admin_token]):
            raise NotAuthenticated("this route needs the header 'Authorization: Bearer <ADMIN_TOKEN>'")
        return
    caller = identify(connection, settings)
    if not caller.loopback or _is_foreign_page(connection.headers, settings):
        raise NotAllowed("without an ADMIN_TOKEN this route answers only to this machine itself")


def require_client(connection: HTTPConnection, settings: AccessSettings) -> None:
    """Where client tokens are configured, let pass who has one or the admin token, and trusted networks.

    Raises:
        NotAuthenticated: the request comes from elsewhere and has none, or another.
    """
    tokens = settings.client_tokens
    if not tokens or identify(connection, settings).trusted:
        return
    admin = (settings.admin_token,) if settings.admin_token else ()
    if not is_one_of(bearer(connection.headers), (*tokens, *admin)):
        raise NotAuthenticated("this route needs the header 'Authorization: Bearer <token>' with a client's token")


def bearer(headers: Headers) -> str:
    """Return the bearer token of a request; empty without one."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    return given.strip() if scheme.lower() == "bearer" else ""


def is_one_of(given: str, tokens: Iterable[SecretStr]) -> bool:
    """Return whether a token is exactly one of these; takes as long for a wrong one as for a right one."""
    matches = [hmac.compare_digest(given.encode(), token.get_secret_value().encode()) for token in tokens]
    return any(matches)


def _is_foreign_page(headers: Headers, settings: AccessSettings) -> bool:
    """Return whether a browser sends this for a page of somebody else (CSRF, DNS rebinding)."""
    host = headers.get("host", "").rsplit(":", 1)[0] if not headers.get("host", "").endswith("]") else headers["host"]
    origin = headers.get("origin")
    return host not in LOOPBACK_HOSTS or (origin is not None and origin not in settings.cors_origins)


# The same few clients come again and again.
@lru_cache(maxsize=1024)
def _known_caller(text: str, trusted_networks: tuple[Network, ...]) -> Caller:
    address = _parse(text)
    if address is None:
        return Caller(text, loopback=False, trusted=False)
    return Caller(text, address.is_loopback, _inside(address, trusted_networks))


def _inside(address: IPv4Address | IPv6Address, networks: tuple[Network, ...]) -> bool:
    return any(address in network for network in networks)


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    # A dual-stack socket shows an IPv4 peer as ::ffff:a.b.c.d.
    return getattr(address, "ipv4_mapped", None) or address
