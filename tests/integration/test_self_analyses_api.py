"""POST /ai/config-analysis/trigger and its stored reviews, over HTTP."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
import yaml
from fastapi.testclient import TestClient

from demo import behaviors
from demo.openai_server import FakeOpenAI
from storage.document_ports import CONFIG_SUGGESTIONS, SELF_ANALYSES, TRADE_ANALYSES, Collection
from tests.conftest import STRANGER, MakeClient
from tests.fixtures.bodies import CLOSED_TRADE
from tests.fixtures.containers import container_of
from tests.fixtures.llm_clients import llm_section
from tests.fixtures.patience import PATIENCE_SECONDS

pytest_plugins = ["tests.fixtures.openai_server"]

TRADE = CLOSED_TRADE | {"strategy_name": "MACD Strategy", "ai_confidence": 0.66}

ROUTES = pytest.mark.parametrize(
    ("path", "collection", "name"),
    [
        ("/ai/config-suggestions", CONFIG_SUGGESTIONS, "suggestions"),
        ("/ai/gpt4-analysis-history", SELF_ANALYSES, "analyses"),
    ],
)


def keep(client: TestClient, collection: Collection, key: str, days_ago: float, **fields: Any) -> None:
    """Put a document into the store of the running service."""
    container = container_of(client)
    document = {"created_at": datetime.now(UTC) - timedelta(days=days_ago), **fields}
    assert client.portal is not None
    client.portal.call(partial(container.base.stores.documents.put, collection, key, document))


@ROUTES
def test_nothing_kept_is_an_empty_list(client: TestClient, path: str, collection: Collection, name: str) -> None:
    assert client.get(path).json() == {"success": True, "count": 0, name: [], "data": []}


@ROUTES
def test_the_newest_come_first_within_limit_and_days(
    client: TestClient, path: str, collection: Collection, name: str
) -> None:
    content = {
        "status": "pending",
        "suggestions": {"summary": "wider stops"},
        "confidence": 0.55,
        "applied_changes": [],
    }
    for key, days_ago in (("b", 2), ("a", 1), ("old", 40)):
        keep(client, collection, key, days_ago, **content)
    found = client.get(path).json()
    assert (found["success"], found["count"]) == (True, 2)
    assert [analysis["_id"] for analysis in found[name]] == ["a", "b"]
    assert found["data"] == found[name]
    first = found[name][0]
    assert {key: first[key] for key in content} == content
    assert datetime.fromisoformat(first["created_at"]).tzinfo
    assert [analysis["_id"] for analysis in client.get(path, params={"limit": 1}).json()[name]] == ["a"]
    assert client.get(path, params={"days": 50}).json()["count"] == 3
    assert client.get(path, params={"limit": 0}).status_code == 422


def post_trades(client: TestClient, count: int, pnl: float, **changes: Any) -> None:
    """Report closed trades whose returns alternate by 2 % around a mean, as an engine does."""
    for number in range(count):
        percent = pnl + (2.0 if number % 2 else -2.0)
        body = TRADE | {"trade_id": f"t-{pnl}-{number}", "pnl_usdt": percent, "pnl_percentage": percent} | changes
        assert client.post("/ai/analyze-trade", json=body).status_code == 200


def reviewed(client: TestClient, count: int) -> None:
    """Return once `count` trades are reviewed and stored."""
    container = container_of(client)
    assert client.portal is not None
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while len(client.portal.call(container.base.stores.documents.newest, TRADE_ANALYSES, 1_000)) < count:
        assert time.monotonic() < give_up_at
        time.sleep(0.02)


def trigger(client: TestClient) -> dict[str, Any]:
    response = client.post("/ai/config-analysis/trigger", json={})
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    assert found["data"]["message"] == found["message"]
    return found


def test_with_too_few_trades_the_review_says_what_is_missing_and_keeps_nothing(client: TestClient) -> None:
    post_trades(client, 4, -1.0)
    reviewed(client, 4)
    found = trigger(client)
    assert (found["success"], found["status"], found["suggestions"]) == (False, "insufficient_data", None)
    assert found["error"].startswith("4 closed trades were reported by trusted clients in 30 days, 30 are needed")
    assert found["trade_stats"]["total_trades"] == 4
    assert client.get("/ai/config-suggestions").json()["count"] == 0
    assert client.get("/ai/gpt4-analysis-history").json()["count"] == 0


def test_trades_of_untrusted_clients_do_not_crowd_out_those_of_trusted_ones(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.reviews.settings.MAX_TRADES", 5)
    post_trades(client, 4, -1.0)
    reviewed(client, 4)
    invented = [TRADE | {"trade_id": f"s-{number}", "pnl_usdt": 9.0, "pnl_percentage": 9.0} for number in range(5)]
    for body in invented:
        client.post("/ai/analyze-trade", json=body, headers={"X-Forwarded-For": "203.0.113.9"}).raise_for_status()
    reviewed(client, 9)
    assert trigger(client)["trade_stats"]["total_trades"] == 4


def test_a_review_of_enough_trades_is_answered_kept_and_listed(client: TestClient) -> None:
    post_trades(client, 40, -1.0, ai_confidence=0.62)
    post_trades(client, 40, 0.8, ai_confidence=0.72)
    reviewed(client, 80)
    found = trigger(client)
    assert (found["success"], found["status"], found["error"]) == (True, "completed", None)
    change = found["suggestions"]["signal_suggestions"]["min_confidence"]
    assert (change["current"], change["suggested"]) == (0.5, 0.65)
    assert (found["suggestions"]["auto_apply_safe"], found["suggestions"]["source"]) == (False, "technical")
    statistics = found["trade_stats"]
    assert (statistics["total_trades"], statistics["win_rate"], statistics["total_pnl"]) == (80, 50.0, -8.0)
    (kept,) = client.get("/ai/config-suggestions").json()["suggestions"]
    assert kept["suggestions"] == found["suggestions"]
    assert (kept["status"], kept["applied_changes"], kept["trade_stats"]) == ("pending", [], statistics)
    assert kept["current_config"]["indicators"]["rsi_period"] == 14
    assert datetime.fromisoformat(kept["timestamp"]).tzinfo
    (advice,) = client.get("/ai/gpt4-analysis-history").json()["analyses"]
    assert (advice["recommendation"], advice["urgency"]) == ("retrain", "low")  # there is no model at all
    created_at = datetime.fromisoformat(advice.pop("created_at"))  # stores keep whole milliseconds
    answered_at = datetime.fromisoformat(found["data"]["advice"].pop("created_at"))
    assert abs(created_at - answered_at) < timedelta(milliseconds=1)
    assert advice == found["data"]["advice"]


def test_trades_of_strangers_count_for_nothing(make_client: MakeClient) -> None:
    stranger = make_client(STRANGER, rate_limits={"enabled": False})
    post_trades(stranger, 40, -1.0)
    reviewed(stranger, 40)
    assert trigger(make_client())["trade_stats"]["total_trades"] == 0


def test_the_llm_judges_the_same_figures_once(make_client: MakeClient, fake_openai: FakeOpenAI) -> None:
    plain = make_client()
    post_trades(plain, 40, -1.0)
    reviewed(plain, 40)
    plain.__exit__(None, None, None)
    client = make_client(llm=llm_section(fake_openai.url))
    first, second = trigger(client), trigger(client)
    assert len(fake_openai.asked) == 1
    assert first["suggestions"]["source"] == first["data"]["advice"]["source"] == "llm"
    assert first["suggestions"]["summary"] == second["suggestions"]["summary"]
    assert first["trade_stats"]["total_trades"] == 40
    assert client.get("/ai/config-suggestions").json()["count"] == 2


def test_where_the_llm_fails_the_rules_judge_and_say_why(make_client: MakeClient, fake_openai: FakeOpenAI) -> None:
    plain = make_client()
    post_trades(plain, 40, -1.0)
    reviewed(plain, 40)
    plain.__exit__(None, None, None)
    fake_openai.always = behaviors.quota
    found = trigger(make_client(llm=llm_section(fake_openai.url)))
    assert found["suggestions"]["source"] == "technical"
    assert found["suggestions"]["fallback_reason"].startswith("quota: ")


def test_a_review_needs_a_store(make_client: MakeClient) -> None:
    client = make_client(storage={"url": "mongodb://127.0.0.1:9/none"})
    assert client.post("/ai/config-analysis/trigger").status_code == 503


@ROUTES
def test_a_store_that_is_down_is_said_to_be(
    make_client: MakeClient, path: str, collection: Collection, name: str
) -> None:
    assert make_client(storage={"url": "mongodb://127.0.0.1:9/none"}).get(path).status_code == 503


PENDING: dict[str, Any] = {
    "status": "pending",
    "suggestions": {
        "signal_suggestions": {"min_confidence": {"current": 0.5, "suggested": 0.65, "reason": "they lose"}},
        "indicator_suggestions": {"rsi_period": {"current": 14, "suggested": 21, "reason": "calmer"}},
    },
    "applied_changes": [],
}
DECIDE = "/ai/config-suggestions/s-1"


def suggest(client: TestClient, status: str = "pending", **signals: Any) -> None:
    change = {"current": 0.5, "suggested": 0.65, "reason": "they lose"} | signals
    suggestions = {**PENDING["suggestions"], "signal_suggestions": {"min_confidence": change}}
    keep(client, CONFIG_SUGGESTIONS, "s-1", 1, **PENDING | {"status": status, "suggestions": suggestions})


def applied_are(client: TestClient, changes: list[str]) -> None:
    """Return once the service has noted, in the background of its start, that these changes are in force."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while client.get("/ai/config-suggestions").json()["suggestions"][0]["applied_changes"] != changes:
        assert time.monotonic() < give_up_at
        time.sleep(0.02)


