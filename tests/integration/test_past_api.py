"""The past of a market over HTTP: its newest candles, and what was said of it, with what came of that."""

from __future__ import annotations

import time
from typing import Any

import pytest
from fastapi.testclient import TestClient

from domain.ledger.entries import PLAN, LedgerEntry, Origin
from domain.ledger.settlements import LedgerRecord
from tests.conftest import MakeClient
from tests.fixtures.answers import analyzed
from tests.fixtures.bodies import shape_a, shape_b
from tests.fixtures.containers import container_of
from tests.fixtures.ledger import make_entry
from tests.fixtures.settled import keep, settlement

AS_STRANGER = {"x-forwarded-for": "203.0.113.9"}
HOUR_MS = 3_600_000
KEYS = ("timestamp", "open", "high", "low", "close", "volume")


def candles(client: TestClient, symbol: str = "ETHUSDT", **wanted: Any) -> dict[str, Any]:
    response = client.get(f"/ai/candles/{symbol}", params=wanted)
    assert response.status_code == 200, response.text
    return dict(response.json())


def analyses(client: TestClient, symbol: str = "ETHUSDT", **wanted: Any) -> dict[str, Any]:
    response = client.get("/ai/analyses", params={"symbol": symbol, **wanted})
    assert response.status_code == 200, response.text
    return dict(response.json())


def analyses_once(client: TestClient, count: int) -> list[dict[str, Any]]:
    """Return the analyses of ETHUSDT once `count` of them are stored, each with its contents."""
    ended = time.monotonic() + 60
    while True:
        found = analyses(client)["analyses"]
        if len(found) == count and all(analysis["reasoning"] for analysis in found):
            return list(found)
        assert time.monotonic() < ended, found
        time.sleep(0.02)


def record(client: TestClient, entries: list[LedgerEntry], move: float | None = None) -> None:
    """Book entries; with a move each is settled by it, its plan too."""
    ledger = container_of(client).base.stores.ledger
    horizons = (1, PLAN) if move is not None else ()
    records = [
        LedgerRecord(entry, tuple(settlement(entry, horizon, move) for horizon in horizons), 0) for entry in entries
    ]
    assert client.portal is not None
    client.portal.call(keep, ledger, records)


@pytest.mark.usefixtures("hour_with_time_left")
def test_posted_candles_are_shown_as_they_were_posted(client: TestClient) -> None:
    body = shape_b(count=100)
    analyzed(client, body)
    shown = candles(client, timeframe="1h")
    now_ms = time.time() * 1000
    sent = [
        {key: candle[key] for key in KEYS}
        for candle in body["timeframe_data"]["1h"]
        if candle["timestamp"] + HOUR_MS <= now_ms
    ]
    assert shown["candles"] == sent
    assert (shown["symbol"], shown["timeframe"], shown["source_data"], shown["stale"]) == (
        "ETHUSDT",
        "1h",
        "stored",
        False,
    )
    assert 0 <= shown["data_age_seconds"] < 3_600
    assert candles(client, timeframe="1h", limit=7)["candles"] == sent[-7:]


def test_old_posted_candles_are_shown_before_synthetic_ones_and_marked(client: TestClient) -> None:
    assert candles(client, timeframe="1h", limit=50)["source_data"] == "synthetic"
    body = shape_b(count=160)
    body["timeframe_data"]["1h"] = body["timeframe_data"]["1h"][:-60]
    analyzed(client, body)
    shown = candles(client, timeframe="1h", limit=50)
    assert (shown["source_data"], shown["stale"], len(shown["candles"])) == ("stored", True, 50)
    assert shown["candles"][-1]["timestamp"] == body["timeframe_data"]["1h"][-1]["timestamp"]
    assert shown["data_age_seconds"] > 58 * 3_600


def test_candles_of_strangers_are_shown_to_nobody(client: TestClient) -> None:
    body = shape_b(count=100, seed=5)
    analyzed(client, body, **AS_STRANGER)
    shown = candles(client, timeframe="1h")
    assert (shown["source_data"], shown["stale"]) == ("synthetic", False)
    assert len(shown["candles"]) == 300
    assert {candle["close"] for candle in shown["candles"]}.isdisjoint(
        candle["close"] for candle in body["timeframe_data"]["1h"]
    )


@pytest.mark.parametrize(
    ("path", "status", "word"),
    [
        ("/ai/candles/BTC%2FUSDT", 404, "Not Found"),
        ("/ai/candles/btc usdt", 422, "symbol"),
        ("/ai/candles/ETHUSDT?timeframe=7m", 422, "timeframe"),
        ("/ai/candles/ETHUSDT?limit=0", 422, "limit"),
        ("/ai/candles/ETHUSDT?limit=1001", 422, "limit"),
        ("/ai/analyses", 422, "symbol"),
        ("/ai/analyses?symbol=ETHUSDT&limit=101", 422, "limit"),
        ("/ai/analyses?symbol=ETHUSDT&cursor=x", 422, "cursor"),
    ],
)
def test_what_cannot_be_shown_is_refused_with_the_reason(client: TestClient, path: str, status: int, word: str) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert word in answer.json()["detail"]


