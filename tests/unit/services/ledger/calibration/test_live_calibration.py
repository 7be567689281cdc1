"""Live calibration: what is fitted, on what it is judged, and when it replaces the record in use."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from domain.ledger.entries import PLAN
from domain.ledger.settlements import LedgerRecord, PlanEnd
from domain.market import Timeframe
from domain.trading.costs import MarketCosts
from domain.values import epoch_ms
from rules.evidence.measured import MeasuredEvidence, TimeframeRecord
from rules.evidence.weighing import Weigher
from services.evidence.in_use import EvidenceInUse
from services.leases import Lease
from services.ledger.calibration.choice import gain_of
from services.ledger.calibration.live import LiveCalibration
from services.ledger.calibration.refits import RefitState, fit
from services.ledger.calibration.stated_plans import FirstPlans
from services.ledger.recording.lane_identities import PLAN_MODEL, digest
from storage.document_ports import LEDGER_LANES, DocumentStore
from tests.fixtures.clocks import SettableClock
from tests.fixtures.guards import documents_on
from tests.fixtures.ledger import MemoryLedger
from tests.fixtures.settled import DAY_BEGIN_MS, DAY_MS, settled, settlement

WEIGHT = 0.8
BEGIN = datetime.fromtimestamp(DAY_BEGIN_MS / 1000, UTC)
COSTS = MarketCosts(fee_bps=5, slippage_bps=1)


@pytest.fixture
async def documents(tmp_path: Path) -> AsyncIterator[DocumentStore]:
    async with documents_on(f"sqlite:///{tmp_path}/documents.db") as opened:
        yield opened


def a_record(weight: float = WEIGHT, error: float = 0.4) -> TimeframeRecord:
    return TimeframeRecord(
        timeframe=Timeframe.H1, built_from="8 markets", files=(), kinds=(), weight=weight, error=error,
        own_weight=weight, own_error=error, plans=2_000, samples=9_000, folds=(), strategies=(),
    )  # fmt: skip


def some_evidence() -> MeasuredEvidence:
    return MeasuredEvidence(
        built_at="2020-12-31", stop_atr=3, reward=2, horizon_candles=240, records=(a_record(),), left_out={}
    )


def some_plans(
    days: range,
    multiplier: float,
    seed: int,
    *,
    weight: float = WEIGHT,
    lane_id: str = "0123456789ab",
    markets: int = 8,
) -> list[LedgerRecord]:
    """Return a settled plan for each day and market, whose log odds over chance are a multiple of those stated."""
    drawn, records = np.random.default_rng(seed), list[LedgerRecord]()
    for day in days:
        for market in range(markets):
            odds = weight * drawn.choice([0.5, 1.0])
            stated, true = (1 / (1 + math.exp(math.log(2) - log_odds)) for log_odds in (odds, multiplier * odds))
            at_ms = DAY_BEGIN_MS + day * DAY_MS
            one = settled(
                horizons=(), symbol=f"M{market}USDT", closed_ms=at_ms, known_ms=at_ms + 5_000,
                target_first=round(stated, 4), lane_id=lane_id, id=f"{lane_id}.{day}.{market}",
            )  # fmt: skip
            move = 0.04 if drawn.random() < true else -0.02
            records.append(LedgerRecord(one.entry, (settlement(one.entry, PLAN, move),), 0))
    return records


def collected(records: Sequence[LedgerRecord], weight: float = WEIGHT) -> FirstPlans:
    first = FirstPlans(weight)
    first.add(records)
    return first


@pytest.mark.parametrize(("planted", "low", "high"), [(0.0, -0.3, 0.3), (1.0, 0.7, 1.3)])
def test_a_planted_multiplier_is_found(planted: float, low: float, high: float) -> None:
    plans = collected(some_plans(range(200), planted, 7)).plans()
    refit = fit(a_record(), a_record(), plans, "base", BEGIN + timedelta(days=200))
    assert refit is not None
    assert low < refit.multiplier < high
    assert refit.weight == pytest.approx(refit.multiplier * WEIGHT, abs=1e-3)
    assert 0 < refit.error < 0.4
    assert refit.built_from == "8 markets, refitted from 1600 settled plans to 2021-07-23"


def test_few_weeks_are_no_fit() -> None:
    plans = collected(some_plans(range(70), 0.0, 7)).plans()
    assert len(plans) == 560
    assert fit(a_record(), a_record(), plans, "base", BEGIN + timedelta(days=70)) is None


@pytest.mark.parametrize(("shipped", "planted"), [(0.8, 6.0), (-0.8, 6.0), (0.1, 30.0)])
def test_refits_go_no_further_than_the_interval_of_the_shipped_record(shipped: float, planted: float) -> None:
    record = of_file = a_record(shipped, error=0.1)
    for seed in range(4):
        plans = collected(some_plans(range(200), planted, seed, weight=shipped), shipped).plans()
        refit = fit(record, of_file, plans, "base", BEGIN + timedelta(days=200))
        assert refit is not None
        assert abs(shipped) < abs(refit.weight) <= abs(shipped) + 0.196
        record = record.model_copy(update={"weight": refit.weight, "error": refit.error})


@pytest.mark.parametrize(("error", "least"), [(0.05, 0.0), (0.5, -0.18)])
def test_refits_take_everything_away_but_turn_the_side_only_within_the_interval(error: float, least: float) -> None:
    record = of_file = a_record(0.8, error=error)
    for seed in range(4):
        plans = collected(some_plans(range(200), -3.0, seed, weight=0.8), 0.8).plans()
        refit = fit(record, of_file, plans, "base", BEGIN + timedelta(days=200))
        assert refit is not None
        record = record.model_copy(update={"weight": refit.weight or 1e-9, "error": refit.error})
    assert refit is not None
    assert refit.weight == pytest.approx(least, abs=1e-3)


def test_of_a_market_and_stretch_the_first_known_counts_in_whatever_order_they_come() -> None:
    (record,) = some_plans(range(1), 1.0, 1, markets=1)
    later = settled(
        horizons=(), symbol="M0USDT", closed_ms=record.entry.closed_ms, known_ms=record.entry.known_ms + 1, id="later"
    )
    later = LedgerRecord(later.entry, (settlement(later.entry, PLAN, -0.02),), 0)
    for order in ([record, later], [later, record]):
        assert collected(order).plans().times_ms.tolist() == [record.entry.known_ms]
    unsettled = LedgerRecord(record.entry, (), 0)
    assert len(collected([later, unsettled]).plans()) == 0
    trend = settled(
        horizons=(1,), symbol="M0USDT", closed_ms=record.entry.closed_ms, known_ms=record.entry.known_ms - 1,
        stop=None, target=None, horizon_candles=None, id="trend",
    )  # fmt: skip
    assert len(collected([trend, record]).plans()) == 1


def test_a_plan_counts_by_its_stated_odds_and_by_what_it_came_to() -> None:
    (record,) = some_plans(range(1), 1.0, 1, markets=1)
    entry = record.entry
    for changes, wins in [
        ({"end": PlanEnd.TARGET, "r": 2.4}, 1.0),
        ({"end": PlanEnd.STOP, "r": -1.7}, 0.0),
        ({"end": PlanEnd.TIME, "r": 0.5}, 0.5),
    ]:
        plans = collected([LedgerRecord(entry, (settlement(entry, PLAN, 0.01, **changes),), 0)]).plans()
        assert plans.wins.tolist() == [wins]
        stated = entry.target_first or 0.0
        assert plans.support[0] * WEIGHT == pytest.approx(math.log(stated / (1 - stated)) + math.log(2))
    void = settlement(entry, PLAN, 0.0, end=PlanEnd.VOID, r=None)
    assert len(collected([LedgerRecord(entry, (void,), 0)]).plans()) == 0


def test_a_candidate_is_never_judged_on_what_was_known_before_its_fit() -> None:
    now = BEGIN + timedelta(days=120)
    records = some_plans(range(240), 0.0, 3)
    before = [record for record in records if record.entry.known_ms <= epoch_ms(now)]
    candidate = fit(a_record(), a_record(), collected(before).plans(), "base", now)
    assert candidate is not None
    assert gain_of([candidate], a_record(), collected(before).plans()).plans == 0
    after = [record for record in records if record.entry.known_ms > epoch_ms(now)]
    whole, rest = (gain_of([candidate], a_record(), collected(plans).plans()) for plans in (records, after))
    assert whole == rest
    assert rest.low > 0


class Live:
    """A replica with a ledger and documents that others may share."""

    def __init__(self, ledger: MemoryLedger, documents: DocumentStore, clock: SettableClock) -> None:
        self.evidence = EvidenceInUse(Weigher(some_evidence(), COSTS))
        self.documents, self.clock, self.ledger = documents, clock, ledger
        self.more_parts: dict[str, str] = {}
        lease = Lease(documents, "calibration", 3600, clock, monotonic=clock.monotonic)
        self.calibration = LiveCalibration(self.evidence, ledger, documents, lease, clock)

    @property
    def weight(self) -> float:
        assert self.evidence.weigher.evidence is not None
        return self.evidence.weigher.evidence.records[0].weight

    async def states(self) -> list[RefitState]:
        return [refit.state for refit in await self.calibration.refits(50)]

    async def settle(self, start: int, multiplier: float, seed: int) -> None:
        """Settle the plans of ten days, stated by the record that is in use."""
        evidence = self.evidence.weigher.evidence
        assert evidence is not None
        lane_id = digest(evidence.model_dump(mode="json"))
        lane = {"created_at": self.clock.now(), "lane": "rules", "parts": {"evidence": lane_id, **self.more_parts}}
        await self.documents.insert(LEDGER_LANES, lane_id, lane)
        days = range(start, start + 10)
        records = some_plans(days, multiplier, seed + start, weight=self.weight, lane_id=lane_id)
        await self.ledger.append([record.entry for record in records])
        await self.ledger.settle([record.settlements[0] for record in records])
        self.clock.moment = BEGIN + timedelta(days=start + 10)

    async def live(self, days: range, multiplier: float, seed: int) -> None:
        """Settle plans and look, in steps of ten days."""
        for start in range(days.start, days.stop, 10):
            await self.settle(start, multiplier, seed)
            await self.calibration.look()


async def test_worthless_odds_are_replaced_with_their_reason_and_a_restart_and_a_replica_keep_it(
    documents: DocumentStore,
) -> None:
    ledger, clock = MemoryLedger(), SettableClock(BEGIN)
    one = Live(ledger, documents, clock)
    await one.live(range(90), 0.0, 11)
    assert (one.weight, await one.states()) == (WEIGHT, [RefitState.CANDIDATE])
    await one.live(range(90, 330), 0.0, 11)
    assert RefitState.ADOPTED in await one.states()
    assert abs(one.weight) < 0.35
    adopted = [refit for refit in await one.calibration.refits(50) if refit.state is RefitState.ADOPTED]
    assert adopted[-1].reason.startswith("it predicts better: log loss +")
    other = Live(ledger, documents, clock)
    await other.calibration.take_over()
    assert other.evidence.weigher == one.evidence.weigher
    assert other.evidence.weigher.evidence != other.evidence.shipped.evidence


async def test_plans_that_a_plan_model_stated_refit_nothing(documents: DocumentStore) -> None:
    one = Live(MemoryLedger(), documents, SettableClock(BEGIN))
    one.more_parts = {PLAN_MODEL: "plan_lightgbm_model_20260131_120000"}
    await one.live(range(90), 0.0, 11)
    assert await one.states() == []


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
async def test_outcomes_as_they_were_stated_do_not_replace_the_shipped_record(
    documents: DocumentStore, seed: int
) -> None:
    one = Live(MemoryLedger(), documents, SettableClock(BEGIN))
    await one.live(range(240), 1.0, 1000 * seed)
    states = await one.states()
    assert RefitState.RENEWED in states
    assert RefitState.ADOPTED not in states
    assert one.weight == WEIGHT


async def test_of_two_replicas_one_decides_and_both_weigh_by_what_it_adopts(documents: DocumentStore) -> None:
    ledger, clock = MemoryLedger(), SettableClock(BEGIN)
    one, other = Live(ledger, documents, clock), Live(ledger, documents, clock)
    await one.live(range(90), 0.0, 5)
    for start in range(90, 200, 10):
        await one.settle(start, 0.0, 5)
    deciding = Lease(documents, "calibration", 3600, clock, monotonic=clock.monotonic)
    assert await deciding.take()
    await other.calibration.look()
    assert await other.states() == [RefitState.CANDIDATE]
    await deciding.give_up()
    await other.calibration.look()
    (adopted,) = await one.calibration.refits(50)
    assert adopted.state is RefitState.ADOPTED
    assert (one.weight, other.weight) == (WEIGHT, adopted.weight)
    await one.calibration.look()
    assert one.weight == adopted.weight
