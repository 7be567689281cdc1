"""The wing of the ledger: what settles, adds up, closes and compares what was said."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from config.settings import Settings
from container.wings import open_settling
from services.broadcast.hub import SignalHub
from services.ledger.bands.given import PriceBands
from services.ledger.feedback import SignalFeedback
from services.ledger.proofs.day_closing import DayCloser
from services.ledger.scoring.lanes import LaneWatch
from services.ledger.scoring.scores import LedgerScores
from services.ledger.scoring.sums import add_up
from services.ledger.settling.settler import Settler
from services.market_data.market_data import MarketData
from storage.resilience.documents import ResilientDocuments
from storage.resilience.ledger import ResilientLedger
from storage.resilience.store import ResilientStore
from utils.clock import Clock
from utils.concurrency import background


@dataclass(frozen=True)
class LedgerWing:
    """The parts that others ask."""

    settler: Settler
    scores: LedgerScores
    lanes: LaneWatch
    feedback: SignalFeedback
    bands: PriceBands


@asynccontextmanager
async def open_ledger_wing(
    settings: Settings,
    stores: tuple[ResilientStore, ResilientDocuments, ResilientLedger],
    market_data: MarketData,
    hub: SignalHub,
    clock: Clock,
) -> AsyncIterator[LedgerWing]:
    """Open the parts, which work in the background."""
    store, documents, ledger = stores
    async with AsyncExitStack() as stack:
        opened = stack.enter_async_context
        settler = await opened(open_settling(settings, ledger, add_up, store, documents, market_data, clock))
        scores = LedgerScores(ledger, clock)
        await opened(background(scores.warm(), "first scores"))
        lanes = LaneWatch(scores, settings.ledger)
        await opened(background(lanes.run(), "review of the lanes"))
        closer = DayCloser(ledger, hub, clock, settings.ledger.retention_days)
        await opened(background(closer.run(), "days of the ledger"))
        feedback = SignalFeedback(documents, store, clock)
        await opened(background(feedback.restore(), "stored feedback"))
        yield LedgerWing(settler, scores, lanes, feedback, PriceBands(documents, clock))
