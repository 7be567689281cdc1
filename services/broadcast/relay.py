"""The way of messages to the hubs of other replicas."""

from __future__ import annotations

from typing import Protocol


class Relay(Protocol):
    """Carries messages to the hubs of other replicas."""

    @property
    def open(self) -> bool:
        """Whether other replicas can be reached now."""

    def send(self, symbol: str | None, text: str) -> None:
        """Take a message and return; it is sent soon, or lost with the connection."""