def test_an_accepted_suggestion_comes_as_lines_of_configuration_and_changes_nothing_by_itself(
    client: TestClient,
) -> None:
    suggest(client)
    response = client.post(DECIDE, json={"accept": True})
    assert response.status_code == 200, response.text
    found = response.json()
    assert (found["_id"], found["status"], found["decided_by"]) == ("s-1", "accepted", "admin")
    assert "success" not in found  # a client that sees it reads `data` alone
    assert datetime.fromisoformat(found["decided_at"]).tzinfo
    assert yaml.safe_load(found["how_to_apply"]["yaml"]) == {
        "indicators": {"rsi_period": 21},
        "signals": {"min_confidence": 0.65},
    }
    assert found["how_to_apply"]["environment"] == "INDICATORS__RSI_PERIOD=21\nSIGNALS__MIN_CONFIDENCE=0.65\n"
    assert found["applied_changes"] == []
    (listed,) = client.get("/ai/config-suggestions").json()["suggestions"]
    assert (listed["status"], listed["applied_changes"]) == ("accepted", [])
    container = container_of(client)
    assert container.base.settings.signals.min_confidence == 0.5
    assert client.post(DECIDE, json={"accept": True}).json() == found
    opposite = client.post(DECIDE, json={"accept": False})
    assert (opposite.status_code, "it is accepted" in opposite.json()["detail"]) == (409, True)


