"""Items in the spool, off the event loop; a spool that cannot be written is left alone for a while."""

from __future__ import annotations

import asyncio
import errno
import time
from collections.abc import Callable, Sequence
from tempfile import TemporaryFile
from typing import Generic, TypeVar

from loguru import logger

from storage.resilience.item_type import ItemType
from storage.resilience.spool import Batch, Spool, SpoolFull

T = TypeVar("T")

# More than a full disk may still take in a block that was begun.
PROBE_BYTES = 16_384


class SpoolQueue(Generic[T]):
    """Keeps items in a spool, if there is one; a failure is logged once, and after a while it is tried again.

    Items of several tasks are kept one call after the other.
    """

    def __init__(
        self,
        spool: Spool | None,
        items: ItemType[T],
        *,
        retry_seconds: float,
    ) -> None:
        """Keep the parts.

        Args:
            spool: None where none is configured.
            items: Their text.
            retry_seconds: How long a spool that failed is left alone.
        """
        self._spool = spool
        self._type = items
        self._retry_seconds = retry_seconds
        self._rests_until = 0.0
        self._keeping = asyncio.Lock()
        self.reason: str | None = None
        self.unreadable = 0

    def __len__(self) -> int:
        """Return how many items wait here."""
        return 0 if self._spool is None else len(self._spool)

    @property
    def configured(self) -> bool:
        """Whether there is a spool at all."""
        return self._spool is not None

    @property
    def usable(self) -> bool:
        """Whether items may be brought."""
        return self._spool is not None and time.monotonic() >= self._rests_until

    @property
    def adopted(self) -> bool:
        """Whether items of earlier processes are left."""
        return self._spool is not None and self._spool.adopted

    @property
    def moving(self) -> bool:
        """Whether items are on their way into the spool; they are not counted yet."""
        return self._keeping.locked()

    async def open(self) -> None:
        """Take over the items of earlier processes; a folder that cannot be used is logged."""
        if self._spool is not None:
            try:
                await asyncio.to_thread(self._spool.open)
            except OSError as error:
                self._rest(error)

    async def close(self) -> None:
        """Let go of the files."""
        if self._spool is not None:
            async with self._keeping:
                await asyncio.to_thread(self._spool.close)

    async def settled(self) -> None:
        """Return when no item is on its way into the spool."""
        async with self._keeping:
            pass

    async def move(self, take: Callable[[], Sequence[T]], done: Callable[[Sequence[T], Sequence[T]], None]) -> None:
        """Append the items of `take`, group after group, until it returns none or the spool fails.

        Every group is on the disk before `done` is told of it, and of the items that have no form as text.
        """
        async with self._keeping:
            while self.usable and (items := take()):
                try:
                    refused = await asyncio.to_thread(self._append, items)
                except (OSError, SpoolFull) as error:
                    self._rest(error)
                    return
                self._works()
                done(items, refused)

    async def look_again(self) -> None:
        """Find out whether a spool that failed works again; while items wait in it, the next one tells."""
        if self._spool is not None and self.reason is not None and self.usable and not len(self):
            async with self._keeping:
                try:
                    await asyncio.to_thread(_write_a_little, self._spool)
                except OSError as error:
                    self._rest(error)
                else:
                    self._works()

    async def oldest(self, limit: int) -> tuple[list[T], Batch]:
        """Return at most `limit` of the oldest items, with their batch for `done`."""
        return await asyncio.to_thread(self._read, limit)

    async def done(self, batch: Batch) -> None:
        """Forget the items that were read last."""
        if self._spool is not None:
            await asyncio.to_thread(self._spool.done, batch)

    def _append(self, items: Sequence[T]) -> list[T]:
        texts, refused = [], []
        for item in items:
            try:
                texts.append(self._type.encode(item))
            except ValueError:
                refused.append(item)
        if self._spool is not None and texts:
            self._spool.append(texts)
            self._spool.sync()
        return refused

    def _read(self, limit: int) -> tuple[list[T], Batch]:
        assert self._spool is not None  # noqa: S101 - it holds something
        batch = self._spool.oldest(limit)
        items, unreadable = [], batch.damaged
        for text in batch.texts:
            try:
                items.append(self._type.decode(text))
            except (ValueError, KeyError, TypeError):
                unreadable += 1
        if unreadable:
            self.unreadable += unreadable
            file = str(self._spool.keep_oldest())
            logger.bind(writes=unreadable, file=file).error(
                "writes in the spool are damaged or of another version; they are not made, and their file is kept"
            )
        return items, batch

    def _works(self) -> None:
        if self.reason is not None:
            logger.info("the spool is written again")
            self.reason = None

    def _rest(self, error: OSError | SpoolFull) -> None:
        """Leave the spool alone for a while."""
        self._rests_until = time.monotonic() + self._retry_seconds
        if self.reason is None:
            name = errno.errorcode.get(error.errno or 0, type(error).__name__) if isinstance(error, OSError) else "full"
            folder = None if self._spool is None else str(self._spool.folder)  # an empty one is falsy
            logger.bind(reason=name, folder=folder).error("the spool cannot be written; writes wait in memory")
        self.reason = f"the spool cannot be written: {error.strerror if isinstance(error, OSError) else error}"


def _write_a_little(spool: Spool) -> None:
    with TemporaryFile(dir=spool.make_folder()) as file:
        file.write(bytes(PROBE_BYTES))
