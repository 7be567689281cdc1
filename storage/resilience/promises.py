"""Callers that wait until their items are safe."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from contextlib import contextmanager

Futures = dict[Hashable, "asyncio.Future[None]"]


class Promises:
    """Futures by the key of an item; all of a key are kept, or broken, together."""

    def __init__(self) -> None:
        self._waiting: defaultdict[Hashable, set[asyncio.Future[None]]] = defaultdict(set)

    @contextmanager
    def expect(self, keys: Iterable[Hashable]) -> Iterator[Futures]:
        """Give a future for each key, and forget them in the end."""
        loop = asyncio.get_running_loop()
        futures: Futures = {key: loop.create_future() for key in keys}
        for key, future in futures.items():
            self._waiting[key].add(future)
        try:
            yield futures
        finally:
            for key, future in futures.items():
                if not future.cancel() and not future.cancelled():
                    future.exception()  # heard or not, nobody waits for it any more
                self._waiting[key].discard(future)
                if not self._waiting[key]:
                    del self._waiting[key]

    def keep(self, keys: Iterable[Hashable]) -> None:
        """Tell that the items of these keys are safe."""
        for future in self._open(keys):
            future.set_result(None)

    def refuse(self, key: Hashable, error: Exception) -> None:
        """Tell why an item will not be safe."""
        for future in self._open([key]):
            future.set_exception(error)

    def _open(self, keys: Iterable[Hashable]) -> Iterator[asyncio.Future[None]]:
        found = [future for key in keys if key in self._waiting for future in self._waiting[key]]
        return (future for future in found if not future.done())


async def within(futures: Futures, seconds: float) -> bool:
    """Return whether all are done, after so many seconds at most."""
    late = {future for future in futures.values() if not future.done()}
    if late:
        await asyncio.wait(late, timeout=seconds)
    return all(future.done() for future in late)
