"""Whether this process traces, and the parts for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from config.server_settings import TracingSettings
from config.settings import Settings
from domain.errors import ConfigurationError

if TYPE_CHECKING:
    from utils.trace_export import Tracing

# Modules of the extra `tracing` of pyproject.toml, and the packages that have them.
LIBRARIES = {
    "opentelemetry.sdk": "opentelemetry-sdk",
    "opentelemetry.exporter.otlp.proto.http": "opentelemetry-exporter-otlp-proto-http",
}


def check_tracing(settings: TracingSettings) -> None:
    """Refuse an endpoint whose libraries are not installed; none of them is loaded.

    Raises:
        ConfigurationError: at least one is missing; the message has the command that installs them.
    """
    if settings.endpoint and (missing := [package for module, package in LIBRARIES.items() if not _is_there(module)]):
        raise ConfigurationError(
            f"tracing.endpoint needs {' and '.join(missing)}, which this installation does not have: "
            f".venv/bin/uv pip install {' '.join(LIBRARIES.values())}"
        )


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # of a package that it would be in
        return False


def make_tracing(settings: Settings) -> Tracing | None:
    """Return what traces, which has to be run; None where no receiver is configured.

    Raises:
        ConfigurationError: its libraries are not installed.
    """
    check_tracing(settings.tracing)
    if not settings.tracing.endpoint:
        return None
    from utils.trace_export import Tracing  # loads the SDK

    return Tracing(settings.tracing, settings.server.environment)


@asynccontextmanager
async def tracing_as_configured(settings: Settings) -> AsyncIterator[None]:
    """Trace what a process without requests does, where a receiver is configured.

    Raises:
        ConfigurationError: the libraries for it are not installed.
    """
    tracing = make_tracing(settings)
    if tracing is None:
        yield
        return
    async with tracing.running():
        yield
