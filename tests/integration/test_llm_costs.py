"""What the LLM costs: booked, kept over restarts, limited by budgets, shown to operators."""

from __future__ import annotations

import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from demo import behaviors
from demo.behaviors import altered, content, error
from demo.openai_server import FakeOpenAI
from tests.conftest import STRANGER, MakeClient
from tests.fixtures.bodies import shape_a
from tests.fixtures.llm_clients import KEYS, llm_section

pytest_plugins = ["tests.fixtures.openai_server"]

USAGE = {
    "prompt_tokens": 2000,
    "completion_tokens": 300,
    "total_tokens": 2300,
    "prompt_tokens_details": {"cached_tokens": 1000},
}
# 1000 at 0.15, 1000 at 0.075 and 300 at 0.60 USD per 1 M tokens
COST = 0.000_405


def statistics(client: TestClient) -> dict[str, Any]:
    response = client.get("/ai/cost/statistics")
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def analyze(client: TestClient, symbol: str) -> dict[str, Any]:
    found: dict[str, Any] = client.post("/ai/analyze", json=shape_a(seed=5, symbol=symbol)).json()
    return found


def test_the_statistics_have_the_agreed_keys_and_the_exact_sums(
    llm_service: TestClient, fake_openai: FakeOpenAI
) -> None:
    fake_openai.always = altered(usage=USAGE)
    for symbol in ("ETHUSDT", "ETHUSDC", "BTCUSDT"):
        assert analyze(llm_service, symbol)["cost_usd"] == COST
    found = statistics(llm_service)
    session = found["session_statistics"]
    assert session == {
        "total_requests": 3,
        "total_input_tokens": 6000,
        "total_output_tokens": 900,
        "total_tokens": 6900,
        "total_cost_usd": pytest.approx(3 * COST, abs=1e-12),
        "total_cost_vnd": pytest.approx(3 * COST * 24_000, abs=1e-9),
        "unpriced_requests": 0,
        "average_cost_per_request_usd": pytest.approx(COST, abs=1e-12),
        "average_tokens_per_request": 2300.0,
    }
    assert found["projections"] == {
        "estimated_daily_cost_usd": pytest.approx(3 * COST),
        "estimated_daily_cost_vnd": pytest.approx(3 * COST * 24_000),
        "estimated_monthly_cost_usd": pytest.approx(3 * COST * 30, rel=0.08),
        "estimated_monthly_cost_vnd": pytest.approx(3 * COST * 30 * 24_000, rel=0.08),
    }
    assert (
        found["configuration"].items()
        >= {
            "model": "gpt-4o-mini",
            "analysis_interval_minutes": 5.0,
            "symbols_tracked": 8,
            "cache_duration_minutes": 5.0,
            "max_tokens": 2000,
            "input_cost_per_1m_tokens": 0.15,
            "output_cost_per_1m_tokens": 0.6,
        }.items()
    )
    assert set(found["this_month_by_symbol"]) == {"ETHUSDT", "ETHUSDC", "BTCUSDT"}
    assert "optimization_status" in found
    assert [key["calls"] for key in found["keys"]] == [1, 1, 1]


def test_a_service_without_an_llm_has_spent_nothing(client: TestClient) -> None:
    found = statistics(client)
    assert found["session_statistics"]["total_requests"] == 0
    assert found["session_statistics"]["average_cost_per_request_usd"] == 0
    assert found["keys"] == []


def test_a_reply_that_is_no_answer_is_paid_for_and_a_restart_forgets_nothing(
    make_client: MakeClient, fake_openai: FakeOpenAI
) -> None:
    section = llm_section(fake_openai.url)
    first = make_client(llm=section)
    fake_openai.script(content(lambda _: "no JSON"))
    assert analyze(first, "ETHUSDT")["source"] == "technical"
    assert analyze(first, "BTCUSDT")["source"] == "llm"
    before = statistics(first)
    assert before["session_statistics"]["total_requests"] == 2
    first.__exit__(None, None, None)
    after = statistics(make_client(llm=section))
    for part in ("session_statistics", "today", "this_month", "this_month_by_symbol", "projections"):
        assert after[part] == before[part]


