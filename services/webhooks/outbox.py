"""Deliveries in the document store, and which replica has which of them.

The replica that published a signal claims its deliveries when it keeps them. A claim lasts until the next attempt and a
little longer; what it does not use another replica takes over, by replacing the claim that it has seen: of several that
try, one succeeds. Clocks of replicas may differ by less than `webhooks.claim_seconds`.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import timedelta

from config.report_settings import WebhookSettings
from domain.errors import Conflict, NotFound
from domain.values import EPOCH
from services.webhooks.delivery import DeliveryState, WebhookDelivery
from storage.document_ports import WEBHOOK_DELIVERIES, DocumentWrite, LastingDocuments
from utils.clock import Clock

# Read at once of those that another process left.
TAKEN_AT_ONCE = 200


class WebhookOutbox:
    """Keeps deliveries until they are made, also through outages of the store and the end of the process."""

    def __init__(self, documents: LastingDocuments, settings: WebhookSettings, clock: Clock) -> None:
        """Keep the parts; the process is an owner of its own."""
        self._documents = documents
        self._clock = clock
        self._lasts = timedelta(seconds=settings.claim_seconds)
        self._send_time = timedelta(seconds=settings.timeout_seconds)
        # A claim that ends later was written by a clock that ran ahead.
        self._longest = 2 * (self._lasts + self._send_time + timedelta(seconds=settings.max_retry_seconds))
        self._owner = uuid.uuid4().hex

    def new(self, receiver: str, origin: str, symbol: str, body: str, *, refused: str | None = None) -> WebhookDelivery:
        """Return a delivery that this process holds, or one that is given up at once for a reason."""
        now = self._clock.now()
        return WebhookDelivery(
            delivery_id=uuid.uuid4().hex,
            receiver=receiver,
            origin=origin,
            symbol=symbol,
            body=body,
            created_at=now,
            owner=self._owner,
            claim=uuid.uuid4().hex,
            claimed_until=now + self._send_time + self._lasts,
            state=DeliveryState.DEAD if refused else DeliveryState.WAITING,
            last_error=refused,
        )

    async def keep(self, deliveries: Sequence[WebhookDelivery]) -> None:
        """Return when the deliveries outlive this process.

        Raises:
            StorageUnavailable: neither the store nor a local file takes them; they wait in memory.
        """
        writes = [DocumentWrite(one.delivery_id, one.document(), once=False) for one in deliveries]
        await self._documents.put_many(WEBHOOK_DELIVERIES, writes)

    def holds(self, delivery: WebhookDelivery) -> bool:
        """Return whether this process may try it now: its claim outlasts an attempt."""
        return self._clock.now() + self._send_time < delivery.claimed_until

    async def renew(self, delivery: WebhookDelivery) -> bool:
        """Claim it for another attempt; return False where another replica has it, or has delivered it.

        Raises:
            StorageUnavailable: the store does not answer.
        """
        if await self._exchange(delivery, self._claimed(delivery)):
            return True
        known = await self._documents.get(WEBHOOK_DELIVERIES, delivery.delivery_id)
        if known is None or known["owner"] != self._owner or known["state"] != DeliveryState.WAITING:
            return False
        # An earlier claim that seemed to fail was kept.
        delivery.claim = known["claim"]
        return await self._exchange(delivery, self._claimed(delivery))

    def postpone(self, delivery: WebhookDelivery, seconds: float) -> None:
        """Keep that it is tried again after some seconds."""
        delivery.take(self._claimed(delivery, seconds))
        self._documents.put_later(WEBHOOK_DELIVERIES, delivery.delivery_id, delivery.document())

    def give_up(self, delivery: WebhookDelivery, reason: str) -> None:
        """Keep it as a dead letter."""
        delivery.state, delivery.last_error = DeliveryState.DEAD, reason
        self._documents.put_later(WEBHOOK_DELIVERIES, delivery.delivery_id, delivery.document())

    def delivered(self, delivery: WebhookDelivery) -> None:
        """Forget what the receiver has."""
        self._documents.discard_later(WEBHOOK_DELIVERIES, delivery.delivery_id)

    async def hand_over(self, deliveries: Sequence[WebhookDelivery]) -> None:
        """Let others take these at once; raises as `keep`."""
        now = self._clock.now()
        own = [delivery for delivery in deliveries if now < delivery.claimed_until]
        for delivery in own:
            delivery.claimed_until = now
        await self.keep(own)

    async def take_over(self, held: Collection[str]) -> list[WebhookDelivery]:
        """Claim what nobody tries any more; return it, the oldest first. Call again as long as there is something.

        That is what other processes left, and what this one let go while it was on its way to the store.

        Args:
            held: Ids of the deliveries that this process will try.

        Raises:
            StorageUnavailable: the store does not answer.
        """
        waiting = {"state": DeliveryState.WAITING.value}
        owners = await self._documents.totals(WEBHOOK_DELIVERIES, EPOCH, by=["owner"], where=waiting)
        taken = []
        for total in owners:
            owner = str(total.group[0])
            if owner == self._owner and total.count <= len(held):
                continue
            left = await self._documents.newest(WEBHOOK_DELIVERIES, TAKEN_AT_ONCE, waiting | {"owner": owner})
            for document in reversed(left):
                delivery = WebhookDelivery.of(document)
                if delivery.delivery_id not in held and self._is_free(delivery) and await self.renew(delivery):
                    taken.append(delivery)
        return taken

    async def dead_letters(self, limit: int) -> list[WebhookDelivery]:
        """Return the newest deliveries that were given up.

        Raises:
            StorageUnavailable: the store does not answer.
        """
        dead = {"state": DeliveryState.DEAD.value}
        return [
            WebhookDelivery.of(document) for document in await self._documents.newest(WEBHOOK_DELIVERIES, limit, dead)
        ]

    async def dead_letter(self, delivery_id: str) -> WebhookDelivery:
        """Return one that was given up.

        Raises:
            NotFound: there is no such delivery.
            StorageUnavailable: the store does not answer.
        """
        document = await self._documents.get(WEBHOOK_DELIVERIES, delivery_id)
        if document is None or document["state"] != DeliveryState.DEAD:
            raise NotFound(f"no dead letter has the id {delivery_id[:64]}: it is delivered, waits, or never was")
        return WebhookDelivery.of(document)

    async def revive(self, delivery: WebhookDelivery) -> None:
        """Claim a dead letter for new attempts under its id, counted from now.

        Raises:
            Conflict: another request was faster.
            StorageUnavailable: the store does not answer.
        """
        claimed = replace(
            self._claimed(delivery),
            state=DeliveryState.WAITING,
            attempts=0,
            last_error=None,
            created_at=self._clock.now(),
        )
        if not await self._exchange(delivery, claimed):
            raise Conflict("the dead letter is tried again already")

    async def _exchange(self, seen: WebhookDelivery, claimed: WebhookDelivery) -> bool:
        """Keep the new claim in place of the one that was seen, and take it; return False where that is gone."""
        where = {"claim": seen.claim, "state": seen.state.value}
        if not await self._documents.replace(WEBHOOK_DELIVERIES, seen.delivery_id, claimed.document(), where):
            return False
        seen.take(claimed)
        return True

    def _claimed(self, delivery: WebhookDelivery, seconds: float = 0.0) -> WebhookDelivery:
        """Return the delivery with a claim for an attempt in some seconds."""
        until = self._clock.now() + timedelta(seconds=seconds) + self._send_time + self._lasts
        return replace(delivery, owner=self._owner, claim=uuid.uuid4().hex, claimed_until=until)

    def _is_free(self, delivery: WebhookDelivery) -> bool:
        now = self._clock.now()
        return not now < delivery.claimed_until <= now + self._longest
