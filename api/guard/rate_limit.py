"""Rate limits per client address, by slowapi.

The limiter is the one module-level object, so that an app built twice does not count twice. Its limits come from the
settings of the app that serves the request. slowapi's own decorator would parse them and inspect four signatures on
every request, 70 microseconds in all, so its limiter is asked directly. Windows are of the monotonic clock: the
machine's own may be set back by an hour. With several replicas the windows are in their Redis.
"""

from __future__ import annotations

import time
from contextlib import suppress
from functools import lru_cache
from math import ceil

from limits import RateLimitItem, parse
from slowapi import Limiter
from slowapi.util import get_remote_address
from starlette.requests import Request

from api.guard.access import Caller, share_of
from api.guard.monotonic_windows import MonotonicWindows
from api.guard.shared_windows import SharedWindows
from domain.errors import RateLimited
from services.replicas.link import RedisLost

limiter = Limiter(key_func=get_remote_address, storage_uri=f"{MonotonicWindows.STORAGE_SCHEME[0]}://")
_item = lru_cache(maxsize=16)(parse)


async def count(request: Request, caller: Caller, limit: str, shared: SharedWindows | None) -> None:
    """Count a request of a caller to the route that serves it.

    Args:
        request: After its route was found.
        caller: Whose address is counted, with IPv6 its network: one client has all addresses of that.
        limit: Such as "10/minute".
        shared: Windows of all replicas; None of one process. While they are lost, this process counts by itself.

    Raises:
        RateLimited: the address has used up the limit of this route.
    """
    item = _item(limit)
    # By the route's template: otherwise every id in a path would have a limit of its own.
    names = (share_of(caller.address), request.scope["route"].path)
    seconds = await _hit(item, names, shared)
    if seconds:
        raise RateLimited(f"more than {item} from this address; try again in {seconds} s", seconds)


async def _hit(item: RateLimitItem, names: tuple[str, str], shared: SharedWindows | None) -> int:
    """Return the seconds until the window ends where its limit is used up, else 0."""
    if shared is not None and shared.available:
        with suppress(RedisLost):  # /health says so
            return await shared.hit(item, *names)
    if limiter.limiter.hit(item, *names):
        return 0
    reset, _ = limiter.limiter.get_window_stats(item, *names)
    return max(1, ceil(reset - time.monotonic()))
