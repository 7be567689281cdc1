"""Files of candles over HTTP: what is read out of them, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.conftest import MakeClient
from tests.fixtures.candle_exports import HOUR, REFERENCE, csv_text, zipped

BINARY = {"content-type": "application/octet-stream"}


def read(client: TestClient, content: bytes | str, status: int = 200, **query: Any) -> dict[str, Any]:
    response = client.post("/ai/candles/read", content=content, params=query, headers=BINARY)
    assert response.status_code == status, response.text
    return dict(response.json())


def past(step: int = HOUR) -> list[tuple[Any, ...]]:
    """Return the candles of the exports a year and more ago, so that they are past by any clock."""
    return [(candle.timestamp - 3 * 8760 * step, *candle[1:]) for candle in REFERENCE]


def test_it_says_what_is_in_a_file_and_gives_its_newest_candles(client: TestClient) -> None:
    rows = past()
    found = read(client, csv_text(rows), name="BTC_USDT-1h.csv", limit=2)
    assert found["choose"] is None
    assert (found["symbol"], found["timeframe"], found["count"], found["missing"]) == ("BTCUSDT", "1h", 300, 0)
    assert (found["first"], found["last"], found["last_close"]) == (rows[0][0], rows[-1][0], rows[-1][0] + HOUR)
    assert found["columns"] == ["timestamp", "open", "high", "low", "close", "volume"]
    names = ("timestamp", "open", "high", "low", "close", "volume")
    assert found["candles"] == [dict(zip(names, row, strict=True)) for row in rows[-2:]]


def test_the_market_of_a_zip_is_that_of_its_member_where_its_own_name_has_none(client: TestClient) -> None:
    content = zipped(**{"BTC_USDT-1h.csv": csv_text(past()).encode()})
    assert read(client, content, name="archive.zip")["symbol"] == "BTCUSDT"
    assert read(client, content)["symbol"] == "BTCUSDT"


def test_an_answer_of_kraken_has_its_market_in_the_usual_spelling(client: TestClient) -> None:
    rows = [[time // 1000, *map(str, prices), str(prices[-1]), str(volume), 9] for time, *prices, volume in past()]
    answer = {"error": [], "result": {"XXBTZUSD": rows, "last": rows[-1][0]}}
    assert read(client, json.dumps(answer))["symbol"] == "XBTUSD"


def test_what_it_gives_is_analyzed_as_of_the_last_candle(client: TestClient) -> None:
    found = read(client, csv_text(past()))
    assert found["symbol"] is None
    body = {
        "symbol": "BTCUSDT",
        "timeframe_data": {found["timeframe"]: found["candles"]},
        "current_price": found["candles"][-1]["close"],
        "volume_24h": 0,
        "timestamp": found["last_close"],
        "strategy_context": {"selected_strategies": []},
    }
    then = client.post("/ai/analyze", json={**body, "as_of": found["last_close"]})
    assert then.status_code == 200, then.text
    assert then.json()["as_of"] == found["last_close"]
    assert {gate["name"]: gate["passed"] for gate in then.json()["gates"]}["fresh_data"]


def test_a_file_with_several_markets_asks_which_and_reads_the_one_that_is_named(client: TestClient) -> None:
    rows = [(*row, market) for row in past() for market in ("BTCUSDT", "ETH/USDT")]
    content = csv_text(rows, ("timestamp", "open", "high", "low", "close", "volume", "pair"))
    asked = read(client, content)
    assert (asked["choose"], asked["symbols"], asked["candles"]) == ("symbol", ["BTCUSDT", "ETH/USDT"], [])
    found = read(client, content, symbol="ETH/USDT")
    assert (found["choose"], found["symbol"], found["count"]) == (None, "ETHUSDT", 300)
    refused = read(client, content, 422, symbol="SOLUSDT")
    assert refused["detail"] == "the file has no candles of SOLUSDT; it has BTCUSDT, ETH/USDT"


def test_a_file_with_several_timeframes_asks_which(client: TestClient) -> None:
    rows = [(*row, "1h") for row in past()] + [(*row, "4h") for row in past(4 * HOUR // 4)[::4]]
    content = csv_text(rows, ("timestamp", "open", "high", "low", "close", "volume", "interval"))
    asked = read(client, content)
    assert (asked["choose"], asked["timeframes"]) == ("timeframe", ["1h", "4h"])
    assert read(client, content, timeframe="4h")["count"] == 75


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"PAR1" + b"\xff" * 200 + b"PAR1", "damaged"), (b"", "the body is empty")],
    ids=["damaged", "empty"],
)
def test_what_is_no_file_of_candles_is_refused_with_the_reason(client: TestClient, content: bytes, words: str) -> None:
    refused = read(client, content, 422)
    assert words in refused["detail"]


def test_a_name_is_a_hint_and_never_a_path(client: TestClient) -> None:
    refused = read(client, b"hello", 422, name="../../config.yaml")
    assert refused["detail"].startswith("the file has no row of candles")


def test_other_types_large_bodies_and_parameters_beyond_their_bounds_are_refused(make_client: MakeClient) -> None:
    small = make_client(access={"max_body_bytes": 1024})
    assert small.post("/ai/candles/read", json={}).status_code == 415
    form = small.post("/ai/candles/read", files={"file": b"x"})
    assert form.status_code == 415
    read(small, csv_text(past()), 413)
    beyond: dict[str, list[str | int]] = {
        "limit": [0, 20_001, "many"],
        "name": ["x" * 201],
        "symbol": ["", "x" * 61],
        "timeframe": ["7m", ""],
    }
    for parameter, values in beyond.items():
        for value in values:
            refused = read(small, csv_text(past()[:3]), 422, **{parameter: value})
            assert parameter in str(refused["errors"])
