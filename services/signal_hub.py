"""Publish and subscribe for signals: each subscriber has a bounded queue, and nobody waits for anybody.

Everything here runs on the event loop; another thread must hand over with `call_soon_threadsafe`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from enum import StrEnum

from domain.errors import InvalidRequest
from utils.metrics import WEBSOCKET_CONNECTIONS, WEBSOCKET_DROPPED

# Names are kept per subscriber, so a client must not be able to name them without end.
MAX_SYMBOLS = 1000


class CloseReason(StrEnum):
    """Why a subscription ended."""

    LEFT = "left"
    SLOW = "slow"
    SHUTDOWN = "shutdown"


class Subscription:
    """The messages that one consumer has still to read; iterate over it to read them, from one task.

    It starts with the messages of all symbols. The first `add_symbols` narrows it to the named
    ones and later calls extend them; `remove_symbols` takes symbols out of whatever it has.
    The iteration ends when the subscription is closed, and what was still queued is let go.
    A message counts as buffered until the consumer comes back for the next one.
    """

    # A broadcast visits thousands of these: they are kept small.
    __slots__ = (
        "_closed",
        "_flush_soon",
        "_forget",
        "_in_flight",
        "_max_buffered_bytes",
        "_narrowed",
        "_queue",
        "_send_now",
        "_symbols",
        "_waiting",
        "buffered_bytes",
        "closed_reason",
    )

    def __init__(
        self,
        max_buffered_bytes: int,
        forget: Callable[[Subscription], None],
        flush_soon: Callable[[Subscription], None],
    ) -> None:
        self.buffered_bytes = 0
        self.closed_reason: CloseReason | None = None
        self._max_buffered_bytes = max_buffered_bytes
        self._forget = forget
        self._flush_soon = flush_soon
        self._queue: deque[tuple[str, int]] = deque()
        self._waiting: asyncio.Future[None] | None = None
        self._in_flight = False
        self._send_now: Callable[[str], bool] | None = None
        self._closed = asyncio.Event()
        # The symbols named so far: those that are wanted, or, before the first `add_symbols`, those that are not.
        self._symbols: frozenset[str] = frozenset()
        self._narrowed = False

    def wants(self, symbol: str) -> bool:
        """Return whether messages of this symbol are for this subscriber."""
        return (symbol in self._symbols) is self._narrowed

    def add_symbols(self, symbols: Iterable[str]) -> None:
        """Receive these symbols: only these on the first call, these too on later ones.

        Raises:
            InvalidRequest: the subscription would name more than `MAX_SYMBOLS` symbols; it stays as it was.
        """
        self._name(self._symbols.union(symbols) if self._narrowed else frozenset(symbols))
        self._narrowed = True

    def remove_symbols(self, symbols: Iterable[str]) -> None:
        """Stop receiving these symbols.

        Raises:
            InvalidRequest: the subscription would name more than `MAX_SYMBOLS` symbols; it stays as it was.
        """
        self._name(self._symbols.difference(symbols) if self._narrowed else self._symbols.union(symbols))

    def deliver_directly(self, send_now: Callable[[str], bool]) -> None:
        """Spare the consumer: a message that nothing waits before is given to `send_now` first.

        Waking a task for each message costs more than the message itself. `send_now` must not
        block or raise; the consumer gets what it refuses by returning False, and all after it.
        It is called from the event loop soon after a publish, which thus stays quick.
        """
        self._send_now = send_now

    def flush(self) -> None:
        """Send without the consumer for as long as that works, unless it is at work itself."""
        if self._in_flight or self._send_now is None:
            return
        while self._queue and self._send_now(self._queue[0][0]):
            self._pop()
        if self._queue:
            self._wake()

    def offer(self, text: str) -> bool:
        """Queue a text for this subscriber alone, under the same bound as what is published."""
        return self.enqueue((text, len(text.encode())))

    def enqueue(self, message: tuple[str, int]) -> bool:
        """Queue a text and its size in bytes; a subscriber that has no room for it is closed as slow.

        Returns:
            Whether the message was queued.
        """
        if self.closed_reason is not None:
            return False
        buffered_bytes = self.buffered_bytes + message[1]
        if buffered_bytes > self._max_buffered_bytes:
            self.close(CloseReason.SLOW)
            return False
        self.buffered_bytes = buffered_bytes
        self._queue.append(message)
        if len(self._queue) == 1:
            if self._send_now is None:
                self._wake()
            else:
                self._flush_soon(self)
        return True

    def close(self, reason: CloseReason) -> None:
        """End the subscription; the first reason given stands."""
        if self.closed_reason is not None:
            return
        self.closed_reason = reason
        self._queue.clear()
        self.buffered_bytes = 0
        self._forget(self)
        self._closed.set()
        self._wake()

    async def wait_closed(self) -> None:
        """Return once the subscription has ended, however busy its consumer is."""
        await self._closed.wait()

    def __aiter__(self) -> Subscription:
        return self

    async def __anext__(self) -> str:
        if self._in_flight:
            self._in_flight = False
            self._pop()
        while not self._queue:
            if self.closed_reason is not None:
                raise StopAsyncIteration
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
        self._in_flight = True
        return self._queue[0][0]

    def _pop(self) -> None:
        if self._queue:  # closing has emptied it
            self.buffered_bytes -= self._queue.popleft()[1]

    def _name(self, symbols: frozenset[str]) -> None:
        if len(symbols) > MAX_SYMBOLS:
            raise InvalidRequest(f"a subscription names up to {MAX_SYMBOLS} symbols, this one would name more")
        self._symbols = symbols

    def _wake(self) -> None:
        # The future is done already when its consumer was woken a moment ago, or cancelled.
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)


class SignalHub:
    """Hands each published message to the subscribers of its symbol."""

    def __init__(self, max_buffered_bytes: int) -> None:
        """Make a hub.

        Args:
            max_buffered_bytes: UTF-8 bytes that may wait for one subscriber; more, and it is dropped.
        """
        self._max_buffered_bytes = max_buffered_bytes
        self._subscriptions: set[Subscription] = set()
        self._to_flush: list[Subscription] = []
        self._closed = False

    def __len__(self) -> int:
        return len(self._subscriptions)

    def subscribe(self) -> Subscription:
        """Return a new subscription to all symbols; on a closed hub it has already ended."""
        subscription = Subscription(self._max_buffered_bytes, self._forget, self._flush_soon)
        self._subscriptions.add(subscription)
        WEBSOCKET_CONNECTIONS.inc()
        if self._closed:
            subscription.close(CloseReason.SHUTDOWN)
        return subscription

    def publish(self, symbol: str, render: Callable[[], str]) -> int:
        """Queue a message for every subscriber of the symbol, without waiting for any of them.

        Args:
            symbol: Market the message is about.
            render: Makes the text; called once, and only when somebody wants it.

        Returns:
            Number of subscribers it was queued for.
        """
        subscribers = [subscription for subscription in self._subscriptions if subscription.wants(symbol)]
        if not subscribers:
            return 0
        text = render()
        message = text, len(text.encode())
        return sum(subscription.enqueue(message) for subscription in subscribers)

    def close(self) -> None:
        """End all subscriptions, those to come too."""
        self._closed = True
        for subscription in list(self._subscriptions):
            subscription.close(CloseReason.SHUTDOWN)

    def _forget(self, subscription: Subscription) -> None:
        self._subscriptions.discard(subscription)
        WEBSOCKET_CONNECTIONS.dec()
        if subscription.closed_reason is CloseReason.SLOW:
            WEBSOCKET_DROPPED.inc()

    def _flush_soon(self, subscription: Subscription) -> None:
        """Flush after the publisher has gone on; one callback serves all that a publish fills."""
        if not self._to_flush:
            asyncio.get_running_loop().call_soon(self._flush)
        self._to_flush.append(subscription)

    def _flush(self) -> None:
        subscriptions, self._to_flush = self._to_flush, []
        for subscription in subscriptions:
            subscription.flush()