def test_what_was_accepted_is_noted_as_applied_once_the_configuration_has_it(make_client: MakeClient) -> None:
    first = make_client(rate_limits={"enabled": False})
    suggest(first)
    assert first.post(DECIDE, json={"accept": True}).status_code == 200
    first.__exit__(None, None, None)
    second = make_client(signals={"min_confidence": 0.65}, rate_limits={"enabled": False})
    applied_are(second, ["signals.min_confidence: 0.5 -> 0.65"])
    second.__exit__(None, None, None)
    third = make_client(signals={"min_confidence": 0.5}, rate_limits={"enabled": False})
    applied_are(third, [])


def test_a_rejected_suggestion_stays_so(client: TestClient) -> None:
    suggest(client)
    found = client.post(DECIDE, json={"accept": False}).json()
    assert (found["status"], found["how_to_apply"]) == ("rejected", None)
    assert client.post(DECIDE, json={"accept": False}).json() == found
    assert client.post(DECIDE, json={"accept": True}).status_code == 409


def test_of_two_opposite_decisions_at_once_one_counts(client: TestClient) -> None:
    suggest(client)
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda accept: client.post(DECIDE, json={"accept": accept}), (True, False)))
    assert sorted(answer.status_code for answer in answers) == [200, 409]


def test_what_cannot_be_decided_is_refused(client: TestClient) -> None:
    assert client.post("/ai/config-suggestions/unknown", json={"accept": True}).status_code == 404
    suggest(client, status="no_change")
    nothing = client.post(DECIDE, json={"accept": True})
    assert (nothing.status_code, "it is no_change" in nothing.json()["detail"]) == (409, True)
    suggest(client, suggested=1.3)
    impossible = client.post(DECIDE, json={"accept": True})
    assert impossible.status_code == 409
    assert "signals.min_confidence: needs at most 1, received " in impossible.json()["detail"]
    assert client.post(DECIDE, json={"accept": "yes"}).status_code == 422
    assert client.get("/ai/config-suggestions").json()["suggestions"][0]["status"] == "pending"
