"""The ledger over HTTP: what was said, pages of it, exports and proofs; and that nobody can better its figures."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from domain.ledger.entries import LedgerEntry
from services.broadcast.hub import SignalHub
from services.ledger.proofs.checking import check_export
from services.ledger.proofs.day_closing import DayCloser
from storage.resilience.ledger import ResilientLedger
from tests.conftest import MakeClient
from tests.fixtures.answers import analyzed
from tests.fixtures.bodies import shape_a, shape_b
from tests.fixtures.clocks import SettableClock
from tests.fixtures.containers import container_of
from tests.fixtures.ledger import make_entry
from tests.fixtures.merkle_proofs import root_of_path
from utils.clock import SystemClock

DAY_MS = 86_400_000
AS_STRANGER = {"x-forwarded-for": "203.0.113.9"}


@pytest.fixture
def client(make_client: MakeClient) -> TestClient:
    return make_client()


def page(client: TestClient, **wanted: Any) -> dict[str, Any]:
    response = client.get("/ai/ledger", params=wanted)
    assert response.status_code == 200, response.text
    return dict(response.json())


def entry_of(client: TestClient, answer: dict[str, Any]) -> dict[str, Any]:
    """Return the entry of an answer, once it is stored."""
    wanted = f"{answer['analysis_id']}.rules"
    ended = time.monotonic() + 60
    while not (found := [entry for entry in page(client)["entries"] if entry["id"] == wanted]):
        assert time.monotonic() < ended, page(client)
        time.sleep(0.02)
    return dict(found[0])


@pytest.fixture(scope="module")
def two_entries(common_client: TestClient) -> TestClient:
    """Return a client of a service that has answered the administrator and a stranger."""
    entry_of(common_client, analyzed(common_client, shape_b()))
    entry_of(common_client, analyzed(common_client, shape_a(symbol="BTCUSDT"), **AS_STRANGER))
    return common_client


def test_an_answer_is_an_entry_that_says_the_same(client: TestClient) -> None:
    body = shape_a(symbol="BTCUSDT", drift=0.4)
    answer = analyzed(client, body)
    entry = entry_of(client, answer)
    assert (entry["lane"], entry["origin"], entry["symbol"]) == ("rules", "api", "BTCUSDT")
    assert (entry["side"], entry["confidence"], entry["price"]) == (
        answer["signal"],
        answer["confidence"],
        pytest.approx(body["current_price"]),
    )
    assert (entry["stale"], entry["scored"], entry["apart"], entry["settled"]) == (False, True, None, False)
    assert entry["settlements"] == []
    assert client.get(f"/ai/ledger/{entry['id']}").json() == entry


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"symbol": "ETHUSDT"}, 1),
        ({"symbol": "SOLUSDT"}, 0),
        ({"lane": "rules"}, 2),
        ({"lane": "llm"}, 0),
        ({"scored": True}, 1),
        ({"scored": False}, 1),
        ({"timeframe": "4h"}, 0),
        ({"until": 1_600_000_000_000}, 0),
        ({"limit": 1}, 1),
    ],
)
def test_filters_narrow(two_entries: TestClient, wanted: dict[str, Any], found: int) -> None:
    assert len(page(two_entries, **wanted)["entries"]) == found


def test_stale_candles_and_strangers_change_no_figure(client: TestClient) -> None:
    old = shape_b(count=200, drift=0.4)
    old["timeframe_data"]["1h"] = old["timeframe_data"]["1h"][:-60]
    stale = entry_of(client, analyzed(client, old))
    assert (stale["stale"], stale["scored"], stale["apart"]) == (True, False, "stale")
    strangers = [
        entry_of(client, analyzed(client, shape_a(seed=seed, symbol="BTCUSDT", drift=0.4), **AS_STRANGER))
        for seed in range(3)
    ]
    assert {(entry["scored"], entry["apart"]) for entry in strangers} == {(False, "stranger")}
    assert page(client, scored=True)["entries"] == []
    assert client.get("/ai/track-record").json()["records"] == []
    assert client.get("/ai/performance").json()["predictions_made"] == 0


def keep(client: TestClient, entries: list[LedgerEntry], now: datetime) -> ResilientLedger:
    """Book entries and close their days."""
    ledger: ResilientLedger = container_of(client).base.stores.ledger

    async def work() -> None:
        await ledger.append(entries)
        await DayCloser(ledger, SignalHub(1_000), SettableClock(now), 400).close_days()

    assert client.portal is not None
    client.portal.call(work)
    return ledger


def yesterdays(count: int) -> tuple[list[LedgerEntry], datetime]:
    """Return entries of yesterday, and a time at which their day is over."""
    today = SystemClock().now().replace(hour=0, minute=0, second=0, microsecond=0)
    begin_ms = round((today - timedelta(days=1)).timestamp() * 1000)
    entries = [
        make_entry(id=f"y{n}.rules", known_ms=begin_ms + n, closed_ms=begin_ms, request_id=f"r{n}")
        for n in range(count)
    ]
    return entries, today + timedelta(minutes=11)


def test_a_day_is_exported_checked_and_every_entry_proven(client: TestClient, tmp_path: Path) -> None:
    entries, now = yesterdays(5)
    keep(client, entries, now)
    (day,) = client.get("/ai/ledger/days").json()["days"]
    assert day["entries"] == 5
    for form in ("ndjson", "parquet"):
        response = client.get("/ai/ledger/export", params={"day": day["day"], "format": form})
        assert response.status_code == 200
        assert f"ledger-{day['day']}.{form}" in response.headers["content-disposition"]
        assert b"request_id" not in response.content
        path = tmp_path / f"day.{form}"
        path.write_bytes(response.content)
        checked = check_export(path)
        assert (checked.wrong, checked.root, len(checked.entries)) == ((), day["root"], 5)
    for entry in entries:
        proof = client.get(f"/ai/ledger/{entry.id}/proof").json()
        path_up = [bytes.fromhex(node) for node in proof["path"]]
        root = root_of_path(bytes.fromhex(proof["leaf"]), proof["index"], day["entries"], path_up)
        assert (root.hex(), proof["day"]) == (day["root"], day)


def test_pages_follow_one_another(client: TestClient) -> None:
    entries, now = yesterdays(7)
    keep(client, entries, now)
    found, cursor = [], None
    while True:
        got = page(client, limit=3, **({"cursor": cursor} if cursor else {}))
        found += [entry["id"] for entry in got["entries"]]
        cursor = got["next"]
        if cursor is None:
            break
    assert found == [entry.id for entry in reversed(entries)]


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/ai/ledger?cursor=yesterday", 422, "take `next` of the page before"),
        ("/ai/ledger?lane=oracle", 422, "lane"),
        ("/ai/ledger?limit=0", 422, "limit"),
        ("/ai/ledger?since=1700000000", 422, "milliseconds"),
        ("/ai/ledger?symbol=..%2Fetc", 422, "symbol"),
        ("/ai/ledger/none.rules", 404, "has no entry none.rules"),
        ("/ai/ledger/none.rules/proof", 404, "has no entry none.rules"),
        ("/ai/ledger/export", 422, "day"),
        ("/ai/ledger/export?day=yesterday", 422, "day"),
        ("/ai/ledger/export?day=2020-01-01", 404, "no entries of 2020-01-01"),
        ("/ai/ledger/export?day=2020-01-01&format=xlsx", 422, "format"),
    ],
)
def test_bad_requests_say_what_is_wrong(common_client: TestClient, path: str, status: int, words: str) -> None:
    response = common_client.get(path)
    assert (response.status_code, words in response.json()["detail"]) == (status, True), response.text
    assert [error["field"].startswith("query.") for error in response.json()["errors"]] == [True] * (status == 422)


def test_an_entry_of_today_has_no_proof_yet(client: TestClient) -> None:
    entry = entry_of(client, analyzed(client, shape_b()))
    response = client.get(f"/ai/ledger/{entry['id']}/proof")
    assert response.status_code == 409
    assert "is not closed yet" in response.json()["detail"]
    assert datetime.now(UTC).strftime("%Y-%m-%d") in response.json()["detail"]
