"""Who is calling: the address, and whether it is loopback, trusted, a client with a token or the administrator."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from pydantic import SecretStr
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection

from api.guard.web_pages import is_of_own_page, refuse_other_sites
from config.server_settings import AccessSettings, Network
from domain.errors import NotAuthenticated

# A request with one of these comes through a proxy, so the peer's address says nothing of the client.
FORWARDING_HEADERS = {
    b"forwarded",
    b"via",
    b"x-forwarded-for",
    b"x-forwarded-host",
    b"x-forwarded-proto",
    b"x-real-ip",
    b"x-client-ip",
    b"x-cluster-client-ip",
    b"cf-connecting-ip",
    b"true-client-ip",
}
# What one customer of a provider gets of IPv6, at least.
IPV6_PREFIX = 64


@dataclass(frozen=True)
class Caller:
    """Where a request comes from.

    Attributes:
        address: Address of the client, or of its proxy when that is not to be believed.
        loopback: The client itself is on this machine, and no web page of another site makes it send this.
        trusted: The client is in `access.trusted_networks`, and no web page of another site makes it send this.
    """

    address: str
    loopback: bool
    trusted: bool


def identify(connection: HTTPConnection, settings: AccessSettings) -> Caller:
    """Return the caller of a request or socket, which is found out once per connection scope.

    `X-Forwarded-For` counts only when the peer is a trusted proxy: then the client is the
    last address that is not itself one. A forwarding header from anyone else, an address before
    that one included, makes the caller a stranger, so that a proxy does not lend out its loopback or trust. So does
    a `Host` or `Origin` of another site: a web page makes its reader's browser send those.
    """
    state = connection.scope.setdefault("state", {})
    if "caller" not in state:
        state["caller"] = _find_out(connection, settings)
    caller: Caller = state["caller"]
    return caller


def _find_out(connection: HTTPConnection, settings: AccessSettings) -> Caller:
    caller = _by_address(connection, settings)
    if (caller.loopback or caller.trusted) and not is_of_own_page(connection.headers, settings):
        return Caller(caller.address, loopback=False, trusted=False)
    return caller


def _by_address(connection: HTTPConnection, settings: AccessSettings) -> Caller:
    peer, _ = connection.scope.get("client") or ("", 0)
    if FORWARDING_HEADERS.isdisjoint(dict(connection.scope["headers"])):
        return _known_caller(peer, settings.trusted_networks)
    address = _parse(peer)
    if address is None or not _inside(address, settings.trusted_proxies):
        return Caller(peer, loopback=False, trusted=False)
    # A proxy may add a line of its own below that of the client: together they are one list (RFC 9110, 5.3).
    hops = [hop.strip() for hop in ",".join(connection.headers.getlist("x-forwarded-for")).split(",")]
    while hops:
        hop = hops.pop()
        hop_address = _parse(hop)
        if hop_address is None:
            break
        if not _inside(hop_address, settings.trusted_proxies):
            # An address before it was written by a proxy that is not one of those.
            return Caller(hop, loopback=False, trusted=False) if hops else _known_caller(hop, settings.trusted_networks)
    return Caller(peer, loopback=False, trusted=False)


def require_admin(connection: HTTPConnection, settings: AccessSettings) -> None:
    """Refuse all but the administrator: the bearer of the admin token or, with `loopback_admin`, this machine itself.

    Raises:
        NotAllowed: a browser sends this for a page of another site.
        NotAuthenticated: the request has no admin token, or another.
    """
    refuse_other_sites(connection.headers, settings)
    if is_administrator(connection, settings):
        return
    raise NotAuthenticated(
        f"{_lack(connection.headers)} the administrator's token: that of "
        "ADMIN_TOKEN, or the one in the file that the service names when it starts"
    )


def require_client(connection: HTTPConnection, settings: AccessSettings) -> None:
    """Where client tokens are configured, refuse callers with neither one nor the admin token, save trusted networks.

    Raises:
        NotAuthenticated: the request comes from elsewhere and has none, or another.
    """
    tokens = settings.client_tokens
    if not tokens or identify(connection, settings).trusted:
        return
    admin = (settings.admin_token,) if settings.admin_token else ()
    if not is_one_of(bearer(connection.headers), (*tokens, *admin)):
        raise NotAuthenticated(f"{_lack(connection.headers)} a client's token")


def _lack(headers: Headers) -> str:
    """Return what is wrong with the token of a request, as the beginning of a sentence."""
    if bearer(headers):
        return "the token that was sent is another one; this route needs"
    return "this route needs the header 'Authorization: Bearer <token>' with"


def is_administrator(connection: HTTPConnection, settings: AccessSettings) -> bool:
    """Return whether the request bears the admin token or, with `loopback_admin`, comes from this machine itself."""
    if settings.admin_token is not None and is_one_of(bearer(connection.headers), [settings.admin_token]):
        return True
    return settings.loopback_admin and identify(connection, settings).loopback


def bearer(headers: Headers) -> str:
    """Return the bearer token of a request; empty without one."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    return given.strip() if scheme.lower() == "bearer" else ""


def is_one_of(given: str, tokens: Iterable[SecretStr]) -> bool:
    """Return whether a token is exactly one of these; takes as long for a wrong one as for a right one."""
    matches = [hmac.compare_digest(given.encode(), token.get_secret_value().encode()) for token in tokens]
    return any(matches)


# The same few clients come again and again.
@lru_cache(maxsize=1024)
def share_of(address: str, unbounded: tuple[Network, ...] = ()) -> str:
    """Return whose share of places an address takes: its own, of IPv6 that of its network; empty without a bound."""
    parsed = _parse(address)
    if parsed is None:
        return address
    if _inside(parsed, unbounded):
        return ""
    return str(ip_network((parsed, IPV6_PREFIX), strict=False) if isinstance(parsed, IPv6Address) else parsed)


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
