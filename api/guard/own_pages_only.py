"""Refuses requests that the page of another site makes a browser send, where they change something or cost money."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api.errors import handle_app_error
from api.guard.web_pages import refuse_other_sites
from config.server_settings import AccessSettings
from domain.errors import NotAllowed

SITE_HEADER = b"sec-fetch-site"
# Some of these cost money too; they are the administrator's, and `require_admin` checks them.
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class OwnPagesOnly:
    """Refuses every POST and DELETE of a page that is neither the service's own nor allowed by config."""

    def __init__(self, app: ASGIApp, settings: AccessSettings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        # Programs do not send the header, so nothing else is looked at for them.
        if scope["type"] == "http" and SITE_HEADER in dict(scope["headers"]) and scope["method"] not in SAFE_METHODS:
            try:
                refuse_other_sites(Headers(scope=scope), self._settings)
            except NotAllowed as error:
                refusal = await handle_app_error(Request(scope), error)
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)
