"""GET /ai/track-record, its pictures, and GET /ai/lanes, over HTTP; the LLM is sampled where its record says so."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

import pytest
from fastapi.testclient import TestClient

from container import Container
from demo.openai_server import FakeOpenAI
from domain.ledger.entries import PLAN, LedgerLane
from domain.ledger.settlements import LedgerRecord
from domain.values import Signal, epoch_ms
from tests.conftest import STRANGER, MakeClient
from tests.fixtures.bodies import shape_a
from tests.fixtures.containers import container_of
from tests.fixtures.llm_clients import llm_section
from tests.fixtures.patience import wait_until
from tests.fixtures.settled import DAY_MS, HOUR_MS, keep, settled

pytest_plugins = ["tests.fixtures.openai_server"]


def records_of_two_lanes() -> list[LedgerRecord]:
    """Return 60 hours of calls of the rules, right in every second one, and of the LLM, which costs a cent.

    The LLM is right where the rules are, and in a third of the others.
    """
    begin_ms = epoch_ms(datetime.now(UTC)) // DAY_MS * DAY_MS - 4 * DAY_MS
    found = []
    for hour in range(60):
        up = hour % 4 < 2
        known = {"closed_ms": begin_ms + hour * HOUR_MS, "known_ms": begin_ms + hour * HOUR_MS + 1_000}
        for lane, right, cost in (
            (LedgerLane.RULES, hour % 2 == 0, None),
            (LedgerLane.LLM, hour % 2 == 0 or hour % 3 == 0, 0.01),
        ):
            side = Signal.LONG if up is right else Signal.SHORT
            move = 0.01 if up else -0.01
            found.append(settled(move, (1, PLAN), lane=lane, side=side, cost_usd=cost, probability_up=0.5, **known))
    return found


def fill(client: TestClient, records: list[LedgerRecord]) -> Container:
    container = container_of(client)
    assert client.portal is not None
    client.portal.call(keep, container.base.stores.ledger, records)
    return container


@pytest.fixture
def filled(client: TestClient) -> TestClient:
    fill(client, records_of_two_lanes())
    return client


def asked(client: TestClient, path: str, **query: Any) -> dict[str, Any]:
    response = client.get(path, params=query)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def test_each_lane_has_a_record_by_horizon_with_its_count_and_interval(filled: TestClient) -> None:
    found = asked(filled, "/ai/track-record")
    assert (found["days"], found["group"], found["count"]) == (30, "lane", 4)
    assert [(one["lane"], one["horizon"]) for one in found["records"]] == [
        ("rules", "plan"),
        ("rules", 1),
        ("llm", "plan"),
        ("llm", 1),
    ]
    rules = found["records"][1]
    assert (rules["count"], rules["hits"], rules["hit_rate"], rules["base_rate"]) == (60, 30, 0.5, 0.5)
    assert 0.3 < rules["low"] < 0.5 < rules["high"] < 0.7
    assert (rules["verdict"], rules["r"], rules["bps"], rules["net_bps"]) == ("none", None, 0, -12)
    assert (rules["stated"], rules["brier"], rules["version"]) == (60, 0.25, None)
    plan = found["records"][2]
    # Of each stretch of 24 candles, the first.
    assert (plan["count"], plan["targets"] + plan["stops"]) == (3, 3)
    assert (plan["verdict"], plan["r_low"]) == ("insufficient", None)


def test_records_can_be_chosen_and_told_apart(filled: TestClient) -> None:
    sides = asked(filled, "/ai/track-record", group="side", lane="rules", horizon="1", symbol="BTCUSDT")["records"]
    assert [(one["side"], one["count"]) for one in sides] == [("Long", 30), ("Short", 30)]
    days = asked(filled, "/ai/track-record", group="day", lane="llm", horizon="1", days=5)["records"]
    assert sum(one["count"] for one in days) == 60
    assert len({one["day"] for one in days}) == 3
    versions = asked(filled, "/ai/track-record", group="version", timeframe="1h")["records"]
    assert {one["version"] for one in versions} == {"0123456789ab"}
    assert asked(filled, "/ai/track-record", symbol="ETHUSDT")["records"] == []


@pytest.mark.parametrize(
    "query",
    [
        {"group": "weekday"},
        {"lane": "oracle"},
        {"timeframe": "7m"},
        {"horizon": "2"},
        {"days": 0},
        {"days": 401},
        {"symbol": "../x"},
    ],
)
def test_what_is_no_question_is_refused_by_its_parameter(client: TestClient, query: dict[str, Any]) -> None:
    for path in ("/ai/track-record", "/ai/track-record.svg"):
        response = client.get(path, params=query)
        assert response.status_code == 422
        assert next(iter(query)) in response.json()["detail"]


def test_sums_that_do_not_exist_are_refused_with_what_to_ask_instead(client: TestClient) -> None:
    response = client.get("/ai/track-record", params={"group": "confidence", "symbol": "BTCUSDT"})
    assert response.status_code == 422
    assert "leave symbol out" in response.json()["detail"]


@pytest.mark.parametrize("path", ["/ai/track-record.svg", "/ai/calibration.svg"])
def test_pictures_are_svg_for_everyone(make_client: MakeClient, path: str) -> None:
    client = make_client(STRANGER)
    fill(client, records_of_two_lanes())
    response = client.get(path)
    assert response.status_code == 200
    assert response.headers["content-type"] == "image/svg+xml"
    root = ElementTree.fromstring(response.text)  # noqa: S314 - our own
    words = root.findtext("{http://www.w3.org/2000/svg}desc") or ""
    assert "rules 1h" in words
    assert "of 60" in words


def test_lanes_are_compared_with_what_they_cost(filled: TestClient) -> None:
    found = asked(filled, "/ai/lanes")
    lanes = {one["lane"]: one for one in found["lanes"]}
    assert set(lanes) == {"rules", "model", "llm", "blend", "shadow"}
    assert (lanes["rules"]["costs"], lanes["rules"]["sampling"], lanes["model"]["records"]) == ([], None, [])
    assert lanes["llm"]["sampling"] == {
        "sampling": False,
        "settled_plans": 0,
        "trial_calls": 300,
        "sample_share": 0.1,
        "reason": None,
    }
    cost = next(one for one in lanes["llm"]["costs"] if one["horizon"] == 1)
    assert (cost["answers"], cost["cost_usd"], cost["right_above_base"]) == (60, 0.6, 10)
    assert (cost["usd_per_answer"], cost["usd_per_right_above_base"]) == (0.01, 0.06)
    pair = next(one for one in found["pairs"] if one["horizon"] == 1)
    assert (pair["first"], pair["second"], pair["moments"]) == ("rules", "llm", 60)
    assert (pair["both_right"], pair["first_right"], pair["second_right"]) == (30, 0, 10)
    assert pair["mcnemar_p"] == pytest.approx(2 / 2**10, abs=1e-6)
    assert 0.5 < pair["low"] < pair["second_better"] == pair["high"] == 1
    assert pair["verdict"] == "insufficient"


def test_what_lanes_stated_is_beside_what_occurred(filled: TestClient) -> None:
    lanes = {one["lane"]: one["calibration"] for one in asked(filled, "/ai/lanes")["lanes"]}
    assert lanes["model"] == lanes["blend"] == []
    assert [(one["timeframe"], one["horizon"]) for one in lanes["rules"]] == [("1h", "plan"), ("1h", 1)]
    plans, candles = lanes["rules"]
    (stated,) = candles["ranges"]
    assert {name: stated[name] for name in ("range", "count", "stated", "occurred")} == {
        "range": "0.50-0.60",
        "count": 60,
        "stated": 0.5,
        "occurred": 0.5,
    }
    assert 0 < stated["low"] < 0.5 < stated["high"] < 1
    (target,) = plans["ranges"]
    assert (target["range"], target["count"], target["stated"]) == ("0.40-0.50", 3, 0.4)


def test_an_llm_without_lift_is_asked_for_its_sample_only_and_health_says_so(
    make_client: MakeClient, fake_openai: FakeOpenAI
) -> None:
    sections = {"llm": llm_section(fake_openai.url), "ledger": {"lane_trial_calls": 3, "lane_sample_share": 0}}
    on_trial = make_client(**sections)
    assert on_trial.post("/ai/analyze", json=shape_a(drift=0.4)).json()["source"] == "llm"
    fill(on_trial, records_of_two_lanes())
    on_trial.__exit__(None, None, None)
    asked_before = len(fake_openai.asked)
    client = make_client(**sections)
    container = container_of(client)
    wait_until(lambda: container.ledger.lanes.gate.sampling)
    answer = client.post("/ai/analyze", json=shape_a(drift=0.4, symbol="BTCUSDT")).json()
    assert (answer["source"], answer["signal"]) == ("technical", "Long")
    assert answer["fallback_reason"].startswith("sampling: 3 settled plans of the llm lane show no lift")
    assert len(fake_openai.asked) == asked_before
    health = client.get("/health").json()
    assert "lane.llm" in health["degraded"]
    assert asked(client, "/ai/lanes")["lanes"][2]["sampling"]["sampling"] is True


@pytest.mark.parametrize("path", ["/ai/track-record", "/ai/track-record.svg", "/ai/calibration.svg", "/ai/lanes"])
def test_without_its_store_the_record_is_not_available(make_client: MakeClient, path: str) -> None:
    client = make_client(storage={"url": "mongodb://127.0.0.1:9/none", "spool_path": ""})
    assert client.get(path).status_code == 503
