"""The deliveries of one receiver: one after the other, so that a slow receiver delays no other."""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from hashlib import sha256
from itertools import count
from urllib.parse import urlsplit

from loguru import logger

from config.report_settings import WebhookSettings
from domain.errors import StorageUnavailable
from services.health.degraded import Degraded
from services.webhooks.delivery import WebhookDelivery
from services.webhooks.outbox import WebhookOutbox
from services.webhooks.sending import SendFailure
from utils import metrics
from utils.clock import Clock

# The body and the id of a delivery, to the receiver.
Send = Callable[[bytes, str], Awaitable[SendFailure | None]]
_STORE_RETRY_SECONDS = 5.0
# A receiver that fails now and then is logged once in this time; the result of each attempt is counted.
_LOG_SECONDS = 60.0


class WebhookReceiver:
    """Delivers in the order of arrival, save what failed, which is tried again later.

    After a failure of the receiver itself all of its deliveries rest, longer after each failure in a row.

    Attributes:
        receiver_id: Digest of the address.
        origin: Scheme, host and port of the address.
    """

    def __init__(
        self,
        number: int,
        url: str,
        send: Send,
        outbox: WebhookOutbox,
        settings: WebhookSettings,
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Keep the parts.

        Args:
            number: Place among the configured ones, from 1, for people.
            url: Its address.
            send: Makes one attempt.
            outbox: Where deliveries are kept.
            settings: When attempts are made and given up.
            clock: The server's.
            monotonic: Seconds that never jump back.
        """
        parts = urlsplit(url)
        self.receiver_id = sha256(url.encode()).hexdigest()[:12]
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self._number = number
        self._send = send
        self._outbox = outbox
        self._settings = settings
        self._clock = clock
        self._monotonic = monotonic
        self._waiting: list[tuple[float, int, WebhookDelivery]] = []
        self._under_way: WebhookDelivery | None = None
        self._places = count()
        self._arrived = asyncio.Event()
        self._rests_until = 0.0
        self._failures = 0
        self._failure: str | None = None
        # Whether the log has the present failure, and when it had one last.
        self._logged = False
        self._logged_at = -_LOG_SECONDS
        self._given_up = 0

    def __len__(self) -> int:
        return len(self._waiting) + (self._under_way is not None)

    @property
    def full(self) -> bool:
        """Whether no further delivery may wait."""
        return len(self) >= self._settings.max_waiting

    def held(self) -> list[WebhookDelivery]:
        """Return what is not delivered yet."""
        return [delivery for _, _, delivery in self._waiting] + ([self._under_way] if self._under_way else [])

    def add(self, delivery: WebhookDelivery) -> None:
        """Take a kept delivery; it is tried soon."""
        self._push(delivery, 0.0)
        self._arrived.set()

    def count_given_up(self) -> None:
        """Count a delivery that has become a dead letter."""
        metrics.WEBHOOK_DEAD_LETTERS.inc()
        self._given_up += 1

    def revived(self) -> None:
        """Count a dead letter that is tried again."""
        self._given_up = max(0, self._given_up - 1)

    async def run(self) -> None:
        """Deliver until canceled."""
        while True:
            self._arrived.clear()
            try:
                seconds = await self.deliver_due()
            except Exception:  # noqa: BLE001 - a defect must not end the deliveries
                logger.bind(receiver=self._number).exception("delivering signals failed unexpectedly")
                seconds = self._settings.max_retry_seconds
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._arrived.wait()

    async def deliver_due(self) -> float | None:
        """Make every attempt that is due; return the seconds until the next one, None where nothing waits."""
        while self._waiting:
            now = self._monotonic()
            due = max(self._waiting[0][0], self._rests_until)
            if due > now:
                return due - now
            self._under_way = heapq.heappop(self._waiting)[2]
            try:
                await self._attempt(self._under_way)
            except BaseException:
                # Ended before its result is known: it is handed over, and tried again.
                self._push(self._under_way, _STORE_RETRY_SECONDS)
                raise
            finally:
                self._under_way = None
        return None

    def degraded(self) -> Iterator[Degraded]:
        """Yield that the receiver fails or has dead letters, without waiting."""
        part = f"webhook.{self._number}"
        if self._failure is not None:
            reason = f"receiver {self._number} of webhooks.urls {self._failure}; {len(self)} signals wait for it"
            yield Degraded(part, reason, "make sure that it runs and answers 2xx; it is tried again by itself")
        if self._given_up:
            reason = f"{self._given_up} signals for receiver {self._number} of webhooks.urls were given up"
            remedy = "see GET /ai/webhooks/dead-letters; POST /ai/webhooks/dead-letters/{id}/retry tries one again"
            yield Degraded(f"{part}.dead_letters", reason, remedy)

    async def _attempt(self, delivery: WebhookDelivery) -> None:
        try:
            if not self._outbox.holds(delivery) and not await self._outbox.renew(delivery):
                return  # another replica has it
        except StorageUnavailable:
            self._push(delivery, _STORE_RETRY_SECONDS)
            return
        if self._clock.now() - delivery.created_at > timedelta(hours=self._settings.max_age_hours):
            self._give_up(delivery, f"older than {self._settings.max_age_hours:g} hours")
            return
        failure = await self._send(delivery.body.encode(), delivery.delivery_id)
        if failure is None:
            metrics.WEBHOOK_ATTEMPTS.labels("delivered").inc()
            if self._logged:
                logger.bind(receiver=self._number).info("receiver of webhooks works again")
            self._failure, self._failures, self._logged = None, 0, False
            self._outbox.delivered(delivery)
            return
        self._failed(delivery, failure)

    def _failed(self, delivery: WebhookDelivery, failure: SendFailure) -> None:
        metrics.WEBHOOK_ATTEMPTS.labels("failed").inc()
        if not self._logged and self._monotonic() - self._logged_at >= _LOG_SECONDS:
            logger.bind(receiver=self._number, reason=failure.reason).warning("receiver of webhooks failed")
            self._logged, self._logged_at = True, self._monotonic()
        self._failure = failure.reason
        delivery.attempts += 1
        delivery.last_error = failure.reason
        if failure.unreachable:
            self._failures += 1
            rest = max(self._pause(self._failures), min(failure.rest_seconds, self._settings.max_retry_seconds))
            self._rests_until = self._monotonic() + rest
        if delivery.attempts >= self._settings.max_attempts:
            self._give_up(delivery, failure.reason)
            return
        pause = self._pause(delivery.attempts)
        self._outbox.postpone(delivery, pause)
        self._push(delivery, pause)

    def _give_up(self, delivery: WebhookDelivery, reason: str) -> None:
        logger.bind(receiver=self._number, delivery=delivery.delivery_id, reason=reason).warning("a signal is given up")
        self._outbox.give_up(delivery, reason)
        self.count_given_up()

    def _pause(self, failures: int) -> float:
        doubled = self._settings.retry_seconds * 2.0 ** min(failures - 1, 30)
        return min(doubled, self._settings.max_retry_seconds)

    def _push(self, delivery: WebhookDelivery, seconds: float) -> None:
        heapq.heappush(self._waiting, (self._monotonic() + seconds, next(self._places), delivery))
