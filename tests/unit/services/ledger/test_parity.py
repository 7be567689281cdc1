"""The nightly certificate: replays of a day beside what was said in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from config.settings import Settings
from config.sources import load_settings
from domain.ledger.entries import EntryKind, LedgerLane, Origin
from domain.market import Candle
from domain.trading.costs import Costs
from domain.trading.gates import Gate, GateName
from domain.values import Signal, epoch_ms
from models.recalibration.recalibration_file import add_recalibration
from models.registry.registries import Registries
from models.registry.registry import Registry
from models.serving.served_models import ServedModels
from rules.strategies import STRATEGY_NAMES
from services.forecasts.opening import open_forecasting
from services.ledger.parity.certificate import FieldParity, ParityCertificate, Skipped
from storage.document_ports import LEDGER_PARITY
from storage.ledger_ports import EntryFilter
from storage.sqlite.documents import SqliteDocumentStore
from tests.fixtures.clocks import SettableClock
from tests.fixtures.forecasting import add_fitted
from tests.fixtures.leading import add_led
from tests.fixtures.recalibrated import recalibration
from tests.fixtures.replaying import DAY, ReplayWorkshop, hours_until, loaded_now
from tests.fixtures.settling import Shelf

THAT_DAY = DAY.date()
NEXT_NIGHT = DAY + timedelta(days=1, minutes=20)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    models = {"save_path": str(tmp_path), "shipped": False}
    return load_settings(environment={}, overrides={"analysis": {"blend": "weighted"}, "models": models})


@pytest.fixture
async def workshop(tmp_path: Path, settings: Settings) -> AsyncIterator[ReplayWorkshop]:
    documents, registry, clock = SqliteDocumentStore(tmp_path / "store.db"), Registry(tmp_path), SettableClock(DAY)
    await documents.open()
    shelf = Shelf()
    with open_forecasting(ServedModels(Registries(settings), loaded_now), settings, shelf, clock) as forecasting:
        yield ReplayWorkshop(documents, registry, forecasting, settings, clock, shelf)
    await documents.close()


def fields(certificate: ParityCertificate) -> dict[str, FieldParity]:
    return {one.field: one for one in certificate.fields}


def revise(workshop: ReplayWorkshop, hour: int, factor: float) -> None:
    """Change the prices of the candles from a number of hours before the end of the day on."""

    def changed(candle: Candle) -> Candle:
        prices = (candle.open * factor, candle.high * factor, candle.low * factor, candle.close * factor)
        return Candle(candle.timestamp, *prices, candle.volume)

    kept = workshop.candles
    at = len(kept) - hour
    workshop.store([*kept[:at], *map(changed, kept[at:])])


async def test_an_undisturbed_day_is_said_again_exactly(workshop: ReplayWorkshop) -> None:
    for hour in range(1, 23, 4):
        await workshop.say(DAY + timedelta(hours=hour, seconds=20))
    workshop.clock.moment = NEXT_NIGHT
    certificate = await workshop.day_replays().certify(THAT_DAY)
    assert (certificate.entries, certificate.answers, certificate.replayed) == (6, 6, 6)
    assert (certificate.compared, certificate.equal, dict(certificate.skipped)) == (6, 6, {})
    assert certificate.above == ()
    found = fields(certificate)
    assert (found["side"].compared, found["side"].largest) == (6, 0.0)
    assert found["stop"].compared >= 1
    assert found["stop"].largest == pytest.approx(0, abs=1e-6)


async def test_what_a_question_brought_along_is_brought_again(workshop: ReplayWorkshop) -> None:
    await workshop.say(DAY + timedelta(hours=3), sent=130)
    await workshop.say(DAY + timedelta(hours=5), origin=Origin.API, strategies=STRATEGY_NAMES[:2])
    await workshop.say(DAY + timedelta(hours=7), origin=Origin.API, costs=Costs(fee_bps=25, slippage_bps=10))
    await workshop.say(DAY + timedelta(hours=9, minutes=40), price_factor=1.004)
    workshop.clock.moment = NEXT_NIGHT
    certificate = await workshop.day_replays().certify(THAT_DAY)
    assert (certificate.compared, certificate.equal) == (4, 4)


async def test_model_and_blend_are_replayed_by_the_version_of_then(workshop: ReplayWorkshop) -> None:
    workshop.registry.promote(add_fitted(workshop.registry).version, by="gate", reason="better", at=DAY)
    await workshop.say(DAY + timedelta(hours=3))
    later = DAY + timedelta(hours=4)
    workshop.registry.promote(add_fitted(workshop.registry).version, by="gate", reason="newer", at=later)
    await workshop.say(DAY + timedelta(hours=5))
    workshop.clock.moment = NEXT_NIGHT
    certificate = await workshop.day_replays().certify(THAT_DAY)
    assert {record.entry.lane for record in await workshop.ledger.entries(EntryFilter(), 10)} == {
        LedgerLane.RULES,
        LedgerLane.MODEL,
        LedgerLane.BLEND,
    }
    assert (certificate.entries, certificate.compared, certificate.equal) == (6, 6, 6)
    assert fields(certificate)["probability_up"].compared == 2


async def test_a_recalibrated_model_is_replayed_by_the_calibration_of_then(workshop: ReplayWorkshop) -> None:
    version = add_fitted(workshop.registry).version
    workshop.registry.promote(version, by="gate", reason="better", at=DAY)
    first = await workshop.say(DAY + timedelta(hours=3))
    renewed = DAY + timedelta(hours=4)
    assert add_recalibration(workshop.registry, version, recalibration(renewed, slope=0.5), None)
    second = await workshop.say(DAY + timedelta(hours=5))
    assert first.forecast is not None
    assert second.forecast is not None
    assert (first.forecast.calibrated_at, second.forecast.calibrated_at) == (None, epoch_ms(renewed))
    workshop.clock.moment = NEXT_NIGHT
    certificate = await workshop.day_replays().certify(THAT_DAY)
    assert (certificate.entries, certificate.compared, certificate.equal) == (6, 6, 6)
    entries = [record.entry for record in await workshop.ledger.entries(EntryFilter(), 10)]
    records = {lane: len({entry.lane_id for entry in entries if entry.lane is lane}) for lane in LedgerLane}
    assert (records[LedgerLane.RULES], records[LedgerLane.MODEL], records[LedgerLane.BLEND]) == (1, 2, 2)


async def test_a_forecast_beside_the_leader_is_replayed_beside_it_or_not_at_all(workshop: ReplayWorkshop) -> None:
    workshop.registry.promote(add_led(workshop.registry).version, by="gate", reason="better", at=DAY)
    workshop.store(workshop.candles, "ETHUSDT")
    workshop.store([])
    alone = await workshop.say(DAY + timedelta(hours=2), symbol="ETHUSDT")
    bitcoin = hours_until(DAY + timedelta(days=1), seed=6)
    workshop.store(bitcoin[:-21])
    led = await workshop.say(DAY + timedelta(hours=3), symbol="ETHUSDT")
    workshop.store(bitcoin)
    assert [said.forecast and said.forecast.leader for said in (alone, led)] == [None, "BTCUSDT"]
    workshop.clock.moment = NEXT_NIGHT
    certificate = await workshop.day_replays().certify(THAT_DAY)
    assert (certificate.entries, certificate.compared, certificate.equal) == (6, 6, 6)
    # Candles of bitcoin that are others now make another probability; without any there is nothing to compare.
    workshop.store(hours_until(DAY + timedelta(days=1), seed=7))
    changed = fields(await workshop.day_replays().certify(THAT_DAY))["probability_up"]
    assert (changed.compared, changed.above) == (2, 1)
    workshop.store([])
    gone = await workshop.day_replays().certify(THAT_DAY)
    assert (gone.compared, gone.equal, dict(gone.skipped)) == (3, 3, {Skipped.CANDLES: 3})


async def test_a_planted_difference_is_found_and_named(workshop: ReplayWorkshop) -> None:
    said = [await workshop.say(DAY + timedelta(hours=hour, seconds=20)) for hour in (2, 20)]
    # The candles of the last ten hours are not those that the second answer was made from.
    revise(workshop, 10, 0.98)
    workshop.clock.moment = NEXT_NIGHT
    parity = workshop.parity()
    certificate = await parity.certify_yesterday()
    assert certificate is not None
    assert (certificate.compared, certificate.equal) == (2, 1)
    assert {one.entry_id for one in certificate.above} == {f"{said[1].analysis_id}.rules"}
    (degraded,) = parity.degraded()
    assert degraded.part == "ledger_parity"
    for one in certificate.above:
        assert f"{one.field} " in degraded.reason
    assert said[1].analysis_id in degraded.reason
    assert degraded.remedy


async def test_what_cannot_be_compared_is_counted_with_its_reason(workshop: ReplayWorkshop) -> None:
    unarchived = await workshop.say(DAY + timedelta(hours=1))
    del workshop.archive.analyses[unarchived.analysis_id]
    other_lane = await workshop.say(DAY + timedelta(hours=2))
    refused = await workshop.say(DAY + timedelta(hours=3))
    shut = Gate(name=GateName.COOLDOWN, passed=False, value=1, needed=3)
    workshop.archive.analyses[refused.analysis_id] = refused.model_copy(update={"gates": [shut]})
    gone = await workshop.say(DAY + timedelta(hours=4))
    more = {frame: view.model_copy(update={"candles": 900}) for frame, view in gone.timeframes.items()}
    workshop.archive.analyses[gone.analysis_id] = gone.model_copy(update={"timeframes": more})
    records = await workshop.ledger.entries(EntryFilter(), 10)
    workshop.ledger.__init__()  # type: ignore[misc]  # empties it
    for record in records:
        changed = other_lane.analysis_id in record.entry.id
        await workshop.ledger.append([replace(record.entry, lane_id="f" * 12) if changed else record.entry])
    workshop.clock.moment = NEXT_NIGHT
    certificate = await workshop.day_replays().certify(THAT_DAY)
    assert certificate.compared == 0
    assert certificate.skipped == {Skipped.ARCHIVE: 1, Skipped.LANE: 1, Skipped.REFUSED: 1, Skipped.CANDLES: 1}


async def test_a_bounded_number_of_answers_is_drawn_evenly(workshop: ReplayWorkshop) -> None:
    for hour in range(1, 22):
        await workshop.say(DAY + timedelta(hours=hour))
    few = workshop.settings.model_copy(
        update={"ledger": workshop.settings.ledger.model_copy(update={"parity_answers": 7})}
    )
    workshop.clock.moment = NEXT_NIGHT
    certificate = await workshop.day_replays(few).certify(THAT_DAY)
    assert (certificate.entries, certificate.answers, certificate.replayed) == (21, 21, 7)
    assert certificate.compared == 7


async def test_a_day_is_certified_once_and_by_one_replica(workshop: ReplayWorkshop) -> None:
    await workshop.say(DAY + timedelta(hours=3))
    revise(workshop, 22, 0.97)
    workshop.clock.moment = DAY + timedelta(days=1, minutes=10)
    first, second = workshop.parity(), workshop.parity()
    before = await first.certify_yesterday()
    assert before is not None
    assert before.day == THAT_DAY - timedelta(days=1)  # the last entries may be on their way
    workshop.clock.moment = NEXT_NIGHT
    assert await second.certify_yesterday() is None  # the first holds the lease
    certificate = await first.certify_yesterday()
    assert certificate is not None
    assert certificate.day == THAT_DAY
    assert await second.certify_yesterday() is None
    # The other replica names the same in /health.
    assert [one.reason for one in second.degraded()] == [one.reason for one in first.degraded()] != []
    assert await second.newest(5) == [certificate, before]
    assert await workshop.documents.get(LEDGER_PARITY, date.isoformat(THAT_DAY)) is not None


async def test_a_neutral_is_compared_too(workshop: ReplayWorkshop) -> None:
    workshop.candles = hours_until(DAY + timedelta(days=1), drift=0.0)
    workshop.store(workshop.candles)
    for hour in range(1, 23):
        await workshop.say(DAY + timedelta(hours=hour))
    records = await workshop.ledger.entries(EntryFilter(), 50)
    neutral = [record.entry for record in records if record.entry.side is Signal.NEUTRAL]
    assert neutral
    assert {entry.kind for entry in neutral} == {EntryKind.NO_EDGE}
    workshop.clock.moment = NEXT_NIGHT
    certificate = await workshop.day_replays().certify(THAT_DAY)
    found = fields(certificate)
    assert found["confidence"].compared == len(records)
    assert found["stop"].compared == len(records) - len(neutral)
    assert certificate.equal == len(records)
