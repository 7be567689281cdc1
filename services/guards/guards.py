"""All guards around an answer, with what they remember of earlier ones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from functools import partial

from cachetools import FIFOCache

from config.guard_settings import GuardSettings
from domain.analysis import Analysis, AnalysisSource, TradeSignal
from domain.trading.disabled import LLM, MODEL, RULES
from domain.trading.gates import GateName
from rules.context import MarketContext
from rules.strategies import STRATEGY_NAMES
from services.broadcast.hub import SignalHub
from services.guards.correlation import likenesses
from services.guards.disabled import Disabled
from services.guards.gates import (
    Finding,
    complete_data_gate,
    confidence_gate,
    cooldown_gate,
    enabled_lane_gate,
    enough_data_gate,
    exposure_gate,
    fresh_data_gate,
    safe_mode_gate,
    unbroken_data_gate,
)
from services.guards.given_side import GivenSide
from services.guards.given_sides import GivenSides
from services.guards.refusal import Answered, Guarded, guarded
from services.guards.safe_mode import SafeMode
from services.replicas.hints import Hint, Hints
from storage.document_ports import LastingDocuments
from utils import metrics
from utils.clock import Clock
from utils.concurrency import background

# The lanes that an answer of a source is made of.
_LANES = {
    AnalysisSource.TECHNICAL: (RULES,),
    AnalysisSource.MODEL: (MODEL,),
    AnalysisSource.ENSEMBLE: (RULES, MODEL),
    AnalysisSource.LLM: (LLM,),
}
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
        disabled: Lanes and strategies that take no part.
    """

    def __init__(
        self, safe_mode: SafeMode, disabled: Disabled, given: GivenSides, settings: GuardSettings, min_candles: int
    ) -> None:
        """Keep the parts; `min_candles` is what an analysis needs."""
        self.safe_mode = safe_mode
        self.disabled = disabled
        self._given = given
        self._settings = settings
        self._min_candles = min_candles
        self._made: FIFOCache[str, GivenSide] = FIFOCache(MAX_MADE)

    @property
    def valid_since(self) -> datetime:
        """The moment before which analyses answer no request any more: the last switch of safe mode or of a part."""
        return max(self.safe_mode.valid_since, self.disabled.valid_since)

    def check(self, context: MarketContext, answer: Answered) -> Guarded[Answered]:
        """Return an answer after every gate; never another side than it had."""
        found = guarded(answer, list(self._findings(context, answer)))
        if found.answer.signal is not answer.signal:
            for gate in found.answer.gates:
                if not gate.passed:
                    metrics.GUARD_REFUSALS.labels(gate.name).inc()
        return found

    def check_explained(self, context: MarketContext, analysis: Analysis) -> Analysis:
        """Return an analysis after every gate; its reasoning says what refused it and which strategies took no part."""
        found = self.check(context, analysis)
        parts = [found.answer.reasoning]
        if found.refusal:
            parts.insert(0, f"Neutral: {found.refusal}.")
        if context.as_of is None and self.disabled.state:
            disabled = [reason for name in STRATEGY_NAMES if (reason := self.disabled.why(name))]
            parts += [f"Took no part: {'; '.join(disabled)}."] if disabled else []
        return found.answer if len(parts) == 1 else found.answer.model_copy(update={"reasoning": " ".join(parts)})

    def agree(self, analysis: Analysis) -> bool:
        """Return whether safe mode and disabled parts are as they were when the answer was made; always of a replay."""
        if analysis.as_of is not None:
            return True
        shut = {gate.name for gate in analysis.gates if not gate.passed}
        why = self.disabled.why
        took_part = [*analysis.strategy_scores, *([MODEL] if analysis.forecast else [])]
        return (
            (GateName.SAFE_MODE in shut) is self.safe_mode.state.enabled
            and (GateName.ENABLED_LANE in shut) is any(why(lane) for lane in _LANES[analysis.source])
            and not any(map(why, took_part))
        )

    def prepare(self, context: MarketContext, analysis: Analysis) -> None:
        """Take a current answer on candles that can be believed, in case a trusted caller is given it."""
        self._made[analysis.analysis_id] = GivenSide.of(analysis, context.main.series)

    def remember_answer(self, analysis: Analysis) -> None:
        """Remember the side of an answer that a trusted caller is given; once, however often it is given."""
        side = self._made.pop(analysis.analysis_id, None)
        if side is not None:
            self.remember(side)

    def remember(self, side: GivenSide) -> None:
        """Remember a side that a trusted caller is given."""
        self._given.remember(side)

    def _findings(self, context: MarketContext, answer: TradeSignal) -> Iterator[Finding]:
        settings = self._settings
        yield safe_mode_gate(self.safe_mode.why() if context.as_of is None else None)
        lanes = _LANES[answer.source] if context.as_of is None else ()
        yield enabled_lane_gate([reason for lane in lanes if (reason := self.disabled.why(lane))])
        yield fresh_data_gate(context)
        yield enough_data_gate(context, settings)
        yield complete_data_gate(context, settings)
        yield unbroken_data_gate(context, self._min_candles)
        remembers = context.as_of is None and not context.age.old and bool(answer.signal.side)
        market = answer.symbol, answer.timeframe
        yield confidence_gate(answer, self._given.recent(*market) if remembers else None, settings.hysteresis)
        last = self._given.last(*market) if remembers else None
        yield cooldown_gate(answer, last, last.candles_since(context.main.series) if last else 0, settings)
        yield exposure_gate(answer, self._alike(context, answer) if remembers else (), settings)

    def _alike(self, context: MarketContext, answer: TradeSignal) -> list[GivenSide]:
        """Return the open sides of other symbols that are the same bet as this answer."""
        beside = self._given.open_beside(answer.symbol, answer.timeframe)
        if not beside:
            return []
        own = GivenSide.of(answer, context.main.series)
        alike = likenesses(own, beside) > self._settings.max_correlation
        return [bet for bet, same in zip(beside, alike.tolist(), strict=True) if same]


@asynccontextmanager
async def open_guards(
    documents: LastingDocuments,
    hub: SignalHub,
    hints: Hints,
    settings: GuardSettings,
    min_candles: int,
    clock: Clock,
) -> AsyncIterator[Guards]:
    """Give the guards with what earlier processes stored, and keep them in step with the store and other replicas."""
    safe_mode = SafeMode(documents, hub, clock, announce=partial(hints.tell, Hint.SAFE_MODE))
    disabled = Disabled(documents, hub, clock, announce=partial(hints.tell, Hint.DISABLED))
    given = GivenSides(documents, clock, settings.open_candles, hints=hints)
    hints.when(Hint.SAFE_MODE, lambda _: safe_mode.look_soon())
    hints.when(Hint.DISABLED, lambda _: disabled.look_soon())
    hints.when(Hint.GIVEN_SIDE, given.look_at)
    async with (
        background(safe_mode.watch(), "safe mode"),
        background(disabled.watch(), "disabled lanes and strategies"),
        background(given.follow(), "stored sides"),
    ):
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_LOOK_SECONDS):
                await safe_mode.known()
                await given.known()
                await disabled.known()
        yield Guards(safe_mode, disabled, given, settings, min_candles)
