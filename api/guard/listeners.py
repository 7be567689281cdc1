"""Who may hear signals that others were given, over the socket and over HTTP."""

from __future__ import annotations

from starlette.requests import HTTPConnection

from api.guard.access import bearer, identify, is_one_of
from config.settings import Settings

# A browser cannot set headers on a WebSocket, but it can offer subprotocols: "bearer" and the token.
BEARER_SUBPROTOCOL = "bearer"


def may_hear(connection: HTTPConnection, settings: Settings) -> bool:
    """Return whether the client shows a token, if one is configured; a token in the URL does not count.

    The administrator's serves too. Where only clients have tokens, trusted networks need none, as everywhere.
    """
    own, access = settings.websocket.token, settings.access
    needed = (*access.client_tokens, *([own] if own else []))
    if not needed or (own is None and identify(connection, access).trusted):
        return True
    tokens = (*needed, *([access.admin_token] if access.admin_token else []))
    if is_one_of(bearer(connection.headers), tokens):
        return True
    match connection.scope.get("subprotocols", []):
        case [scheme, offered] if scheme == BEARER_SUBPROTOCOL:
            return is_one_of(offered, tokens)
    return False
