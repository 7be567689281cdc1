"""Checks the models' folders in the background: those of the usual horizon, of further ones, of plans; a full disk."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Executor
from contextlib import asynccontextmanager, suppress
from datetime import datetime

from loguru import logger

from models.registry.disk import look_at_disk
from models.registry.registries import USUAL
from models.serving.served_models import ServedModels
from services.health.degraded import Degraded
from services.health.model_age import age_warnings
from services.health.registry_watch import RegistryWatch
from utils.concurrency import Pause, background, worker_threads

# The start waits for the first look, so that the first answer is right, and at most this long for a disk that hangs.
FIRST_LOOK_SECONDS = 0.5
# A look takes milliseconds, and a second where large versions are read.
HANGING_SECONDS = 30.0
MIN_INTERVAL_SECONDS = 0.1


class ModelWatch:
    """Finds what is wrong with the models in production before a request meets it.

    Files are read again when they have changed: /health itself reads none.
    """

    def __init__(self, served: ServedModels, interval_seconds: float) -> None:
        """Keep the parts; nothing is read yet.

        Args:
            served: The registries, whose folders are watched, and the models that serve.
            interval_seconds: Between two looks.
        """
        registries = served.registries
        self._watches = [RegistryWatch(key, registries.at(key), served.at(key)) for key in served]
        self._root = registries.at(USUAL).root
        self._interval_seconds = max(interval_seconds, MIN_INTERVAL_SECONDS)
        self._found: tuple[Degraded, ...] = ()
        self._looking_since: float | None = None
        self._looked = asyncio.Event()
        self._pause = Pause()

    def degraded(self) -> Iterator[Degraded]:
        """Yield what the last look found, without waiting."""
        since = self._looking_since
        if since is not None and time.monotonic() - since > HANGING_SECONDS:
            yield Degraded("models", "the disk of the models does not answer", "look at the disk of MODEL_SAVE_PATH")
        yield from self._found

    def warnings(self, now: datetime) -> list[str]:
        """Return which versions that serve were trained on candles of long ago, in words, without waiting.

        Args:
            now: Aware UTC time.
        """
        return age_warnings((model for watch in self._watches for model in watch.serving()), now)

    def look(self) -> None:
        """Check once: file I/O, for one thread at a time."""
        self._looking_since = time.monotonic()
        try:
            found = [one for watch in self._watches for one in watch.look()]
            self._found = (*found, *self._disk())
        finally:
            self._looking_since = None

    def _disk(self) -> Iterator[Degraded]:
        trouble = look_at_disk(self._root)
        if trouble is not None:
            yield Degraded("models_disk", trouble.reason, trouble.remedy)

    async def run(self, executor: Executor) -> None:
        """Check at every interval, until canceled."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                await loop.run_in_executor(executor, self.look)
            except Exception:  # noqa: BLE001 - a defect must not end the loop
                logger.exception("looking at the models failed unexpectedly")
            self._looked.set()
            await self._pause.wait(self._interval_seconds)

    def look_soon(self) -> None:
        """Check at once, and not at the end of the interval."""
        self._pause.end()

    async def looked(self) -> None:
        """Return after the first look."""
        await self._looked.wait()


@asynccontextmanager
async def watched(watch: ModelWatch) -> AsyncIterator[None]:
    """Check once, then in the background while the block runs."""
    # A thread of its own: a disk that hangs stops no other work.
    with worker_threads(1, "model-watch") as executor:
        async with background(watch.run(executor), "model watch"):
            with suppress(TimeoutError):
                async with asyncio.timeout(FIRST_LOOK_SECONDS):
                    await watch.looked()
            yield
