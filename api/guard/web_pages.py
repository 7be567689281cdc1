"""The web page that a browser sends a request for: one of this service, one that config allows, or another site's.

An address says little of a browser's request, since any page that its reader opens can cause it. `Host` tells of DNS
rebinding, where another site's name leads to this machine; `Origin` and `Sec-Fetch-Site` tell which page asked.
Programs send neither of the last two.
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import ip_address

from starlette.datastructures import Headers

from config.server_settings import AccessSettings
from domain.errors import NotAllowed
from utils.client_warnings import client_warnings

# A name or an address, IPv6 in brackets, and a port or none.
_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[^:\[\]]*)(:\d*)?")
# A name has at most 253 characters; a longer text is none, and would be kept and logged.
MAX_HOST_LENGTH = 300
OWN_SITES = {"same-origin", "none"}
ANY_ORIGIN = "*"


def refuse_other_sites(headers: Headers, settings: AccessSettings) -> None:
    """Refuse what a browser sends for a page of another site, save those of `access.cors_origins`.

    Raises:
        NotAllowed: such a page asks.
    """
    site = headers.get("sec-fetch-site")
    if site is None or site in OWN_SITES or _is_listed(headers.get("origin"), settings.cors_origins):
        return
    raise NotAllowed("this request comes from a web page of another site; CORS_ORIGINS names those that may send it")


def is_of_own_page(headers: Headers, settings: AccessSettings) -> bool:
    """Return whether no other site has a part in a request: trust by address holds only then.

    The host is one that no other site can take as its name, and the page, if any, is the
    service's own or one that `access.cors_origins` names; `*` names none.
    """
    origin = headers.get("origin")
    own = origin is None or origin in settings.cors_origins or is_own_origin(origin, headers)
    return own and has_own_host(headers, settings.trusted_hosts)


def may_listen(headers: Headers, origins: tuple[str, ...], settings: AccessSettings) -> bool:
    """Return whether a socket may be opened: by programs, by the service's own pages and by those of `origins`."""
    origin = headers.get("origin")
    if origin is None or _is_listed(origin, origins or settings.cors_origins):
        return True
    return is_own_origin(origin, headers) and has_own_host(headers, settings.trusted_hosts)


def has_own_host(headers: Headers, trusted_hosts: tuple[str, ...]) -> bool:
    """Return whether `Host` is a name of this service that no other site can have."""
    host = headers.get("host", "")
    return len(host) <= MAX_HOST_LENGTH and _is_own_host(host, trusted_hosts)


def is_own_origin(origin: str, headers: Headers) -> bool:
    """Return whether an `Origin` is the host that the request was sent to.

    The scheme is left out: behind a proxy that ends TLS the service does not know it.
    """
    scheme, separator, host = origin.partition("://")
    return bool(separator) and scheme in {"http", "https"} and host == headers.get("host")


def _is_listed(origin: str | None, origins: tuple[str, ...]) -> bool:
    return origin is not None and (origin in origins or ANY_ORIGIN in origins)


# The same few hosts come again and again, and an unknown one is logged once.
@lru_cache(maxsize=1024)
def _is_own_host(host: str, trusted_hosts: tuple[str, ...]) -> bool:
    found = _HOST.fullmatch(host)
    name = found["name"].lower().removesuffix(".") if found else ""
    if _is_local(name) or name in trusted_hosts:
        return True
    client_warnings.warn("trust by address does not hold under this host; TRUSTED_HOSTS can name it", host=host)
    return False


def _is_local(name: str) -> bool:
    """Return whether a name cannot be another site's: an address, a name without a dot, or one of localhost."""
    if name.startswith("[") or not name.strip("."):
        return _is_address(name.strip("[]"))
    return "." not in name or name.endswith(".localhost") or _is_address(name)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
