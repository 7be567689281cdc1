"""Requests of commands to the running service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from config.secrets.admin_token import with_admin_token
from config.server_settings import ServerSettings
from config.sources import load_settings
from domain.errors import InvalidRequest, NotReady

# A job of another machine is waited for, ten seconds at most, while it is cancelled.
TIMEOUT_SECONDS = 15.0
_EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - replaced, not listened on

Url = Annotated[str | None, typer.Option(help="The service's address; by default that of the settings.")]


def ask(
    url: str | None,
    method: str,
    path: str,
    body: Mapping[str, Any] | None = None,
    *,
    admin: bool = True,
    query: Mapping[str, str | int] | None = None,
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the answer of the running service, asked as the administrator where that is needed.

    Raises:
        NotReady: no service answers at the address.
        InvalidRequest: the service refuses the request; the message is its own.
    """
    import httpx2

    settings = load_settings()
    address = f"{(url or _address(settings.server)).rstrip('/')}{path}"
    token = with_admin_token(settings).access.admin_token if admin else None
    sent = {**(headers or {}), **({"authorization": f"Bearer {token.get_secret_value()}"} if token else {})}
    try:
        response = httpx2.request(method, address, json=body, params=query, headers=sent, timeout=TIMEOUT_SECONDS)
        answer = response.json()
    except httpx2.ConnectError:
        raise NotReady(f"nothing answers at {address}: start the service, or name its address with --url") from None
    except (httpx2.TransportError, httpx2.InvalidURL, ValueError) as error:
        raise NotReady(
            f"no service of this kind answers at {address} ({error}): start it, or name its address with --url"
        ) from None
    if not response.is_success:
        raise InvalidRequest(f"{address} answers {response.status_code}: {answer.get('detail', 'no reason')}")
    return dict(answer)


def _address(server: ServerSettings) -> str:
    return f"http://{_EVERY_ADDRESS.get(server.host, server.host)}:{server.port}"
