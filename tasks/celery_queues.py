"""The queues of the broker, and the Celery application, whose messages carry the id of a job and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from celery import Celery
from kombu import Exchange, Queue
from pydantic import SecretStr

from domain.job_kinds import JobKind, JobQueue
from utils.version import SERVICE_NAME

# The one task: its argument is the id of a job.
RUN_JOB = "run_job"
# Ends a connection whose other side is gone within twice of this.
HEARTBEAT_SECONDS = 30
DAY_SECONDS = 24 * 3600


@dataclass(frozen=True)
class QueueTraits:
    """What is known of a queue; a broker that has it with others refuses it until it is deleted there.

    Attributes:
        exchange: Topic exchange that it is bound to.
        topic: Routing keys are this and the kind of the job.
        message_seconds: A message that waits longer is dropped, and the job is sent again.
        max_jobs: Most jobs that may wait; the next is refused.
    """

    exchange: str
    topic: str
    message_seconds: int
    max_jobs: int


QUEUES: Mapping[JobQueue, QueueTraits] = {
    JobQueue.ML_TRAINING: QueueTraits("ai.predictions", "ml.train", 3600, 100),
    JobQueue.BULK_ANALYSIS: QueueTraits("ai.predictions", "ml.analyze", 1800, 500),
    JobQueue.BACKTESTING: QueueTraits("trading.events", "backtest", 7200, 50),
    JobQueue.OPTIMIZATION: QueueTraits("trading.events", "optimize", 3600, 100),
    JobQueue.SCHEDULED: QueueTraits("ai.predictions", "scheduled", 3600, 100),
}

_DEAD_LETTERS = Exchange("dead_letters", type="fanout")
# For operators: messages that expired, and those that are no request for a job. Nothing reads them.
DEAD_LETTERS = Queue(
    "dead_letters", _DEAD_LETTERS, queue_arguments={"x-message-ttl": 7 * DAY_SECONDS * 1000, "x-max-length": 1000}
)


def declared(queue: JobQueue) -> Queue:
    """Return a queue as the broker is told of it: a durable classic queue that refuses what it has no room for."""
    traits = QUEUES[queue]
    return Queue(
        queue.value,
        Exchange(traits.exchange, type="topic"),
        routing_key=f"{traits.topic}.*",
        queue_arguments={
            "x-message-ttl": traits.message_seconds * 1000,
            "x-max-length": traits.max_jobs,
            "x-overflow": "reject-publish",
            "x-dead-letter-exchange": _DEAD_LETTERS.name,
        },
    )


def routing_key(kind: JobKind) -> str:
    """Return the key that leads a message about a job of this kind into its queue."""
    return f"{QUEUES[kind.traits.queue].topic}.{kind.value}"


def make_app(url: SecretStr) -> Celery:
    """Return the application for a broker; nothing connects yet."""
    app = Celery(SERVICE_NAME, broker=url.get_secret_value(), set_as_current=False)
    app.conf.update(
        task_queues=[declared(queue) for queue in JobQueue],
        task_default_queue=JobQueue.SCHEDULED.value,
        task_create_missing_queues=False,
        task_serializer="json",
        accept_content=["json"],
        # The record in the store says how a job ended.
        task_ignore_result=True,
        task_store_errors_even_if_ignored=False,
        # A job may outlast the broker's patience with messages that are not acknowledged.
        task_acks_late=False,
        worker_prefetch_multiplier=1,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_send_task_events=True,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        broker_heartbeat=HEARTBEAT_SECONDS,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
    )
    return app
