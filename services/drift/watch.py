"""Watches the models in production for drift, on one replica at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import Executor
from datetime import timedelta
from functools import partial

from loguru import logger

from domain.notices import Notice, NoticeLevel
from models.drift.verdicts import DriftStatus
from models.registry.metadata import ModelMetadata
from models.registry.registry import Registry
from models.serving.loaded_models import LoadedModels
from services.broadcast.drift_event import render_model_drift
from services.broadcast.hub import SignalHub
from services.drift.check import DriftCheck
from services.drift.findings import DriftFinding, Scope, scope_key
from services.drift.kept import findings_of, kept_findings, models_of
from services.health.degraded import Degraded
from services.leases import Lease
from storage.document_ports import MODEL_DRIFT, DocumentStore
from utils import metrics
from utils.clock import Clock
from utils.concurrency import run_blocking
from utils.looking import look_again

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
        loaded: LoadedModels,
        registry: Registry,
        check: DriftCheck,
        documents: DocumentStore,
        hub: SignalHub,
        notify: Callable[[Notice], None],
        lease: Lease,
        check_seconds: float,
        clock: Clock,
        executor: Executor,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """Keep the parts.

        Args:
            loaded: Tells which versions serve.
            registry: Has their metadata.
            check: Checks one of them.
            documents: Keeps the newest finding of each symbol (or `*`) and timeframe.
            hub: Publishes `ModelDrift` when a model gets an alarm.
            notify: Tells the operators of it.
            lease: Held by the replica that checks.
            check_seconds: Between two checks of a version.
            clock: The server's.
            executor: For work off the event loop.
            sleep: Waits for seconds.
        """
        self._loaded = loaded
        self._registry = registry
        self._check = check
        self._documents = documents
        self._hub = hub
        self._notify = notify
        self._lease = lease
        self._every = timedelta(seconds=check_seconds)
        self._clock = clock
        self._executor = executor
        self._sleep = sleep
        self._found: tuple[DriftFinding, ...] = ()

    def alarms(self) -> tuple[DriftFinding, ...]:
        """Return the models in production that should be trained again, without waiting."""
        return tuple(one for one in self._found if one.alarm)

    def degraded(self) -> Iterator[Degraded]:
        """Yield every model with an alarm, without waiting."""
        for one in self.alarms():
            yield Degraded(f"model_drift {one.symbol} {one.timeframe}", f"{one.version}: {one.reason}", one.advice)

    async def run(self) -> None:
        """Check what is due at every look until canceled, and then let another replica do it."""
        async with self._lease.given_up_after():
            await self._sleep(FIRST_LOOK_SECONDS)
            await look_again(self.look, partial(self._sleep, LOOK_SECONDS), "checking models for drift")

    async def look(self) -> list[DriftFinding]:
        """Check the models whose check is due, if it is this replica's turn, and return what was found of them.

        Raises:
            StorageUnavailable: the stores do not answer.
        """
        new: list[DriftFinding] = []
        if await self._lease.take():
            for model, others, known in await self._due():
                finding = await self._check.of(model, others, known)
                # Whoever took the lease over meanwhile checks it as well.
                if not await self._lease.take():
                    break
                await self._keep(finding, known)
                new.append(finding)
        self._take(await self.findings())
        return new

    async def findings(self) -> list[DriftFinding]:
        """Return the newest check of every model in production, by timeframe and symbol.

        Raises:
            StorageUnavailable: the store does not answer.
        """
        return findings_of(await kept_findings(self._documents), await self._serving())

    async def _due(self) -> list[tuple[ModelMetadata, frozenset[str], DriftFinding | None]]:
        kept, serving, now = await kept_findings(self._documents), await self._serving(), self._clock.now()
        gone = [scope_key(*scope) for scope in kept if scope not in serving]
        if gone:
            await self._documents.discard(MODEL_DRIFT, gone)
        due = []
        for (symbol, timeframe), model in serving.items():
            known = kept.get((symbol, timeframe))
            fresh = known is not None and known.version == model.version and known.checked_at is not None
            # What was checked later than now was so by a clock that ran ahead.
            if fresh and known and known.checked_at and known.checked_at <= now < known.checked_at + self._every:
                continue
            others = frozenset(own for own, of in serving if of is timeframe and own != symbol)
            due.append((model, others, known))
        return due

    async def _keep(self, finding: DriftFinding, known: DriftFinding | None) -> None:
        await self._documents.put(MODEL_DRIFT, scope_key(*finding.scope), finding.document())
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
            title = f"The model of {finding.symbol} {finding.timeframe} has drifted"
            text = f"{finding.reason}. {finding.advice}"
            key = f"drift {finding.version}"
            self._notify(Notice(key, NoticeLevel.WARNING, title, text, self._clock.now()))

    async def _serving(self) -> Mapping[Scope, ModelMetadata]:
        return await run_blocking(self._executor, self._served)

    def _served(self) -> dict[Scope, ModelMetadata]:
        return models_of(self._registry, self._loaded.in_production())

    def _take(self, found: list[DriftFinding]) -> None:
        self._found = tuple(found)
        metrics.MODEL_DRIFT.clear()
        metrics.MODEL_DRIFTED_FEATURES.clear()
        for one in found:
            if one.status in _LEVELS:
                metrics.MODEL_DRIFT.labels(one.symbol, one.timeframe.value).set(_LEVELS[one.status])
            if one.features:
                metrics.MODEL_DRIFTED_FEATURES.labels(one.symbol, one.timeframe.value).set(one.drifted)
