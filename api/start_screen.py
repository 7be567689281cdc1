"""What a person sees when the service has started: where it is, and what it uses."""

from __future__ import annotations

from urllib.parse import urlsplit

from rich.panel import Panel
from rich.table import Table

from config.llm_settings import LlmSettings
from config.settings import Settings
from config.version import SERVICE_NAME, service_version
from container import Container
from domain.analysis import DataSource


def start_screen(settings: Settings, container: Container, port: int) -> Panel:
    """Return the screen; `port` is the one that the server really listens on."""
    shown = f"[{settings.server.host}]" if ":" in settings.server.host else settings.server.host
    address = f"{shown}:{port}"
    store = container.store.kind + ("" if container.store.available else "  [red](down; analyses are not kept)[/]")
    minutes = f"every {settings.analysis.interval_minutes:g} minutes"
    loop = f"{len(settings.analysis.symbols)} symbols {minutes}" if settings.periodic.enabled else "off"
    table = Table.grid(padding=(0, 2))
    for name, value in (
        ("API", f"http://{address}/ai/analyze"),
        ("docs", f"http://{address}/docs"),
        ("socket", f"ws://{address}/ws"),
        ("health", f"http://{address}/health"),
        ("store", store),
        ("data", _sources(container)),
        ("LLM", _llm(settings.llm)),
        ("loop", loop),
        ("admin", "by ADMIN_TOKEN" if settings.access.admin_token else "from this machine only"),
        ("stop", "Ctrl-C"),
    ):
        table.add_row(f"[bold]{name}[/]", value)
    return Panel(table, title=f"{SERVICE_NAME} {service_version()}", expand=False)


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
