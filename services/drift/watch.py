"""Watches the models in production for drift, on one replica at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from datetime import timedelta
from functools import partial

from loguru import logger

from domain.forecasting import market_in_words
from domain.notices import Notice, NoticeLevel
from models.drift.verdicts import DriftStatus
from models.registry.metadata import ModelMetadata
from models.registry.registries import RegistryKey
from models.serving.served_models import ServedModels
from services.broadcast.events import render_model_drift
from services.broadcast.hub import SignalHub
from services.drift.check import DriftCheck
from services.drift.findings import DriftFinding, Place, market_of
from services.drift.kept_findings import findings_of, kept_findings, models_of
from services.health.degraded import Degraded
from services.leases import Lease
from storage.document_ports import MODEL_DRIFT, DocumentStore
from utils import metrics
from utils.clock import Clock
from utils.concurrency import look_again, run_blocking

# Another version in production is checked, and the finding of another replica is known, within this time.
LOOK_SECONDS = 60.0
# The start has other work.
FIRST_LOOK_SECONDS = 10.0
_LEVELS = {DriftStatus.NONE: 0, DriftStatus.NOTICE: 1, DriftStatus.ALARM: 2}


class DriftWatch:
    """Checks every model in production at intervals, keeps what is found, and tells of alarms."""

    def __init__(
        self,
        *,
        served: ServedModels,
        check: DriftCheck,
        documents: DocumentStore,
        hub: SignalHub,
        notify: Callable[[Notice], None],
        lease: Lease,
        check_seconds: float,
        clock: Clock,
        executor: Executor,
    ) -> None:
        """Keep the parts.

        Args:
            served: Tells which versions serve of each registry, and has their metadata.
            check: Checks one of them.
            documents: Keeps the newest finding of each registry, symbol (or `*`) and timeframe.
            hub: Publishes `ModelDrift` when a model gets an alarm.
            notify: Tells the operators of it.
            lease: Held by the replica that checks.
            check_seconds: Between two checks of a version.
            clock: The server's.
            executor: For work off the event loop.
        """
        self._served = served
        self._check = check
        self._documents = documents
        self._hub = hub
        self._notify = notify
        self._lease = lease
        self._every = timedelta(seconds=check_seconds)
        self._clock = clock
        self._executor = executor
        self._found: tuple[DriftFinding, ...] = ()

    def alarms(self) -> tuple[DriftFinding, ...]:
        """Return the models in production that should be trained again, without waiting."""
        return tuple(one for one in self._found if one.alarm)

    def degraded(self) -> Iterator[Degraded]:
        """Yield every model with an alarm, without waiting."""
        for one in self.alarms():
            yield Degraded(f"model_drift {one.market}", f"{one.version}: {one.reason}", one.advice)

    async def run(self) -> None:
        """Check what is due at every look until canceled, and then let another replica do it."""
        async with self._lease.given_up_after():
            await asyncio.sleep(FIRST_LOOK_SECONDS)
            await look_again(self.look, partial(asyncio.sleep, LOOK_SECONDS), "checking models for drift")

    async def look(self) -> list[DriftFinding]:
        """Check the models whose check is due, if it is this replica's turn, and return what was found of them.

        Raises:
            StorageUnavailable: the stores do not answer.
        """
        new: list[DriftFinding] = []
        if await self._lease.take():
            for key, model, others, known in await self._due():
                finding = await self._check.of(key, model, others, known)
                # Whoever took the lease over meanwhile checks it as well.
                if not await self._lease.take():
                    break
                await self._keep(finding, known)
                new.append(finding)
        self._take(await self.findings())
        return new

    async def findings(self) -> list[DriftFinding]:
        """Return the newest check of every model in production, in the order of `findings_of`.

        Raises:
            StorageUnavailable: the store does not answer.
        """
        return findings_of(await kept_findings(self._documents), await self._serving())

    async def _due(self) -> list[tuple[RegistryKey, ModelMetadata, frozenset[str], DriftFinding | None]]:
        kept, serving, now = await kept_findings(self._documents), await self._serving(), self._clock.now()
        gone = [market_of(place) for place in kept if place not in serving]
        if gone:
            await self._documents.discard(MODEL_DRIFT, gone)
        due = []
        for (key, symbol, timeframe), model in serving.items():
            known = kept.get((key, symbol, timeframe))
            fresh = known is not None and known.version == model.version and known.checked_at is not None
            # A check that is dated in the future was made by a clock that ran ahead.
            if fresh and known and known.checked_at and known.checked_at <= now < known.checked_at + self._every:
                continue
            beside = (own for its_key, own, step in serving if (its_key, step) == (key, timeframe))
            due.append((key, model, frozenset(beside) - {symbol}, known))
        return due

    async def _keep(self, finding: DriftFinding, known: DriftFinding | None) -> None:
        await self._documents.put(MODEL_DRIFT, finding.market, finding.document())
        logger.bind(
            symbol=finding.symbol,
            timeframe=finding.timeframe.value,
            version=finding.version,
            status=finding.status.value,
            drifted=finding.drifted,
        ).info("a model was checked for drift")
        told = known is not None and known.version == finding.version and known.alarm
        if finding.alarm and not told:
            self._hub.publish(None, lambda: render_model_drift(finding.public(), self._clock.now()))
            title = f"The model of {market_in_words(finding.market)} has drifted"
            text = f"{finding.reason}. {finding.advice}"
            key = f"drift {finding.version}{finding.key.options}"
            self._notify(Notice(key, NoticeLevel.WARNING, title, text, self._clock.now()))

    async def _serving(self) -> Mapping[Place, ModelMetadata]:
        return await run_blocking(self._executor, self._in_production)

    def _in_production(self) -> dict[Place, ModelMetadata]:
        serving = {
            (key, *scope): version
            for key in self._served
            for scope, version in self._served.at(key).in_production().items()
        }
        return models_of(self._served.registries, serving)

    def _take(self, found: list[DriftFinding]) -> None:
        self._found = tuple(found)
        metrics.MODEL_DRIFT.clear()
        metrics.MODEL_DRIFTED_FEATURES.clear()
        for one in found:
            if one.status in _LEVELS:
                metrics.MODEL_DRIFT.labels(one.symbol, one.timeframe.value, one.key.name).set(_LEVELS[one.status])
            if one.features:
                metrics.MODEL_DRIFTED_FEATURES.labels(one.symbol, one.timeframe.value, one.key.name).set(one.drifted)
