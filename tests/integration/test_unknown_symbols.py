"""Symbols that no source knows, and which source is asked for which symbol, over HTTP and real sockets."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from domain.market import Timeframe
from tests.conftest import MakeClient
from tests.fixtures.bodies import shape_a, shape_c
from tests.fixtures.http_stand_in import Answer, Request, StandIn, http_stand_in, kline
from tests.fixtures.markets import history

UNKNOWN_TO_BINANCE = Answer.of({"code": -1121, "msg": "Invalid symbol."}, 400)
UNKNOWN_TO_YAHOO = Answer.of({"chart": {"result": None, "error": {"code": "Not Found", "description": "none"}}}, 404)
DEFAULT_SOURCES = ["stored", "engine", "binance", "yahoo", "synthetic"]

# Every route that fetches candles where none are sent, and its body.
FETCHING: dict[str, dict[str, Any]] = {
    "/ai/analyze": shape_c("BTCUSTD"),
    "/api/v1/analyze": shape_c("BTCUSTD"),
    "/analyze": {"symbol": "BTCUSTD", "timeframe": "1h", "candles": []},
    "/ai/market-condition": {"symbol": "BTCUSTD"},
    "/ai/strategy-recommendations": {"symbol": "BTCUSTD"},
    "/ai/signals": {"symbols": ["BTCUSTD"]},
    "/predict-trend": {"symbol": "BTCUSTD"},
    "/api/v1/ml/predict/price": {"ticker": "BTCUSTD"},
    "/api/v1/ml/predict/signal": {"ticker": "BTCUSTD"},
    "/api/v1/ml/predict/comprehensive": {"ticker": "BTCUSTD"},
    "/api/v1/ml/train": {"ticker": "BTCUSTD"},
    "/ai/train": {"symbol": "BTCUSTD"},
    "/train": {"symbol": "BTCUSTD"},
}


@pytest.fixture
def exchange() -> Iterator[StandIn]:
    """Binance with ETHUSDT alone, and Yahoo with AAPL alone, at one address."""
    with http_stand_in() as server:
        server.answer = lambda request: from_yahoo(request) if "chart" in request.path else from_binance(request)
        yield server


def from_binance(request: Request) -> Answer:
    timeframe = Timeframe(request.query["interval"])
    candles = history(timeframe, 303, moment=datetime.now(UTC))
    known = request.query["symbol"] == "ETHUSDT"
    return Answer.of([kline(candle, timeframe) for candle in candles]) if known else UNKNOWN_TO_BINANCE


def from_yahoo(request: Request) -> Answer:
    if not request.path.endswith("/AAPL"):
        return UNKNOWN_TO_YAHOO
    candles = history(Timeframe(request.query["interval"]), 500, moment=datetime.now(UTC))
    names = ("open", "high", "low", "close", "volume")
    columns = {name: [getattr(candle, name) for candle in candles] for name in names}
    times = [candle.timestamp // 1000 for candle in candles]
    return Answer.of({"chart": {"result": [{"meta": {}, "timestamp": times, "indicators": {"quote": [columns]}}]}})


@pytest.fixture
def served(make_client: MakeClient, exchange: StandIn) -> TestClient:
    """A service with the default sources."""
    return make_client(market_data={"sources": DEFAULT_SOURCES, "binance_url": exchange.url, "yahoo_url": exchange.url})


def refusal(client: TestClient, path: str, body: dict[str, Any], status: int) -> str:
    response = client.post(path, json=body)
    assert response.status_code == status, response.text
    problem = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    assert problem["error"] == problem["detail"]
    assert problem["status"] == status
    return str(problem["detail"])


@pytest.mark.parametrize("path", FETCHING)
def test_a_mistyped_symbol_is_not_found_and_the_near_one_is_named(served: TestClient, path: str) -> None:
    detail = refusal(served, path, FETCHING[path], 404)
    assert detail.startswith("no source knows BTCUSTD; near: BTCUSDT")


def test_synthetic_candles_are_for_the_symbols_of_the_configuration(client: TestClient) -> None:
    assert client.post("/ai/analyze", json=shape_c("BTCUSDT")).json()["source_data"] == "synthetic"
    for symbol in ("BTCUSTD", "AAPL", "DOGEUSDT"):
        detail = refusal(client, "/ai/analyze", shape_c(symbol), 404)
        assert "synthetic: has the symbols of analysis.symbols alone" in detail


def test_shares_come_from_yahoo_and_coins_from_the_exchange(served: TestClient, exchange: StandIn) -> None:
    assert served.post("/ai/analyze", json=shape_c("AAPL")).json()["source_data"] == "yahoo"
    assert {request.path for request in exchange.requests} == {"/v8/finance/chart/AAPL"}
    exchange.requests.clear()
    assert served.post("/ai/analyze", json=shape_c("ETHUSDT")).json()["source_data"] == "binance"
    assert {request.path for request in exchange.requests} == {"/api/v3/klines"}
    exchange.requests.clear()
    # A coin that the exchange has not is invented, not taken from Yahoo's average of others.
    assert served.post("/ai/analyze", json=shape_c("SOLUSDT")).json()["source_data"] == "synthetic"
    assert {request.path for request in exchange.requests} == {"/api/v3/klines"}


def test_a_source_that_is_down_knows_no_symbol_that_is_not_configured(served: TestClient, exchange: StandIn) -> None:
    exchange.answer = lambda request: UNKNOWN_TO_YAHOO if "chart" in request.path else Answer(b"{}", 500)
    detail = refusal(served, "/ai/analyze", shape_c("BTCUSTD"), 404)
    assert detail.startswith("no source that answers knows BTCUSTD; near: BTCUSDT (")
    assert "binance: answered with status 500" in detail
    # Binance has no shares, so its state says nothing of MSFT.
    assert refusal(served, "/ai/analyze", shape_c("MSFT"), 404).startswith("no source knows MSFT")


def test_posted_candles_make_a_symbol_known(client: TestClient) -> None:
    assert client.post("/ai/analyze", json=shape_a(symbol="DOGEUSDT")).status_code == 200
    assert refusal(client, "/ai/analyze", shape_c("DOGUSDT"), 404).startswith("no source knows DOGUSDT; near: DOGEUSDT")
    # Its 1d candles were not among those posted.
    asked = {"symbol": "DOGEUSDT", "timeframe": "1d"}
    assert "no market data for DOGEUSDT" in refusal(client, "/predict-trend", asked, 503)


def test_files_make_a_symbol_known(make_client: MakeClient, tmp_path: Path) -> None:
    rows = [",".join(map(str, candle)) for candle in history(Timeframe.H1, 300, moment=datetime.now(UTC))]
    header = "timestamp,open,high,low,close,volume"
    (tmp_path / "yahooweb_PETR4.SA-1h.csv").write_text("\n".join([header, *rows]))
    client = make_client(market_data={"sources": ["files"], "files_path": str(tmp_path), "timeframes": ["1h"]})
    assert client.post("/ai/analyze", json=shape_c("PETR4.SA")).json()["source_data"] == "files"
    assert refusal(client, "/ai/analyze", shape_c("PETR3.SA"), 404).startswith(
        "no source knows PETR3.SA; near: PETR4.SA (files: has no file of PETR3.SA"
    )


def test_several_symbols_are_answered_as_far_as_they_are_known(client: TestClient) -> None:
    answer = client.post("/ai/signals", json={"symbols": ["ETHUSDT", "BTCUSTD"]})
    assert answer.status_code == 200
    (withheld,) = [entry for entry in answer.json()["withheld"] if entry["symbol"] == "BTCUSTD"]
    assert withheld["reason"].startswith("no source knows BTCUSTD; near: BTCUSDT")


def test_candles_of_another_spelling_are_not_reported_as_removed(client: TestClient) -> None:
    for path, detail in (
        ("/ai/storage/candles/btcusdt", "symbol btcusdt: write BTCUSDT"),
        ("/api/v1/ml/cache/btcusdt", "path.ticker: symbol btcusdt: write BTCUSDT"),
    ):
        refused = client.delete(path)
        assert (refused.status_code, refused.json()["detail"]) == (422, detail)


@pytest.mark.parametrize("symbol", ["^GSPC", "EURUSD=X", "BRK-B", "BRK.B", "PETR4.SA", "BTC-USD", "F", "ES=F"])
def test_every_kind_of_symbol_is_analyzed_and_kept_apart(client: TestClient, symbol: str) -> None:
    answer = client.post("/ai/analyze", json=shape_a(symbol=symbol))
    assert answer.status_code == 200, answer.text
    assert answer.json()["symbol"] == symbol
    assert client.delete(f"/ai/storage/candles/{symbol.replace('^', '%5E')}").json()["removed_candles"] > 300


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/ai/analyze", shape_a(symbol="BTC/USDT")),
        ("/ai/analyze", shape_c("BTC/USDT")),
        ("/ai/predict", shape_a(symbol="BTC/USDT")),
        ("/api/v1/analyze", shape_a(symbol="BTC/USDT")),
        ("/ai/market-condition", {"symbol": "BTC/USDT"}),
        ("/predict-trend", {"symbol": "BTC/USDT"}),
        ("/ai/train", {"symbol": "BTC/USDT"}),
    ],
)
def test_another_spelling_is_refused_with_the_right_one(client: TestClient, path: str, body: dict[str, Any]) -> None:
    assert refusal(client, path, body, 422) == "symbol BTC/USDT: write BTCUSDT"


def test_the_field_of_a_wrong_symbol_is_named(client: TestClient) -> None:
    signals = refusal(client, "/ai/signals", {"symbols": ["BTCUSDT", "eth_usdt"]}, 422)
    assert signals == "symbols.1: symbol eth_usdt: write ETHUSDT"
    forecast = refusal(client, "/api/v1/ml/predict/price", {"ticker": "BTC/USDT:USDT"}, 422)
    assert forecast == "ticker: symbol BTC/USDT:USDT: write BTCUSDT.P"
    hostile = refusal(client, "/ai/analyze", shape_c("<script>alert(1)</script>"), 422)
    assert hostile.startswith("symbol: a symbol has at most 20 capital letters and digits, such as BTCUSDT")