def test_at_the_stop_nothing_is_asked_and_the_rules_say_why(make_client: MakeClient, fake_openai: FakeOpenAI) -> None:
    section = llm_section(fake_openai.url, budgets={"daily_warning_usd": 0.001, "daily_stop_usd": 0.006})
    client = make_client(llm=section)
    fake_openai.always = altered(usage=USAGE | {"completion_tokens": 7000})
    answers = [analyze(client, f"COIN{number}USDT") for number in range(4)]
    # Each costs 0.0044: a second one could have exceeded the stop.
    assert [answer["source"] for answer in answers] == ["llm"] + ["technical"] * 3
    assert answers[1]["fallback_reason"] == "budget: the LLM is not asked: the daily budget is used up"
    assert len(fake_openai.asked) == 1
    client.__exit__(None, None, None)
    later = make_client(llm=section)
    assert analyze(later, "COIN9USDT")["fallback_reason"].startswith("budget: ")
    assert len(fake_openai.asked) == 1


def test_calls_of_one_moment_do_not_overshoot_the_stop_together(
    make_client: MakeClient, fake_openai: FakeOpenAI
) -> None:
    # Room for one call at its most (0.0012 for output alone), not for two.
    client = make_client(llm=llm_section(fake_openai.url, budgets={"daily_stop_usd": 0.003}))
    fake_openai.always = altered(usage=USAGE | {"completion_tokens": 2000})
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: analyze(client, f"COIN{number}USDT"), range(8)))
    assert 0 < statistics(client)["today"]["total_cost_usd"] <= 0.003


NO_BUDGETS = dict.fromkeys(("daily_warning_usd", "daily_stop_usd", "monthly_warning_usd", "monthly_stop_usd"))
NO_STORE = {"url": "mongodb://127.0.0.1:9/none"}


def test_with_the_store_down_the_llm_answers_where_no_stop_depends_on_it(
    make_client: MakeClient, fake_openai: FakeOpenAI
) -> None:
    free = make_client(llm=llm_section(fake_openai.url, budgets=NO_BUDGETS), storage=NO_STORE)
    assert analyze(free, "ETHUSDT")["source"] == "llm"
    assert statistics(free)["today"]["total_requests"] == 1
    stopped = make_client(llm=llm_section(fake_openai.url), storage=NO_STORE)
    answer = analyze(stopped, "ETHUSDT")
    assert answer["source"] == "technical"
    assert "what was spent before is not known while the store is down" in answer["fallback_reason"]


def test_every_reply_is_on_record(llm_service: TestClient, fake_openai: FakeOpenAI, tmp_path: Path) -> None:
    fake_openai.script(content(lambda _: "no JSON"))
    analyze(llm_service, "ETHUSDT")
    analyze(llm_service, "BTCUSDT")
    llm_service.__exit__(None, None, None)
    with closing(sqlite3.connect(tmp_path / "store.db")) as connection, connection:
        rows = connection.execute("SELECT document FROM llm_replies ORDER BY number").fetchall()
    unused, used = (json.loads(text) for (text,) in rows)
    assert unused["verdict"].startswith("invalid_reply: ")
    assert (unused["reply"], unused["symbol"], unused["purpose"]) == ("no JSON", "ETHUSDT", "analysis")
    assert used["verdict"] == "used"
    assert "<facts>" in used["user"]
    assert used["cost_nano_usd"] > 0
    assert used["input_tokens"] > 0


def test_the_probe_asks_once_and_says_what_came_of_it(llm_service: TestClient, fake_openai: FakeOpenAI) -> None:
    found = llm_service.get("/debug/gpt4").json()
    assert (found["status"], found["model_used"], found["error"], found["diagnosis"]) == ("ok", "demo-gpt", None, None)
    assert found["client_initialized"]
    assert found["api_key_configured"]
    assert found["test_response"]
    assert len(fake_openai.asked) == 1
    assert statistics(llm_service)["today"]["total_requests"] == 1


