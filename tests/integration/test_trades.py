"""POST /ai/analyze-trade: accepted at once, reviewed once, stored where the engine reads it."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from demo import behaviors
from demo.behaviors import wrong
from demo.openai_server import FakeOpenAI
from tests.conftest import STRANGER, MakeClient
from tests.fixtures.bodies import CLOSED_TRADE
from tests.fixtures.llm_clients import llm_section
from tests.fixtures.patience import PATIENCE_SECONDS

pytest_plugins = ["tests.fixtures.openai_server"]

TRADE = CLOSED_TRADE | {
    "trade_id": "pt-20260101-17",
    "duration_seconds": 5400,
    "close_reason": "StopLoss",
    "open_time": "2026-01-01T06:10:00+00:00",
    "close_time": "2026-01-01T07:40:00+00:00",
    "strategy_name": "MACD Strategy",
    "ai_confidence": 0.66,
    "ai_reasoning": "momentum",
}


def stored(folder: Path, count: int = 1) -> list[dict[str, Any]]:
    """Return the stored reviews once there are `count` of them."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while True:
        with closing(sqlite3.connect(folder / "store.db")) as connection, connection:
            rows = connection.execute("SELECT document FROM trade_analyses ORDER BY number").fetchall()
        if len(rows) >= count or time.monotonic() > give_up_at:
            return [json.loads(text) for (text,) in rows]
        time.sleep(0.02)


def post(client: TestClient, **changes: Any) -> dict[str, Any]:
    response = client.post("/ai/analyze-trade", json=TRADE | changes)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def test_a_trade_is_accepted_and_reviewed_by_the_llm_as_the_engine_reads_it(
    llm_service: TestClient, fake_openai: FakeOpenAI, tmp_path: Path
) -> None:
    assert post(llm_service) == {
        "status": "accepted",
        "trade_id": "pt-20260101-17",
        "message": "the trade is reviewed in the background",
    }
    (review,) = stored(tmp_path)
    assert isinstance(review["created_at"]["$date"], int)  # a BSON date in MongoDB
    assert review["is_winning"] is False
    assert (review["pnl_usdt"], review["pnl_percentage"]) == (-36.24, -7.43)
    assert (review["symbol"], review["side"], review["close_reason"]) == ("ETHUSDT", "Long", "StopLoss")
    assert (review["entry_price"], review["exit_price"]) == (3050.2, 3004.9)
    assert review["analysis"]["source"] == "llm"
    assert review["analysis"]["cost_usd"] > 0
    assert review["analysis"]["groundedness"] is None  # it names no figure
    assert review["trade_data"]["ai_reasoning"] == "momentum"
    user = fake_openai.asked[0].body["messages"][1]["content"]
    assert "2026" not in user  # no dates
    assert '"signal_reasoning":"momentum"' in user.partition("<client_data>")[2]


def test_figures_that_are_none_of_the_trades_are_marked(
    llm_service: TestClient, fake_openai: FakeOpenAI, tmp_path: Path
) -> None:
    fake_openai.always = wrong(
        summary="The trade lost 36.24 USDT in 1.5 hours after an entry at 3050.2.",
        what_went_well=["The signal's confidence was 66 %."],
        what_went_wrong=["The price fell to 2900."],
        lessons=["Use less than a leverage of 5x."],
    )
    post(llm_service)
    (review,) = stored(tmp_path)
    words = review["analysis"]
    assert words["what_went_wrong"] == ["The price fell to 2900 [unverified]."]
    assert json.dumps(words).count("[unverified]") == 1
    assert words["groundedness"] == pytest.approx(5 / 6, abs=1e-4)


def test_trades_of_one_burst_wait_for_a_key(make_client: MakeClient, fake_openai: FakeOpenAI, tmp_path: Path) -> None:
    client = make_client(llm=llm_section(fake_openai.url, backup_keys=[], spacing_seconds=0.3))
    for number in range(3):
        post(client, trade_id=f"burst-{number}", exit_price=3000.0 + number)
    assert [review["analysis"]["source"] for review in stored(tmp_path, 3)] == ["llm"] * 3


def test_a_trade_is_reviewed_once_whatever_is_sent_and_restarted(
    make_client: MakeClient, fake_openai: FakeOpenAI, tmp_path: Path
) -> None:
    first = make_client(llm=llm_section(fake_openai.url))
    post(first)
    assert post(first, pnl_usdt=99.0)["message"] == "the trade was accepted before"
    assert len(stored(tmp_path)) == 1
    first.__exit__(None, None, None)
    second = make_client(llm=llm_section(fake_openai.url))
    post(second, pnl_usdt=99.0)
    post(second, trade_id="another", exit_price=3100.0, pnl_usdt=39.84)
    reviews = stored(tmp_path, 2)
    assert [review["pnl_usdt"] for review in reviews] == [-36.24, 39.84]
    assert len(fake_openai.asked) == 2


