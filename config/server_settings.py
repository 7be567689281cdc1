"""Settings of the server: address, limits of requests, logging, sockets, access and rate limits."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, StringConstraints
from pydantic_core import PydanticCustomError

from config.section import Count, HttpUrl, Seconds, Secret, Section, Switch, percent_encoded
from domain.values import Share, TextForm

Network = IPv4Network | IPv6Network


def _network(value: object) -> object:
    """Read a network, or the address of one machine."""
    if not isinstance(value, str):
        return value
    try:
        return ip_network(value)
    except ValueError:
        message = "needs networks such as 10.0.0.0/8 or 192.168.1.5/32, received {value}"
        raise PydanticCustomError("no_network", message, {"value": repr(value)}) from None


def _is_host(value: str) -> str:
    """Refuse what is no name or address of this machine: an empty one would listen everywhere."""
    if not value or any(character.isspace() or character in "/[]@" for character in value):
        raise PydanticCustomError("no_host", "needs an address or a name, such as 127.0.0.1, 0.0.0.0 or ::")
    return value


def _is_origin(value: str) -> str:
    """Refuse what no browser sends in `Origin`: a scheme, a host, a port where it is not the usual one, no path."""
    if value != "*" and not _ORIGIN.fullmatch(value):
        message = "needs origins such as https://page.example, with no path and no slash at the end, received {value}"
        raise PydanticCustomError("no_origin", message, {"value": repr(value)})
    return value


def _is_name(value: str) -> str:
    """Refuse what is no name of a host alone, such as a URL."""
    if not _HOST_NAME.fullmatch(value):
        message = "needs names such as signals.example, with no scheme and no port, received {value}"
        raise PydanticCustomError("no_host_name", message, {"value": repr(value)})
    return value


def _fits_a_header(token: SecretStr | None) -> SecretStr | None:
    """Refuse a token that no client can send; the message repeats no part of it."""
    text = token.get_secret_value() if token else ""
    if not (text.isascii() and text.isprintable() and text == text.strip()):
        raise PydanticCustomError("no_token", "a token needs printable ASCII characters, and no space around them")
    return token


Origin = Annotated[str, AfterValidator(_is_origin)]
Token = Annotated[Secret, AfterValidator(_fits_a_header)]
Networks = tuple[Annotated[Network, BeforeValidator(_network)], ...]
# Without a port, since names are compared without one.
HostName = Annotated[str, StringConstraints(to_lower=True), AfterValidator(_is_name)]
_HOST_NAME = re.compile(r"[a-z0-9._-]+")
_HEADER_NAME = re.compile(r"[a-z0-9-]{1,100}")
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/?#@]+")
REDIS_SCHEMES = ("redis://", "rediss://", "unix://")
RateLimit = Annotated[
    str,
    TextForm(r"^[1-9][0-9]*/(second|minute|hour|day)$", "needs a number per second, minute, hour or day: 10/minute"),
]


def _is_of_redis(url: SecretStr) -> SecretStr:
    """Refuse a URL of another kind; the message repeats no part of it."""
    if url.get_secret_value() and not url.get_secret_value().startswith(REDIS_SCHEMES):
        raise ValueError("needs to begin with redis://, rediss:// or unix://")
    return percent_encoded(url)


class ServerSettings(Section):
    """Where the service listens, and the limits of requests and connections; docs/limits.md explains them."""

    host: Annotated[str, AfterValidator(_is_host)]
    port: Annotated[int, Field(ge=0, le=65535)]
    environment: Literal["development", "staging", "production", "test"]
    max_head_bytes: Annotated[int, Field(ge=4096, le=1_048_576)]
    max_header_lines: Annotated[int, Field(ge=20, le=1000)]
    max_url_bytes: Annotated[int, Field(ge=1024, le=65_536)]
    max_pipelined_requests: Count
    head_timeout_seconds: Seconds
    body_grace_seconds: Seconds
    min_body_bytes_per_second: Count
    max_unfinished_body_bytes: Annotated[int, Field(ge=1_048_576)]
    write_timeout_seconds: Seconds
    max_connections_per_address: Count
    reserved_descriptors: Annotated[int, Field(ge=8, le=1024)]


class LoggingSettings(Section):
    level: Annotated[
        Literal["TRACE", "DEBUG", "INFO", "WARNING", "ERROR"],
        BeforeValidator(lambda value: value.upper() if isinstance(value, str) else value),
    ]
    format: Literal["text", "json"]
    file: str = ""
    file_rotation_bytes: Annotated[int, Field(ge=65_536)]
    file_retention: Count
    max_waiting_bytes: Annotated[int, Field(ge=65_536)]
    tail_lines: Annotated[int, Field(ge=1, le=10_000)]


class WebSocketSettings(Section):
    max_clients: Count
    max_clients_per_address: Count
    max_buffered_bytes: Annotated[int, Field(ge=4096)]
    max_message_bytes: Annotated[int, Field(ge=256)]
    ping_seconds: Seconds
    pong_timeout_seconds: Seconds
    origins: tuple[Origin, ...] = ()
    token: Token = None


class AccessSettings(Section):
    admin_token: Token = None
    admin_token_file: str = ""
    loopback_admin: Switch
    client_tokens: tuple[Annotated[SecretStr, AfterValidator(_fits_a_header)], ...] = ()
    trusted_networks: Networks = ()
    trusted_proxies: Networks = ()
    trusted_hosts: tuple[HostName, ...] = ()
    cors_origins: tuple[Origin, ...] = ()
    max_body_bytes: Annotated[int, Field(ge=1024)]


class RedisSettings(Section):
    """The Redis that replicas share; without a URL this process is the only one."""

    url: Annotated[SecretStr, AfterValidator(_is_of_redis)]
    prefix: Annotated[str, TextForm(r"^[A-Za-z0-9._-]{1,64}$", "needs 1 to 64 letters, digits, . _ or -")]
    timeout_ms: Annotated[int, Field(ge=1, le=10_000)]


def _header_values(headers: SecretStr) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in headers.get_secret_value().split(",")]
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _are_headers(headers: SecretStr | None) -> SecretStr | None:
    """Refuse what is no list of headers; the message repeats no part of it."""
    if headers is not None and not all(
        _HEADER_NAME.fullmatch(name) and value and value.isascii() and value.isprintable()
        for name, value in _header_values(headers).items()
    ):
        raise PydanticCustomError("no_headers", "needs headers such as authorization=Bearer token,x-scope=signals")
    return headers


class TracingSettings(Section):
    """Where traces are sent over OTLP/HTTP; without an address nothing is traced."""

    endpoint: HttpUrl
    headers: Annotated[Secret, AfterValidator(_are_headers)] = None
    sample_share: Share
    timeout_seconds: Annotated[float, Field(gt=0, le=60)]
    max_waiting_spans: Annotated[int, Field(ge=1, le=1_000_000)]

    def header_values(self) -> dict[str, str]:
        """Return the headers of what is sent, by their names in lower case."""
        return _header_values(self.headers) if self.headers is not None else {}


class RateLimitSettings(Section):
    """Limits per client address; the `_trusted` ones apply to `access.trusted_networks`."""

    enabled: Switch
    analyze: RateLimit
    analyze_trusted: RateLimit
    default: RateLimit
    default_trusted: RateLimit
    debug: RateLimit
