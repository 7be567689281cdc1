"""Lanes and strategies that take no part in answers; they are kept in the document store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Literal

from loguru import logger

from domain.errors import NotFound
from domain.trading.disabled import LANES
from domain.values import EPOCH
from rules.strategies import STRATEGY_NAMES
from services.broadcast.events import render_disabled_changed
from services.broadcast.hub import SignalHub
from services.guards.watched_state import WatchedState
from services.health.degraded import Degraded
from storage.document_ports import DISABLED, Document, LastingDocuments
from utils.clock import Clock

NAMES = (*LANES, *STRATEGY_NAMES)
# A name that an earlier release knew may still be stored.
_MOST = 100
By = Literal["admin", "emergency"]


@dataclass(frozen=True)
class PartState:
    """Whether a lane or strategy is disabled, why, since when and by whom; before any change it is not."""

    name: str
    disabled: bool = False
    reason: str = ""
    changed_at: datetime = EPOCH
    by: By = "admin"

    @property
    def words(self) -> str:
        """Why it takes no part, for a person."""
        kind = "lane" if self.name in LANES else "strategy"
        return f"the {kind} {self.name} is disabled since {self.changed_at:%Y-%m-%d %H:%M} UTC: {self.reason}"


class Disabled(WatchedState[Mapping[str, PartState]]):
    """Knows what is disabled; a change by another process that shares the store is taken over within seconds."""

    def __init__(
        self,
        documents: LastingDocuments,
        hub: SignalHub,
        clock: Clock,
        announce: Callable[[], None] = lambda: None,
    ) -> None:
        """Begin with nothing disabled; `announce` lets other replicas look at once."""
        super().__init__(documents, clock, {}, asyncio.sleep, announce)
        self._hub = hub

    def why(self, name: str) -> str | None:
        """Return why the part of this name takes no part, None where it does."""
        state = self.state.get(name)
        return state.words if state is not None and state.disabled else None

    def parts(self) -> list[PartState]:
        """Return the state of every lane and strategy."""
        return [self.state.get(name, PartState(name)) for name in NAMES]

    async def switch(self, name: str, *, disabled: bool, reason: str, by: By) -> PartState:
        """Disable or enable a part, at once, and return when that outlives this process.

        Raises:
            NotFound: no lane and no strategy has this name.
            StorageUnavailable: it is switched, and neither the store nor the spool keeps it.
        """
        if name not in NAMES:
            raise NotFound(f"{name[:80]!r} is no lane and no strategy; there are {', '.join(NAMES)}")
        async with self._lock:
            moment = self._moment_after(self.state.get(name, PartState(name)).changed_at)
            part = PartState(name, disabled, reason, moment, by)
            self._take({**self.state, name: part}, self._end_of_now())
            content = {"created_at": part.changed_at, "disabled": disabled, "reason": reason, "by": by}
            await self._keep(DISABLED, name, content, f"{name} is {'disabled' if disabled else 'enabled'}")
        self._announce()
        return part

    def degraded(self) -> Iterator[Degraded]:
        """Yield each part that is disabled."""
        for part in self.parts():
            if part.disabled:
                remedy = f"see docs/self-analysis.md; enable it: POST /ai/disabled/{part.name}"
                yield Degraded(f"disabled.{part.name}", part.words, remedy)

    async def _stored(self) -> tuple[Mapping[str, PartState], datetime] | None:
        documents = await self._documents.newest(DISABLED, _MOST)
        found = {part.name: part for part in map(_part, documents) if part.name in NAMES}
        return (found, max(part.changed_at for part in found.values())) if found else None

    def _changed(self, before: Mapping[str, PartState]) -> None:
        for name, part in self.state.items():
            if before.get(name, PartState(name)) != part:
                self._tell(part)

    def _tell(self, part: PartState) -> None:
        logger.bind(part=part.name, disabled=part.disabled, reason=part.reason, by=part.by).warning(
            "a lane or strategy is disabled" if part.disabled else "a lane or strategy is enabled"
        )
        # Each replica takes the state over, and says so to its own subscribers.
        event = partial(render_disabled_changed, part.name, part.disabled, part.reason, part.by, part.changed_at)
        self._hub.publish(None, event, everywhere=False)


def _part(document: Document) -> PartState:
    by: By = "emergency" if document["by"] == "emergency" else "admin"
    return PartState(
        str(document[DISABLED.key_field]),
        bool(document["disabled"]),
        str(document["reason"]),
        document["created_at"],
        by,
    )