def test_a_strangers_trade_gives_way_to_a_trusted_clients(make_client: MakeClient, tmp_path: Path) -> None:
    stranger = make_client(STRANGER)
    post(stranger, pnl_usdt=99.0)
    assert [review["pnl_usdt"] for review in stored(tmp_path)] == [99.0]
    stranger.__exit__(None, None, None)
    trusted = make_client()  # nothing of it is in memory here
    assert post(trusted)["message"] == "the trade is reviewed in the background"
    assert post(trusted, pnl_usdt=1.0)["message"] == "the trade was accepted before"
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while [review["pnl_usdt"] for review in stored(tmp_path)] != [-36.24]:
        assert time.monotonic() < give_up_at
        time.sleep(0.02)
    behind_a_proxy = {"x-forwarded-for": "203.0.113.9"}
    again = trusted.post("/ai/analyze-trade", json=TRADE | {"pnl_usdt": 77.0}, headers=behind_a_proxy)
    assert again.json()["message"] == "the trade was accepted before"
    assert [review["trade_data"]["trusted"] for review in stored(tmp_path)] == [True]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "lost 36.24 USDT (-7.43 %): from 3050.2 to 3004.9 the price moved 1.49 % against it"),
        ({"exit_price": 3080.0, "pnl_usdt": 23.84, "pnl_percentage": 4.89}, "made 23.84 USDT (+4.89 %)"),
        ({"side": "Short", "pnl_usdt": 36.24, "pnl_percentage": 7.43}, "the price moved 1.49 % its way"),
    ],
)
def test_figures_are_the_review_without_an_llm(
    client: TestClient, tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    post(client, **changes)
    (review,) = stored(tmp_path)
    assert review["analysis"]["source"] == "technical"
    assert words in review["analysis"]["summary"]


def test_figures_are_the_review_where_the_llm_fails_and_the_reason_is_kept(
    llm_service: TestClient, fake_openai: FakeOpenAI, tmp_path: Path
) -> None:
    fake_openai.always = behaviors.quota
    post(llm_service)
    (review,) = stored(tmp_path)
    assert review["analysis"]["source"] == "technical"
    assert review["analysis"]["fallback_reason"].startswith("quota: ")


@pytest.mark.parametrize(
    "changes",
    [
        {"trade_id": ""},
        {"trade_id": "x" * 101},
        {"symbol": "eth"},
        {"side": "Sideways"},
        {"entry_price": 0},
        {"leverage": 0},
        {"pnl_usdt": "much"},
        {"quantity": -1},
        {"ai_confidence": 85},
    ],
)
def test_what_is_no_trade_is_refused(client: TestClient, changes: dict[str, Any]) -> None:
    response = client.post("/ai/analyze-trade", json=TRADE | changes)
    assert response.status_code == 422
    assert next(iter(changes)) in response.json()["detail"]


def test_optional_fields_of_a_trade_may_be_absent(client: TestClient, tmp_path: Path) -> None:
    needed = ("trade_id", "symbol", "side", "entry_price", "exit_price", "quantity", "leverage", "pnl_usdt")
    body = {name: TRADE[name] for name in (*needed, "pnl_percentage")}
    assert client.post("/ai/analyze-trade", json=body).status_code == 200
    assert stored(tmp_path)[0]["close_reason"] is None


def test_trades_that_wait_are_reviewed_after_a_restart(
    make_client: MakeClient, fake_openai: FakeOpenAI, tmp_path: Path
) -> None:
    first = make_client(llm=llm_section(fake_openai.url, backup_keys=[], spacing_seconds=60))
    for number in range(5):
        post(first, trade_id=f"trade-{number}", exit_price=3000.0 + number)
    stored(tmp_path)
    first.__exit__(None, None, None)  # a key is ready again in a minute
    second = make_client(llm=llm_section(fake_openai.url))
    reviews = stored(tmp_path, 5)
    assert [review["trade_id"] for review in reviews] == [f"trade-{number}" for number in range(5)]
    assert [review["analysis"]["source"] for review in reviews] == ["llm"] * 5
    assert post(second, trade_id="trade-4")["message"] == "the trade was accepted before"


def test_trade_that_would_not_survive_a_crash_is_not_accepted(make_client: MakeClient) -> None:
    client = make_client(storage={"url": "mongodb://127.0.0.1:9/none", "spool_path": ""})
    for _ in range(2):
        response = client.post("/ai/analyze-trade", json=TRADE)
        assert response.status_code == 503
        assert "no spool takes" in response.json()["detail"]


def test_strangers_fill_a_queue_of_their_own_and_spend_no_call(
    make_client: MakeClient, fake_openai: FakeOpenAI, tmp_path: Path
) -> None:
    client = make_client(
        llm=llm_section(fake_openai.url, backup_keys=[], spacing_seconds=60),
        trades={"max_waiting_strangers": 3},
        rate_limits={"enabled": False},
    )
    post(client, trade_id="first of the engine's")
    stored(tmp_path)
    post(client, trade_id="waits for a key", exit_price=3010.0)  # and keeps the strangers waiting
    behind_a_proxy = {"x-forwarded-for": "203.0.113.9"}
    answers = [
        client.post("/ai/analyze-trade", json=TRADE | {"trade_id": f"invented-{number}"}, headers=behind_a_proxy)
        for number in range(5)
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 503, 503]
    assert answers[4].json()["detail"] == "3 trades wait to be reviewed already; try again later"
    post(client, trade_id="of the engine")
    assert len(fake_openai.asked) == 1


def test_strangers_trades_are_reviewed_by_their_figures(
    make_client: MakeClient, fake_openai: FakeOpenAI, tmp_path: Path
) -> None:
    stranger = make_client(STRANGER, llm=llm_section(fake_openai.url))
    post(stranger)
    (review,) = stored(tmp_path)
    assert review["analysis"]["source"] == "technical"
    assert fake_openai.asked == []
