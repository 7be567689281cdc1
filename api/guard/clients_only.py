"""Client tokens: where they are configured, every route needs one, except those that show no market."""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api.errors import handle_app_error
from api.guard.access import require_client
from config.server_settings import AccessSettings
from domain.errors import NotAuthenticated

# Probes cannot always send a token, and a browser cannot send one to the documentation or for the page and its files.
OPEN_PATHS = frozenset({"/", "/health", "/api/v1/health", "/livez", "/readyz", "/docs", "/openapi.json"})
OPEN_PREFIXES = ("/docs-assets/", "/web/")


class ClientsOnly:
    """Refuses strangers before any route is looked for; `/ws` has a rule of its own."""

    def __init__(self, app: ASGIApp, settings: AccessSettings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "http" and not is_open(scope["path"]):
            request = Request(scope)
            try:
                require_client(request, self._settings)
            except NotAuthenticated as error:
                refusal = await handle_app_error(request, error)
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)


def is_open(path: str) -> bool:
    """Return whether a path needs no token."""
    return path in OPEN_PATHS or path.startswith(OPEN_PREFIXES)
