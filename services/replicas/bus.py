"""Events of the hub and hints on their way between replicas, by publish and subscribe of Redis."""

from __future__ import annotations

import asyncio
import uuid
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import NoReturn

from loguru import logger

from services.broadcast.hub import SignalHub
from services.replicas.hints import Hint, Hints
from services.replicas.link import RedisLink, RedisLost
from utils import metrics
from utils.concurrency import background

# Characters that may wait to be sent; beyond it the oldest messages are lost.
MAX_WAITING = 4_194_304
MAX_BATCH = 100
# The start waits for the first answer of Redis, and at most this long.
FIRST_LOOK_SECONDS = 0.5
# At the end, the last events wait at most this long.
LAST_SEND_SECONDS = 0.2
_EVENT, _HINT = "event", "hint"
_HINTS = frozenset(hint.value for hint in Hint)


class ReplicaBus:
    """Sends what is published here to the other replicas, and publishes here what they send.

    A message is origin, kind, symbol or hint, and text or key, each on a line; the text may have more lines. A replica
    skips its own messages, which its subscribers have got already. While Redis is lost messages are not kept.
    """

    def __init__(self, link: RedisLink, hub: SignalHub, hints: Hints) -> None:
        """Keep the parts, and carry what they publish from now on."""
        self._link = link
        self._hub = hub
        self._hints = hints
        self._channel = link.key("replicas")
        self._origin = uuid.uuid4().hex
        self._waiting: deque[str] = deque()
        self._waiting_characters = 0
        self._arrived = asyncio.Event()
        self._been_lost = False
        self._odd = False
        hub.relay_by(self)
        hints.send_by(self._send_hint)

    @property
    def open(self) -> bool:
        """Whether other replicas can be reached now."""
        return self._link.available

    def send(self, symbol: str | None, text: str) -> None:
        """Take an event and return; it is sent soon, or lost with the connection."""
        self._take(_EVENT, symbol or "", text)

    def _send_hint(self, hint: Hint, key: str) -> None:
        if self.open:
            self._take(_HINT, hint.value, key)

    def _take(self, kind: str, name: str, text: str) -> None:
        message = f"{self._origin}\n{kind}\n{name}\n{text}"
        self._waiting.append(message)
        self._waiting_characters += len(message)
        while self._waiting_characters > MAX_WAITING:
            self._pop()
            metrics.REPLICA_MESSAGES.labels("lost").inc()
        self._arrived.set()

    async def run(self) -> NoReturn:
        """Listen and send until canceled."""
        async with background(self._sending(), "events to other replicas"):
            await self._link.listen(self._channel, self._receive, self._changed)

    async def drain(self) -> None:
        """Send what waits."""
        while self._waiting:
            batch = [self._pop() for _ in range(min(len(self._waiting), MAX_BATCH))]
            try:
                await self._link.send(self._channel, batch)
            except RedisLost:  # the link says so in the log and in /health
                metrics.REPLICA_MESSAGES.labels("lost").inc(len(batch))
            else:
                metrics.REPLICA_MESSAGES.labels("sent").inc(len(batch))

    async def _sending(self) -> NoReturn:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            await self.drain()

    def _pop(self) -> str:
        message = self._waiting.popleft()
        self._waiting_characters -= len(message)
        return message

    def _receive(self, message: str) -> None:
        origin, kind, name, text = (*message.split("\n", 3), "", "", "")[:4]
        if origin == self._origin:
            return
        metrics.REPLICA_MESSAGES.labels("received").inc()
        if kind == _EVENT:
            self._hub.deliver(name or None, text)
        elif kind == _HINT and name in _HINTS:
            self._hints.take(Hint(name), text)
        elif not self._odd:
            self._odd = True
            logger.bind(kind=kind[:20], name=name[:20]).warning("a message of another release of a replica is skipped")

    def _changed(self, available: bool) -> None:
        if available and self._been_lost:
            self._hints.catch_up()
        self._been_lost = self._been_lost or not available


@asynccontextmanager
async def open_bus(link: RedisLink, hub: SignalHub, hints: Hints) -> AsyncIterator[ReplicaBus]:
    """Carry events and hints while the block runs."""
    bus = ReplicaBus(link, hub, hints)
    async with background(bus.run(), "replicas"):
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_LOOK_SECONDS):
                await link.tried()
        yield bus
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_SEND_SECONDS):
                await bus.drain()
