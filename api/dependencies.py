"""The one accessor from a request or a socket to the service's parts."""

from __future__ import annotations

from typing import cast

from starlette.requests import HTTPConnection

from container import Container


def get_container(connection: HTTPConnection) -> Container:
    """Return the container of the app that serves this connection."""
    return cast("Container", connection.app.state.container)
