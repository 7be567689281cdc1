"""The emergency watch: disables what is surely below the critical bounds, and says so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from loguru import logger

from config.watch_settings import EmergencySettings
from domain.ledger.entries import NEXT_CANDLE, PLAN, LedgerLane
from domain.notices import Notice, NoticeLevel
from domain.trading.disabled import LANES, MODEL
from rules.strategies import STRATEGY_NAMES
from services.emergency.critical import why_critical
from services.emergency.strategy_records import LiveStrategies, records_since
from services.guards.disabled import Disabled, PartState
from services.leases import Lease
from services.ledger.scoring.queries import Grouping, RecordQuery
from services.ledger.scoring.records import Record
from services.ledger.scoring.scores import LedgerScores
from utils.clock import Clock
from utils.concurrency import look_again


class EmergencyWatch:
    """Looks at the live records of lanes and strategies, on one replica at a time.

    What an administrator enables is left alone for some hours, and then judged by the results since then.
    """

    def __init__(
        self,
        scores: LedgerScores,
        strategies: LiveStrategies,
        disabled: Disabled,
        notify: Callable[[Notice], None],
        lease: Lease,
        settings: EmergencySettings,
        clock: Clock,
    ) -> None:
        """Keep the parts.

        Args:
            scores: Of the ledger's lanes.
            strategies: Live records of the strategies.
            disabled: Takes what is to be disabled.
            notify: Tells operators; it returns at once and raises nothing.
            lease: The right to look.
            settings: The bounds.
            clock: Tells since when something is enabled.
        """
        self._scores = scores
        self._strategies = strategies
        self._disabled = disabled
        self._notify = notify
        self._lease = lease
        self._settings = settings
        self._clock = clock

    async def check(self) -> dict[str, Any]:
        """Look once.

        Returns:
            `disabled`: the names of what was disabled now; `quiet`: what an administrator enabled too recently.

        Raises:
            StorageUnavailable: a store does not answer.
        """
        found: dict[str, Any] = {"enabled": self._settings.enabled, "disabled": [], "quiet": []}
        if not self._settings.enabled:
            return found
        strategies = await self._strategies.read(self._settings.days)
        today = self._clock.now().date()
        for part in self._disabled.parts():
            if part.disabled:
                continue
            days = self._days(part)
            if days is None:
                found["quiet"].append(part.name)
                continue
            if part.name in STRATEGY_NAMES:
                records = records_since(strategies, today - timedelta(days=days - 1), part.name)
            else:
                records = await self._of_lane(LedgerLane(part.name), days)
            if reason := why_critical(records, self._settings):
                await self._disable(part.name, reason)
                found["disabled"].append(part.name)
        return found

    async def run(self) -> None:
        """Look again and again, until canceled; while a store is down nothing is judged, and /health names it."""
        async with self._lease.given_up_after():
            pause = partial(asyncio.sleep, 60 * self._settings.check_minutes)
            await look_again(self._look, pause, "judging live records")

    async def _look(self) -> None:
        if await self._lease.take():
            await self.check()

    def _days(self, part: PartState) -> int | None:
        """Return how many UTC days count; None while what an administrator enabled is left alone."""
        enabled_for = self._clock.now() - part.changed_at
        if enabled_for < timedelta(hours=self._settings.quiet_hours):
            return None
        return min(self._settings.days, max(enabled_for.days, 1))

    async def _of_lane(self, lane: LedgerLane, days: int) -> list[Record]:
        """Return the records of a lane: of its present version, but of models together, which change every night."""
        grouping = Grouping.LANE if lane == MODEL else Grouping.VERSION
        found = await self._scores.track_record(RecordQuery(days, grouping, lane))
        found = [record for record in found if record.key.horizon in {NEXT_CANDLE, PLAN}]
        if grouping is Grouping.LANE:
            return found
        present = max(found, key=lambda record: (record.first_day, record.last_day), default=None)
        return [record for record in found if present and record.key.lane_id == present.key.lane_id]

    async def _disable(self, name: str, reason: str) -> None:
        kind = "lane" if name in LANES else "strategy"
        logger.bind(part=name, reason=reason).error(f"the {kind} {name} is disabled by the emergency watch")
        self._notify(
            Notice(
                key=f"disabled.{name}",
                level=NoticeLevel.CRITICAL,
                title=f"The {kind} {name} is disabled",
                text=f"{reason}. It takes no part in answers until it is enabled: POST /ai/disabled/{name}",
                created_at=self._clock.now(),
            )
        )
        # Told before: it is disabled even if nothing keeps that over a restart, and then no later look would tell it.
        await self._disabled.switch(name, disabled=True, reason=reason, by="emergency")
