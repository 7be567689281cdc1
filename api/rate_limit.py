"""Rate limits per client address, by slowapi.

The limiter is the one module-level object: routes are decorated when they are defined, so
that an app built twice does not count twice. Its limits come from the settings of the app
that serves the request: the key that a request is counted under carries its own limit.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from math import ceil
from typing import ParamSpec, TypeVar

from slowapi import Limiter
from starlette.requests import Request

from api.access import identify
from api.dependencies import get_container
from config.settings import Settings

P = ParamSpec("P")
T = TypeVar("T")

limiter = Limiter(key_func=lambda request: request.client.host if request.client else "")


def _with_signature(function: Callable[P, T]) -> Callable[P, T]:
    """Store the signature, which slowapi looks up several times per request: 30 microseconds in all."""
    function.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
    return function


def _key(choose: Callable[[Settings, bool], str]) -> Callable[[Request], str]:
    @_with_signature
    def key(request: Request) -> str:
        settings = get_container(request).settings
        caller = identify(request, settings.access)
        return f"{choose(settings, caller.trusted)}|{caller.address}"

    return key


@_with_signature
def _limit_of(key: str) -> str:
    return key.partition("|")[0]


@_with_signature
def _is_off(request: Request) -> bool:
    return not get_container(request).settings.rate_limits.enabled


def _analyze(settings: Settings, trusted: bool) -> str:
    return settings.rate_limits.analyze_trusted if trusted else settings.rate_limits.analyze


def _default(settings: Settings, trusted: bool) -> str:
    return settings.rate_limits.default_trusted if trusted else settings.rate_limits.default


limit_analyze = limiter.limit(_limit_of, key_func=_key(_analyze), exempt_when=_is_off)
limit_default = limiter.limit(_limit_of, key_func=_key(_default), exempt_when=_is_off)


def retry_after_seconds(request: Request) -> int:
    """Return the whole seconds until the limit that this request ran into opens again, at least 1."""
    item, args = request.state.view_rate_limit
    reset, _ = limiter.limiter.get_window_stats(item, *args)
    return max(1, ceil(reset - time.time()))
