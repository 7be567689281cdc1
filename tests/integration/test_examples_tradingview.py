"""The receiver of TradingView's alerts, as a process, against a running service."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient

from examples.tradingview_receiver import Alert, create_app, symbol_of, verdict
from servers.process import free_port
from tests.fixtures.example_processes import running_example
from tests.fixtures.exchange import exchange
from tests.fixtures.http_stand_in import Answer, StandIn, http_stand_in
from tests.fixtures.patience import COMMAND_SECONDS, PATIENCE_SECONDS
from tests.fixtures.service import ROOT, running_service
from tests.fixtures.signals_of_markets import an_analysis

SECRET = "a-secret-of-the-alerts"  # noqa: S105
NOW = 1_700_000_000_000


@pytest.fixture(scope="module")
def forwarded() -> Iterator[StandIn]:
    with http_stand_in() as target:
        target.always(Answer(status=204))
        yield target


@pytest.fixture(scope="module")
def receiver(forwarded: StandIn) -> Iterator[str]:
    with (
        exchange(("BTCUSDT",)) as market,
        running_service(MARKET_DATA_SOURCES="stored,binance", MARKET_DATA__BINANCE_URL=market.url) as service,
        running_example(
            "tradingview_receiver.py", "/livez", ALERT_SECRET=SECRET, SIGNALS_URL=service.url, FORWARD_URL=forwarded.url
        ) as url,
    ):
        yield url


def send(url: str, body: Any = None, **changes: Any) -> httpx2.Response:
    alert = {"secret": SECRET, "ticker": "BTCUSDT", "action": "buy", **changes}
    return httpx2.post(f"{url}/alerts", json=body or alert, timeout=PATIENCE_SECONDS)


def test_an_alert_is_answered_with_the_services_view_and_forwarded(receiver: str, forwarded: StandIn) -> None:
    answered = send(receiver, ticker="BINANCE:BTCUSDT.P", interval="60")
    found = answered.json()
    assert answered.status_code == 200
    assert (found["symbol"], found["alert"], found["source_data"]) == ("BTCUSDT", "Long", "binance")
    views = {"Long": "agrees", "Short": "disagrees", "Neutral": "no view"}
    assert found["verdict"] == (views[found["signal"]] if found["confidence"] > 0.5 else "no view")
    assert found["reason"]
    assert forwarded.requests[-1].body == httpx2.Request("POST", forwarded.url, json=found).read()


@pytest.mark.parametrize(
    ("action", "signal", "confidence", "expected"),
    [
        ("buy", "Long", 0.6, "agrees"),
        ("long", "Long", 0.6, "agrees"),
        ("sell", "Long", 0.6, "disagrees"),
        ("short", "Short", 0.6, "agrees"),
        ("buy", "Short", 0.6, "disagrees"),
        ("buy", "Long", 0.5, "no view"),
        ("buy", "Neutral", 0.6, "no view"),
    ],
)
def test_an_alert_agrees_with_a_signal_of_its_side_that_is_acted_on(
    action: Any, signal: str, confidence: float, expected: str
) -> None:
    alert = Alert(secret=SECRET, ticker="BTCUSDT", action=action)
    found = verdict(alert, an_analysis(timestamp=NOW, signal=signal, confidence=confidence), NOW)
    assert found["verdict"] == expected
    assert SECRET not in str(found)


def test_no_view_is_taken_of_an_invented_market() -> None:
    alert = Alert(secret=SECRET, ticker="BTCUSDT", action="buy")
    found = verdict(alert, an_analysis(timestamp=NOW, source_data="synthetic"), NOW)
    assert (found["verdict"], found["reason"]) == ("no view", "the market is invented (source_data: synthetic)")


@pytest.mark.parametrize("ticker", ["BTCUSDT", "btcusdt", "BTCUSDT.P", "BINANCE:BTCUSDT", "BYBIT:BTCUSDT.P"])
def test_tickers_of_tradingview_are_symbols_of_the_service(ticker: str) -> None:
    assert symbol_of(ticker) == "BTCUSDT"


@pytest.mark.parametrize("secret", ["", "another-secret-of-alerts", SECRET + "x", "ä" * 20, None, 5, ["x"]])
def test_a_wrong_secret_is_refused_before_anything_is_said_of_the_body(receiver: str, secret: Any) -> None:
    answered = send(receiver, secret=secret, action="dance")
    assert answered.status_code == 401
    assert SECRET not in answered.text


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"BTCUSDT crossed 100", 400),
        (b"\xff\xfe", 400),
        (b"[]", 401),
        (b'{"ticker": "BTCUSDT", "action": "buy"}', 401),
        (b"x" * 20_000, 413),
    ],
)
def test_what_is_no_alert_is_refused(receiver: str, body: bytes, status: int) -> None:
    answered = httpx2.post(f"{receiver}/alerts", content=body, timeout=PATIENCE_SECONDS)
    assert answered.status_code == status
    assert answered.json()["detail"]


@pytest.mark.parametrize(("key", "value"), [("action", "{{strategy.order.action}}"), ("ticker", ""), ("ticker", None)])
def test_an_alert_that_lacks_something_names_it(receiver: str, key: str, value: Any) -> None:
    answered = send(receiver, **{key: value})
    assert answered.status_code == 422
    assert answered.json()["detail"].startswith(f"{key}: ")


def test_a_symbol_that_the_service_does_not_know_is_said(receiver: str) -> None:
    answered = send(receiver, ticker="NOSUCHUSDT")
    assert (answered.status_code, answered.json()["verdict"]) == (502, "unknown")
    assert answered.json()["reason"].startswith("the service refused: ")


def test_a_verdict_that_takes_long_is_promised_and_forwarded(
    forwarded: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("examples.tradingview_receiver.ANSWER_SECONDS", 0.0)
    app = create_app(SECRET, f"http://127.0.0.1:{free_port()}", forward_url=forwarded.url)
    with TestClient(app) as client:
        answered = client.post("/alerts", json={"secret": SECRET, "ticker": "ETHUSDT", "action": "sell"})
        assert (answered.status_code, answered.json()) == (202, {"verdict": "pending", "symbol": "ETHUSDT"})
    # The end of the app waits for what it promised.
    last = httpx2.Response(200, content=forwarded.requests[-1].body).json()
    assert (last["symbol"], last["verdict"]) == ("ETHUSDT", "unknown")
    assert last["reason"].startswith("the service cannot be reached")


def test_a_short_secret_ends_the_start() -> None:
    command = [sys.executable, "examples/tradingview_receiver.py"]
    environment = {**os.environ, "ALERT_SECRET": "short"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False
    )
    assert (done.returncode, done.stderr.strip()) == (1, "ALERT_SECRET needs 16 characters or more")
