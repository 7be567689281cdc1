"""`safe-mode`: make every answer of the running service Neutral, and end that."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table

from commands.console import show
from commands.options import Json
from commands.service.asking import Url, ask
from domain.values import utc_time

safe_mode = typer.Typer(help="Make every answer of the running service Neutral: on, off, status.", no_args_is_help=True)


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
    """Return the state that the service answers, after a request to switch if there is one."""
    return ask(url, "POST" if order else "GET", "/ai/safe-mode", order, admin=order is not None)


def _show(state: dict[str, Any], as_json: bool) -> None:
    changed_ms = state["changed_at"]
    changed = utc_time(changed_ms).strftime("%Y-%m-%d %H:%M:%S UTC") if changed_ms else "-"
    table = Table("safe mode", "reason", "switched")
    table.add_row("on" if state["enabled"] else "off", state["reason"] or "-", changed)
    show(state, table, as_json)
