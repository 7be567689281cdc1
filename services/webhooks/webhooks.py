"""The webhooks of the service: published signals to every receiver, dead letters, and what others left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from loguru import logger

from config.report_settings import WebhookSettings
from domain.errors import Conflict, StorageUnavailable
from services.health.degraded import Degraded
from services.webhooks.delivery import WebhookDelivery
from services.webhooks.outbox import WebhookOutbox
from services.webhooks.receiver import WebhookReceiver
from services.webhooks.sending import send
from storage.document_ports import LastingDocuments
from utils import metrics
from utils.clock import Clock
from utils.concurrency import background, look_again
from utils.http_client import http_client

_FULL = "as many signals as may wait for the receiver waited already"


class Webhooks:
    """Delivers each signal to each receiver at least once; without receivers it does nothing."""

    def __init__(self, outbox: WebhookOutbox, receivers: Sequence[WebhookReceiver], symbols: frozenset[str]) -> None:
        """Keep the parts; without symbols, signals of all are delivered."""
        self._outbox = outbox
        self._receivers = {receiver.receiver_id: receiver for receiver in receivers}
        self._symbols = symbols
        metrics.WEBHOOK_WAITING.set_function(lambda: self.waiting)

    @property
    def waiting(self) -> int:
        """Deliveries of this process that are not made yet, those under way included."""
        return sum(map(len, self._receivers.values()))

    async def publish(self, symbol: str, render: Callable[[], str]) -> None:
        """Return when the event will reach every receiver, whatever happens to this process; no receiver is waited for.

        Where neither the store nor a local file takes it, it is delivered from memory, and the log says so.
        """
        if not self._receivers or (self._symbols and symbol not in self._symbols):
            return
        body = render()
        new = {
            receiver: self._outbox.new(
                receiver.receiver_id, receiver.origin, symbol, body, refused=_FULL if receiver.full else None
            )
            for receiver in self._receivers.values()
        }
        try:
            await self._outbox.keep(list(new.values()))
        except StorageUnavailable as failure:
            logger.bind(symbol=symbol, reason=failure.message).warning("a signal for webhooks waits in memory alone")
        for receiver, delivery in new.items():
            if delivery.last_error is None:
                receiver.add(delivery)
            else:
                receiver.count_given_up()

    async def dead_letters(self, limit: int) -> list[WebhookDelivery]:
        """Return the newest signals that were given up; raises as `WebhookOutbox.dead_letters`."""
        return await self._outbox.dead_letters(limit)

    async def retry(self, delivery_id: str) -> WebhookDelivery:
        """Try a dead letter again, under the same id.

        Raises:
            NotFound: there is no such dead letter.
            Conflict: its receiver is not configured any more, has no room, or another request was faster.
            StorageUnavailable: the store does not answer.
        """
        delivery = await self._outbox.dead_letter(delivery_id)
        receiver = self._receivers.get(delivery.receiver)
        if receiver is None:
            raise Conflict(
                f"webhooks.urls has no receiver with the id {delivery.receiver}: it was for {delivery.origin}"
            )
        if receiver.full:
            raise Conflict(_FULL)
        await self._outbox.revive(delivery)
        receiver.revived()
        receiver.add(delivery)
        return delivery

    def degraded(self) -> Iterator[Degraded]:
        """Yield every receiver that fails or has dead letters, without waiting."""
        for receiver in self._receivers.values():
            yield from receiver.degraded()

    async def take_over(self) -> None:
        """Deliver what nobody tries any more, such as what processes that have ended left.

        Raises:
            StorageUnavailable: the store does not answer.
        """
        while taken := await self._outbox.take_over({one.delivery_id for one in self._held()}):
            for delivery in taken:
                receiver = self._receivers.get(delivery.receiver)
                if receiver is None:
                    self._outbox.give_up(delivery, "its receiver is not configured any more")
                    metrics.WEBHOOK_DEAD_LETTERS.inc()
                else:
                    receiver.add(delivery)

    async def look_after(self, seconds: float) -> None:
        """Take over what others left, at every interval until canceled."""
        await look_again(self.take_over, partial(asyncio.sleep, seconds), "taking deliveries over")

    async def hand_over(self) -> None:
        """Let another process deliver at once what waits here."""
        left = self._held()
        if not left:
            return
        try:
            await self._outbox.hand_over(left)
        except StorageUnavailable as failure:
            logger.bind(signals=len(left), reason=failure.message).warning("signals for webhooks may be lost")
        else:
            logger.bind(signals=len(left)).info("signals for webhooks wait for the next start")

    def _held(self) -> list[WebhookDelivery]:
        return [delivery for receiver in self._receivers.values() for delivery in receiver.held()]


@asynccontextmanager
async def open_webhooks(
    settings: WebhookSettings, documents: LastingDocuments, clock: Clock
) -> AsyncIterator[Webhooks]:
    """Deliver signals while the block runs, each receiver in a task of its own."""
    outbox, symbols = WebhookOutbox(documents, settings, clock), frozenset(map(str, settings.symbols))
    async with AsyncExitStack() as stack:
        receivers = []
        if settings.urls and (secret := settings.secret) is not None:
            client = await stack.enter_async_context(http_client(timeout=settings.timeout_seconds))
            for number, url in enumerate(settings.urls, 1):
                post = partial(send, client, url, secret=secret, timeout_seconds=settings.timeout_seconds)
                receivers.append(WebhookReceiver(number, url, post, outbox, settings, clock))
        webhooks = Webhooks(outbox, receivers, symbols)
        stack.push_async_callback(webhooks.hand_over)
        for receiver in receivers:
            await stack.enter_async_context(background(receiver.run(), "webhook"))
        if receivers:
            await stack.enter_async_context(background(webhooks.look_after(settings.claim_seconds / 2), "webhooks"))
        yield webhooks
