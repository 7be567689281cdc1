"""Settings of jobs."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from config.section import AmqpUrl, Count, Positive, Seconds, Section


class JobSettings(Section):
    """Who runs jobs, how many, for how long, and how often again."""

    # Earlier releases called it in_process.
    backend: Annotated[
        Literal["child_process", "celery"],
        BeforeValidator(lambda value: "child_process" if value == "in_process" else value),
    ]
    rabbitmq_url: AmqpUrl = None
    max_running: Count
    max_running_in_service: Count
    max_queued: Count
    timeout_minutes: Positive
    max_retries: Annotated[int, Field(ge=0, le=10)]
    retry_seconds: Seconds
    lease_seconds: Seconds
    look_seconds: Seconds
    keep_days: Count

    @model_validator(mode="after")
    def _know_the_broker(self) -> Self:
        if self.backend == "celery" and self.rabbitmq_url is None:
            raise PydanticCustomError(
                "no_broker", "celery needs RABBITMQ_URL, such as amqp://user:password@host:5672//"
            )
        return self
