"""The watch over drift: alarms of shifted markets, none of others, one check by several replicas, restarts."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from domain.forecasting import ANY_SYMBOL
from domain.ledger.entries import Apart
from domain.market import Timeframe
from models.drift.verdicts import DriftStatus
from models.registry.registries import PLANS, RegistryKey
from storage.document_ports import MODEL_DRIFT
from storage.sqlite.documents import SqliteDocumentStore
from tests.fixtures.drifting import END, DriftWorkshop, market, serve
from tests.fixtures.followed import settle_followed


@pytest.fixture
async def workshop(tmp_path: Path) -> AsyncIterator[DriftWorkshop]:
    documents = SqliteDocumentStore(tmp_path / "store.db")
    await documents.open()
    with ThreadPoolExecutor(1) as executor:
        yield DriftWorkshop(tmp_path / "models", documents, executor)
    await documents.close()


@pytest.mark.parametrize("seed", range(4))
async def test_a_shifted_market_raises_the_alarm_and_an_unshifted_one_does_not(
    workshop: DriftWorkshop, seed: int
) -> None:
    model = serve(workshop.registry, seed)
    workshop.store(market(seed))
    watch = workshop.watch()
    (calm,) = await watch.look()
    assert calm.status is not DriftStatus.ALARM
    assert (calm.version, calm.candles, calm.features) == (model.version, 300, 75)
    assert (list(watch.degraded()), watch.alarms()) == ([], ())
    workshop.store(market(seed, 3.0))
    await workshop.documents.discard(MODEL_DRIFT, ["BTCUSDT 1h"])
    (shifted,) = await watch.look()
    assert shifted.status is DriftStatus.ALARM
    assert shifted.drifted > calm.drifted
    assert watch.alarms() == (shifted,)
    (degraded,) = watch.degraded()
    assert degraded.part == "model_drift BTCUSDT 1h"
    assert shifted.worst[0].feature in degraded.reason
    assert "python cli.py train FILE --type lstm --symbol BTCUSDT --timeframe 1h" in degraded.remedy


async def test_one_of_two_replicas_checks_and_both_know_also_after_a_restart(workshop: DriftWorkshop) -> None:
    serve(workshop.registry, 0)
    workshop.store(market(0, 3.0))
    first, second = workshop.watch(), workshop.watch()
    (found,) = await first.look()
    assert await second.look() == []
    assert await first.look() == []
    assert len(workshop.shelf.reads) == 1
    assert first.alarms() == second.alarms() == (found,)
    restarted = workshop.watch()
    assert await restarted.look() == []
    assert restarted.alarms() == (found,)


async def test_an_alarm_is_told_once_and_checked_again_after_an_hour(workshop: DriftWorkshop) -> None:
    serve(workshop.registry, 0)
    workshop.store(market(0, 3.0))
    subscription = workshop.hub.subscribe()
    watch = workshop.watch()
    await watch.look()
    workshop.clock.advance(workshop.settings.check_seconds + 1)
    (again,) = await watch.look()
    assert again.alarm
    workshop.hub.publish(None, lambda: '"end"')
    event = json.loads(await anext(subscription))
    assert event["type"] == "ModelDrift"
    assert (event["data"]["symbol"], event["data"]["status"]) == ("BTCUSDT", "alarm")
    assert "cli.py train" in event["data"]["retrain_command"]
    assert [notice.title for notice in workshop.notices] == ["The model of BTCUSDT 1h has drifted"]
    assert json.loads(await anext(subscription)) == "end"


async def test_a_version_without_a_reference_and_too_few_candles_are_told_apart(workshop: DriftWorkshop) -> None:
    old = serve(workshop.registry, None)
    watch = workshop.watch()
    (found,) = await watch.look()
    assert found.status is DriftStatus.NO_REFERENCE
    assert found.advice.startswith("no reference: train again: python cli.py train")
    new = serve(workshop.registry, 0)
    assert new.version != old.version
    workshop.clock.advance(10)
    workshop.store(market(0)[-100:])
    (found,) = await watch.look()
    assert (found.version, found.status) == (new.version, DriftStatus.TOO_FEW)
    assert "349 closed 1h candles without a long hole are needed, 100 are stored" in found.reason


async def test_stale_candles_never_count_and_what_was_found_before_them_stands(workshop: DriftWorkshop) -> None:
    serve(workshop.registry, 0)
    workshop.store(market(0, 3.0)[:-10])
    watch = workshop.watch()
    (stale,) = await watch.look()
    assert (stale.status, stale.features) == (DriftStatus.TOO_FEW, 0)
    assert "too old" in stale.reason
    workshop.store(market(0, 3.0))
    workshop.clock.advance(3601)
    (fresh,) = await watch.look()
    assert fresh.alarm
    workshop.clock.advance(86_400)
    (later,) = await watch.look()
    assert (later.status, later.worst, later.newest_ms) == (DriftStatus.ALARM, fresh.worst, fresh.newest_ms)
    assert "when there were fresh candles last" in later.reason


async def test_answers_that_have_become_worse_raise_the_alarm_and_those_kept_apart_do_not(
    workshop: DriftWorkshop,
) -> None:
    model = serve(workshop.registry, 0)
    workshop.store(market(0))
    stated = np.clip(0.5 + 0.15 * np.random.default_rng(1).normal(size=600), 0.05, 0.95)
    drawn = np.random.default_rng(2).random(600)
    rose = np.where(np.arange(600) < 300, drawn < stated, drawn < 1 - stated)
    await workshop.settle(model.version, stated.tolist(), rose.tolist(), apart=Apart.STRANGER)
    watch = workshop.watch()
    (found,) = await watch.look()
    assert found.brier is not None
    assert (found.brier.count, found.alarm) == (0, False)
    workshop.ledger.__init__()  # type: ignore[misc]  # empties it
    await workshop.settle(model.version, stated.tolist(), rose.tolist())
    workshop.clock.advance(3600)
    (found,) = await watch.look()
    assert found.brier is not None
    assert found.brier.count == 600
    assert found.brier.risen_ms is not None
    assert found.status is DriftStatus.ALARM
    assert "Brier loss" in found.reason


async def test_worse_answers_of_a_further_horizon_raise_the_alarm_by_those_that_do_not_overlap(
    workshop: DriftWorkshop,
) -> None:
    ahead = RegistryKey(horizon=4)
    model = serve(workshop.served.registries.at(ahead), 0, horizon_candles=4)
    workshop.store(market(0))
    stated = np.clip(0.5 + 0.15 * np.random.default_rng(1).normal(size=2400), 0.05, 0.95)
    drawn = np.random.default_rng(2).random(2400)
    rose = np.where(np.arange(2400) < 1200, drawn < stated, drawn < 1 - stated)
    # What the usual horizon said under the same name is another model's.
    await workshop.settle(model.version, [0.5] * 50, [True] * 50)
    first = END - timedelta(hours=2400)
    await settle_followed(workshop.documents, ahead, model.version, first, stated.tolist(), rose.tolist())
    (found,) = await workshop.watch().look()
    assert found.brier is not None
    assert (found.brier.count, found.alarm) == (600, True)
    assert "Brier loss" in found.reason


async def test_a_pooled_model_is_compared_with_the_markets_that_have_none_of_their_own(workshop: DriftWorkshop) -> None:
    serve(workshop.registry, 0)
    serve(workshop.registry, 1, symbol=ANY_SYMBOL)
    workshop.store(market(0))
    workshop.store(market(1, 3.0), "ETHUSDT")
    found = {one.symbol: one for one in await workshop.watch().look()}
    assert found["BTCUSDT"].status is not DriftStatus.ALARM
    assert found["*"].status is DriftStatus.ALARM
    assert found["*"].candles == 300
    assert "--symbol '*'" in found["*"].retrain_command


async def test_versions_of_further_horizons_and_plan_models_are_watched_beside_the_usual_ones(
    workshop: DriftWorkshop,
) -> None:
    ahead = RegistryKey(horizon=4)
    usual = serve(workshop.registry, 0)
    # Two horizons may have a version of one name.
    further = serve(workshop.served.registries.at(ahead), 1, horizon_candles=4)
    plan = serve(workshop.served.registries.at(PLANS), 0)
    assert usual.version == further.version == plan.version
    workshop.store(market(0, 3.0))
    watch = workshop.watch()
    found = await watch.look()
    assert [one.market for one in found] == ["BTCUSDT 1h", "BTCUSDT 1h, 4 candles ahead", "plans of BTCUSDT 1h"]
    assert await watch.findings() == found
    parts = {one.part: one.remedy for one in watch.degraded()}
    assert list(parts) == [f"model_drift {one.market}" for one in found]
    assert parts["model_drift BTCUSDT 1h, 4 candles ahead"].endswith("--timeframe 1h --horizon 4")
    assert parts["model_drift plans of BTCUSDT 1h"].endswith("--timeframe 1h --target plan")
    public = [(one["target"], one["horizon_candles"]) for one in (finding.public() for finding in found)]
    assert public == [("close", None), ("close", 4), ("plan", None)]
    assert len(workshop.notices) == 3
    restarted = workshop.watch()
    assert await restarted.look() == []
    assert restarted.alarms() == tuple(found)


async def test_what_is_no_longer_in_production_is_forgotten(workshop: DriftWorkshop) -> None:
    serve(workshop.registry, 0)
    workshop.store(market(0, 3.0))
    watch = workshop.watch()
    await watch.look()
    workshop.registry.rollback("BTCUSDT", Timeframe.H1, reason="wrong", at=workshop.clock.now())
    workshop.clock.advance(10)
    assert await watch.look() == []
    assert (await watch.findings(), watch.alarms()) == ([], ())
    assert await workshop.documents.newest(MODEL_DRIFT, 10) == []
