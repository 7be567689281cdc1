"""The safe mode: while it is on every answer is Neutral. It is kept in the document store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import NoReturn

from loguru import logger

from domain.errors import StorageUnavailable
from domain.values import epoch_ms, utc_time
from services.broadcast.hub import SignalHub
from services.broadcast.safe_mode_event import render_safe_mode_changed
from services.health.degraded import Degraded
from storage.document_ports import SAFE_MODE, Document, LastingDocuments
from utils import metrics
from utils.clock import Clock
from utils.concurrency import Pause

# The one document of its collection.
SWITCH = "service"
# How often a switch by another process on the same store is looked for.
CHECK_SECONDS = 5.0
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class SafeModeState:
    """Whether safe mode is on, why, and since when; `changed_at` is the epoch's beginning before the first switch."""

    enabled: bool = False
    reason: str = ""
    changed_at: datetime = _BEGINNING


class SafeMode:
    """Switched by an operator; a switch by another process that shares the store is taken over within seconds.

    While the store has not answered since the start, safe mode is off and /health warns that it is not known.

    Attributes:
        state: The current one.
        valid_since: Analyses made before this moment may have been guarded by another state.
    """

    def __init__(
        self,
        documents: LastingDocuments,
        hub: SignalHub,
        clock: Clock,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        announce: Callable[[], None] = lambda: None,
    ) -> None:
        """Begin switched off; `sleep` waits a number of seconds, `announce` lets other replicas look at once."""
        self.state = SafeModeState()
        self.valid_since = self.state.changed_at
        self._documents = documents
        self._hub = hub
        self._clock = clock
        self._pause = Pause(sleep)
        self._announce = announce
        self._known = asyncio.Event()
        # A look that began before a switch must not end after it.
        self._lock = asyncio.Lock()

    async def switch(self, *, enabled: bool, reason: str) -> SafeModeState:
        """Switch it, at once, and return when that outlives this process.

        Raises:
            StorageUnavailable: it is switched, and neither the store nor the spool keeps it.
        """
        async with self._lock:
            state = SafeModeState(enabled, reason, utc_time(epoch_ms(self._clock.now())))
            self._take(state, self._now())
            self._known.set()
            content = {"created_at": state.changed_at, "enabled": enabled, "reason": reason}
            try:
                await self._documents.put(SAFE_MODE, SWITCH, content)
            except StorageUnavailable as failure:
                switched = "on" if enabled else "off"
                raise StorageUnavailable(
                    f"safe mode is {switched} in this process, but nothing keeps it over a restart: {failure.message}"
                ) from failure
        self._announce()
        return self.state

    def look_soon(self) -> None:
        """Look for a switch by another process at once."""
        self._pause.end()

    async def watch(self) -> NoReturn:
        """Read the stored state now and every few seconds, until canceled."""
        # What an earlier process answered after its last switch still holds.
        await self._look(first=True)
        while True:
            await self._pause.wait(CHECK_SECONDS)
            await self._look(first=False)

    async def known(self) -> None:
        """Return when the stored state has been read once."""
        await self._known.wait()

    def degraded(self) -> Iterator[Degraded]:
        """Yield the safe mode while it is on."""
        if self.state.enabled:
            since = self.state.changed_at
            yield Degraded(
                "safe_mode",
                f"safe mode is on since {since:%Y-%m-%d %H:%M} UTC, every answer is Neutral: {self.state.reason}",
                "when the reason is gone, switch it off: POST /ai/safe-mode, or cli.py safe-mode off",
            )

    def warning(self) -> str | None:
        """Return that the stored state has not been read yet, None once it has."""
        if self._known.is_set():
            return None
        return (
            "whether safe mode was on is not known, the store has not answered since the start: it counts as off; "
            "to be safe switch it on, by POST /ai/safe-mode or cli.py safe-mode on"
        )

    async def _look(self, *, first: bool) -> None:
        async with self._lock:
            try:
                document = await self._documents.get(SAFE_MODE, SWITCH)
            except StorageUnavailable:
                return  # the store's own check says so
            if document is not None:
                state = _state(document)
                self._take(state, state.changed_at if first else self._now())
            self._known.set()

    def _now(self) -> datetime:
        """Return the end of the current millisecond: analyses are dated in whole ones where they are stored."""
        return utc_time(epoch_ms(self._clock.now()) + 1)

    def _take(self, state: SafeModeState, valid_since: datetime) -> None:
        if state == self.state:
            return
        self.state, self.valid_since = state, valid_since
        metrics.SAFE_MODE.set(state.enabled)
        logger.bind(enabled=state.enabled, reason=state.reason, changed_at=state.changed_at.isoformat()).warning(
            "safe mode is on" if state.enabled else "safe mode is off"
        )
        # Each replica takes the state over, and says so to its own subscribers.
        event = partial(render_safe_mode_changed, state.enabled, state.reason, state.changed_at)
        self._hub.publish(None, event, everywhere=False)


def _state(document: Document) -> SafeModeState:
    return SafeModeState(bool(document["enabled"]), str(document["reason"]), document["created_at"])
