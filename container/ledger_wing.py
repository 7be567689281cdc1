"""The wing of the ledger: what settles, adds up, closes and compares what was said."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from config.settings import Settings
from services.broadcast.hub import SignalHub
from services.leases import Lease
from services.ledger.feedback import SignalFeedback
from services.ledger.followed_forecasts import FollowedForecasts, settled_forecast
from services.ledger.price_bands import PriceBands, settled_band
from services.ledger.proofs.day_closing import DayCloser
from services.ledger.scoring.lanes import LaneWatch
from services.ledger.scoring.scores import LedgerScores
from services.ledger.scoring.sums import add_up
from services.ledger.settling.candles import SettlingCandles
from services.ledger.settling.closing import Closing
from services.ledger.settling.documents import DocumentSettling, Settle
from services.ledger.settling.revisions import SettlementRevisions
from services.ledger.settling.settler import Settler
from services.market_data.market_data import MarketData
from storage.document_ports import FOLLOWED_FORECASTS, PRICE_BANDS, Collection
from storage.resilience.documents import ResilientDocuments
from storage.resilience.ledger import ResilientLedger
from storage.resilience.store import ResilientStore
from utils.clock import Clock
from utils.concurrency import background, worker_threads

# A replica that is killed while it settles holds the others back for so long.
LEASE_SECONDS = 300.0


@dataclass(frozen=True)
class LedgerWing:
    """The parts that others ask."""

    settler: Settler
    scores: LedgerScores
    lanes: LaneWatch
    feedback: SignalFeedback
    bands: PriceBands
    followed: FollowedForecasts


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
        settler = await opened(open_settling(settings, *stores, market_data, clock))
        scores = LedgerScores(ledger, clock)
        await opened(background(scores.warm(), "first scores"))
        lanes = LaneWatch(scores, settings.ledger)
        await opened(background(lanes.run(), "review of the lanes"))
        closer = DayCloser(ledger, hub, clock, settings.ledger.retention_days)
        await opened(background(closer.run(), "days of the ledger"))
        feedback = SignalFeedback(documents, store, clock)
        await opened(background(feedback.restore(), "stored feedback"))
        bands, followed = PriceBands(documents, clock), FollowedForecasts(documents, clock)
        yield LedgerWing(settler, scores, lanes, feedback, bands, followed)


@asynccontextmanager
async def open_settling(
    settings: Settings,
    store: ResilientStore,
    documents: ResilientDocuments,
    ledger: ResilientLedger,
    market_data: MarketData,
    clock: Clock,
) -> AsyncIterator[Settler]:
    """Settle the ledger in the background, on one replica at a time."""
    seconds = settings.ledger.settle_seconds
    lease = Lease(documents, "settling", max(LEASE_SECONDS, 3 * seconds), clock)
    with worker_threads(1, "settling") as executor:
        candles = SettlingCandles(store, market_data, settings.market_data, clock, executor)
        revisions = SettlementRevisions(documents, clock, executor)
        settler = Settler(ledger, candles, revisions, add_up, lease, clock, executor, settle_seconds=seconds)

        def of_documents(collection: Collection, settle: Settle, name: str) -> AbstractAsyncContextManager[None]:
            own = SettlingCandles(store, market_data, settings.market_data, clock, executor)
            turn = Lease(documents, name, max(LEASE_SECONDS, 3 * seconds), clock)
            settling = DocumentSettling(collection, settle, documents, own, Closing(own, executor), turn, clock)
            return background(settling.run(seconds), name)

        async with (
            background(settler.run(), "settling"),
            of_documents(PRICE_BANDS, settled_band, "price bands"),
            of_documents(FOLLOWED_FORECASTS, settled_forecast, "followed forecasts"),
        ):
            yield settler
