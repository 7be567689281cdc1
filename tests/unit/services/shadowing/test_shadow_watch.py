"""Candidates that shadow: promoted, refused or open by what has settled; replicas, restarts, and what is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.registry.registries import USUAL, RegistryKey
from models.registry.shadowing import begin_shadow
from tests.fixtures.followed import settle_followed
from tests.fixtures.forecasting import H1, promote
from tests.fixtures.models import NOON, add_model
from tests.fixtures.shadowed import BEGUN, Shadowed, contrary, events, ignorant, knowing, shadowed_at

DAY_SECONDS = 86_400


@pytest.fixture
async def shadowed(tmp_path: Path) -> AsyncIterator[Shadowed]:
    async with shadowed_at(tmp_path) as opened:
        yield opened


async def test_a_candidate_that_knows_more_is_promoted_once_enough_has_settled(shadowed: Shadowed) -> None:
    production, candidate = await shadowed.begin()
    watch = shadowed.watch()
    await shadowed.pass_hours(199, ignorant, knowing)
    await watch.look()
    assert shadowed.aliases.production == production.version
    state = (await watch.states())[USUAL, candidate.version]
    assert (state["state"], state["settled"], state["produced"], state["needed"]) == ("shadowing", 199, 199, 200)
    assert 0 < state["low"] < state["brier_gain"] < state["high"]
    await shadowed.pass_hours(1, ignorant, knowing)
    await watch.look()
    aliases = shadowed.aliases
    assert (aliases.production, aliases.shadow, aliases.candidate) == (candidate.version, None, None)
    promotion = aliases.history[-1]
    assert (promotion.by, promotion.at) == ("shadow", shadowed.clock.now())
    assert promotion.reason.startswith(f"better than {production.version}: mean gain in Brier loss +0.")
    (end,) = aliases.shadowed
    assert (end.end, end.why, end.since) == ("promoted", promotion.reason, BEGUN)
    assert end.figures is not None
    assert end.figures.settled == 200
    assert end.figures.brier_gain == pytest.approx(0.09, abs=0.03)
    assert shadowed.announced == [True]


async def test_a_worse_candidate_is_refused_and_is_none_any_more(shadowed: Shadowed) -> None:
    production, candidate = await shadowed.begin()
    await shadowed.pass_hours(200, knowing, contrary)
    watch = shadowed.watch()
    await watch.look()
    aliases = shadowed.aliases
    assert (aliases.production, aliases.candidate, aliases.shadow) == (production.version, None, None)
    assert aliases.shadowed[-1].end == "refused"
    assert aliases.shadowed[-1].why.startswith(f"worse than {production.version}: mean gain in Brier loss -0.")
    assert (await watch.states())[USUAL, candidate.version]["state"] == "refused"


async def test_one_that_says_the_same_is_promoted_as_not_worse_by_more_than_the_margin(shadowed: Shadowed) -> None:
    _, candidate = await shadowed.begin()
    await shadowed.pass_hours(200, ignorant, lambda chances: 0.5 + 0.001 * (-1) ** np.arange(len(chances)))
    await shadowed.watch().look()
    assert shadowed.aliases.production == candidate.version
    assert "not worse by more than 0.005" in shadowed.aliases.history[-1].reason


async def test_undecided_figures_leave_it_open_until_the_decision_of_the_gate_counts(shadowed: Shadowed) -> None:
    production, candidate = await shadowed.begin()
    # Both are wrong by as much, at different hours.
    await shadowed.pass_hours(240, lambda c: ignorant(c) - 0.2, lambda c: ignorant(c) + 0.2)
    watch = shadowed.watch()
    await watch.look()
    assert shadowed.aliases.production == production.version
    shadowed.clock.moment = BEGUN + timedelta(days=30) - timedelta(seconds=1)
    await watch.look()
    assert shadowed.aliases.production == production.version
    shadowed.clock.advance(1)
    await watch.look()
    assert shadowed.aliases.production == candidate.version
    assert "undecided after 30 days, so the decision of the gate counts" in shadowed.aliases.history[-1].reason


async def test_one_that_mostly_gave_no_forecast_is_refused_when_its_time_is_up(shadowed: Shadowed) -> None:
    production, _ = await shadowed.begin()
    await shadowed.pass_hours(40, ignorant, None)
    await shadowed.pass_hours(10, ignorant, knowing, seed=1)
    shadowed.clock.advance(30 * DAY_SECONDS)
    await shadowed.watch().look()
    assert shadowed.aliases.production == production.version
    assert f"it answered 10 of 50 forecasts of {production.version}" in shadowed.aliases.shadowed[-1].why


async def test_one_whose_files_are_damaged_is_refused_and_not_promoted(shadowed: Shadowed) -> None:
    production, candidate = await shadowed.begin()
    await shadowed.pass_hours(200, ignorant, knowing)
    (shadowed.registry.root / candidate.version / "model.onnx").write_bytes(b"damaged")
    await shadowed.watch().look()
    assert shadowed.aliases.production == production.version
    assert shadowed.aliases.shadowed[-1].why.startswith("it cannot serve: ")


async def test_without_a_number_of_forecasts_an_open_shadow_ends_by_the_gate(shadowed: Shadowed) -> None:
    _, candidate = await shadowed.begin()
    await shadowed.watch(shadow_forecasts=0).look()
    assert shadowed.aliases.production == candidate.version


async def test_sockets_hear_once_of_its_begin_and_its_end_from_the_replica_that_decides(shadowed: Shadowed) -> None:
    first, second = shadowed.watch(), shadowed.watch()
    await first.look()
    await second.look()
    subscription = shadowed.hub.subscribe()
    production, candidate = await shadowed.begin()
    for watch in (first, second, first):
        await watch.look()
    await shadowed.pass_hours(200, ignorant, knowing)
    # Held again in time by the first.
    await first.look()
    await second.look()
    begun, ended = await events(subscription, shadowed.hub)
    assert (begun["type"], ended["type"]) == ("ModelShadow", "ModelShadow")
    assert (begun["data"]["state"], ended["data"]["state"]) == ("shadowing", "promoted")
    assert (begun["data"]["symbol"], begun["data"]["timeframe"]) == ("BTCUSDT", "1h")
    assert (begun["data"]["version"], begun["data"]["production"]) == (candidate.version, production.version)
    assert (begun["data"]["settled"], ended["data"]["settled"], ended["data"]["needed"]) == (0, 200, 200)
    assert ended["data"]["reason"] == shadowed.aliases.history[-1].reason


async def test_a_candidate_of_a_further_horizon_is_compared_on_forecasts_whose_moves_do_not_overlap(
    shadowed: Shadowed,
) -> None:
    ahead = RegistryKey(horizon=4)
    registry = shadowed.registries.at(ahead)
    production = promote(registry, add_model(registry, horizon_candles=4))
    candidate = add_model(registry, created_at=NOON + timedelta(days=1), horizon_candles=4).version
    assert begin_shadow(registry, candidate, "better than production", BEGUN)
    rng = np.random.default_rng(5)
    chances = rng.choice([0.2, 0.8], 800)
    rose = (rng.random(800) < chances).tolist()
    half = [0.5] * 800
    await settle_followed(shadowed.documents, ahead, production, BEGUN, half, rose)
    told: dict[str, Any] = {"beside": (production, half)}
    # The last stretch of four hours has not settled yet.
    await settle_followed(shadowed.documents, ahead, candidate, BEGUN, chances[:796].tolist(), rose[:796], **told)
    watch = shadowed.watch()
    await watch.look()
    state = (await watch.states())[ahead, candidate]
    assert (state["state"], state["settled"], state["produced"]) == ("shadowing", 199, 200)
    assert (state["horizon_candles"], 0 < state["low"] < state["brier_gain"]) == (4, True)
    last = BEGUN + timedelta(hours=796)
    await settle_followed(shadowed.documents, ahead, candidate, last, chances[796:].tolist(), rose[796:], **told)
    # They settle once a candle: they are read again after ten minutes.
    await watch.look()
    assert registry.resolve("BTCUSDT", H1) == production
    shadowed.clock.advance(600)
    await watch.look()
    assert registry.resolve("BTCUSDT", H1) == candidate
    assert registry.aliases().of("BTCUSDT", H1).history[-1].by == "shadow"


async def test_what_forecasts_another_close_than_production_shadows_nothing(shadowed: Shadowed) -> None:
    promote(shadowed.registry, add_model(shadowed.registry))
    longer = add_model(shadowed.registry, created_at=NOON + timedelta(days=1), horizon_candles=4)
    assert not begin_shadow(shadowed.registry, longer.version, "better", BEGUN)


async def test_after_a_restart_the_next_process_goes_on_with_what_has_settled(tmp_path: Path) -> None:
    async with shadowed_at(tmp_path) as before:
        _, candidate = await before.begin()
        await before.pass_hours(120, ignorant, knowing)
        await before.watch().look()
    async with shadowed_at(tmp_path) as after:
        # The process before was killed: its lease ends by itself.
        after.clock.moment = BEGUN + timedelta(hours=121)
        await after.pass_hours(80, ignorant, knowing, seed=1)
        await after.watch().look()
        assert after.aliases.production == candidate.version
        assert after.aliases.shadowed[-1].figures is not None
        assert after.aliases.shadowed[-1].figures.settled == 200


async def test_another_version_in_production_ends_the_shadow_and_its_own_promotion_is_one(shadowed: Shadowed) -> None:
    production, candidate = await shadowed.begin()
    other = add_model(shadowed.registry, created_at=NOON + timedelta(days=2))
    promote(shadowed.registry, other)
    superseded = shadowed.aliases.shadowed[-1]
    assert (superseded.version, superseded.end, superseded.why) == (candidate.version, "superseded", "better")
    assert begin_shadow(shadowed.registry, candidate.version, "better than production", BEGUN)
    shadowed.registry.promote(candidate.version, by="forced", reason="I trust it", at=BEGUN)
    assert (shadowed.aliases.production, shadowed.aliases.shadow) == (candidate.version, None)
    assert (shadowed.aliases.shadowed[-1].end, shadowed.aliases.shadowed[-1].why) == ("promoted", "I trust it")
    assert shadowed.registry.rollback("BTCUSDT", production.timeframe, reason="no", at=BEGUN) == other.version


async def test_a_refused_training_does_not_take_the_place_of_a_candidate_that_shadows(shadowed: Shadowed) -> None:
    _, candidate = await shadowed.begin()
    newer = add_model(shadowed.registry, created_at=NOON + timedelta(days=3))
    shadowed.registry.nominate(newer.version)
    assert shadowed.aliases.candidate == candidate.version
    assert candidate.version in shadowed.registry.prune(1).kept


async def test_models_that_look_further_than_the_next_candle_shadow_nothing(shadowed: Shadowed) -> None:
    promote(shadowed.registry, add_model(shadowed.registry))
    further = add_model(shadowed.registry, created_at=NOON + timedelta(days=1), horizon_candles=4)
    assert not begin_shadow(shadowed.registry, further.version, "better", BEGUN)
    alone = add_model(shadowed.registry, created_at=NOON + timedelta(days=1), symbol="ETHUSDT")
    assert not begin_shadow(shadowed.registry, alone.version, "better", BEGUN)
    assert all(of.shadow is None for of in shadowed.registry.aliases().scopes)
