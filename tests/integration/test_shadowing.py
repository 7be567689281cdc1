"""A candidate beside the model in production of a running service: its entries, and that no answer knows of it."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from fastapi.testclient import TestClient

from domain.ledger.entries import HORIZONS, LedgerLane
from domain.market import Timeframe
from models.registry import aliases, shadowing
from models.registry.registry import Registry
from models.registry.shadowing import begin_shadow
from tests.conftest import MakeClient
from tests.fixtures.answers import posted
from tests.fixtures.bodies import shape_b
from tests.fixtures.containers import container_of
from tests.fixtures.forecasting import add_fitted, promote
from tests.fixtures.models import NOON, linear_onnx
from tests.fixtures.recording import StoredLedger
from tests.fixtures.shadowed import ignorant, knowing, shadowed_at

pytest_plugins = ["tests.fixtures.operators", "tests.fixtures.registry"]

UP: dict[str, Any] = {"seed": 5, "drift": 0.35}
MODEL, SHADOW = LedgerLane.MODEL, LedgerLane.SHADOW
# Differ from one start of a service to the next.
OWN = {"analysis_id", "generated_at", "timestamp", "data_age_seconds"}


def put_beside(registry: Registry, *, shadowed: bool = True) -> tuple[str, str]:
    """Put a version of ETHUSDT into production, and let another one shadow it."""
    production = promote(registry, add_fitted(registry, symbol="ETHUSDT"))
    candidate = add_fitted(registry, symbol="ETHUSDT", seed=9, created_at=NOON + timedelta(days=1))
    if shadowed:
        assert begin_shadow(registry, candidate.version, "better than production", NOON)
    return production, candidate.version


def settle_tasks(client: TestClient) -> None:
    """Wait until the candidates have forecast."""
    shadows = container_of(client).models.forecasting._answers._shadows
    assert shadows is not None

    async def ended() -> None:
        await asyncio.gather(*shadows._tasks.values())

    assert client.portal is not None
    client.portal.call(ended)


def written_by(client: TestClient) -> StoredLedger:
    written = StoredLedger()
    written.client = client
    return written


def test_an_analysis_and_a_forecast_leave_an_entry_of_the_candidate_beside(
    make_client: MakeClient, registry: Registry
) -> None:
    _, version = put_beside(registry)
    client = make_client()
    body = shape_b("1h", count=300, **UP)
    answer = posted(client, "/ai/analyze", body)
    posted(client, "/ai/predict", body)
    settle_tasks(client)
    entries = written_by(client).entries
    beside = [entry for entry in entries if entry.lane is SHADOW]
    models = {entry.id.replace(".model", ".shadow"): entry for entry in entries if entry.lane is MODEL}
    assert {entry.id for entry in beside} == set(models)
    assert f"{answer['analysis_id']}.shadow" in models
    for entry in beside:
        model = models[entry.id]
        same = ("closed_ms", "price", "symbol", "timeframe", "origin", "cost_bps", "source_data", "apart")
        assert [getattr(entry, name) for name in same] == [getattr(model, name) for name in same]
        assert (entry.given, entry.horizons[:4]) == (False, HORIZONS)
        assert entry.probability_up != model.probability_up
        assert entry.lane_id != model.lane_id
    (stated,) = {entry.probability_up for entry in beside}
    # The candidate says what it would say if it served.
    promote_it = client.post(f"/ai/models/{version}/promote", json={"reason": "compared"})
    assert promote_it.status_code == 200
    assert posted(client, "/ai/predict", body)["probability_up"] == stated


@pytest.mark.parametrize("blend", ["advise", "weighted"])
def test_answers_are_equal_with_and_without_a_candidate(
    make_client: MakeClient, registry: Registry, blend: str
) -> None:
    put_beside(registry, shadowed=False)
    body = shape_b("1h", count=300, **UP)
    answers: list[list[dict[str, Any]]] = []
    for _ in range(2):
        client = make_client(analysis={"blend": blend}, storage={"url": f"sqlite:///{registry.root}-{len(answers)}.db"})
        answers.append([posted(client, path, body) for path in ("/ai/analyze", "/ai/predict", "/api/v1/analyze")])
        if len(answers) == 1:
            version = registry.versions().models[0].version
            assert begin_shadow(registry, version, "better", NOON)
    settle_tasks(client)
    assert [entry for entry in written_by(client).entries if entry.lane is SHADOW]
    for one, other in zip(*map(without_own, answers), strict=True):
        assert {key: (one[key], other[key]) for key in one if one[key] != other[key]} == {}


def without_own(value: Any) -> Any:
    if isinstance(value, dict):
        if value.get("name") == "fresh_data":
            return {**value, "value": None}
        return {key: without_own(own) for key, own in value.items() if key not in OWN}
    return [without_own(own) for own in value] if isinstance(value, list) else value


def test_a_candidate_that_raises_or_cannot_be_loaded_leaves_no_entry_and_every_answer(
    make_client: MakeClient, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_beside(registry)
    client = make_client()
    shadows = container_of(client).models.forecasting._answers._shadows
    assert shadows is not None

    def broken(*_: object) -> None:
        raise RuntimeError("a defect of the candidate")

    monkeypatch.setattr(shadows.rows, "of", _for_production(shadows.rows.of, broken))
    answer = posted(client, "/ai/analyze", shape_b("1h", count=300, **UP))
    settle_tasks(client)
    assert answer["forecast"]["probability_up"] is not None
    entries = written_by(client).entries
    assert [entry.lane for entry in entries if entry.lane in {MODEL, SHADOW}] == [MODEL]


def _for_production(of: Callable[..., Any], broken: Callable[..., Any]) -> Callable[..., Any]:
    return lambda model, *candles: (broken if model.metadata.seed == 9 else of)(model, *candles)


def test_a_damaged_candidate_leaves_no_entry_and_every_answer(make_client: MakeClient, registry: Registry) -> None:
    _, version = put_beside(registry)
    (registry.root / version / "model.onnx").write_bytes(linear_onnx((2, 2)))
    client = make_client()
    assert posted(client, "/ai/analyze", shape_b("1h", count=300, **UP))["forecast"]["probability_up"] is not None
    settle_tasks(client)
    assert [entry.lane for entry in written_by(client).entries if entry.lane in {MODEL, SHADOW}] == [MODEL]


def test_the_routes_show_a_candidate_and_its_progress(make_client: MakeClient, registry: Registry) -> None:
    production, version = put_beside(registry)
    client = make_client()
    listed = {one["version"]: one for one in client.get("/ai/models").json()["models"]}
    assert listed[production]["shadow"] is None
    assert (listed[production]["alias"], listed[version]["alias"]) == ("production", "candidate")
    shadow = listed[version]["shadow"]
    assert (shadow["state"], shadow["production"], shadow["reason"]) == (
        "shadowing",
        production,
        "better than production",
    )
    assert (shadow["settled"], shadow["needed"], shadow["low"]) == (0, 200, None)
    assert client.get(f"/ai/models/{version}").json()["shadow"] == shadow
    client.post(f"/ai/models/{version}/promote", json={"reason": "I trust it"})
    ended = client.get(f"/ai/models/{version}").json()["shadow"]
    assert (ended["state"], ended["reason"], ended["settled"]) == ("promoted", "I trust it", None)


# Decides with a pause before or after the aliases are replaced, in which it is killed.
_PROCESS = """
import asyncio, sys
from tests.integration.test_shadowing import decide_and_hang
asyncio.run(decide_and_hang(sys.argv[1], sys.argv[2]))
"""


async def decide_and_hang(root: str, when: str) -> None:
    """Decide on the candidate, and hang before or after the write."""
    write = aliases.write_aliases

    def hang(root: Path, now: aliases.Aliases) -> None:
        if when == "after":
            write(root, now)
        print("here", flush=True)
        signal.pause()

    with patch.object(shadowing, "write_aliases", hang):
        async with shadowed_at(Path(root)) as shadowed:
            shadowed.clock.advance(200 * 3600)
            await shadowed.watch().look()


@pytest.mark.parametrize("when", ["before", "after"])
async def test_kill_9_while_it_is_promoted_leaves_it_open_or_promoted_and_never_twice(
    tmp_path: Path, when: str
) -> None:
    async with shadowed_at(tmp_path) as shadowed:
        production, candidate = await shadowed.begin()
        await shadowed.pass_hours(200, ignorant, knowing)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _PROCESS, str(tmp_path), when, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"here\n"
    process.kill()
    await process.wait()
    async with shadowed_at(tmp_path) as shadowed:
        left = shadowed.aliases
        assert left.production == (production if when == "before" else candidate).version
        # The lease of the one that was killed ends by itself.
        shadowed.clock.advance(200 * 3600 + 301)
        await shadowed.watch().look()
        aliases = shadowed.aliases
        assert [promotion.version for promotion in aliases.history] == [production.version, candidate.version]
        assert [end.end for end in aliases.shadowed] == ["promoted"]
        assert (aliases.production, aliases.shadow) == (candidate.version, None)
        assert shadowed.registry.verify(candidate.version).timeframe is Timeframe.H1
