"""Spans of requests: the framework's own, with the tracer that the steps below them use."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any

from fastapi.telemetry import TelemetryConfig
from starlette.types import ASGIApp, Receive, Scope, Send

from utils.tracing import trace_by

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

    from utils.trace_export import Tracing

# Asked every few seconds, by programs.
PROBES = frozenset({"/health", "/api/v1/health", "/livez", "/readyz", "/metrics"})


def telemetry_of(tracing: Tracing | None) -> TelemetryConfig:
    """Return what the framework traces: requests, by our provider; it counts nothing, since our middleware does."""
    config: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
    if tracing is not None:
        config |= {
            "tracing": True,
            "tracer_provider": tracing.provider,
            "operation_spans": False,
            "exclude": _is_not_traced,
        }
    return config


def _is_not_traced(scope: MutableMapping[str, Any]) -> bool:
    """Return whether a connection is a probe, or a socket, whose span would last for hours."""
    return scope["type"] != "http" or scope["path"] in PROBES


class TracedRequests:
    """Gives the steps of each request the tracer; only a service that traces has it."""

    def __init__(self, app: ASGIApp, tracer: Tracer) -> None:
        self._app = app
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if not _is_not_traced(scope):
            trace_by(self._tracer)
        await self._app(scope, receive, send)