def test_a_market_without_any_candles_is_503_and_says_which_source_has_none(make_client: MakeClient) -> None:
    answer = make_client(market_data={"sources": ["stored"]}).get("/ai/candles/ETHUSDT")
    assert answer.status_code == 503
    assert "stored" in answer.json()["detail"]


def test_analyses_that_callers_were_given_are_listed_with_their_contents(client: TestClient) -> None:
    first = analyzed(client, shape_a(drift=0.4))
    assert client.post("/ai/storage/clear").status_code == 200
    second = analyzed(client, shape_a(drift=0.4))
    assert first["analysis_id"] != second["analysis_id"]
    found = analyses_once(client, 2)
    assert [analysis["analysis_id"] for analysis in found] == [second["analysis_id"], first["analysis_id"]]
    newest = found[0]
    for name in ("signal", "confidence", "reasoning", "source", "model_type", "source_data", "timeframe"):
        assert newest[name] == second[name], name
    for name in ("support_levels", "resistance_levels"):
        assert newest[name] == second["market_analysis"][name]
    assert (newest["settled"], newest["outcome"], newest["r"], newest["settlements"]) == (False, None, None, [])
    entry = client.get(f"/ai/ledger/{newest['entry_id']}").json()
    assert (entry["side"], entry["price"], entry["plan"]) == (newest["signal"], newest["price"], newest["plan"])
    assert analyses(client, "BTCUSDT") == {"analyses": [], "next": None}


def test_what_only_strangers_were_given_is_not_listed(client: TestClient) -> None:
    analyzed(client, shape_a(), **AS_STRANGER)
    own = analyzed(client, shape_a(seed=2))
    assert [analysis["analysis_id"] for analysis in analyses_once(client, 1)] == [own["analysis_id"]]


@pytest.mark.parametrize(("move", "outcome", "r"), [(0.04, "target", 2.0), (-0.02, "stop", -1.0)])
def test_what_came_of_an_analysis_stands_beside_it(client: TestClient, move: float, outcome: str, r: float) -> None:
    record(client, [make_entry(id="old.rules", symbol="ETHUSDT")], move)
    (listed,) = analyses(client)["analyses"]
    assert (listed["analysis_id"], listed["entry_id"]) == ("old", "old.rules")
    assert (listed["outcome"], listed["r"]) == (outcome, pytest.approx(r))
    assert [settlement["horizon"] for settlement in listed["settlements"]] == ["plan", 1]
    assert listed["plan"] == {"stop": 98.0, "target": 104.0, "horizon_candles": 24}
    # The archive does not have it: what only the archive knows is null.
    assert (listed["reasoning"], listed["source"], listed["support_levels"]) == (None, None, None)


def test_pages_follow_each_other_and_leave_out_what_is_no_analysis(client: TestClient) -> None:
    entries = [
        make_entry(
            id=f"e{n}.rules", symbol="ETHUSDT", known_ms=1_609_761_605_000 + n, origin=(Origin.API, Origin.TREND)[n % 2]
        )
        for n in range(10)
    ]
    record(client, entries)
    seen, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        page = analyses(client, limit=3, **({"cursor": cursor} if cursor else {}))
        seen += [analysis["entry_id"] for analysis in page["analyses"]]
        cursor, pages = page["next"], pages + 1
    assert seen == [f"e{n}.rules" for n in (8, 6, 4, 2, 0)]
    assert pages == 4


@pytest.mark.usefixtures("hour_with_time_left")
def test_indicators_come_beside_their_candles(client: TestClient) -> None:
    analyzed(client, shape_b(count=100))
    shown = candles(client, timeframe="1h", indicators="rsi,macd")
    assert set(shown["indicators"]) == {"rsi", "macd"}
    rsi = shown["indicators"]["rsi"]
    assert len(rsi) == len(shown["candles"])
    # Fourteen candles, Wilder's period, come before the first value.
    assert rsi[:13] == [None] * 13
    assert all(0 <= value <= 100 for value in rsi[14:])
    assert candles(client, timeframe="1h")["indicators"] == {}


@pytest.mark.usefixtures("hour_with_time_left")
def test_few_candles_have_the_indicators_that_many_have(client: TestClient) -> None:
    analyzed(client, shape_b(count=100))
    many, few = (candles(client, timeframe="1h", indicators="rsi", limit=limit) for limit in (100, 2))
    assert few["candles"] == many["candles"][-2:]
    assert few["indicators"]["rsi"] == many["indicators"]["rsi"][-2:]


def test_an_unknown_indicator_is_refused_with_the_known_ones(client: TestClient) -> None:
    refused = client.get("/ai/candles/ETHUSDT", params={"indicators": "rsi,moon_phase"})
    assert refused.status_code == 422
    assert refused.json()["detail"].startswith("there is no indicator 'moon_phase'; there are: ")
    assert "macd_signal" in refused.json()["detail"]
