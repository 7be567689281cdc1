"""The broker as the event loop sees it: every call ends in seconds, and while it is known to be down, at once."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from concurrent.futures import Executor
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

from celery import Celery
from loguru import logger

from domain.job_kinds import JobQueue
from domain.jobs import Job
from services.health.degraded import Degraded
from tasks.celery_line import BrokerLine, BrokerUnavailable, QueueRefused, QueueState
from utils import metrics
from utils.concurrency import background, run_blocking, worker_threads

T = TypeVar("T")

# A request waits this long for the broker at most; then its job is sent later.
SEND_SECONDS = 3.0
LOOK_SECONDS = 15.0
LOOK_LIMIT_SECONDS = 6.0
# While it is down.
RETRY_SECONDS = 2.0
# A worker that starts, or starts again, takes from its queues within this.
START_SECONDS = 10.0
# The state of queues is as good as new for this long.
FRESH_SECONDS = 1.0


class Broker:
    """Tells workers of jobs, and knows how many messages wait and who takes them."""

    def __init__(
        self, app: Celery, sender: Executor, looker: Executor, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Keep the parts; nothing connects yet.

        Args:
            app: Knows the broker.
            sender: One thread, with the connection that sends.
            looker: Another one, since a look at the workers takes a second.
            monotonic: Seconds that never jump back.
        """
        self._sender, self._looker, self._monotonic = sender, looker, monotonic
        self._sending, self._looking = BrokerLine(app), BrokerLine(app)
        self._look_lock = asyncio.Lock()
        self._looked = -math.inf
        self._queues: Mapping[JobQueue, QueueState] = {}
        # By queue, when it was first seen without a worker.
        self._alone: dict[JobQueue, float] = {}
        self._down: str | None = None

    @property
    def works(self) -> bool:
        """Whether it did what it was last asked."""
        return self._down is None

    async def send(self, job: Job) -> bool:
        """Tell the workers of a job; return whether the broker has taken the message."""
        if self._down is not None:
            return False
        try:
            await self._within(SEND_SECONDS, self._sender, self._sending.send, job.job_id, job.kind)
        except QueueRefused:
            logger.bind(queue=job.kind.traits.queue.value).debug("the queue has no room for a message")
            return False
        except BrokerUnavailable as failure:
            self._failed(str(failure))
            return False
        return True

    async def is_empty(self, queue: JobQueue) -> bool:
        """Return whether no message waits in the queue now; False if the broker does not say."""
        async with self._look_lock:
            if self._monotonic() - self._looked > FRESH_SECONDS:
                await self._look()
        return self._down is None and self._queues[queue].messages == 0

    async def run(self) -> None:
        """Look at the queues and at the workers until canceled."""
        while True:
            async with self._look_lock:
                await self._look()
                if self._down is None:
                    await self._count_places()
            await asyncio.sleep(LOOK_SECONDS if self._down is None else RETRY_SECONDS)

    def degraded(self) -> Iterable[Degraded]:
        """Return what keeps messages from workers, without waiting."""
        if self._down is not None:
            yield Degraded(
                "broker",
                f"RabbitMQ does not work: {self._down}; jobs wait, and are sent when it does",
                "start RabbitMQ, or name one that runs in RABBITMQ_URL",
            )
            return
        alone = [queue.value for queue, since in self._alone.items() if self._looked - since >= START_SECONDS]
        if alone:
            queues = ", ".join(alone)
            yield Degraded("workers", f"no worker takes jobs of {queues}", "start one: python cli.py worker")

    async def close(self) -> None:
        """End the connections."""
        for executor, line in ((self._sender, self._sending), (self._looker, self._looking)):
            with suppress(BrokerUnavailable):
                await self._within(SEND_SECONDS, executor, line.close)

    async def _look(self) -> None:
        try:
            self._queues = await self._within(LOOK_LIMIT_SECONDS, self._looker, self._looking.queues)
        except BrokerUnavailable as failure:
            self._failed(str(failure))
            return
        self._looked = self._monotonic()
        if self._down is not None:
            logger.info("RabbitMQ works again: jobs that wait are sent")
        self._down = None
        alone = (queue for queue, state in self._queues.items() if not state.consumers)
        self._alone = {queue: self._alone.get(queue, self._looked) for queue in alone}
        for queue, state in self._queues.items():
            metrics.CELERY_QUEUE_LENGTH.labels(queue.value).set(state.messages)

    async def _count_places(self) -> None:
        try:
            places = await self._within(LOOK_LIMIT_SECONDS, self._looker, self._looking.places)
        except BrokerUnavailable as failure:
            self._failed(str(failure))
            return
        metrics.CELERY_WORKER_POOL_SIZE.set(places)

    async def _within(self, seconds: float, executor: Executor, call: Callable[..., T], *args: object) -> T:
        """Return what a call returns in a thread.

        Raises:
            BrokerUnavailable: it failed or takes too long; then it ends by itself.
        """
        try:
            async with asyncio.timeout(seconds):
                return await run_blocking(executor, call, *args)
        except TimeoutError:
            raise BrokerUnavailable(f"no answer within {seconds:g} s") from None

    def _failed(self, reason: str) -> None:
        if self._down is None:
            logger.bind(reason=reason).warning("RabbitMQ does not work: jobs wait until it does")
        self._down = reason
        metrics.CELERY_QUEUE_LENGTH.clear()


@asynccontextmanager
async def open_broker(app: Celery) -> AsyncIterator[Broker]:
    """Give the broker, and look at it in the background."""
    with worker_threads(1, "broker-send") as sender, worker_threads(1, "broker-look") as looker:
        broker = Broker(app, sender, looker)
        try:
            async with background(broker.run(), "queues of the broker"):
                yield broker
        finally:
            await broker.close()
