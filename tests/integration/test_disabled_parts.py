"""Lanes and strategies that are disabled: no part in answers, said so, over restarts, until enabled again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from demo.openai_server import FakeOpenAI
from domain.errors import StorageUnavailable
from domain.forecasting import ModelType
from domain.ledger.entries import LedgerLane
from domain.ledger.settlements import LedgerRecord
from domain.market import Timeframe
from domain.notices import Notice
from domain.values import utc_time
from models.registry.registry import Registry
from services.emergency.strategy_records import LiveStrategies
from services.emergency.watch import EmergencyWatch
from services.leases import Lease
from services.ledger.scoring.queries import RecordQuery
from services.ledger.scoring.records import Record
from services.ledger.scoring.scores import LedgerScores
from tests.conftest import MakeClient
from tests.fixtures.answers import analyzed, posted
from tests.fixtures.bodies import shape_a, shape_b
from tests.fixtures.clocks import SettableClock
from tests.fixtures.containers import container_of
from tests.fixtures.forecasting import put_in_production
from tests.fixtures.llm_clients import llm_section
from tests.fixtures.newest_days import HOUR_MS, calls, settle
from tests.fixtures.settled import settlement
from utils.clock import Clock

pytest_plugins = ["tests.fixtures.openai_server", "tests.fixtures.registry"]

UP: dict[str, Any] = {"seed": 5, "drift": 0.35}
REASON = "it lost in five days of six"


def switch(client: TestClient, name: str, disabled: bool = True, reason: str = REASON) -> dict[str, Any]:
    response = client.post(f"/ai/disabled/{name}", json={"disabled": disabled, "reason": reason})
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def check(
    client: TestClient,
    notices: list[Notice] | None = None,
    clock: Clock | None = None,
    scores: LedgerScores | None = None,
    **settings: Any,
) -> dict[str, Any]:
    """Look once, as the watch of the service does."""
    container = container_of(client)
    clock = clock or container.base.clock
    watch = EmergencyWatch(
        scores or LedgerScores(container.base.stores.ledger, clock),
        LiveStrategies(container.base.stores.ledger, container.base.stores.analyses, clock),
        container.guards.disabled,
        (notices if notices is not None else []).append,
        Lease(container.base.stores.documents, "test", 60, clock),
        container.base.settings.emergency.model_copy(update={"enabled": True, **settings}),
        clock,
    )
    assert client.portal is not None
    found: dict[str, Any] = client.portal.call(watch.check)
    return found


@pytest.fixture
def watched(make_client: MakeClient) -> TestClient:
    """Return a client of a service whose own watch is off, so that only the test looks."""
    return make_client(emergency={"enabled": False})


def test_nothing_is_disabled_at_first(client: TestClient) -> None:
    found = client.get("/ai/disabled").json()
    assert found["disabled"] == []
    kinds = {part["name"]: part["kind"] for part in found["parts"]}
    assert [name for name, kind in kinds.items() if kind == "lane"] == ["rules", "model", "llm"]
    assert kinds.keys() - {"rules", "model", "llm"} == set(client.get("/ai/strategies").json()["strategies"])
    assert {(part["disabled"], part["by"], part["changed_at"]) for part in found["parts"]} == {(False, None, None)}


def test_a_disabled_strategy_takes_no_part_and_the_answer_says_so(client: TestClient) -> None:
    body = shape_a(**UP)
    assert "RSI Strategy" in analyzed(client, body)["strategy_scores"]
    part = switch(client, "RSI Strategy")
    assert (part["disabled"], part["by"], part["reason"]) == (True, "admin", REASON)
    answer = analyzed(client, body)
    assert answer["cached"] is False
    assert "RSI Strategy" not in answer["strategy_scores"]
    assert "MACD Strategy" in answer["strategy_scores"]
    assert "Took no part: the strategy RSI Strategy is disabled since" in answer["reasoning"]
    assert answer["reasoning"].endswith(f"{REASON}.")
    asked = {"symbol": "ETHUSDT", "timeframe_data": body["timeframe_data"]}
    recommended = client.post("/ai/strategy-recommendations", json=asked).json()
    (own,) = [strategy for strategy in recommended if strategy["strategy_name"] == "RSI Strategy"]
    assert (own["suitability_score"], REASON in own["reasoning"]) == (0.0, True)
    switch(client, "RSI Strategy", disabled=False, reason="")
    again = analyzed(client, body)
    assert "RSI Strategy" in again["strategy_scores"]
    assert "Took no part" not in again["reasoning"]


def test_without_the_rules_their_answers_and_trends_are_neutral(make_client: MakeClient) -> None:
    client = make_client(market_data={"sources": ["synthetic"]})
    body = shape_a(**UP)
    assert analyzed(client, body)["signal"] == "Long"
    switch(client, "rules")
    answer = analyzed(client, body)
    assert (answer["signal"], answer["abstention"]) == ("Neutral", "refused")
    assert answer["reasoning"].startswith("Neutral: refused by enabled_lane: the lane rules is disabled since")
    assert [gate["name"] for gate in answer["gates"] if not gate["passed"]] == ["enabled_lane"]
    trend = posted(client, "/predict-trend", {"symbol": "ETHUSDT"})
    assert (trend["trend"], trend["confidence"], REASON in trend["safe_mode"]) == ("Neutral", 0.0, True)


def test_a_disabled_llm_is_not_asked_and_the_rules_answer(make_client: MakeClient, fake_openai: FakeOpenAI) -> None:
    client = make_client(llm=llm_section(fake_openai.url))
    switch(client, "llm")
    answer = analyzed(client, shape_a(**UP))
    assert (answer["source"], answer["signal"]) == ("technical", "Long")
    assert answer["fallback_reason"].startswith("disabled: the lane llm is disabled since")
    assert fake_openai.asked == []


def test_disabled_models_forecast_nothing(make_client: MakeClient, registry: Registry) -> None:
    put_in_production(registry, ModelType.LSTM, symbol="ETHUSDT")
    client = make_client()
    body = {name: part for name, part in shape_b(count=200).items() if name != "strategy_context"}
    assert analyzed(client, shape_b(count=200))["forecast"] is not None
    assert client.post("/ai/predict", json=body).status_code == 200
    switch(client, "model")
    answer = analyzed(client, shape_b(count=200))
    assert answer["forecast"] is None
    assert answer["forecast_note"].startswith("the lane model is disabled since")
    refused = client.post("/ai/predict", json=body)
    assert (refused.status_code, REASON in refused.json()["detail"]) == (503, True)
    switch(client, "model", disabled=False)
    assert client.post("/ai/predict", json=body).status_code == 200


def test_it_is_announced_named_by_health_and_kept_over_a_restart(make_client: MakeClient) -> None:
    first = make_client()
    with first.websocket_connect("/ws") as socket:
        socket.receive_json()
        part = switch(first, "momentum")
        event = socket.receive_json()
        assert event["type"] == "DisabledChanged"
        assert event["data"] == {name: part[name] for name in ("name", "disabled", "reason", "by", "changed_at")}
    first.__exit__(None, None, None)
    second = make_client()
    assert second.get("/ai/disabled").json()["disabled"] == ["momentum"]
    (problem,) = second.get("/health").json()["problems"]
    assert (problem["part"], REASON in problem["reason"]) == ("disabled.momentum", True)
    switch(second, "momentum", disabled=False)
    assert second.get("/health").json()["problems"] == []


def test_what_cannot_be_switched_is_refused(client: TestClient) -> None:
    unknown = client.post("/ai/disabled/blend", json={"disabled": True, "reason": REASON})
    assert (unknown.status_code, "there are rules, model, llm, RSI Strategy" in unknown.json()["detail"]) == (404, True)
    assert client.post("/ai/disabled/rules", json={"disabled": True}).status_code == 422
    assert client.post("/ai/disabled/rules", json={"reason": REASON}).status_code == 422
    assert client.get("/ai/disabled").json()["disabled"] == []


def test_the_watch_disables_a_lane_that_surely_loses_and_tells_it_once(watched: TestClient) -> None:
    settle(watched, calls(50, 150))
    notices: list[Notice] = []
    assert check(watched, notices)["disabled"] == ["rules"]
    (notice,) = notices
    assert (notice.key, notice.level, notice.title) == ("disabled.rules", "critical", "The lane rules is disabled")
    assert "25.0% of 200 calls on 1h were right, one candle on" in notice.text
    (rules,) = [part for part in watched.get("/ai/disabled").json()["parts"] if part["disabled"]]
    assert (rules["name"], rules["by"]) == ("rules", "emergency")
    assert check(watched, notices)["disabled"] == []
    assert len(notices) == 1


def test_the_watch_tells_of_a_lane_whose_end_nothing_keeps_over_a_restart(
    make_client: MakeClient, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    storage = {"url": f"sqlite:///{data}/store.db", "spool_path": ""}
    watched = make_client(emergency={"enabled": False}, storage=storage)
    settle(watched, calls(50, 150))

    class ThenTheDiskIsGone(LedgerScores):
        async def track_record(self, query: RecordQuery) -> list[Record]:
            found = await super().track_record(query)
            if query.lane == LedgerLane.RULES:
                data.rename(tmp_path / "away")
                data.touch()
            return found

    container, notices = container_of(watched), list[Notice]()
    scores = ThenTheDiskIsGone(container.base.stores.ledger, container.base.clock)
    with pytest.raises(StorageUnavailable, match="rules is disabled in this process, but nothing keeps it"):
        check(watched, notices, scores=scores)
    assert [(notice.key, notice.level) for notice in notices] == [("disabled.rules", "critical")]
    assert watched.get("/ai/disabled").json()["disabled"] == ["rules"]


@pytest.mark.parametrize(("right", "wrong"), [(10, 60), (85, 115), (110, 90)])
def test_the_watch_leaves_alone_what_is_too_little_or_may_be_chance(
    watched: TestClient, right: int, wrong: int
) -> None:
    settle(watched, calls(right, wrong))
    assert check(watched)["disabled"] == []


def test_the_watch_is_switched_off_by_its_setting(watched: TestClient) -> None:
    settle(watched, calls(50, 150))
    assert check(watched, enabled=False) == {"enabled": False, "disabled": [], "quiet": []}
    assert watched.get("/ai/disabled").json()["disabled"] == []


def test_a_lane_that_holds_on_another_timeframe_goes_on(watched: TestClient) -> None:
    quarters = calls(110, 90, timeframe=Timeframe.M15)
    settle(watched, [*calls(50, 150), *quarters])
    assert check(watched)["disabled"] == []


def test_what_an_administrator_enables_is_left_alone_and_then_judged_by_what_came_since(watched: TestClient) -> None:
    settle(watched, calls(50, 150))
    assert check(watched)["disabled"] == ["rules"]
    switch(watched, "rules", disabled=False)
    assert check(watched) == {"enabled": True, "disabled": [], "quiet": ["rules"]}
    later = SettableClock(container_of(watched).base.clock.now() + timedelta(hours=73))
    # Its losses are of the time before.
    assert check(watched, clock=later)["disabled"] == []


def test_models_of_any_version_are_one_lane(watched: TestClient) -> None:
    old = calls(25, 75, LedgerLane.MODEL, lane_id="aaaaaaaaaaaa")
    new = calls(25, 75, LedgerLane.MODEL, lane_id="bbbbbbbbbbbb", symbol="ETHUSDT")
    settle(watched, [*old, *new])
    assert check(watched)["disabled"] == ["model"]


def test_a_strategy_is_judged_by_what_came_after_it_leaned(watched: TestClient) -> None:
    container = container_of(watched)
    assert watched.portal is not None
    answer = analyzed(watched, shape_a(**UP))
    archived = watched.portal.call(container.base.stores.analyses.archived_analysis, answer["analysis_id"])
    assert archived is not None
    leaning = {name for name, score in archived.strategy_scores.items() if score >= 0.65}
    assert leaning
    records = []
    for number, record in enumerate(calls(0, 110, symbol="ETHUSDT", lane_id="cccccccccccc")):
        entry = replace(record.entry, id=f"own{number}.rules", closed_ms=record.entry.closed_ms - 3 * number * HOUR_MS)
        records.append(LedgerRecord(entry, (settlement(entry, 4, -0.01),), 0))
        own = archived.model_copy(
            update={"analysis_id": f"own{number}", "generated_at": utc_time(entry.closed_ms), "symbol": "ETHUSDT"}
        )
        watched.portal.call(partial(container.base.stores.analyses.save_analysis, f"key {number}", own, archive=True))
    settle(watched, records)
    found = check(watched)["disabled"]
    assert set(found) == leaning
    assert "of 110 calls on 1h were right, 4 candles on" in watched.get("/health").json()["problems"][0]["reason"]
