"""Watches the candidates that shadow, and decides on them on one replica at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

from loguru import logger

from config.model_settings import ModelSettings
from domain.errors import ModelNotFound, ModelUnusable, StorageUnavailable
from models.registry.aliases import Aliases, ScopeAliases
from models.registry.registry import Registry
from models.registry.shadowing import promote_shadow, refuse_shadow
from models.registry.shadows import ShadowFigures
from models.serving.loaded_models import load_version
from services.broadcast.hub import SignalHub
from services.broadcast.shadow_event import render_model_shadow
from services.leases import Lease
from services.shadowing.decision import ShadowDecision, ShadowRule
from services.shadowing.figures import public_shadows, read_figures, shadows_of
from storage.document_ports import DocumentStore
from storage.ledger_ports import LedgerStore
from utils.clock import Clock
from utils.concurrency import background
from utils.looking import look_again

# A candidate is announced, and decided on, within this time.
LOOK_SECONDS = 30.0
# The start has other work.
FIRST_LOOK_SECONDS = 5.0
# A replica that is killed holds the others back for so long.
LEASE_SECONDS = 300.0

# What is told of a shadow: its candidate, when it began, and its state.
_Told = tuple[str, str, str]


class ShadowWatch:
    """Promotes candidates that hold beside the model in production, refuses those that are worse, and tells of both.

    All that it knows is in the registry and the ledger, so that a process that ends anywhere leaves a shadow either
    going on or ended, and the next one goes on from there.
    """

    def __init__(
        self,
        *,
        registry: Registry,
        ledger: LedgerStore,
        documents: DocumentStore,
        settings: ModelSettings,
        hub: SignalHub,
        announce: Callable[[], object],
        lease: Lease,
        clock: Clock,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """Keep the parts.

        Args:
            registry: Has the shadows.
            ledger: Has what came of the forecasts.
            documents: Has the identities of the lanes.
            settings: Number of forecasts, margin and time limit.
            hub: Publishes `ModelShadow`.
            announce: Lets every replica look at the registry at once.
            lease: Held by the replica that decides.
            clock: The server's.
            sleep: Waits for seconds.
        """
        self._registry = registry
        self._ledger = ledger
        self._documents = documents
        self._rule = ShadowRule(settings)
        self._hub = hub
        self._announce = announce
        self._lease = lease
        self._clock = clock
        self._sleep = sleep
        self._figures: Mapping[str, ShadowFigures] = {}
        self._told: set[_Told] | None = None

    async def run(self) -> None:
        """Decide what can be decided at every look until canceled, and then let another replica do it."""
        async with self._lease.given_up_after():
            await self._sleep(FIRST_LOOK_SECONDS)
            await look_again(self.look, partial(self._sleep, LOOK_SECONDS), "deciding on candidates that shadow")

    async def look(self) -> None:
        """Decide on the candidates, if it is this replica's turn, and tell what is new.

        What was there before the first look is told already.

        Raises:
            StorageUnavailable: ledger or documents do not answer.
            ModelCorrupt: the registry's file of aliases cannot be read.
        """
        if self._told is None:
            self._told = {_told(one) for one in await self._known()}
        held = await self._lease.take()
        figures = await self._read()
        if held:
            for version, of in shadows_of(await self._aliases()).items():
                if version in figures and not await self._decided(of, figures[version]):
                    break
        known = await self._known()
        for one in known:
            if held and _told(one) not in self._told:
                self._tell(one)
        self._told = set(map(_told, known))

    async def states(self) -> dict[str, dict[str, Any]]:
        """Return what is known of the newest shadow of each version that has one, as `public_shadows` gives it.

        While the stores do not answer, the figures are those of the last look.

        Raises:
            ModelCorrupt: the registry's file of aliases cannot be read.
        """
        with suppress(StorageUnavailable):  # /health names the store
            await self._read()
        return {one["version"]: one for one in await self._known()}

    async def _read(self) -> Mapping[str, ShadowFigures]:
        shadows = [of.shadow for of in shadows_of(await self._aliases()).values() if of.shadow is not None]
        self._figures = await read_figures(shadows, self._ledger, self._documents, self._clock.now())
        return self._figures

    async def _aliases(self) -> Aliases:
        return await asyncio.to_thread(self._registry.aliases)

    async def _known(self) -> list[dict[str, Any]]:
        return public_shadows(await self._aliases(), self._rule.needed, self._figures)

    async def _decided(self, of: ScopeAliases, figures: ShadowFigures) -> bool:
        """Carry the decision out, if there is one; return whether this replica may go on."""
        shadow = of.shadow
        if shadow is None:
            return True
        decision = self._rule.decide(shadow, figures, self._clock.now())
        if decision is None:
            return True
        if not await self._lease.take():
            return False
        if await asyncio.to_thread(self._carry_out, of, decision, figures):
            self._announce()
        return True

    def _carry_out(self, of: ScopeAliases, decision: ShadowDecision, figures: ShadowFigures) -> bool:
        shadow, now = of.shadow, self._clock.now()
        if shadow is None:
            return False
        if decision.promote:
            try:
                load_version(self._registry, shadow.version)
                return promote_shadow(self._registry, of, decision.why, figures, now)
            except (ModelNotFound, ModelUnusable) as error:
                decision = ShadowDecision(False, f"it cannot serve: {error.message}")
        return refuse_shadow(self._registry, of, decision.why, figures, now)

    def _tell(self, public: Mapping[str, Any]) -> None:
        self._hub.publish(None, lambda: render_model_shadow(public, self._clock.now()))
        named = {name: public[name] for name in ("symbol", "timeframe", "version", "production", "reason")}
        logger.bind(**named).info(f"a candidate beside a model in production: {public['state']}")


def _told(public: Mapping[str, Any]) -> _Told:
    return public["version"], public["since"].isoformat(), public["state"]


@asynccontextmanager
async def open_shadow_watch(
    settings: ModelSettings,
    registry: Registry,
    stores: tuple[LedgerStore, DocumentStore],
    hub: SignalHub,
    announce: Callable[[], object],
    clock: Clock,
) -> AsyncIterator[ShadowWatch]:
    """Decide on candidates in the background, on one replica at a time."""
    ledger, documents = stores
    watch = ShadowWatch(
        registry=registry,
        ledger=ledger,
        documents=documents,
        settings=settings,
        hub=hub,
        announce=announce,
        lease=Lease(documents, "shadows", LEASE_SECONDS, clock),
        clock=clock,
    )
    async with background(watch.run(), "candidates that shadow"):
        yield watch
