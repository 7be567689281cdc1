"""Watches the candidates that shadow, and decides on them on one replica at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from loguru import logger

from config.model_settings import ModelSettings
from domain.errors import ModelNotFound, ModelUnusable, StorageUnavailable
from models.registry.aliases import Aliases, ScopeAliases
from models.registry.registries import USUAL, Registries, RegistryKey
from models.registry.shadowing import promote_shadow, refuse_shadow
from models.registry.shadows import ShadowFigures
from models.serving.loaded_models import load_version
from services.broadcast.events import render_model_shadow
from services.broadcast.hub import SignalHub
from services.leases import Lease
from services.shadowing.beside import figures_beside
from services.shadowing.decision import ShadowDecision, ShadowRule
from services.shadowing.figures import public_shadows, shadows_of
from storage.document_ports import DocumentStore
from storage.ledger_ports import LedgerStore
from utils.clock import Clock
from utils.concurrency import background, look_again

# A candidate is announced, and decided on, within this time.
LOOK_SECONDS = 30.0
# The start has other work.
FIRST_LOOK_SECONDS = 5.0
# A replica that is killed holds the others back for so long.
LEASE_SECONDS = 300.0
# Forecasts of further horizons settle once a candle, and thousands of them are read: at most so often.
FURTHER_EVERY = timedelta(minutes=10)

# A registry, and a version of it.
OfVersion = tuple[RegistryKey, str]
# What is told of a shadow: its candidate, when it began, and its state.
_Told = tuple[int | None, str, str, str]


class ShadowWatch:
    """Promotes candidates that hold beside the model in production, refuses those that are worse, and tells of both.

    All that it knows is in the registry and the ledger, so that a process that ends anywhere leaves a shadow either
    going on or ended, and the next one goes on from there.
    """

    def __init__(
        self,
        *,
        registries: Registries,
        ledger: LedgerStore,
        documents: DocumentStore,
        settings: ModelSettings,
        hub: SignalHub,
        announce: Callable[[], object],
        lease: Lease,
        clock: Clock,
    ) -> None:
        """Keep the parts.

        Args:
            registries: Have the shadows, of each horizon its own.
            ledger: Has the settled forecasts of the next candle.
            documents: Has those of further horizons, and the identities of the lanes.
            settings: Number of forecasts, margin and time limit.
            hub: Publishes `ModelShadow`.
            announce: Lets every replica look at the registry at once.
            lease: Held by the replica that decides.
            clock: The server's.
        """
        self._registries = registries
        self._keys = [key for key in registries if key.target == "close"]
        self._stores = ledger, documents
        self._rule = ShadowRule(settings)
        self._hub = hub
        self._announce = announce
        self._lease = lease
        self._clock = clock
        self._figures: dict[RegistryKey, Mapping[str, ShadowFigures]] = {}
        self._read_at: dict[RegistryKey, datetime] = {}
        self._told: set[_Told] | None = None

    async def run(self) -> None:
        """Decide what can be decided at every look until canceled, and then let another replica do it."""
        async with self._lease.given_up_after():
            await asyncio.sleep(FIRST_LOOK_SECONDS)
            await look_again(self.look, partial(asyncio.sleep, LOOK_SECONDS), "deciding on candidates that shadow")

    async def look(self) -> None:
        """Decide on the candidates, if it is this replica's turn, and tell what is new.

        What was there before the first look is told already.

        Raises:
            StorageUnavailable: ledger or documents do not answer.
            ModelCorrupt: the file of aliases of the usual horizon cannot be read.
        """
        if self._told is None:
            self._told = {_told(one) for one in await self._known()}
        held = await self._lease.take()
        every = await self._read()
        if held:
            await self._decide(every)
        known = await self._known()
        for one in known:
            if held and _told(one) not in self._told:
                self._tell(one)
        self._told = set(map(_told, known))

    async def _decide(self, every: Mapping[RegistryKey, Aliases]) -> None:
        """Decide on each candidate, as long as the lease is held."""
        for key, aliases in every.items():
            figures = self._figures[key]
            for version, scope in shadows_of(aliases).items():
                if version in figures and not await self._decided(key, scope, figures[version]):
                    return

    async def states(self) -> dict[OfVersion, dict[str, Any]]:
        """Return what is known of the newest shadow of each version that has one, as `public_shadows` gives it.

        While the stores do not answer, the figures are those of the last look.

        Raises:
            ModelCorrupt: the file of aliases of the usual horizon cannot be read.
        """
        with suppress(StorageUnavailable):  # /health names the store
            await self._read()
        return {(RegistryKey(horizon=one["horizon_candles"]), one["version"]): one for one in await self._known()}

    async def _read(self) -> Mapping[RegistryKey, Aliases]:
        """Return the aliases of each registry, once the newest figures of its candidates are known."""
        every, now = await self._aliases(), self._clock.now()
        for key, aliases in every.items():
            known = self._figures.get(key, {})
            due = key == USUAL or now - self._read_at.get(key, now - FURTHER_EVERY) >= FURTHER_EVERY
            if due or known.keys() != shadows_of(aliases).keys():
                self._figures[key] = await figures_beside(self._registries, key, aliases, self._stores, now)
                self._read_at[key] = now
        return every

    async def _aliases(self) -> dict[RegistryKey, Aliases]:
        return await asyncio.to_thread(self._every)

    def _every(self) -> dict[RegistryKey, Aliases]:
        found = {}
        for key in self._keys:
            try:
                found[key] = self._registries.at(key).aliases()
            except ModelUnusable:  # /health names the file
                if key == USUAL:
                    raise
        return found

    async def _known(self) -> list[dict[str, Any]]:
        return [
            one
            for key, aliases in (await self._aliases()).items()
            for one in public_shadows(key, aliases, self._rule.needed, self._figures.get(key, {}))
        ]

    async def _decided(self, key: RegistryKey, scope: ScopeAliases, figures: ShadowFigures) -> bool:
        """Carry the decision out, if there is one; return whether this replica may go on."""
        shadow = scope.shadow
        if shadow is None:
            return True
        decision = self._rule.decide(shadow, figures, self._clock.now())
        if decision is None:
            return True
        if not await self._lease.take():
            return False
        if await asyncio.to_thread(self._carry_out, key, scope, decision, figures):
            self._announce()
        return True

    def _carry_out(
        self, key: RegistryKey, scope: ScopeAliases, decision: ShadowDecision, figures: ShadowFigures
    ) -> bool:
        shadow, now, registry = scope.shadow, self._clock.now(), self._registries.at(key)
        if shadow is None:
            return False
        if decision.promote:
            try:
                load_version(registry, shadow.version)
                return promote_shadow(registry, scope, decision.why, figures, now)
            except (ModelNotFound, ModelUnusable) as error:
                decision = ShadowDecision(False, f"it cannot serve: {error.message}")
        return refuse_shadow(registry, scope, decision.why, figures, now)

    def _tell(self, public: Mapping[str, Any]) -> None:
        self._hub.publish(None, lambda: render_model_shadow(public, self._clock.now()))
        names = "symbol", "timeframe", "horizon_candles", "version", "production", "reason"
        named = {name: public[name] for name in names}
        logger.bind(**named).info(f"a candidate beside a model in production: {public['state']}")


def _told(public: Mapping[str, Any]) -> _Told:
    return public["horizon_candles"], public["version"], public["since"].isoformat(), public["state"]


@asynccontextmanager
async def open_shadow_watch(
    registries: Registries,
    stores: tuple[LedgerStore, DocumentStore],
    hub: SignalHub,
    announce: Callable[[], object],
    clock: Clock,
) -> AsyncIterator[ShadowWatch]:
    """Decide on candidates in the background, on one replica at a time."""
    ledger, documents = stores
    watch = ShadowWatch(
        registries=registries,
        ledger=ledger,
        documents=documents,
        settings=registries.settings.models,
        hub=hub,
        announce=announce,
        lease=Lease(documents, "shadows", LEASE_SECONDS, clock),
        clock=clock,
    )
    async with background(watch.run(), "candidates that shadow"):
        yield watch
