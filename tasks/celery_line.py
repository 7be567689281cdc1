"""Connections to the broker that end every call in seconds, for threads beside the event loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from amqp.exceptions import AMQPError, MessageNacked
from celery import Celery
from kombu.exceptions import OperationalError

from domain.job_kinds import JobKind, JobQueue
from tasks.celery_queues import DEAD_LETTERS, RUN_JOB, declared, routing_key

T = TypeVar("T")

# Of each step: to connect, to write, to wait for an answer.
STEP_SECONDS = 2.0
# Workers answer a question about themselves within this.
WORKERS_SECONDS = 1.0
_FAILURES = (OperationalError, AMQPError, OSError)


class BrokerUnavailable(Exception):
    """The broker did not do what it was asked; the text says why, without its address."""


class QueueRefused(Exception):
    """The broker has no room for another message in the queue."""


class QueueState(NamedTuple):
    """What the broker says of a queue.

    Attributes:
        messages: Those that no worker has received.
        consumers: Workers that take from it.
    """

    messages: int
    consumers: int


class BrokerLine:
    """One connection, for one thread at a time: opened with its first use, and again after a failure."""

    def __init__(self, app: Celery) -> None:
        """Keep the application; nothing connects yet."""
        self._app = app
        self._connection: Any = None
        self._producer: Any = None

    def send(self, job_id: str, kind: JobKind) -> None:
        """Return once the broker has a message about a job on its disk.

        Raises:
            QueueRefused: the queue is full.
            BrokerUnavailable: the broker failed, or did not answer in time.
        """

        def publish() -> None:
            try:
                self._app.send_task(
                    RUN_JOB,
                    args=[job_id],
                    queue=kind.traits.queue.value,
                    routing_key=routing_key(kind),
                    producer=self._producer,
                    retry=False,
                    confirm_timeout=STEP_SECONDS,
                )
            except OperationalError as failure:
                if isinstance(failure.__cause__, MessageNacked):
                    raise QueueRefused from None
                raise

        self._twice(publish)

    def queues(self) -> dict[JobQueue, QueueState]:
        """Return the state of every queue.

        Raises:
            BrokerUnavailable: the broker failed, or did not answer in time.
        """

        def look() -> dict[JobQueue, QueueState]:
            channel = self._connection.default_channel
            declarations = {queue: channel.queue_declare(queue.value, passive=True) for queue in JobQueue}
            return {queue: QueueState(said.message_count, said.consumer_count) for queue, said in declarations.items()}

        return self._twice(look)

    def places(self) -> int:
        """Return how many jobs all workers that answer run at a time.

        Raises:
            BrokerUnavailable: the broker failed, or did not answer in time.
        """

        def ask() -> int:
            inspect = self._app.control.inspect(timeout=WORKERS_SECONDS, connection=self._connection)
            return sum(answer["pool"]["max-concurrency"] for answer in (inspect.stats() or {}).values())

        return self._twice(ask)

    def close(self) -> None:
        """End the connection, if there is one."""
        connection, self._connection, self._producer = self._connection, None, None
        if connection is not None:
            connection.release()

    def _twice(self, call: Callable[[], T]) -> T:
        """Do it on the connection that is there, and once more on a new one: a broker may have started again."""
        if self._connection is not None:
            try:
                return call()
            except _FAILURES:
                self._drop()
        try:
            self._open()
            return call()
        except _FAILURES as failure:
            self._drop()
            raise BrokerUnavailable(_reason(failure)) from failure

    def _drop(self) -> None:
        """Forget a connection that failed, without a word to the other side."""
        connection, self._connection, self._producer = self._connection, None, None
        if connection is not None:
            connection.collect()

    def _open(self) -> None:
        options = {
            "confirm_publish": True,
            **{"read_timeout": STEP_SECONDS, "write_timeout": STEP_SECONDS},
            # By default it waits for two seconds before it tries again.
            **{"max_retries": 1, "interval_start": 0, "interval_step": 0},
        }
        # Used every few seconds, so that it needs no heartbeats, which a thread of their own would have to send.
        self._connection = self._app.connection_for_write(
            connect_timeout=STEP_SECONDS, heartbeat=0, transport_options=options
        )
        channel = self._connection.default_channel
        for queue in (DEAD_LETTERS, *map(declared, JobQueue)):
            queue(channel).declare()
        self._producer = self._app.amqp.Producer(self._connection, auto_declare=False)


def _reason(failure: BaseException) -> str:
    """Return what went wrong, for a person."""
    cause = failure.__cause__ or failure
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return str(failure) or type(failure).__name__
