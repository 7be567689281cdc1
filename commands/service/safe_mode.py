"""`safe-mode`: make every answer of the running service Neutral, and end that."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.table import Table

from commands.console import show
from commands.options import Json
from config.admin_token import with_admin_token
from config.server_settings import ServerSettings
from config.sources import load_settings
from domain.errors import InvalidRequest, NotReady

TIMEOUT_SECONDS = 10.0
_EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - replaced, not listened on

safe_mode = typer.Typer(help="Make every answer of the running service Neutral: on, off, status.", no_args_is_help=True)
Url = Annotated[str | None, typer.Option(help="The service's address; by default that of the settings.")]


@safe_mode.command("on")
def switch_on(
    reason: Annotated[str, typer.Option(help="Why, in a line; every answer says it.")],
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Switch safe mode on: every answer is Neutral and says why, until it is switched off."""
    _show(_asked(url, {"enabled": True, "reason": reason}), as_json)


@safe_mode.command("off")
def switch_off(
    reason: Annotated[str, typer.Option(help="Why, for the log.")] = "", url: Url = None, as_json: Json = False
) -> None:
    """Switch safe mode off."""
    _show(_asked(url, {"enabled": False, "reason": reason}), as_json)


@safe_mode.command()
def status(url: Url = None, as_json: Json = False) -> None:
    """Show whether safe mode is on, why and since when."""
    _show(_asked(url, None), as_json)


def _asked(url: str | None, order: dict[str, Any] | None) -> dict[str, Any]:
    """Return the state that the service answers, after an order if there is one.

    Raises:
        NotReady: no service answers at the address.
        InvalidRequest: the service refuses the order; the message is its own.
    """
    import httpx2

    settings = load_settings()
    address = f"{(url or _address(settings.server)).rstrip('/')}/ai/safe-mode"
    token = with_admin_token(settings).access.admin_token if order is not None else None
    headers = {"authorization": f"Bearer {token.get_secret_value()}"} if token else {}
    try:
        response = httpx2.request(
            "POST" if order else "GET", address, json=order, headers=headers, timeout=TIMEOUT_SECONDS
        )
        answer = response.json()
    except (httpx2.TransportError, httpx2.InvalidURL, ValueError) as error:
        raise NotReady(
            f"no service of this kind answers at {address} ({error}): start it, or name its address with --url"
        ) from None
    if not response.is_success:
        raise InvalidRequest(f"{address} answers {response.status_code}: {answer.get('detail', 'no reason')}")
    return dict(answer)


def _address(server: ServerSettings) -> str:
    return f"http://{_EVERY_ADDRESS.get(server.host, server.host)}:{server.port}"


def _show(state: dict[str, Any], as_json: bool) -> None:
    changed_ms = state["changed_at"]
    changed = datetime.fromtimestamp(changed_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if changed_ms else "-"
    table = Table("safe mode", "reason", "switched")
    table.add_row("on" if state["enabled"] else "off", state["reason"] or "-", changed)
    show(state, table, as_json)
