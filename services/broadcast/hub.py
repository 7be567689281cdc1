"""Publish and subscribe for signals: each subscriber has a bounded queue, and no publisher waits.

Everything here runs on the event loop; another thread must hand over with `call_soon_threadsafe`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from cachetools import LRUCache

from services.broadcast.subscription import MAX_SYMBOLS, CloseReason, Subscription
from utils.metrics import WEBSOCKET_CONNECTIONS, WEBSOCKET_DROPPED


class Relay(Protocol):
    """Carries messages to the hubs of other replicas."""

    @property
    def open(self) -> bool:
        """Whether other replicas can be reached now."""

    def send(self, symbol: str | None, text: str) -> None:
        """Take a message and return; it is sent soon, or lost with the connection."""


class SignalHub:
    """Hands each published message to the subscribers of its symbol, here and at other replicas."""

    def __init__(self, max_buffered_bytes: int) -> None:
        """Make a hub.

        Args:
            max_buffered_bytes: UTF-8 bytes that may wait for one subscriber; more, and it is dropped.
        """
        self._max_buffered_bytes = max_buffered_bytes
        # In order of arrival, like their memory: a set costs 10 % more per broadcast.
        self._subscriptions: dict[Subscription, None] = {}
        self._relay: Relay | None = None
        self._closed = False
        # By symbol, for those who come later; as text once somebody has asked for it.
        self._newest: LRUCache[str, str | Callable[[], str]] = LRUCache(MAX_SYMBOLS)

    def __len__(self) -> int:
        return len(self._subscriptions)

    def subscribe(self) -> Subscription:
        """Return a new subscription to all symbols; on a closed hub it has already ended."""
        subscription = Subscription(self._max_buffered_bytes, self._forget)
        self._subscriptions[subscription] = None
        WEBSOCKET_CONNECTIONS.inc()
        if self._closed:
            subscription.close(CloseReason.SHUTDOWN)
        return subscription

    def relay_by(self, relay: Relay) -> None:
        """Send what is published to other replicas too."""
        self._relay = relay

    def publish(self, symbol: str | None, render: Callable[[], str], *, everywhere: bool = True) -> int:
        """Queue a message for every subscriber of the symbol, without waiting for any of them.

        Args:
            symbol: Market of the message; None for every subscriber.
            render: Makes the text; called once, and only with a subscriber or another replica for it.
            everywhere: Whether subscribers at other replicas get it; not where each replica publishes it by itself.

        Returns:
            Number of subscribers here that it was queued for.
        """
        if symbol is not None:
            self._newest[symbol] = render
        relay = self._relay if everywhere and self._relay is not None and self._relay.open else None
        subscribers = self._of(symbol)
        if not subscribers and relay is None:
            return 0
        text = render()
        if relay is not None:
            relay.send(symbol, text)
        return _enqueue(subscribers, text)

    def deliver(self, symbol: str | None, text: str) -> int:
        """Queue a message of another replica for the subscribers here, as `publish` does."""
        if symbol is not None:
            self._newest[symbol] = text
        return _enqueue(self._of(symbol), text)

    def newest(self) -> list[str]:
        """Return the newest message of each symbol, of at most `MAX_SYMBOLS` that had one last."""
        for symbol, message in list(self._newest.items()):
            if not isinstance(message, str):
                self._newest[symbol] = message()
        return [str(message) for message in self._newest.values()]

    def close(self) -> None:
        """End all subscriptions, and every later one at once."""
        self._closed = True
        for subscription in list(self._subscriptions):
            subscription.close(CloseReason.SHUTDOWN)

    def _of(self, symbol: str | None) -> list[Subscription]:
        if symbol is None:
            return list(self._subscriptions)
        return [subscription for subscription in self._subscriptions if subscription.wants(symbol)]

    def _forget(self, subscription: Subscription) -> None:
        self._subscriptions.pop(subscription, None)
        WEBSOCKET_CONNECTIONS.dec()
        if subscription.closed_reason is CloseReason.SLOW:
            WEBSOCKET_DROPPED.inc()


def _enqueue(subscribers: list[Subscription], text: str) -> int:
    if not subscribers:
        return 0
    message = text, len(text.encode())
    return sum(subscription.enqueue(message) for subscription in subscribers)
