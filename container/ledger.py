"""Subsystem of the ledger: settles, adds up, closes and compares forecasts, and learns from them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from config.settings import Settings
from container.infrastructure import Infrastructure, Stores
from services.evidence.file import open_weigher
from services.evidence.in_use import EvidenceInUse
from services.leases import Lease
from services.ledger.calibration.live import LiveCalibration
from services.ledger.feedback import SignalFeedback
from services.ledger.followed_forecasts import FollowedForecasts, settled_forecast
from services.ledger.past_analyses import PastAnalyses
from services.ledger.price_bands import PriceBands, settled_band
from services.ledger.proofs.day_closing import DayCloser
from services.ledger.reader import LedgerReader
from services.ledger.recording.lane_versions import LaneVersions
from services.ledger.scoring.lanes import LaneWatch
from services.ledger.scoring.scores import LedgerScores
from services.ledger.scoring.sums import add_up
from services.ledger.settling.candles import SettlingCandles
from services.ledger.settling.closing import Closing
from services.ledger.settling.day_sums import DaySums
from services.ledger.settling.documents import DocumentSettling, Settle
from services.ledger.settling.revisions import SettlementRevisions
from services.ledger.settling.settler import Settler
from services.ledger.signal_performance import SignalPerformance
from services.market_data.market_data import MarketData
from services.replicas.hints import Hint
from storage.document_ports import FOLLOWED_FORECASTS, PRICE_BANDS, Collection
from utils.clock import Clock
from utils.concurrency import background, worker_threads

# A replica that ends without giving its lease up holds the others back for so long; longer than a look takes.
SETTLING_LEASE_SECONDS = 300.0
CALIBRATION_LEASE_SECONDS = 3600.0


@dataclass(frozen=True)
class LedgerSubsystem:
    """The parts that others ask."""

    reader: LedgerReader
    past_analyses: PastAnalyses
    lane_versions: LaneVersions
    settler: Settler
    scores: LedgerScores
    lanes: LaneWatch
    feedback: SignalFeedback
    performance: SignalPerformance
    bands: PriceBands
    followed: FollowedForecasts
    evidence: EvidenceInUse
    calibration: LiveCalibration


@asynccontextmanager
async def open_ledger_subsystem(base: Infrastructure, market_data: MarketData) -> AsyncIterator[LedgerSubsystem]:
    """Open the parts, which work in the background."""
    settings, clock, (store, documents, ledger) = base.settings, base.clock, base.stores
    async with AsyncExitStack() as stack:
        opened = stack.enter_async_context
        settler = await opened(open_settling(settings, base.stores, market_data, clock))
        scores = LedgerScores(ledger, clock)
        await opened(background(scores.warm(), "first scores"))
        lanes = LaneWatch(scores, settings.ledger)
        await opened(background(lanes.run(), "review of the lanes"))
        closer = DayCloser(ledger, base.hub, clock, settings.ledger.retention_days)
        await opened(background(closer.run(), "days of the ledger"))
        feedback = SignalFeedback(documents, store, clock)
        await opened(background(feedback.restore(), "stored feedback"))
        evidence = EvidenceInUse(open_weigher(settings.trading))
        # What was adopted before is in use at once.
        calibration = LiveCalibration(
            evidence,
            ledger,
            documents,
            Lease(documents, "calibration", CALIBRATION_LEASE_SECONDS, clock),
            clock,
            announce=partial(base.replicas.hints.tell, Hint.EVIDENCE),
        )
        base.replicas.hints.when(Hint.EVIDENCE, lambda _: calibration.look_soon())
        await opened(background(calibration.run(), "live calibration"))
        reader = LedgerReader(ledger, clock)
        yield LedgerSubsystem(
            reader=reader,
            past_analyses=PastAnalyses(reader, store),
            lane_versions=LaneVersions(documents),
            settler=settler,
            scores=scores,
            lanes=lanes,
            feedback=feedback,
            performance=SignalPerformance(scores, feedback, clock),
            bands=PriceBands(documents, clock),
            followed=FollowedForecasts(documents, clock),
            evidence=evidence,
            calibration=calibration,
        )


@asynccontextmanager
async def open_settling(
    settings: Settings, stores: Stores, market_data: MarketData, clock: Clock
) -> AsyncIterator[Settler]:
    """Settle the ledger in the background, on one replica at a time."""
    store, documents, ledger = stores
    seconds = settings.ledger.settle_seconds
    lease_seconds = max(SETTLING_LEASE_SECONDS, 3 * seconds)
    with worker_threads(1, "settling") as executor:
        candles = SettlingCandles(store, market_data, settings.market_data, clock, executor)
        revisions = SettlementRevisions(ledger, documents, candles, clock, executor)
        lease = Lease(documents, "settling", lease_seconds, clock)
        settler = Settler(
            ledger,
            Closing(candles, executor),
            revisions,
            DaySums(ledger, add_up, lease, executor),
            lease,
            clock,
            settle_seconds=seconds,
        )

        def of_documents(collection: Collection, settle: Settle, name: str) -> AbstractAsyncContextManager[None]:
            own = SettlingCandles(store, market_data, settings.market_data, clock, executor)
            turn = Lease(documents, name, lease_seconds, clock)
            settling = DocumentSettling(collection, settle, documents, Closing(own, executor), turn, clock)
            return background(settling.run(seconds), name)

        async with (
            background(settler.run(), "settling"),
            of_documents(PRICE_BANDS, settled_band, "price bands"),
            of_documents(FOLLOWED_FORECASTS, settled_forecast, "followed forecasts"),
        ):
            yield settler
