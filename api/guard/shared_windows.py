"""Counters of the rate limits in the Redis that replicas share."""

from __future__ import annotations

import time
from dataclasses import dataclass
from math import ceil

from cachetools import TLRUCache
from limits import RateLimitItem

from services.replicas.link import RedisLink
from utils.concurrency import SingleFlight

# Addresses and routes, of which something is known without asking Redis.
MAX_KNOWN = 10_000
# Hits that are taken at once, as a share of the limit.
TAKEN_SHARE = 0.01
# A window that ends just now is not asked about again and again.
MIN_SECONDS = 0.1


@dataclass
class _SharedWindow:
    """What is known of a window until it ends: hits that were taken and not used, or that its limit is used up."""

    until: float
    left: int
    used_up: bool


class SharedWindows:
    """Fixed windows of the `limits` library, which begin with the first hit at any replica.

    A hit costs a round trip and a quarter of a millisecond of the processor, so of limits above 200 a hundredth is
    taken at once: what a replica does not use of it until the window ends is lost. A limit that is used up is
    remembered until its window ends: a flood of refused requests costs Redis nothing.
    """

    def __init__(self, link: RedisLink) -> None:
        """Count through this link."""
        from limits.aio.storage import RedisStorage
        from limits.aio.strategies import FixedWindowRateLimiter

        self._link = link
        storage = RedisStorage(
            "async+redis://", implementation="redispy", key_prefix=link.key("limits"), connection_pool=link.pool
        )
        self._windows = FixedWindowRateLimiter(storage)
        self._asking: SingleFlight[None] = SingleFlight()
        self._known: TLRUCache[str, _SharedWindow] = TLRUCache(
            MAX_KNOWN, lambda _, known, __: known.until, time.monotonic
        )

    @property
    def available(self) -> bool:
        """Whether Redis is there."""
        return self._link.available

    async def hit(self, item: RateLimitItem, *names: str) -> int:
        """Count a request, and return the seconds until the window ends where its limit is used up, else 0.

        Raises:
            RedisLost: Redis does not answer.
        """
        key = item.key_for(*names)
        while True:
            known = self._known.get(key)
            if known is None or not (known.used_up or known.left):
                # One question at a time: each of many concurrent requests would take a share of its own.
                await self._asking.do(key, lambda: self._ask(key, item, names))
                continue
            if known.used_up:
                return max(1, ceil(known.until - time.monotonic()))
            known.left -= 1
            return 0

    async def _ask(self, key: str, item: RateLimitItem, names: tuple[str, ...]) -> None:
        taken = max(1, int(item.amount * TAKEN_SHARE))
        if await self._link.guarded(self._windows.hit(item, *names, cost=taken)):
            self._known[key] = _SharedWindow(time.monotonic() + item.get_expiry(), taken, used_up=False)
            return
        ends_at, _ = await self._link.guarded(self._windows.get_window_stats(item, *names))
        seconds = max(ends_at - time.time(), MIN_SECONDS)
        self._known[key] = _SharedWindow(time.monotonic() + seconds, 0, used_up=True)
