"""Checks the models' folder in the background: damaged versions in production, a damaged alias file, a full disk."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Executor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime

from loguru import logger

from domain.errors import AppError
from models.plan_registry import PLANS_FOLDER
from models.recalibration.kept import RECALIBRATIONS_FILE, read_recalibrations
from models.registry.aliases import ALIASES_FILE, Aliases, ScopeAliases
from models.registry.artifacts import FolderStamp, folder_stamp
from models.registry.disk import look_at_disk
from models.registry.registry import Registry
from models.serving.loaded_models import LoadedModels
from services.health.degraded import Degraded
from services.health.model_age import age_warning
from utils.concurrency import Pause, background, worker_threads

# The start waits for the first look, so that the first answer is right, and at most this long for a disk that hangs.
FIRST_LOOK_SECONDS = 0.5
# A look takes milliseconds, and a second where large versions are read.
HANGING_SECONDS = 30.0
MIN_INTERVAL_SECONDS = 0.1
_TRAIN = "train another version, or let an earlier one serve by POST /ai/models/rollback"
_TRAIN_PLANS = "train another one, or let an earlier one serve by cli.py models rollback --target plan"
_BY_EVIDENCE = "plans are weighed by the evidence's own record"
_INSTALL = "install the service again, or switch them off by models.shipped: false"


@dataclass(frozen=True)
class _Verified:
    """The result of reading a version's files, and the stamps of these files."""

    members: tuple[str, ...]
    stamps: tuple[FolderStamp, ...]
    damage: str | None
    trained_until_ms: int | None = None


