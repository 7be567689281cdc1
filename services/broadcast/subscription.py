"""What one subscriber of signals has not read yet, within a bound.

Everything here runs on the event loop; another thread must hand over with `call_soon_threadsafe`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from enum import StrEnum

from domain.errors import InvalidRequest

# Names are kept per subscriber, so a client must not add them without limit.
MAX_SYMBOLS = 1000


class CloseReason(StrEnum):
    """Why a subscription ended."""

    LEFT = "left"
    SLOW = "slow"
    SHUTDOWN = "shutdown"


class Subscription:
    """The unread messages of one consumer; iterate over it to read them, from one task.

    It starts with the messages of all symbols. The first `add_symbols` narrows it to the named
    ones and later calls extend them; `remove_symbols` takes symbols out of whatever it has.
    The iteration ends when the subscription is closed; messages still queued are dropped.
    A message counts as buffered until the consumer comes back for the next one.
    """

    # A broadcast visits thousands of these, so they are small.
    __slots__ = (
        "_closed",
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

    def __init__(self, max_buffered_bytes: int, forget: Callable[[Subscription], None]) -> None:
        self.buffered_bytes = 0
        self.closed_reason: CloseReason | None = None
        self._max_buffered_bytes = max_buffered_bytes
        self._forget = forget
        self._queue: deque[tuple[str, int]] = deque()
        self._waiting: asyncio.Future[None] | None = None
        self._in_flight = False
        self._send_now: Callable[[str], bool] | None = None
        self._closed = asyncio.Event()
        # Wanted symbols; before the first `add_symbols`, unwanted ones.
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
        """Send without waking the consumer: with an empty queue, `send_now` is tried first.

        Waking a task for each message costs as much as the message itself. `send_now` must not
        block or raise; what it refuses by returning False is queued for the consumer.
        """
        self._send_now = send_now

    def offer(self, text: str) -> bool:
        """Queue a text for this subscriber alone, under the same bound as published messages."""
        return self.enqueue((text, len(text.encode())))

    def enqueue(self, message: tuple[str, int]) -> bool:
        """Queue a text and its size in bytes; a subscriber that has no room for it is closed as slow.

        Returns:
            Whether the message was queued.
        """
        if self.closed_reason is not None:
            return False
        if not self._queue and self._send_now is not None and self._send_now(message[0]):
            return True
        buffered_bytes = self.buffered_bytes + message[1]
        if buffered_bytes > self._max_buffered_bytes:
            self.close(CloseReason.SLOW)
            return False
        self.buffered_bytes = buffered_bytes
        self._queue.append(message)
        self._wake()
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
        """Return once the subscription has ended, also while its consumer is busy."""
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
        if self._queue:  # a closed subscription has an empty queue
            self.buffered_bytes -= self._queue.popleft()[1]

    def _name(self, symbols: frozenset[str]) -> None:
        if len(symbols) > MAX_SYMBOLS:
            raise InvalidRequest(f"a subscription names up to {MAX_SYMBOLS} symbols, this one would name more")
        self._symbols = symbols

    def _wake(self) -> None:
        # The future is already done when its consumer was just woken, or canceled.
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)
