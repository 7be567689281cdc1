"""The safe mode: while it is on every answer is Neutral. It is kept in the document store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from loguru import logger

from domain.values import EPOCH
from services.broadcast.events import render_safe_mode_changed
from services.broadcast.hub import SignalHub
from services.guards.watched_state import WatchedState
from services.health.degraded import Degraded
from storage.document_ports import SAFE_MODE, LastingDocuments
from utils import metrics
from utils.clock import Clock

# The one document of its collection.
SWITCH = "service"

# Gives the reason while something is on, else None.
WhyOn = Callable[[], str | None]


@dataclass(frozen=True)
class SafeModeState:
    """Whether safe mode is on, why, and since when; `changed_at` is the epoch's beginning before the first switch."""

    enabled: bool = False
    reason: str = ""
    changed_at: datetime = EPOCH


class SafeMode(WatchedState[SafeModeState]):
    """Switched by an operator; a switch by another process that shares the store is taken over within seconds.

    While the store has not answered since the start, safe mode is off and /health warns that it is not known.
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
        super().__init__(documents, clock, SafeModeState(), sleep, announce)
        self._hub = hub

    async def switch(self, *, enabled: bool, reason: str) -> SafeModeState:
        """Switch it, at once, and return when that outlives this process.

        Raises:
            StorageUnavailable: it is switched, and neither the store nor the spool keeps it.
        """
        async with self._lock:
            state = SafeModeState(enabled, reason, self._moment_after(self.state.changed_at))
            self._take(state, self._end_of_now())
            self._known.set()
            content = {"created_at": state.changed_at, "enabled": enabled, "reason": reason}
            await self._keep(SAFE_MODE, SWITCH, content, f"safe mode is {'on' if enabled else 'off'}")
        self._announce()
        return self.state

    def why(self) -> str | None:
        """Return the operator's reason while it is on, else None."""
        return self.state.reason if self.state.enabled else None

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

    async def _stored(self) -> tuple[SafeModeState, datetime] | None:
        document = await self._documents.get(SAFE_MODE, SWITCH)
        if document is None:
            return None
        state = SafeModeState(bool(document["enabled"]), str(document["reason"]), document["created_at"])
        return state, state.changed_at

    def _changed(self, _: SafeModeState) -> None:
        state = self.state
        metrics.SAFE_MODE.set(state.enabled)
        logger.bind(enabled=state.enabled, reason=state.reason, changed_at=state.changed_at.isoformat()).warning(
            "safe mode is on" if state.enabled else "safe mode is off"
        )
        # Each replica takes the state over, and says so to its own subscribers.
        event = partial(render_safe_mode_changed, state.enabled, state.reason, state.changed_at)
        self._hub.publish(None, event, everywhere=False)
