"""All guards around an answer, with what they remember of earlier ones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime

from cachetools import FIFOCache

from config.guard_settings import GuardSettings
from domain.analysis import Analysis
from domain.trading.gates import GateName
from rules.context import MarketContext
from services.broadcast.hub import SignalHub
from services.guards.gates import (
    Finding,
    complete_data_gate,
    confidence_gate,
    cooldown_gate,
    enough_data_gate,
    exposure_gate,
    fresh_data_gate,
    safe_mode_gate,
    unbroken_data_gate,
)
from services.guards.given_side import GivenSide
from services.guards.given_sides import GivenSides
from services.guards.likeness import likeness
from services.guards.refusal import Guarded, guarded
from services.guards.safe_mode import SafeMode
from storage.document_ports import LastingDocuments
from utils import metrics
from utils.clock import Clock
from utils.concurrency import background

# Fresh answers that wait for a trusted caller, by id.
MAX_MADE = 1_000
# The start waits for the store, so that the first answer is guarded as the last one was, and at most this long.
FIRST_LOOK_SECONDS = 0.5


class Guards:
    """Turns a Long or Short that a gate refuses into Neutral, and remembers the sides that trusted callers are given.

    Replays are judged by their candles alone, so that they always give the same answer: they neither read nor change
    what is remembered, and safe mode is not of their time. Old candles change nothing either.

    Attributes:
        safe_mode: Refuses everything while it is on.
    """

    def __init__(self, safe_mode: SafeMode, given: GivenSides, settings: GuardSettings, min_candles: int) -> None:
        """Keep the parts; `min_candles` is what an analysis needs."""
        self.safe_mode = safe_mode
        self._given = given
        self._settings = settings
        self._min_candles = min_candles
        self._made: FIFOCache[str, GivenSide] = FIFOCache(MAX_MADE)

    @property
    def valid_since(self) -> datetime:
        """The moment before which analyses answer no request any more: the last switch of safe mode."""
        return self.safe_mode.valid_since

    def check(self, context: MarketContext, analysis: Analysis) -> Guarded:
        """Return an answer after every gate; never another side than it had."""
        found = guarded(analysis, list(self._findings(context, analysis)))
        if found.analysis.signal is not analysis.signal:
            for gate in found.analysis.gates:
                if not gate.passed:
                    metrics.GUARD_REFUSALS.labels(gate.name).inc()
        return found

    def agree(self, analysis: Analysis) -> bool:
        """Return whether safe mode is as it was when the answer was guarded; always of a replay."""
        refused = any(gate.name == GateName.SAFE_MODE and not gate.passed for gate in analysis.gates)
        return analysis.as_of is not None or refused is self.safe_mode.state.enabled

    def made(self, context: MarketContext, analysis: Analysis) -> None:
        """Take a current answer on candles that can be believed, in case a trusted caller is given it."""
        self._made[analysis.analysis_id] = GivenSide.of(analysis, context.main.series)

    def give(self, analysis: Analysis) -> None:
        """Remember the side of an answer that a trusted caller is given; once, however often it is given."""
        side = self._made.pop(analysis.analysis_id, None)
        if side is not None:
            self.remember(side)

    def remember(self, side: GivenSide) -> None:
        """Remember a side that a trusted caller is given."""
        self._given.give(side)

    def look_at(self, market: str) -> None:
        """Read the side of a market that another replica gave; without a market, all of them."""
        self._given.look_at(market)

    def _findings(self, context: MarketContext, analysis: Analysis) -> Iterator[Finding]:
        settings, state = self._settings, self.safe_mode.state
        yield safe_mode_gate(state.reason if state.enabled and context.as_of is None else None)
        yield fresh_data_gate(context)
        yield enough_data_gate(context, settings)
        yield complete_data_gate(context, settings)
        yield unbroken_data_gate(context, self._min_candles)
        remembers = context.as_of is None and not context.age.old and bool(analysis.signal.side)
        market = analysis.symbol, analysis.timeframe
        standing = self._given.standing(*market) if remembers else None
        band = settings.hysteresis if remembers else 0.0
        yield confidence_gate(analysis, standing.signal if standing else None, band)
        last = self._given.last(*market) if remembers else None
        yield cooldown_gate(analysis, last, last.candles_since(context.main.series) if last else 0, settings)
        yield exposure_gate(analysis, self._alike(context, analysis) if remembers else (), settings)

    def _alike(self, context: MarketContext, analysis: Analysis) -> list[GivenSide]:
        """Return the open sides of other symbols that are the same bet as this answer."""
        beside = self._given.open_beside(analysis.symbol, analysis.timeframe)
        if not beside:
            return []
        own = GivenSide.of(analysis, context.main.series)
        return [bet for bet in beside if likeness(own, bet) > self._settings.max_correlation]


@asynccontextmanager
async def open_guards(
    documents: LastingDocuments,
    hub: SignalHub,
    clock: Clock,
    settings: GuardSettings,
    min_candles: int,
    announce_switch: Callable[[], None] = lambda: None,
    announce_side: Callable[[str], None] = lambda _: None,
) -> AsyncIterator[Guards]:
    """Give the guards with what earlier processes stored, and keep them in step with the store.

    The two functions let other replicas look at once: for a switch of the safe mode, and for the side of a market.
    """
    safe_mode = SafeMode(documents, hub, clock, announce=announce_switch)
    given = GivenSides(documents, clock, settings.open_candles, announce=announce_side)
    async with background(safe_mode.watch(), "safe mode"), background(given.follow(), "stored sides"):
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_LOOK_SECONDS):
                await safe_mode.known()
                await given.known()
        yield Guards(safe_mode, given, settings, min_candles)
