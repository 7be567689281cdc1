"""The nightly self-analysis of a running service: skipped where the newest days are acceptable, else advice."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient

from demo.behaviors import content
from demo.openai_server import FakeOpenAI
from domain.errors import JobQueueFull
from domain.forecasting import ModelType
from domain.ledger.entries import LedgerLane, Origin
from models.registry.registry import Registry
from services.reviews.nightly import NightlySelfAnalysis
from storage.document_ports import LLM_CALLS
from tests.conftest import MakeClient
from tests.fixtures.containers import container_of
from tests.fixtures.forecasting import put_in_production
from tests.fixtures.llm_clients import llm_section
from tests.fixtures.newest_days import calls, settle

pytest_plugins = ["tests.fixtures.openai_server", "tests.fixtures.registry"]


def run(client: TestClient, retrain: Any = None, **settings: Any) -> dict[str, Any]:
    """Run the self-analysis as the schedule does; `retrain` and settings replace those of the service."""
    container = container_of(client)
    nightly = NightlySelfAnalysis(
        container.reviews.self_analyses,
        container.base.stores.documents,
        container.base.settings.self_analysis.model_copy(update=settings),
        retrain or container.reviews.retraining.because,
        asks_llm=container.llm.parts.journal is not None,
    )
    assert client.portal is not None
    found: dict[str, Any] = client.portal.call(nightly.run)
    return found


def book(client: TestClient, purpose: str, costs: list[int | None]) -> None:
    """Put calls of the LLM into the books, in nano-dollars; None is a call whose cost is not known."""
    container = container_of(client)
    assert client.portal is not None
    for number, cost in enumerate(costs):
        document = {
            "created_at": datetime.now(UTC),
            "purpose": purpose,
            "cost_nano_usd": cost or 0,
            "unpriced": int(cost is None),
        }
        client.portal.call(container.base.stores.documents.put, LLM_CALLS, f"{purpose}-{number}", document)


def newest(client: TestClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/ai/gpt4-analysis-history").json()["analyses"][0]
    return found


def model_calls(client: TestClient, version: str, right: int, wrong: int) -> list[Any]:
    """Return calls of this version, under the id that the service's own recorder gives it."""
    recorder = container_of(client).answers.analysis._publication._recorder
    lane_id = recorder._identities.id_of(LedgerLane.MODEL, version, Origin.API, None)
    return calls(right, wrong, LedgerLane.MODEL, lane_id=lane_id, probability_up=0.9, given=False)


def test_without_settled_calls_there_is_nothing_to_judge_and_no_call_is_paid(
    make_client: MakeClient, fake_openai: FakeOpenAI
) -> None:
    client = make_client(llm=llm_section(fake_openai.url))
    found = run(client)
    assert (found["outcome"], found["skipped"], found["cost_saved_usd"]) == ("insufficient_data", True, None)
    assert fake_openai.asked == []
    kept = newest(client)
    assert (kept["_id"], kept["skipped"], kept["outcome"]) == (found["analysis_id"], True, "insufficient_data")


def test_an_acceptable_week_is_skipped_and_says_what_earlier_questions_cost(
    make_client: MakeClient, fake_openai: FakeOpenAI
) -> None:
    client = make_client(llm=llm_section(fake_openai.url))
    settle(client, calls(80, 40))
    book(client, "self_analysis", [2_000_000, 4_000_000, None])
    book(client, "analysis", [900_000_000])
    found = run(client)
    assert (found["outcome"], found["skipped"]) == ("acceptable", True)
    assert found["cost_saved_usd"] == pytest.approx(0.003)
    assert "66.7% of 120 calls on 1h were right" in found["reasons"][0]
    assert fake_openai.asked == []
    kept = newest(client)
    assert (kept["recommendation"], kept["confidence"], kept["cost_saved_usd"]) == ("wait", None, 0.003)
    week = kept["week"]
    assert (week["calls"]["count"], week["timeframe"]) == (120, "1h")
    assert sum(day["count"] for day in week["calls_by_day"]) == 120
    assert [day["days_before_the_newest"] for day in week["calls_by_day"]] == sorted(
        (day["days_before_the_newest"] for day in week["calls_by_day"]), reverse=True
    )


def test_without_an_llm_nothing_is_said_to_be_saved(client: TestClient) -> None:
    settle(client, calls(80, 40))
    book(client, "self_analysis", [2_000_000])
    assert run(client)["cost_saved_usd"] is None


def test_a_week_below_the_bounds_is_judged_by_the_llm_with_its_figures(
    make_client: MakeClient, fake_openai: FakeOpenAI
) -> None:
    client = make_client(llm=llm_section(fake_openai.url))
    settle(client, calls(40, 80))
    found = run(client)
    assert (found["outcome"], found["skipped"]) == ("below_bounds", False)
    assert len(fake_openai.asked) == 1
    assert found["advice"]["source"] == "llm"
    assert found["advice"]["recommendation"] in {"retrain", "wait", "optimize_parameters"}
    kept = newest(client)
    assert (kept["_id"], kept["skipped"], kept["week"]["calls"]["count"]) == (found["analysis_id"], False, 120)


def test_the_advice_to_retrain_queues_one_only_where_that_is_permitted(
    make_client: MakeClient, registry: Registry
) -> None:
    version = put_in_production(registry, ModelType.LOGISTIC)
    client = make_client()
    settle(client, [*calls(80, 80), *model_calls(client, version, 30, 110)])
    asked: list[str] = []

    async def retrain(reason: str) -> dict[str, Any]:
        asked.append(reason)
        return {"submitted": []}

    kept_back = run(client, retrain, may_retrain=False)
    assert (kept_back["advice"]["recommendation"], kept_back["retraining"]["asked"], asked) == ("retrain", False, [])
    assert kept_back["retraining"]["reason"] == "self_analysis.may_retrain is off"
    found = run(client, retrain)
    assert found["retraining"]["asked"] is True
    assert f"{version} was right in 54.0%" in asked[0]

    async def refuse(reason: str) -> None:
        raise JobQueueFull("8 jobs are waiting already")

    refused = run(client, refuse)["retraining"]
    assert refused == {"asked": False, "reason": "8 jobs are waiting already"}


def test_without_a_model_the_first_one_is_not_trained_by_itself(
    make_client: MakeClient, fake_openai: FakeOpenAI
) -> None:
    fake_openai.always = content(lambda reply: _retrain(reply))
    client = make_client(llm=llm_section(fake_openai.url))
    settle(client, calls(40, 80))
    found = run(client)
    assert found["advice"]["recommendation"] == "retrain"
    assert found["retraining"]["asked"] is False
    assert found["retraining"]["reason"].startswith("no model is in production")


def _retrain(reply: dict[str, Any]) -> str:
    import json

    return json.dumps(reply | {"recommendation": "retrain"})
