"""Rate limits per client address, by slowapi.

The limiter is the one module-level object: routes are decorated when they are defined, so
that an app built twice does not count twice. Its limits come from the settings of the app
that serves the request. slowapi's own decorator would parse them and inspect four signatures
on every request, 70 microseconds in all, so its limiter is asked directly. Windows are of the
monotonic clock: the machine's own may be set back by an hour.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine
from functools import lru_cache, wraps
from math import ceil
from typing import Any, Concatenate, ParamSpec, TypeVar

from limits import parse
from slowapi import Limiter
from slowapi.util import get_remote_address
from starlette.requests import Request

from api.dependencies import get_container
from api.guard.access import identify
from api.guard.monotonic_windows import MonotonicWindows
from config.server_settings import RateLimitSettings
from domain.errors import RateLimited

P = ParamSpec("P")
T = TypeVar("T")
Route = Callable[Concatenate[Request, P], Coroutine[Any, Any, T]]

limiter = Limiter(key_func=get_remote_address, storage_uri=f"{MonotonicWindows.STORAGE_SCHEME[0]}://")
_item = lru_cache(maxsize=16)(parse)


def limit_analyze(route: Route[P, T]) -> Route[P, T]:
    """Hold a route to the limit of analyses."""
    return _limited(route, lambda limits, trusted: limits.analyze_trusted if trusted else limits.analyze)


def limit_default(route: Route[P, T]) -> Route[P, T]:
    """Hold a route to the limit of everything that costs little."""
    return _limited(route, lambda limits, trusted: limits.default_trusted if trusted else limits.default)


def limit_debug(route: Route[P, T]) -> Route[P, T]:
    """Hold a route to the limit of calls that are paid for, whoever makes them."""
    return _limited(route, lambda limits, _: limits.debug)


def _limited(route: Route[P, T], choose: Callable[[RateLimitSettings, bool], str]) -> Route[P, T]:
    @wraps(route)
    async def limited(request: Request, *args: P.args, **kwargs: P.kwargs) -> T:
        settings = get_container(request).settings
        if settings.rate_limits.enabled:
            caller = identify(request, settings.access)
            item = _item(choose(settings.rate_limits, caller.trusted))
            # By the route's template: otherwise every id in a path would have a limit of its own.
            names = (caller.address, request.scope["route"].path)
            if not limiter.limiter.hit(item, *names):
                reset, _ = limiter.limiter.get_window_stats(item, *names)
                seconds = max(1, ceil(reset - time.monotonic()))
                raise RateLimited(f"more than {item} from this address; try again in {seconds} s", seconds)
        return await route(request, *args, **kwargs)

    return limited  # type: ignore[return-value]  # the request comes by position or, from FastAPI, by its name
