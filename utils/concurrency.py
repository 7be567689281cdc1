"""Work off the event loop, loops in the background, and work that several callers share."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Hashable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import copy_context
from typing import Any, Generic, NoReturn, ParamSpec, TypeVar

from loguru import logger

from domain.errors import StorageUnavailable

P = ParamSpec("P")
T = TypeVar("T")
# Longer than what a loop does at its end, such as giving up a lease.
CANCEL_AGAIN_SECONDS = 5.0


async def run_blocking(executor: Executor, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return `function(*args, **kwargs)` computed in the executor, with this task's log context."""
    context = copy_context()
    return await asyncio.get_running_loop().run_in_executor(executor, lambda: context.run(function, *args, **kwargs))


@contextmanager
def worker_threads(count: int, name: str) -> Iterator[Executor]:
    """Give threads of a name; at the end, work that waits is dropped and work that runs is not waited for."""
    executor = ThreadPoolExecutor(count, thread_name_prefix=name)
    try:
        yield executor
    finally:
        executor.shutdown(wait=False, cancel_futures=True)


@asynccontextmanager
async def background(loop: Coroutine[Any, Any, object], name: str | None = None) -> AsyncIterator[None]:
    """Run a loop as a task while the block runs, and cancel it at the end.

    A loop that fails is logged at once, since the block may run for weeks; its error is raised at the end of the block.
    """
    task = asyncio.create_task(loop, name=name)
    task.add_done_callback(_log_failure)
    try:
        yield
    finally:
        # A library may take the first cancellation for a failure of its own, and the loop would go on.
        while not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=CANCEL_AGAIN_SECONDS)
        with suppress(asyncio.CancelledError):
            await task


def _log_failure(task: asyncio.Task[object]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.bind(loop=task.get_name()).opt(exception=error).error("a loop in the background has ended with an error")


async def look_again(
    look: Callable[[], Awaitable[object]], pause: Callable[[], Awaitable[object]], what: str
) -> NoReturn:
    """Look, and again after each pause, until canceled; neither a store that is down nor a defect ends the loop.

    Args:
        look: Does what is due.
        pause: Waits until the next look.
        what: The work, for the log, such as "checking models for drift"; a store that is down is logged once.
    """
    waiting = False
    while True:
        try:
            await look()
            waiting = False
        except StorageUnavailable as failure:
            if not waiting:
                logger.bind(reason=failure.message).info(f"{what} waits for the store")
            waiting = True
        except Exception:  # noqa: BLE001 - a defect must not end the loop
            logger.exception(f"{what} failed unexpectedly")
        await pause()


class Pause:
    """The pause between two looks of a loop, which may be ended early."""

    def __init__(self, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep) -> None:
        """Wait by `sleep`, which takes a number of seconds."""
        self._sleep = sleep
        self._ended = asyncio.Event()

    def end(self) -> None:
        """End the pause, or the next one where none is now."""
        self._ended.set()

    async def wait(self, seconds: float) -> None:
        """Return after these seconds, or when the pause is ended."""
        sleeping = asyncio.ensure_future(self._sleep(seconds))
        ending = asyncio.ensure_future(self._ended.wait())
        try:
            await asyncio.wait((sleeping, ending), return_when=asyncio.FIRST_COMPLETED)
            if sleeping.done():
                sleeping.result()
        finally:
            sleeping.cancel()
            ending.cancel()
        self._ended.clear()


class SingleFlight(Generic[T]):
    """Runs work once for all callers that ask for the same key at the same moment.

    The work is a task of its own: a caller that is canceled does not cancel it for the others.
    """

    def __init__(self) -> None:
        self._tasks: dict[Hashable, asyncio.Task[T]] = {}

    def __contains__(self, key: Hashable) -> bool:
        """Return whether work runs for a key."""
        return key in self._tasks

    async def do(self, key: Hashable, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Return the result of the work that runs for the key, or start it; every caller gets its error."""
        task = self._tasks.get(key)
        if task is None:
            task = self._tasks[key] = asyncio.create_task(work())
            task.add_done_callback(lambda done: self._landed(key, done))
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Cancel all work, and wait until it has ended."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _landed(self, key: Hashable, task: asyncio.Task[T]) -> None:
        del self._tasks[key]
        if not task.cancelled():
            task.exception()  # waiters receive it; without any, it counts as retrieved here


async def until_stopped() -> None:
    """Return when the process is asked to end, by SIGTERM or Ctrl-C."""
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    await stopped.wait()