class ModelWatch:
    """Finds what is wrong with the models in production before a request meets it.

    Files are read again when they have changed: /health itself reads none.
    """

    def __init__(
        self,
        registry: Registry,
        loaded: LoadedModels,
        interval_seconds: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Keep the parts; nothing is read yet.

        Args:
            registry: Its folder is watched.
            loaded: The models that serve; each look also makes it notice another version in production.
            interval_seconds: Between two looks.
            monotonic: Seconds that never jump back.
        """
        self._registry = registry
        self._loaded = loaded
        self._interval_seconds = max(interval_seconds, MIN_INTERVAL_SECONDS)
        self._monotonic = monotonic
        self._aliases = Aliases()
        self._found: tuple[Degraded, ...] = ()
        self._verified: dict[str, _Verified] = {}
        self._verified_plans: dict[str, _Verified] = {}
        self._looking_since: float | None = None
        self._looked = asyncio.Event()
        self._pause = Pause()

    def degraded(self) -> Iterator[Degraded]:
        """Yield what the last look found, without waiting."""
        since = self._looking_since
        if since is not None and self._monotonic() - since > HANGING_SECONDS:
            yield Degraded("models", "the disk of the models does not answer", "look at the disk of MODEL_SAVE_PATH")
        yield from self._found

    def warnings(self, now: datetime) -> list[str]:
        """Return which versions that serve were trained on candles of long ago, in words, without waiting.

        Args:
            now: Aware UTC time.
        """
        serving = ((of, of.production) for of in self._aliases.scopes if of.production)
        known = ((of, version, self._verified[version]) for of, version in serving if version in self._verified)
        found = (age_warning(of, version, one.trained_until_ms, now) for of, version, one in known)
        return [warning for warning in found if warning]

    def look(self) -> None:
        """Check once: file I/O, for one thread at a time."""
        self._looking_since = self._monotonic()
        try:
            self._loaded.look_again()
            self._loaded.in_production()
            self._loaded.look_again()  # requests after this look see at least what it saw
            self._found = (*self._in_production(), *self._plan_models(), *self._disk())
        finally:
            self._looking_since = None

    def _in_production(self) -> Iterator[Degraded]:
        try:
            self._aliases = self._registry.aliases()
        except AppError as error:
            remedy = f"restore {ALIASES_FILE} from a backup, or delete it and put versions into production again"
            yield Degraded("models", f"{error.message}; what served before goes on serving", remedy)
        try:
            read_recalibrations(self._registry.root)
        except AppError as error:
            remedy = f"restore {RECALIBRATIONS_FILE} from a backup, or delete it: calibrations are then renewed anew"
            yield Degraded("models", f"{error.message}; what was in force before stays, until a restart", remedy)
        if (damage := self._registry.shipped.damage()) is not None:
            yield Degraded("models", f"those that come with the service cannot be read: {damage}", _INSTALL)
        serving = [(of, of.production) for of in self._aliases.scopes if of.production]
        self._verified = {version: self._verify(version, self._registry) for _, version in serving}
        for of, version in serving:
            if self._verified[version].damage is not None and version not in self._loaded.loaded():
                self._loaded.find(of.symbol, of.timeframe)  # fails, so that an earlier version serves
        failures = self._loaded.failures()
        for of, version in serving:
            reason = self._verified[version].damage or failures.get((of.symbol, of.timeframe))
            if reason is not None:
                remedy = _INSTALL if of.is_shipped(version) else _TRAIN
                yield Degraded(f"model {of.symbol} {of.timeframe}", self._told(of, version, reason), remedy)

    def _plan_models(self) -> Iterator[Degraded]:
        plans = Registry(self._registry.root / PLANS_FOLDER)
        try:
            serving = [(of, of.production) for of in plans.aliases().scopes if of.production]
        except AppError as error:
            yield Degraded("plan models", f"{error.message}; {_BY_EVIDENCE}", _TRAIN_PLANS)
            return
        self._verified_plans = {version: self._verify(version, plans) for _, version in serving}
        for of, version in serving:
            if (damage := self._verified_plans[version].damage) is not None:
                name = f"plan model {of.symbol} {of.timeframe}"
                yield Degraded(name, f"{damage}; unless it is in memory, {_BY_EVIDENCE}", _TRAIN_PLANS)

    def _told(self, of: ScopeAliases, version: str, reason: str) -> str:
        serves = self._loaded.known_production().get((of.symbol, of.timeframe))
        if serves == version:
            return f"{reason}; it serves from memory until the service ends"
        return f"{reason}; {serves or 'nothing'} serves instead"

    def _verify(self, version: str, registry: Registry) -> _Verified:
        """Read a version's files, unless they are those that were read before."""
        known = self._verified.get(version) or self._verified_plans.get(version)
        if known is not None and known.stamps == _stamps(registry, version, known.members):
            return known
        members: tuple[str, ...] = ()
        reason = trained_until_ms = None
        try:
            metadata = registry.open(version).metadata
            members, trained_until_ms = tuple(one.version for one in metadata.members), metadata.trained_until_ms
            stamps = _stamps(registry, version, members)  # taken first: a file that changes meanwhile is read again
            registry.verify(version)
        except AppError as error:
            reason = error.message
            stamps = _stamps(registry, version, members)
        return _Verified(members, stamps, reason, trained_until_ms)

    def _disk(self) -> Iterator[Degraded]:
        trouble = look_at_disk(self._registry.root)
        if trouble is not None:
            yield Degraded("models_disk", trouble.reason, trouble.remedy)

    async def run(self, executor: Executor) -> None:
        """Check at every interval, until canceled."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                await loop.run_in_executor(executor, self.look)
            except Exception:  # noqa: BLE001 - a defect must not end the loop
                logger.exception("looking at the models failed unexpectedly")
            self._looked.set()
            await self._pause.wait(self._interval_seconds)

    def look_soon(self) -> None:
        """Check at once, and not at the end of the interval."""
        self._pause.end()

    async def looked(self) -> None:
        """Return after the first look."""
        await self._looked.wait()


def _stamps(registry: Registry, version: str, members: tuple[str, ...]) -> tuple[FolderStamp, ...]:
    return tuple(folder_stamp(registry.folder(one).parent, one) for one in (version, *members))


@asynccontextmanager
async def watched(watch: ModelWatch) -> AsyncIterator[None]:
    """Check once, then in the background while the block runs."""
    # A thread of its own: a disk that hangs stops no other work.
    with worker_threads(1, "model-watch") as executor:
        async with background(watch.run(executor), "model watch"):
            with suppress(TimeoutError):
                async with asyncio.timeout(FIRST_LOOK_SECONDS):
                    await watch.looked()
            yield
