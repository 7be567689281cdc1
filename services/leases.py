"""Work that one replica does at a time: a lease in the document store that all of them share."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

from loguru import logger

from domain.errors import StorageUnavailable
from storage.document_ports import LEASES, Document, DocumentStore
from utils.clock import Clock


class Lease:
    """The right to do some work, until it expires; whoever holds it takes it again in time.

    Each replica has its own object of it. The clocks of replicas may differ by less than the lease lasts. An owner
    that stopped for longer than that finds another owner when it takes the lease again; the fencing number, which
    grows with each change of owner, tells its late writes from those of its successor.
    """

    def __init__(
        self,
        documents: DocumentStore,
        name: str,
        seconds: float,
        clock: Clock,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Keep the parts; nothing is taken yet.

        Args:
            documents: The store that all replicas share.
            name: Of the work.
            seconds: How long it lasts from each taking on.
            clock: The server's.
            monotonic: Seconds that never jump back.
        """
        self._documents = documents
        self._name = name
        self._lasts = timedelta(seconds=seconds)
        self._clock = clock
        self._owner = uuid.uuid4().hex
        self._monotonic = monotonic
        self._held_until: float | None = None
        self._free_at: float | None = None
        self._fence = 0

    @property
    def held(self) -> bool:
        """Whether it is held now, as far as this process knows without asking."""
        return self._held_until is not None and self._monotonic() < self._held_until

    @property
    def fence(self) -> int:
        """The fencing number with which it was taken last; 0 before."""
        return self._fence

    @property
    def free_in_seconds(self) -> float | None:
        """Seconds until another owner's ends unless it is taken again; None where none was seen with the last taking.

        While the store does not answer, what was seen before stands.
        """
        return None if self._free_at is None else max(self._free_at - self._monotonic(), 0.0)

    async def take(self) -> bool:
        """Take it or go on holding it; return whether it is held then.

        Raises:
            StorageUnavailable: the store does not answer; a lease that is held stays so until it expires.
        """
        begun = self._monotonic()
        known = await self._documents.get(LEASES, self._name)
        taken = known is None or self._is_free(known)
        if taken:
            fence = self._next_fence(known)
            term = self._term(fence)
            if known is None:
                taken = await self._documents.insert(LEASES, self._name, term)
            else:
                seen = {"serial": known["serial"]}
                taken = await self._documents.replace(LEASES, self._name, term, seen)
            if taken:
                self._fence = fence
        # Counted from before the request, so that it ends here before it ends for the others.
        self._held_until = begun + self._lasts.total_seconds() if taken else None
        self._free_at = None if taken else begun + self._seconds_left(known)
        return taken

    async def give_up(self) -> None:
        """Let another take it at once, if it is held.

        Raises:
            StorageUnavailable: the store does not answer; then it expires.
        """
        if not self.held:
            return
        self._held_until = None
        known = await self._documents.get(LEASES, self._name)
        if known is not None and known["owner"] == self._owner:
            ended = {**self._term(known["fence"]), "expires_at": self._clock.now()}
            await self._documents.replace(LEASES, self._name, ended, {"serial": known["serial"]})

    @asynccontextmanager
    async def given_up_after(self) -> AsyncIterator[None]:
        """Let another take it at once when the block ends."""
        try:
            yield
        finally:
            try:
                await self.give_up()
            except StorageUnavailable as failure:
                logger.bind(lease=self._name, reason=failure.message).info("a lease ends by itself")

    def _is_free(self, known: Document) -> bool:
        now = self._clock.now()
        # A lease that ends later than one that begins now was written by a clock that ran ahead.
        return known["owner"] == self._owner or not now < known["expires_at"] <= now + 2 * self._lasts

    def _seconds_left(self, known: Document | None) -> float:
        """Return how long another's lease lasts; a whole term where another was faster to take it."""
        if known is None or self._is_free(known):
            return self._lasts.total_seconds()
        left: timedelta = known["expires_at"] - self._clock.now()
        return left.total_seconds()

    def _next_fence(self, known: Document | None) -> int:
        if known is None:
            return 1
        fence: int = known["fence"]
        return fence if known["owner"] == self._owner else fence + 1

    def _term(self, fence: int) -> Document:
        now = self._clock.now()
        return {
            "created_at": now,
            "owner": self._owner,
            "fence": fence,
            # Two terms of one owner have the same fencing number; this tells them apart.
            "serial": uuid.uuid4().hex,
            "expires_at": now + self._lasts,
        }