def test_the_probe_is_the_administrators_and_five_a_minute(make_client: MakeClient, fake_openai: FakeOpenAI) -> None:
    client = make_client(llm=llm_section(fake_openai.url))
    assert [client.get("/debug/gpt4").status_code for _ in range(6)] == [200] * 5 + [429]
    assert len(fake_openai.asked) == 5
    stranger = make_client(STRANGER, llm=llm_section(fake_openai.url))
    assert stranger.get("/debug/gpt4").status_code == 401


def test_the_probe_says_in_words_why_a_reply_is_no_answer(llm_service: TestClient, fake_openai: FakeOpenAI) -> None:
    fake_openai.always = behaviors.refusal
    found = llm_service.get("/debug/gpt4").json()
    assert (found["status"], found["error_type"]) == ("failed", "refusal")
    assert found["error"] == "the LLM's reply is no answer: the model declined"


def test_the_probe_names_the_status_and_the_answers_of_the_rules_do_not(
    llm_service: TestClient, fake_openai: FakeOpenAI
) -> None:
    fake_openai.always = error(404, None, "Not Found")
    found = llm_service.get("/debug/gpt4").json()
    assert found["error"] == "the LLM gave no answer: it refuses the request (status 404, no code)"
    assert "OPENAI_BASE_URL" in found["diagnosis"]
    reason = analyze(llm_service, "ETHUSDT")["fallback_reason"]
    assert reason == "bad_request: the LLM gave no answer: it refuses the request"


def test_the_probe_of_a_service_without_an_llm_says_what_is_needed(client: TestClient) -> None:
    found = client.get("/debug/gpt4").json()
    assert (found["status"], found["client_initialized"], found["api_key_configured"]) == ("failed", False, False)
    assert found["error_type"] == "not_configured"
    assert "OPENAI_API_KEY" in found["diagnosis"]


def test_health_says_whether_the_llm_can_be_asked(make_client: MakeClient, fake_openai: FakeOpenAI) -> None:
    client = make_client(llm=llm_section(fake_openai.url))
    health = client.get("/health").json()
    assert (health["gpt4_available"], health["api_key_configured"], health["degraded"]) == (True, True, [])
    fake_openai.always = behaviors.unauthorized
    analyze(client, "ETHUSDT")
    health = client.get("/health").json()
    assert (health["gpt4_available"], health["status"]) == (False, "degraded")
    (part,) = health["problems"]
    assert part == {
        "part": "llm",
        "reason": "no key can be used now: key 1 retired (unauthorized), key 2 retired (unauthorized), "
        "key 3 retired (unauthorized); the rules answer",
        "remedy": "set OPENAI_API_KEY to a key that the endpoint accepts, and restart",
    }
    keys = statistics(client)["keys"]
    assert [(key["number"], key["status"], key["reason"]) for key in keys] == [
        (number, "retired", "unauthorized") for number in (1, 2, 3)
    ]


def test_no_part_of_a_key_is_answered_logged_or_stored(
    make_client: MakeClient, fake_openai: FakeOpenAI, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    client = make_client(llm=llm_section(fake_openai.url))
    seen = []
    for number, behavior in enumerate(
        [
            behaviors.normal,
            behaviors.refusal,
            content(lambda reply: json.dumps(reply | {"reasoning": f"The key is {KEYS[0]}, {KEYS[1]} or {KEYS[2]}."})),
            behaviors.server_error,
            behaviors.quota,
            behaviors.unauthorized,
        ]
    ):
        fake_openai.always = behavior
        seen.append(json.dumps(analyze(client, f"COIN{number}USDT")))
        seen += [client.get(path).text for path in ("/health", "/ai/cost/statistics", "/metrics", "/debug/gpt4")]
    client.__exit__(None, None, None)
    assert any("key_echoed" in text for text in seen)
    output = capfd.readouterr()
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()).decode(errors="replace")
    assert "llm_replies" in stored
    for text in ("".join(seen), output.out + output.err, stored):
        for key in KEYS:
            random = key.rpartition("-")[2]
            assert not any(random[start : start + 4] in text for start in range(len(random) - 3))
