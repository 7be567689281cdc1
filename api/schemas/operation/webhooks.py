"""Signals for webhooks that were given up."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from api.schemas.responses import ResponseModel
from services.webhooks.delivery import WebhookDelivery


class DeadLetter(ResponseModel):
    """A signal that did not reach a receiver."""

    delivery_id: Annotated[str, Field(description="The header X-Delivery of every attempt.")]
    receiver: Annotated[str, Field(description="Digest of the receiver's address.")]
    origin: Annotated[str, Field(description="Scheme, host and port of the receiver.")]
    symbol: str
    created_at: Annotated[datetime, Field(description="ISO 8601, UTC; of its last order to be tried.")]
    attempts: Annotated[int, Field(ge=0)]
    last_error: str | None
    event: Annotated[dict[str, Any], Field(description="What was sent.")]

    @classmethod
    def of(cls, delivery: WebhookDelivery) -> Self:
        """Return the answer for a delivery."""
        same = {name: getattr(delivery, name) for name in cls.model_fields if name != "event"}
        return cls(**same, event=json.loads(delivery.body))


class DeadLetters(ResponseModel):
    """Signals that were given up, newest first."""

    dead_letters: list[DeadLetter]


class DeadLetterRetried(ResponseModel):
    """A dead letter that is tried again."""

    delivery_id: str
    status: Literal["waiting"] = "waiting"
