"""One pure ASGI middleware around everything: request id, security headers, metrics, last resort."""

from __future__ import annotations

import asyncio
import re
from functools import lru_cache
from http import HTTPStatus
from itertools import count
from secrets import token_hex
from time import perf_counter
from urllib.parse import urlsplit

from loguru import logger
from prometheus_client import Counter, Histogram
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import problem_response
from utils import metrics
from utils.log_lines import request_id

_REQUEST_ID = re.compile(rb"^[A-Za-z0-9._-]{1,64}$")
_COMMON_HEADERS = [(b"x-content-type-options", b"nosniff"), (b"x-frame-options", b"DENY")]
_REFERRER_POLICY = (b"referrer-policy", b"strict-origin-when-cross-origin")
_POLICY = b"content-security-policy"
API_HEADERS = [*_COMMON_HEADERS, _REFERRER_POLICY, (_POLICY, b"default-src 'none'; frame-ancestors 'none'")]
# The documentation page runs its own script and style, from this origin only.
_DOCS_HEADERS = [
    *_COMMON_HEADERS,
    _REFERRER_POLICY,
    (
        _POLICY,
        b"default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
        b"img-src 'self' data:; worker-src blob:; frame-ancestors 'none'",
    ),
]
_DOCS = "/docs"
# The page runs files of this origin only, and nothing that stands in the document; `'self'` covers the socket too.
_PAGE_HEADERS = [
    *_COMMON_HEADERS,
    _REFERRER_POLICY,
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    (
        _POLICY,
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        b"font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
]
_PAGE, _PAGE_FILES = "/", "/web/"
UNMATCHED = "unmatched"
RESPONSE_STARTS = {"http.response.start", "websocket.http.response.start"}
# What servers log when the client has left before the answer; no official status exists.
CLIENT_CLOSED_REQUEST = 499


class RequestContext:
    """Gives each request an id and each answer its headers, counts it, and turns a bug into a 500.

    Errors that the service knows are answered by the handlers in `api/errors.py`; what gets
    here is a mistake in the code, so the client learns the request id and nothing else.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        # Unique across restarts by the first part, within a run by the second.
        self._run = token_hex(6)
        self._numbers = count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        own_id = _given_id(scope) or f"{self._run}-{next(self._numbers)}"
        scope.setdefault("state", {})["request_id"] = own_id
        request_id.set(own_id)
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] in RESPONSE_STARTS:
                status = message["status"]
                common = _security_headers(scope["path"])
                headers = message["headers"]
                if status == HTTPStatus.TEMPORARY_REDIRECT and "endpoint" not in scope:
                    headers = _within_service(headers)
                message["headers"] = [*headers, *common, (b"x-request-id", own_id.encode())]
            await send(message)

        if scope["type"] == "websocket":
            await self._app(scope, receive, send_with_headers)
            return
        started = perf_counter()
        try:
            await self._app(scope, receive, send_with_headers)
        except ClientDisconnect:
            status = CLIENT_CLOSED_REQUEST
        except asyncio.CancelledError:
            # Only the server cancels, when a shutdown has waited long enough; it cuts half an answer by itself.
            if not status:
                response = problem_response(
                    Request(scope),
                    HTTPStatus.SERVICE_UNAVAILABLE,
                    "the service is shutting down; send it again",
                    code="shutting_down",
                )
                await response(scope, receive, send_with_headers)
        except Exception:
            logger.bind(method=scope["method"], path=scope["path"]).exception("request failed: a bug")
            if status:
                raise
            response = problem_response(
                Request(scope),
                HTTPStatus.INTERNAL_SERVER_ERROR,
                f"the service made a mistake; its log has it under request id {own_id}",
                code="internal_error",
            )
            await response(scope, receive, send_with_headers)
        _count(scope, status, perf_counter() - started)


def _security_headers(path: str) -> list[tuple[bytes, bytes]]:
    if path == _PAGE or path.startswith(_PAGE_FILES):
        return _PAGE_HEADERS
    return _DOCS_HEADERS if path.startswith(_DOCS) else API_HEADERS


def _within_service(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Let the redirect of a path with a slash too many name the path alone.

    The framework repeats `Host` in it, which any client may write and a cache may keep.
    """
    return [(name, _path_of(value) if name == b"location" else value) for name, value in headers]


def _path_of(location: bytes) -> bytes:
    parts = urlsplit(location)
    # Two slashes would begin the name of a host.
    path = b"/" + parts.path.lstrip(b"/")
    return path + b"?" + parts.query if parts.query else path


def _count(scope: Scope, status: int, seconds: float) -> None:
    """Count a request under its route's template: a path of the client's own would never end."""
    route = getattr(scope.get("route"), "path", UNMATCHED)
    requests, duration = _series(scope["method"] if route != UNMATCHED else "any", route, status)
    requests.inc()
    duration.observe(seconds)


@lru_cache(maxsize=1024)
def _series(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    return metrics.API_REQUESTS.labels(method, route, status), metrics.API_REQUEST_DURATION.labels(route)


def _given_id(scope: Scope) -> str | None:
    """Return the client's own id when it is a harmless one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID.match(value):
            return str(value, "ascii")
    return None
