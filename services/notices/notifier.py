"""Sends notices in the background: once, outside of quiet hours, and again where a channel fails."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from cachetools import LRUCache
from loguru import logger

from config.report_settings import NoticeSettings
from domain.errors import StorageUnavailable
from domain.notices import Notice, NoticeLevel
from services.health.degraded import Degraded
from services.notices.channels import NoticeChannel, open_channels
from services.notices.quiet_hours import QuietHours
from services.notices.records import NoticeRecords, NoticeState
from storage.document_ports import Document, LastingDocuments
from utils import metrics
from utils.clock import Clock
from utils.concurrency import background, run_blocking, worker_threads

_LOG_LEVELS = {NoticeLevel.INFO: "INFO", NoticeLevel.WARNING: "WARNING", NoticeLevel.CRITICAL: "ERROR"}
_KEYS_REMEMBERED = 1_000


@dataclass(eq=False)
class _WaitingNotice:
    """A notice that is not sent yet, and the numbers of the channels that do not have it."""

    notice_id: str
    notice: Notice
    left: list[int]
    due: datetime
    attempts: int = 0


class Notifier:
    """Takes notices at once and sends them later; without channels they are logged and listed."""

    def __init__(
        self,
        records: NoticeRecords,
        channels: Sequence[NoticeChannel],
        settings: NoticeSettings,
        clock: Clock,
        executor: Executor,
    ) -> None:
        """Keep the parts; `run` sends, in threads of the executor."""
        self._records = records
        self._channels = channels
        self._settings = settings
        self._clock = clock
        self._executor = executor
        self._quiet = QuietHours(settings.quiet_from, settings.quiet_until)
        self._again = timedelta(minutes=settings.repeat_minutes)
        self._said: LRUCache[tuple[str, NoticeLevel], datetime] = LRUCache(_KEYS_REMEMBERED)
        self._waiting: list[_WaitingNotice] = []
        self._arrived = asyncio.Event()
        self._failing: set[int] = set()

    def send(self, notice: Notice) -> None:
        """Take a notice, unless one of its key and level was taken a moment ago; returns at once and raises nothing."""
        said = self._said.get((notice.key, notice.level))
        if said is not None and said <= notice.created_at < said + self._again:
            self._count(notice, "repeated")
            return
        self._said[notice.key, notice.level] = notice.created_at
        log = logger.bind(key=notice.key, text=notice.text)
        log.log(_LOG_LEVELS[notice.level], "notice: {}", notice.title)
        notice_id = uuid.uuid4().hex
        if not self._channels:
            self._count(notice, "logged")
            self._records.keep(notice_id, notice, NoticeState.LOGGED)
            return
        if not self._has_room(notice):
            self._drop(notice_id, notice)
            return
        self._records.keep(notice_id, notice, NoticeState.WAITING)
        self._take(notice_id, notice)

    async def run(self) -> None:
        """Send until canceled, also what earlier processes left, as soon as the store tells it."""
        taken_over = False
        while True:
            self._arrived.clear()
            try:
                taken_over = taken_over or await self.take_over()
                seconds = await self.send_due()
                if not taken_over:
                    seconds = min(seconds or self._settings.retry_seconds, self._settings.retry_seconds)
            except Exception:  # noqa: BLE001 - a defect must not end the loop
                logger.exception("sending notices failed unexpectedly")
                seconds = self._settings.retry_seconds
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._arrived.wait()

    async def send_due(self) -> float | None:
        """Send what is due; return the seconds until the next notice is, None where none waits."""
        while self._waiting:
            now = self._clock.now()
            first = min(self._waiting, key=lambda waiting: self._due(waiting, now))
            due = self._due(first, now)
            if due > now:
                return (due - now).total_seconds()
            await self._send(first)
        return None

    async def newest(self, limit: int) -> list[Document]:
        """Return the newest notices with their states; raises as `NoticeRecords.newest`."""
        return await self._records.newest(limit)

    def degraded(self) -> Iterator[Degraded]:
        """Yield that channels fail, without waiting."""
        if self._failing:
            numbers = ", ".join(str(number + 1) for number in sorted(self._failing))
            reason = f"notices do not reach channel {numbers} of NOTIFY_URLS"
            yield Degraded("notices", reason, "check its address and its service; see GET /ai/notices")

    def _due(self, waiting: _WaitingNotice, now: datetime) -> datetime:
        """Return when a notice is to be sent next: all but critical ones wait for the end of the quiet hours."""
        end = None if waiting.notice.level is NoticeLevel.CRITICAL else self._quiet.until(now)
        return waiting.due if end is None else max(waiting.due, end)

    async def _send(self, waiting: _WaitingNotice) -> None:
        if await self._is_known(waiting):
            self._leave(waiting)
            return
        taken = await asyncio.gather(*(self._try(number, waiting.notice) for number in waiting.left))
        waiting.left = [number for number, sent in zip(waiting.left, taken, strict=True) if not sent]
        waiting.attempts += 1
        if not waiting.left:
            self._end(waiting, NoticeState.SENT)
        elif waiting.attempts >= self._settings.max_attempts:
            self._end(waiting, NoticeState.FAILED)
        else:
            pause = self._settings.retry_seconds * 2.0 ** (waiting.attempts - 1)
            waiting.due = self._clock.now() + timedelta(seconds=pause)

    async def _try(self, number: int, notice: Notice) -> bool:
        sent = False
        try:
            async with asyncio.timeout(self._settings.timeout_seconds):
                sent = await run_blocking(self._executor, self._channels[number].send, notice)
        except TimeoutError:
            logger.bind(channel=number + 1).warning("a channel of notices did not answer in time")
        except Exception as error:  # noqa: BLE001 - of any of the many services; the notice is tried again
            # Its text may have the address in it.
            logger.bind(channel=number + 1, error=type(error).__name__).error("a channel of notices has a defect")
        if not sent and number not in self._failing:
            logger.bind(channel=number + 1, title=notice.title).warning("a notice does not reach its channel")
        (self._failing.discard if sent else self._failing.add)(number)
        return sent

    async def _is_known(self, waiting: _WaitingNotice) -> bool:
        """Return whether another replica has this notice, or said the same before."""
        try:
            if not await self._records.is_own(waiting.notice_id):
                return True
            if waiting.attempts:
                return False
            repeated = await self._records.was_said(waiting.notice_id, waiting.notice, self._again)
        except StorageUnavailable:
            return False  # rather twice than never
        if repeated:
            self._count(waiting.notice, "repeated")
            self._records.forget(waiting.notice_id)
        return repeated

    async def take_over(self) -> bool:
        """Take what earlier processes did not send; return whether the store could tell."""
        if not self._channels:
            return True
        try:
            left = await self._records.take_over(self._settings.max_waiting)
        except StorageUnavailable:  # the store says so in the log and in /health
            return False
        for notice_id, notice in left:
            self._take(notice_id, notice)
        return True

    def _take(self, notice_id: str, notice: Notice) -> None:
        self._waiting.append(_WaitingNotice(notice_id, notice, list(range(len(self._channels))), self._clock.now()))
        self._arrived.set()

    def _has_room(self, notice: Notice) -> bool:
        """Return whether a notice may wait; a critical one takes the place of another."""
        if len(self._waiting) < self._settings.max_waiting:
            return True
        others = [waiting for waiting in self._waiting if waiting.notice.level is not NoticeLevel.CRITICAL]
        if notice.level is not NoticeLevel.CRITICAL or not others:
            return False
        self._waiting.remove(others[0])
        self._drop(others[0].notice_id, others[0].notice)
        return True

    def _drop(self, notice_id: str, notice: Notice) -> None:
        logger.bind(title=notice.title).warning("too many notices wait; one is not sent")
        self._count(notice, "dropped")
        self._records.keep(notice_id, notice, NoticeState.DROPPED)

    def _end(self, waiting: _WaitingNotice, state: NoticeState) -> None:
        self._leave(waiting)
        self._count(waiting.notice, state)
        self._records.keep(waiting.notice_id, waiting.notice, state, waiting.attempts)
        if state is NoticeState.FAILED:
            log = logger.bind(title=waiting.notice.title, channels=[number + 1 for number in waiting.left])
            log.error("a notice was given up")

    def _leave(self, waiting: _WaitingNotice) -> None:
        # A critical notice may have taken its place while it was being sent.
        if waiting in self._waiting:
            self._waiting.remove(waiting)

    def _count(self, notice: Notice, outcome: str) -> None:
        metrics.NOTICES.labels(notice.level, outcome).inc()


@asynccontextmanager
async def open_notices(settings: NoticeSettings, documents: LastingDocuments, clock: Clock) -> AsyncIterator[Notifier]:
    """Send notices while the block runs; what waits at the end is sent after the next start.

    Raises:
        ConfigurationError: as `open_channels`.
    """
    channels = await asyncio.to_thread(open_channels, settings.urls)
    with worker_threads(max(len(channels), 1), "notices") as executor:
        notifier = Notifier(NoticeRecords(documents), channels, settings, clock, executor)
        async with background(notifier.run(), "notices"):
            yield notifier
