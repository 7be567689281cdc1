"""Which of several processes on one store runs the periodic analysis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import NoReturn

from loguru import logger

from domain.errors import StorageUnavailable
from services.leases import Lease
from utils.concurrency import background

# The holder takes the lease again after this share of it; the others look as often, and when it ends.
RENEW_SHARE = 1 / 3
MIN_LOOK_SECONDS = 0.05


class LoopTurn:
    """Held by the process that has the lease, and passed on when that process is gone for as long as the lease lasts.

    A store that does not answer stops no loop that runs, and lets one begin that knows of no other.
    """

    def __init__(
        self, lease: Lease, lease_seconds: float, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    ) -> None:
        """Keep the lease; it is not taken yet, and `sleep` waits a number of seconds."""
        self._lease = lease
        self._most_seconds = lease_seconds * RENEW_SHARE
        self._sleep = sleep
        self._begun = asyncio.Event()
        self._known: bool | None = None

    @property
    def held(self) -> bool:
        """Whether this process runs the loop now."""
        return self._begun.is_set()

    async def begun(self) -> None:
        """Return when this process runs the loop."""
        await self._begun.wait()

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Take the lease again and again while the block runs, and give it up at the end."""
        async with self._lease.given_up_after(), background(self._keep(), "lease of the periodic analysis"):
            yield

    async def _keep(self) -> NoReturn:
        while True:
            await self.look()
            free_in = self._lease.free_in_seconds
            pause = self._most_seconds if free_in is None else min(self._most_seconds, free_in)
            await self._sleep(max(pause, MIN_LOOK_SECONDS))

    async def look(self) -> None:
        """Take the lease, or see that another has it."""
        try:
            mine = await self._lease.take()
        except StorageUnavailable:
            mine = self._lease.free_in_seconds is None
        if mine:
            self._begun.set()
        else:
            self._begun.clear()
        if mine is not self._known and (self._known is not None or not mine):
            logger.info("the periodic analysis runs here now" if mine else "the periodic analysis runs elsewhere")
        self._known = mine
