"""What a person sees when the service has started: where it is, and what it uses."""

from __future__ import annotations

from urllib.parse import urlsplit

from loguru import logger
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from config.llm_settings import LlmSettings
from config.server_settings import AccessSettings
from config.settings import Settings
from container import Container
from domain.analysis import DataSource
from utils.version import SERVICE_NAME, service_version

LOOPBACK_ADMIN_WARNING = "access.loopback_admin is on: everything on this machine, proxies too, is the administrator"


def start_screen(settings: Settings, container: Container, port: int) -> Panel:
    """Return the screen; `port` is the one that the server really listens on."""
    shown = f"[{settings.server.host}]" if ":" in settings.server.host else settings.server.host
    address = f"{shown}:{port}"
    store = container.store.kind + ("" if container.store.available else "  [red](down; analyses are not kept)[/]")
    minutes = f"every {settings.analysis.interval_minutes:g} minutes"
    loop = f"{len(settings.analysis.symbols)} symbols {minutes}" if settings.periodic.enabled else "off"
    table = Table.grid(padding=(0, 2))
    for name, value in (
        ("page", f"http://{address}/"),
        ("API", f"http://{address}/ai/analyze"),
        ("docs", f"http://{address}/docs"),
        ("socket", f"ws://{address}/ws"),
        ("health", f"http://{address}/health"),
        ("store", store),
        ("data", _sources(container)),
        ("LLM", _llm(settings.llm)),
        ("loop", loop),
        ("admin", _admin(settings.access)),
        ("stop", "Ctrl-C"),
    ):
        table.add_row(f"[bold]{name}[/]", value)
    return Panel(table, title=f"{SERVICE_NAME} {service_version()}", expand=False)


def log_access(settings: AccessSettings) -> None:
    """Log where the token of the administrator is, and warn of what is open without it."""
    if settings.admin_token is None:
        logger.warning("there is no admin token: admin routes are closed")
    elif settings.admin_token_file:
        logger.bind(file=settings.admin_token_file).info("admin routes need the token in this file")
    if settings.loopback_admin:
        logger.warning(LOOPBACK_ADMIN_WARNING)


def _admin(settings: AccessSettings) -> str:
    if settings.admin_token is None:
        by = "closed: there is no token"
    elif settings.admin_token_file:
        by = f"by the token in {escape(settings.admin_token_file)}"
    else:
        by = "by ADMIN_TOKEN"
    return f"{by}\n[red]{LOOPBACK_ADMIN_WARNING}[/]" if settings.loopback_admin else by


def _sources(container: Container) -> str:
    names = list(container.market_data.health())
    text = ", then ".join(names)
    return text + ("  [yellow](synthetic is for demonstration)[/]" if DataSource.SYNTHETIC in names else "")


def _llm(settings: LlmSettings) -> str:
    if not settings.enabled:
        return "none: the technical rules answer"
    # The host alone: a URL may hold a password.
    where = urlsplit(settings.base_url).hostname or "OpenAI"
    return f"{settings.model} at {where}; the technical rules where it does not answer"
