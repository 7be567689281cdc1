"""Models in production are recalibrated from what the ledger has settled, each at its time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from config.model_settings import ModelSettings
from domain.ledger.entries import LedgerLane
from domain.values import epoch_ms
from models.recalibration.recalibration_file import read_recalibrations
from models.recalibration.records import Recalibration
from models.registry.registries import PLANS, USUAL, RegistryKey
from services.recalibration import ModelRecalibration
from storage.document_ports import LEDGER_LANES
from storage.sqlite.documents import SqliteDocumentStore
from tests.fixtures.clocks import SettableClock
from tests.fixtures.followed import settle_followed
from tests.fixtures.forecasting import promote
from tests.fixtures.ledger import MemoryLedger
from tests.fixtures.models import NOON, add_model
from tests.fixtures.registries import registries_in
from tests.fixtures.settings import configured
from tests.fixtures.settled import HOUR_MS, settled

SETTINGS = configured(ModelSettings, recalibration={"min_forecasts": 400, "judged_share": 0.5})
HOURS = 1_500
# What a forecast's log odds are worth in the market of these tests.
TRUE_SLOPE = 0.3


class Hours:
    """A model in production, and hours of which it has spoken."""

    def __init__(self, root: Path, documents: SqliteDocumentStore) -> None:
        self.registries, self.documents = registries_in(root / "models"), documents
        self.registry = self.registries.at(USUAL)
        self.ledger, self.clock = MemoryLedger(), SettableClock(NOON)
        self.announced: list[bool] = []
        self.rng = np.random.default_rng(3)

    def serve(self, **changes: Any) -> str:
        return promote(self.registry, add_model(self.registry, **changes))

    async def pass_hours(
        self, version: str, by: Recalibration | None = None, lane: LedgerLane = LedgerLane.MODEL, hours: int = HOURS
    ) -> None:
        """Let the version state a probability each hour, by its training or by a recalibration, and settle it."""
        parts: dict[str, Any] = {"service": "1", "model": version}
        if by is not None:
            parts["calibrated_at"] = by.at_ms
        lane_id = f"{len(await self.documents.newest(LEDGER_LANES, 100)):012x}"
        document = {"created_at": self.clock.now(), "lane": lane.value, "parts": parts}
        await self.documents.put(LEDGER_LANES, lane_id, document)
        odds = self.rng.normal(0.0, 0.8, hours)
        rises = self.rng.random(hours) < 1 / (1 + np.exp(-TRUE_SLOPE * odds))
        stated = 1 / (1 + np.exp(-odds))
        if by is not None:
            stated = by.of("BTCUSDT").apply(stated)
        first_ms = epoch_ms(self.clock.now())
        records = [
            settled(
                0.01 if rose else -0.01,
                id=f"{first_ms}-{hour}.{lane}",
                lane=lane,
                lane_id=lane_id,
                probability_up=float(probability),
                closed_ms=first_ms + hour * HOUR_MS,
                known_ms=first_ms + hour * HOUR_MS + 5,
            )
            for hour, (probability, rose) in enumerate(zip(stated, rises, strict=True))
        ]
        await self.ledger.append([record.entry for record in records])
        await self.ledger.settle([settlement for record in records for settlement in record.settlements])
        self.clock.advance(hours * 3600)

    async def recalibrate(self, *, full: bool = False) -> dict[str, Any]:
        """Recalibrate as a process that starts now."""
        work = ModelRecalibration(
            self.registries, self.ledger, self.documents, SETTINGS, lambda: self.announced.append(True), self.clock
        )
        return await work.recalibrate(full=full)


@pytest.fixture
async def hours(tmp_path: Path) -> AsyncIterator[Hours]:
    documents = SqliteDocumentStore(tmp_path / "store.db")
    await documents.open()
    yield Hours(tmp_path, documents)
    await documents.close()


async def test_a_model_that_is_too_sure_is_recalibrated_and_judged_by_what_it_would_have_said(hours: Hours) -> None:
    version = hours.serve()
    await hours.pass_hours(version)
    done = await hours.recalibrate()
    (told,) = done["recalibrated"]
    assert (told["symbol"], told["version"], done["kept"], done["skipped"]) == ("BTCUSDT", version, [], [])
    assert told["brier"] < told["brier_before"]
    assert told["slope"] == pytest.approx(TRUE_SLOPE, abs=0.25)
    assert told["reason"].endswith("better. It is taken, fitted on all of them.")
    assert hours.announced == [True]
    first = read_recalibrations(hours.registry.root).in_force(version)
    assert first is not None
    assert first.at == hours.clock.now()
    # A year later all that counts was stated by it. It is read as the training's calibration gave it: the same slope is
    # found again, and is no better than the one in force.
    hours.clock.advance(366 * 86_400)
    await hours.pass_hours(version, by=first)
    again = await hours.recalibrate()
    (kept,) = again["kept"]
    assert kept["fitted"] + kept["judged"] == HOURS
    assert kept["slope"] == pytest.approx(TRUE_SLOPE, abs=0.25)
    assert kept["reason"].endswith("The calibration in force stays.")
    assert read_recalibrations(hours.registry.root).in_force(version) == first


async def test_it_waits_for_its_time_unless_all_are_asked_for(hours: Hours) -> None:
    version = hours.serve()
    await hours.pass_hours(version)
    await hours.recalibrate()
    hours.clock.advance(29 * 86_400)
    (skipped,) = (await hours.recalibrate())["skipped"]
    due = NOON + timedelta(hours=HOURS, days=30)
    assert skipped["why"].endswith(f"due from {due:%Y-%m-%d %H:%M} UTC on")
    assert not (await hours.recalibrate(full=True))["skipped"]
    hours.clock.advance(30 * 86_400)
    assert not (await hours.recalibrate())["skipped"]


async def test_what_it_said_as_a_candidate_counts_and_what_is_too_old_does_not(hours: Hours) -> None:
    version = hours.serve()
    await hours.pass_hours(version, hours=300)
    (few,) = (await hours.recalibrate())["skipped"]
    assert few["why"] == "300 forecasts of the newest 365 days are settled, 400 are needed"
    await hours.pass_hours(version, lane=LedgerLane.SHADOW, hours=300)
    done = await hours.recalibrate(full=True)
    (judged,) = done["recalibrated"] + done["kept"]
    assert judged["fitted"] + judged["judged"] == 600
    hours.clock.advance(365 * 86_400)
    (old,) = (await hours.recalibrate(full=True))["skipped"]
    assert old["why"].startswith("0 forecasts of the newest 365 days")


async def test_a_version_of_a_further_horizon_is_recalibrated_from_its_own_forecasts_alone(hours: Hours) -> None:
    ahead = RegistryKey(horizon=4)
    registry = hours.registries.at(ahead)
    version = promote(registry, add_model(registry, horizon_candles=4))
    # The usual horizon has a version of the same name, whose forecasts of the next candle are in the ledger.
    assert hours.serve() == version
    await hours.pass_hours(version, hours=300)
    odds = hours.rng.normal(0.0, 0.8, 2 * HOURS)
    rose = hours.rng.random(len(odds)) < 1 / (1 + np.exp(-TRUE_SLOPE * odds))
    stated = 1 / (1 + np.exp(-odds))
    await settle_followed(hours.documents, ahead, version, hours.clock.now(), stated.tolist(), rose.tolist())
    hours.clock.advance(2 * HOURS * 3600)
    done = await hours.recalibrate()
    (few,), (told,) = done["skipped"], done["recalibrated"]
    assert ("horizon_candles" in few, few["why"][:13]) == (False, "300 forecasts")
    assert (told["version"], told["horizon_candles"]) == (version, 4)
    assert told["slope"] == pytest.approx(TRUE_SLOPE, abs=0.25)
    # What the three candles before the newest ones forecast was settled by these.
    assert told["fitted"] + told["judged"] == 2 * HOURS - 3
    assert read_recalibrations(registry.root).in_force(version) is not None
    assert read_recalibrations(hours.registry.root).in_force(version) is None


async def test_of_a_plan_model_and_of_a_longer_usual_horizon_it_is_told_what_there_is(hours: Hours) -> None:
    plans = hours.registries.at(PLANS)
    promote(plans, add_model(plans))
    hours.serve(horizon_candles=4)
    longer, plan = (await hours.recalibrate())["skipped"]
    assert longer["why"].startswith("0 forecasts of the newest 365 days")
    assert plan["why"].startswith("it is a plan model")
