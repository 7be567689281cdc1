"""The candles of bitcoin that clients posted count in the forecasts of other coins, live and when they are replayed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from domain.errors import InvalidRequest
from domain.market import Timeframe
from models.registry.registry import Registry
from tests.conftest import STRANGER, MakeClient
from tests.fixtures.answers import analyzed
from tests.fixtures.bodies import base_path, now_ms, wire_candles
from tests.fixtures.candle_files import write_candles
from tests.fixtures.commands import command
from tests.fixtures.forecasting import promote
from tests.fixtures.leading import add_led

pytest_plugins = ["tests.fixtures.registry"]

MARKETS = {"BTCUSDT": 3, "ETHUSDT": 4}


@pytest.fixture
def pooled(registry: Registry) -> dict[str, Any]:
    """Return the settings of a service whose pooled model was trained with the leader."""
    promote(registry, add_led(registry))
    return {"serving": {"reload_seconds": 0.0001}}


@pytest.fixture
def client(pooled: dict[str, Any], make_client: MakeClient) -> TestClient:
    """Return a client on this machine."""
    return make_client(models=pooled)


def hours(symbol: str) -> dict[str, Any]:
    return {"1h": wire_candles(base_path(MARKETS[symbol]).resample(Timeframe.H1), 120)}


def analyze(client: TestClient, symbol: str, **changes: Any) -> dict[str, Any]:
    frames = hours(symbol)
    body = {"symbol": symbol, "timeframe_data": frames, "current_price": frames["1h"][-1]["close"], "volume_24h": 1e6}
    return analyzed(client, body | {"timestamp": now_ms(), "strategy_context": {}} | changes)


@pytest.mark.usefixtures("hour_with_time_left")
def test_posted_candles_of_bitcoin_count_and_a_replay_finds_them_again(client: TestClient) -> None:
    body = {"symbol": "ETHUSDT", "timeframe_data": hours("ETHUSDT"), "current_price": 0, "volume_24h": 0}
    alone = client.post("/ai/predict", json=body | {"current_price": 3000.0, "timestamp": now_ms()}).json()
    analyze(client, "BTCUSDT")
    led = analyze(client, "ETHUSDT")["forecast"]
    assert (alone["leader"], led["leader"]) == (None, "BTCUSDT")
    assert led["probability_up"] != alone["probability_up"]
    asked = {"symbol": "ETHUSDT", "as_of": now_ms(), "timeframes": ["1h"]}
    for own in ({}, {"timeframe_data": hours("ETHUSDT")}):
        replayed = client.post("/ai/replay", json=asked | own).json()["forecast"]
        assert (replayed["leader"], replayed["probability_up"]) == (
            "BTCUSDT",
            pytest.approx(led["probability_up"], abs=1e-6),
        )


@pytest.mark.usefixtures("hour_with_time_left")
def test_what_a_stranger_posts_of_bitcoin_counts_in_no_forecast_of_another_request(
    pooled: dict[str, Any], make_client: MakeClient
) -> None:
    stranger = make_client(address=STRANGER, models=pooled)
    analyze(stranger, "BTCUSDT")
    assert analyze(stranger, "ETHUSDT")["forecast"]["leader"] is None


def test_the_command_line_reads_the_file_of_the_leader(
    pooled: dict[str, Any], registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert pooled
    monkeypatch.setenv("MODEL_SAVE_PATH", str(registry.root))
    series = {symbol: base_path(seed).resample(Timeframe.H1) for symbol, seed in MARKETS.items()}
    bitcoin, coin = (write_candles(tmp_path / f"{symbol}-1h.csv", series[symbol]) for symbol in MARKETS)
    alone, led = command("predict", coin), command("predict", coin, "--leader", bitcoin)
    assert (alone["leader"], led["leader"]) == (None, "BTCUSDT")
    assert led["probability_up"] != alone["probability_up"]
    briers = [command("evaluate", coin, *more)["metrics"]["brier"] for more in ((), ("--leader", bitcoin))]
    assert briers[0] != briers[1]
    # A file of the leader serves the other files, and is scored too.
    scored = command("evaluate", coin, bitcoin)["evaluations"]
    assert [(one["symbol"], one["leader"]) for one in scored] == [("ETHUSDT", "BTCUSDT"), ("BTCUSDT", None)]
    assert scored[0]["metrics"]["brier"] == briers[1]
    with pytest.raises(InvalidRequest, match="there are two files of ETHUSDT 1h"):
        command("evaluate", coin, coin)
    with pytest.raises(InvalidRequest, match="2 files are scored one by one: leave --plot and --symbol out"):
        command("evaluate", coin, bitcoin, "--symbol", "ETHUSDT")
    with pytest.raises(InvalidRequest, match="reads no market beside BTCUSDT"):
        command("predict", bitcoin, "--leader", coin)
    with pytest.raises(InvalidRequest, match="ETHUSDT is led by BTCUSDT"):
        command("predict", coin, "--leader", coin)
    write_candles(bitcoin, series["BTCUSDT"].part(0, 500))
    with pytest.raises(InvalidRequest, match="does not reach the newest candle of ETHUSDT-1h"):
        command("predict", coin, "--leader", bitcoin)


@pytest.fixture
def files(registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Return the files of bitcoin and of the coin, for commands of this registry."""
    for name, value in {
        "MODEL_SAVE_PATH": str(registry.root),
        "BACKTESTS__TRIALS_PATH": str(tmp_path / "trials.jsonl"),
        "BACKTESTS__KEY_FILE": str(tmp_path / "key"),
        "BACKTESTS__RANDOM_RUNS": "5",
        "MODELS__SERVING__LONG_PROBABILITY": "0.51",
        "MODELS__SERVING__SHORT_PROBABILITY": "0.49",
    }.items():
        monkeypatch.setenv(name, value)
    series = {symbol: base_path(seed).resample(Timeframe.H1).tail(300) for symbol, seed in MARKETS.items()}
    bitcoin, coin = (write_candles(tmp_path / f"{symbol}-1h.csv", series[symbol]) for symbol in MARKETS)
    return bitcoin, coin


@pytest.mark.usefixtures("pooled")
def test_a_backtest_of_a_file_reads_the_file_of_the_leader(registry: Registry, files: tuple[Path, Path]) -> None:
    bitcoin, coin = files
    lane = ("--lane", f"model:{registry.aliases().scopes[0].production}", "--timeframes", "1h")
    alone, led = command("backtest", coin, *lane), command("backtest", coin, *lane, "--leader", bitcoin)
    assert (led["symbols"], alone["final_equity"] != led["final_equity"]) == (["ETHUSDT"], True)
    both = command("backtest", coin, bitcoin, *lane)
    assert both["by_symbol"]["ETHUSDT"]["trades"] == led["trades"]
    with pytest.raises(InvalidRequest, match="model:VERSION and blend:VERSION alone: leave it out"):
        command("backtest", coin, "--leader", bitcoin)


@pytest.mark.slow
@pytest.mark.usefixtures("pooled")
def test_a_check_for_bias_reads_the_file_of_the_leader(registry: Registry, files: tuple[Path, Path]) -> None:
    bitcoin, coin = files
    model = ("--model", registry.aliases().scopes[0].production)
    needs = [
        command("bias", "recursive", coin, *model, *more)["history"][-1]["errors"]
        for more in ((), ("--leader", bitcoin))
    ]
    assert needs[0] != needs[1]
    with pytest.raises(InvalidRequest, match="name one by --model, or leave --leader out"):
        command("bias", "recursive", coin, "--leader", bitcoin)
