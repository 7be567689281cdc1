"""What routes declare: who may ask and how often, the body, and the parts of the service that they use.

FastAPI runs the dependencies of a route in the order of their declaration, those of `dependencies=[…]` first. So a
request is counted, then its caller is checked, and only then its body is read. FastAPI's own body parameters would be
read before all of that, and checked with the types of Python instead of those of JSON.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, ClassVar, TypeVar

from fastapi import Depends, Header, Security
from fastapi.security import HTTPBearer
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection, Request

from api.bodies.json_body import LARGE_BODY_BYTES, lacks_holidays, read_body, read_bytes, read_model
from api.guard.access import identify, is_administrator, require_admin
from api.guard.listeners import may_hear
from api.guard.rate_limit import count
from api.server.http_heads import announces_body
from config.server_settings import RateLimitSettings
from config.settings import Settings
from container import Container
from domain.errors import InvalidRequest, NotAuthenticated
from domain.hours.holidays import load_holidays
from domain.values import epoch_ms

T = TypeVar("T")
# From a body, the settings, the server's clock in epoch ms, and whether the caller is trusted.
Reader = Callable[[bytes, Settings, int, bool], T]

# For the document alone: `require_admin` reads the header.
ADMIN_SCHEME = HTTPBearer(
    scheme_name="admin",
    description="The ADMIN_TOKEN, or the token in the file that the service names when it starts.",
    auto_error=False,
)


def get_container(connection: HTTPConnection) -> Container:
    """Return the container of the app that serves this connection."""
    container: Container = connection.scope["app"].state.container
    return container


async def query_of(request: Request, container: Container, read: Reader[T]) -> T:
    """Return the query of a request with a JSON body; a large one is read off the event loop.

    Raises:
        UnsupportedMediaType, PayloadTooLarge: as `read_body`.
        RequestValidationError, InvalidRequest, InvalidMarketData: as `read`.
    """
    settings = container.base.settings
    body = await read_body(request, settings.access.max_body_bytes)
    if lacks_holidays(body):
        await run_in_threadpool(load_holidays)
    trusted = identify(request, settings.access).trusted
    now_ms = epoch_ms(container.base.clock.now())
    if len(body) > LARGE_BODY_BYTES:
        return await run_in_threadpool(read, body, settings, now_ms, trusted)
    return read(body, settings, now_ms, trusted)


class Check:
    """A dependency that refuses requests; the OpenAPI document adds its statuses to the routes that declare it."""

    statuses: ClassVar[tuple[HTTPStatus, ...]] = ()


class RateLimit(Check):
    """Counts requests per address and route; `choose` picks the limit, by whether the caller is trusted."""

    statuses = (HTTPStatus.TOO_MANY_REQUESTS,)

    def __init__(self, choose: Callable[[RateLimitSettings, bool], str]) -> None:
        self._choose = choose

    async def __call__(self, request: Request) -> None:
        """Count the request; raises as `count`."""
        await self.count(request, get_container(request).base.settings)

    async def count(self, request: Request, settings: Settings) -> None:
        """Count the request of a route that FastAPI does not resolve.

        Raises:
            RateLimited: the address has used up the limit of this route.
        """
        if settings.rate_limits.enabled:
            caller, shared = identify(request, settings.access), request.app.state.shared_windows
            await count(request, caller, self._choose(settings.rate_limits, caller.trusted), shared)


class Administrator(Check):
    """Lets only the administrator pass."""

    statuses = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)

    async def __call__(self, request: Request, _: Annotated[object, Security(ADMIN_SCHEME)]) -> None:
        """Check the caller; raises as `require_admin`."""
        require_admin(request, get_container(request).base.settings.access)


class Listener(Check):
    """Lets those pass who may listen to the socket, and the administrator."""

    statuses = (HTTPStatus.UNAUTHORIZED,)

    async def __call__(self, request: Request) -> None:
        """Check the caller.

        Raises:
            NotAuthenticated: the request has no token of those that the socket asks for.
        """
        settings = get_container(request).base.settings
        if may_hear(request, settings) or is_administrator(request, settings.access):
            return
        raise NotAuthenticated("this route needs the bearer token of the socket: that of WS_TOKEN or CLIENT_TOKENS")


class BodyCheck(Check):
    """Reads a JSON body of this model."""

    statuses = (
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    )

    def __init__(self, model: type[BaseModel], *, required: bool = True) -> None:
        self.model = model
        self.required = required


class JsonBody(BodyCheck):
    """Gives a route its body as a model; `max_bytes` is `access.max_body_bytes` where none is given."""

    def __init__(self, model: type[BaseModel], max_bytes: int | None = None, *, required: bool = True) -> None:
        super().__init__(model, required=required)
        self._max_bytes = max_bytes

    async def __call__(self, request: Request) -> BaseModel:
        """Read the body; one that is left out where none is required is `{}`. Raises as `read_model`."""
        if not self.required and not announces_body(request.scope["headers"]):
            return self.model()
        max_bytes = self._max_bytes or get_container(request).base.settings.access.max_body_bytes
        return await read_model(request, self.model, max_bytes)


class FileBody(Check):
    """Gives a route the content of a file as its body, at most `access.max_body_bytes`."""

    types: ClassVar[tuple[str, ...]] = ("application/octet-stream", "text/csv")
    statuses = BodyCheck.statuses

    async def __call__(self, request: Request) -> bytes:
        """Read the body.

        Raises:
            UnsupportedMediaType, PayloadTooLarge: as `read_bytes`.
            InvalidRequest: it is empty.
        """
        content = await read_bytes(request, get_container(request).base.settings.access.max_body_bytes, self.types)
        if not content:
            raise InvalidRequest("the body is empty: send the content of the file as it is")
        return content


class QueryBody(BodyCheck):
    """Gives a route the query of its body, which has this model as its schema."""

    def __init__(self, model: type[BaseModel], read: Reader[object]) -> None:
        super().__init__(model)
        self._read = read

    async def __call__(self, request: Request) -> object:
        """Read the body; raises as `query_of`."""
        return await query_of(request, get_container(request), self._read)


Admin = Depends(Administrator())
MayListen = Depends(Listener())

analyze_limit = RateLimit(lambda limits, trusted: limits.analyze_trusted if trusted else limits.analyze)
# Of analyses; of everything that costs little; of calls that are paid for, for every caller alike.
AnalyzeLimit = Depends(analyze_limit)
DefaultLimit = Depends(RateLimit(lambda limits, trusted: limits.default_trusted if trusted else limits.default))
DebugLimit = Depends(RateLimit(lambda limits, _: limits.debug))


async def _is_trusted(request: Request) -> bool:
    return identify(request, get_container(request).base.settings.access).trusted


# Whether others may read what this caller sends.
Trusted = Annotated[bool, Depends(_is_trusted)]


async def _address(request: Request) -> str:
    return identify(request, get_container(request).base.settings.access).address


# Where the request comes from, for the log.
CallerAddress = Annotated[str, Depends(_address)]

# Names a job: a second request with the same name is answered with the same job.
JobKey = Annotated[str | None, Header(alias="Idempotency-Key", min_length=1, max_length=200)]
