"""One signal on its way to one receiver."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Self

from storage.document_ports import Document


class DeliveryState(StrEnum):
    """Whether a delivery is still tried."""

    WAITING = "waiting"
    DEAD = "dead"


@dataclass
class WebhookDelivery:
    """A signal for one receiver, under way or given up.

    Attributes:
        delivery_id: The header `X-Delivery`, the same at each attempt.
        receiver: Id of the receiver.
        origin: Scheme, host and port of the receiver, for people.
        body: JSON text; its UTF-8 bytes are what is signed and sent.
        attempts: Attempts that failed.
        owner: The process that delivers it.
        claim: Told apart by it: two claims of one owner.
        claimed_until: When others may take it over, aware UTC time.
        last_error: Why the last attempt failed.
    """

    delivery_id: str
    receiver: str
    origin: str
    symbol: str
    body: str
    created_at: datetime
    owner: str
    claim: str
    claimed_until: datetime
    state: DeliveryState
    last_error: str | None
    attempts: int = 0

    def document(self) -> Document:
        """Return what is kept of it."""
        return {
            "created_at": self.created_at,
            "state": self.state,
            "receiver": self.receiver,
            "origin": self.origin,
            "symbol": self.symbol,
            "body": self.body,
            "owner": self.owner,
            "claim": self.claim,
            "claimed_until": self.claimed_until,
            "attempts": self.attempts,
            "last_error": self.last_error,
        }

    def take(self, other: WebhookDelivery) -> None:
        """Become as the other, a state of the same delivery."""
        vars(self).update(vars(other))

    @classmethod
    def of(cls, document: Document) -> Self:
        """Return the delivery of a kept document."""
        return cls(**document | {"state": DeliveryState(document["state"])})
