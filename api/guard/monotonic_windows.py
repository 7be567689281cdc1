"""Counters of the rate limits, in windows that a step of the machine's clock neither lengthens nor ends."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable
from dataclasses import dataclass

from limits.storage import Storage


@dataclass
class _Window:
    ends_at: float
    hits: int


class MonotonicWindows(Storage):
    """The storage `monotonic://` of the `limits` library: in memory, for fixed windows.

    The library's own one keeps wall-clock times: after a step back of an hour it would refuse for an hour. Times
    here are seconds of the monotonic clock, those of `get_expiry` too. It is for one thread: the event loop's.
    """

    STORAGE_SCHEME = ["monotonic"]  # noqa: RUF012 - the library reads it from the class

    def __init__(
        self,
        uri: str | None = None,
        wrap_exceptions: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
        **options: float | str | bool,
    ) -> None:
        """Start empty; `monotonic` gives seconds that never jump, the rest is the library's."""
        super().__init__(uri, wrap_exceptions, **options)
        self.monotonic = monotonic
        self._windows: dict[str, _Window] = {}
        self._ends: list[tuple[float, str]] = []  # a heap

    @property
    def base_exceptions(self) -> type[Exception] | tuple[type[Exception], ...]:
        """Errors of a server behind the storage: there is none."""
        return ()

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count in the key's window, which begins with its first hit and lasts `expiry` seconds; return the count."""
        now = self.monotonic()
        self._forget_ended(now)
        window = self._windows.get(key)
        if window is None:
            window = self._windows[key] = _Window(now + expiry, 0)
            heapq.heappush(self._ends, (window.ends_at, key))
        window.hits += amount
        return window.hits

    def get(self, key: str) -> int:
        """Return the count in the key's window."""
        window = self._windows.get(key)
        return window.hits if window is not None and window.ends_at > self.monotonic() else 0

    def get_expiry(self, key: str) -> float:
        """Return when the key's window ends, now where there is none."""
        window = self._windows.get(key)
        return window.ends_at if window is not None else self.monotonic()

    def check(self) -> bool:
        """Return whether the storage works: memory does."""
        return True

    def reset(self) -> int:
        """Forget every window and return how many there were."""
        forgotten = len(self._windows)
        self._windows.clear()
        self._ends.clear()
        return forgotten

    def clear(self, key: str) -> None:
        """Forget the window of a key."""
        self._windows.pop(key, None)

    def _forget_ended(self, now: float) -> None:
        while self._ends and self._ends[0][0] <= now:
            ends_at, key = heapq.heappop(self._ends)
            window = self._windows.get(key)
            if window is not None and window.ends_at == ends_at:
                del self._windows[key]
