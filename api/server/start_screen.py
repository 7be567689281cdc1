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

# Fewer characters can be found by trying.
MIN_TOKEN_LENGTH = 16
SHORT_TOKEN_WARNING = f"ADMIN_TOKEN has fewer than {MIN_TOKEN_LENGTH} characters: it can be guessed"


def start_screen(settings: Settings, container: Container, port: int) -> Panel:
    """Return the screen; `port` is the one that the server really listens on."""
    shown = f"[{settings.server.host}]" if ":" in settings.server.host else settings.server.host
    address = f"{shown}:{port}"
    analyses = container.base.stores.analyses
    store = analyses.kind + ("" if analyses.available else "  [red](down; analyses are not kept)[/]")
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
    for warning in _warnings(settings):
        logger.warning(warning)


def _admin(settings: AccessSettings) -> str:
    if settings.admin_token is None:
        by = "closed: there is no token"
    elif settings.admin_token_file:
        by = f"by the token in {escape(settings.admin_token_file)}"
    else:
        by = "by ADMIN_TOKEN"
    return "\n".join([by, *(f"[red]{warning}[/]" for warning in _warnings(settings))])


def _warnings(settings: AccessSettings) -> list[str]:
    """Return what is dangerous about the access of the administrator."""
    token = settings.admin_token
    short = token is not None and len(token.get_secret_value()) < MIN_TOKEN_LENGTH
    return [SHORT_TOKEN_WARNING] * short + [LOOPBACK_ADMIN_WARNING] * settings.loopback_admin


def _sources(container: Container) -> str:
    names = list(container.markets.market_data.health())
    text = ", then ".join(names)
    return text + ("  [yellow](synthetic is for demonstration)[/]" if DataSource.SYNTHETIC in names else "")


def _llm(settings: LlmSettings) -> str:
    if not settings.enabled:
        return "none: the technical rules answer"
    # The host alone: a URL may hold a password.
    where = urlsplit(settings.base_url).hostname or "OpenAI"
    return f"{settings.model} at {where}; the technical rules where it does not answer"
