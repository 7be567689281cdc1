"""Run CPU work beside the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from contextvars import copy_context
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def run_blocking(executor: Executor, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return `function(*args, **kwargs)` computed in the executor, with this task's log context."""
    context = copy_context()
    return await asyncio.get_running_loop().run_in_executor(executor, lambda: context.run(function, *args, **kwargs))
