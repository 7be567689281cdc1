"""Backtests over HTTP: refusals, the queue, and a real one from the request to its verified result."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from backtesting.trials.run_card import is_genuine
from config.secrets.secret_file import SecretFile
from domain.jobs import JobProgress
from domain.market import Timeframe
from domain.values import utc_time
from services.backtests.job import BacktestJobParameters, run_job
from services.backtests.parameters import BacktestOptions, BacktestParameters
from services.evidence.file import read_evidence
from services.job_candles.series import HistoryRequest, JobSeries
from tests.conftest import MakeClient, MakeSettings
from tests.fixtures.bodies import wire_candles
from tests.fixtures.candle_files import write_candles
from tests.fixtures.clocks import SettableClock
from tests.fixtures.histories import simulated
from tests.fixtures.patience import ended

pytest_plugins = ["tests.fixtures.operators"]

ROUTES = ["/jobs/backtest", "/api/v1/jobs/backtest"]
COUNT = 300


def body(count: int = COUNT, **changes: Any) -> dict[str, Any]:
    """Return a request with simulated 1h candles."""
    candles = wire_candles(simulated(3, drift=0.15, count=count), count)
    return {"symbols": ["ETHUSDT"], "timeframe_data": {"1h": candles}} | changes


def backtests(folder: Path, **changes: Any) -> dict[str, Any]:
    return {"trials_path": f"{folder}/trials.jsonl", "key_file": f"{folder}/key", "random_runs": 9} | changes


@pytest.mark.parametrize("path", ROUTES)
def test_a_request_is_queued_at_once(operator: TestClient, path: str) -> None:
    answer = operator.post(path, json=body(lane="strategy:RSI Strategy"))
    assert answer.status_code == 202
    queued = answer.json()
    job_id = queued.pop("job_id")
    assert queued == {
        "message": "backtest of strategy:RSI Strategy on ETHUSDT is queued as a job",
        "status": "queued",
        "symbols": ["ETHUSDT"],
        "lane": "strategy:RSI Strategy",
    }
    job = operator.get(f"/jobs/{job_id}").json()
    assert job["kind"] == "backtest"
    assert job["parameters"] == {"symbols": "ETHUSDT", "lane": "strategy:RSI Strategy"}


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"symbols": []}, 422, "symbols"),
        ({"symbols": ["ETHUSDT", "BTCUSDT"]}, 422, "candles are those of one symbol, received 2 symbols"),
        ({"lane": "oracle"}, 422, "a lane is rules, model:VERSION"),
        ({"lane": "llm:/etc/passwd"}, 422, "test them by cli.py backtest"),
        ({"lane": "x" * 2000}, 422, "a lane is rules"),
        ({"lane": "model:../x"}, 422, "is not the name of a version"),
        ({"lane": "blend:lstm_model_20300101_000000"}, 404, "there is no version lstm_model_20300101_000000"),
        ({"sizing": "fixed:3"}, 422, "at most 1"),
        ({"fee_bps": -1}, 422, "fee_bps"),
        ({"since": 1_700_000_000}, 422, "looks like seconds"),
        ({"timeframes": ["7m"]}, 422, "timeframes"),
        ({"timeframe_data": {"1h": wire_candles(simulated(3, count=62), 62)}}, 400, "needs 63 closed candles at least"),
    ],
)
def test_what_cannot_be_tested_is_refused_at_once(
    operator: TestClient, changes: dict[str, Any], status: int, words: str
) -> None:
    answer = operator.post("/jobs/backtest", json=body() | changes)
    assert answer.status_code == status
    assert words in json.dumps(answer.json())
    assert operator.get("/jobs").json()["jobs"] == []


def test_without_candles_anywhere_the_answer_says_what_is_there(operator: TestClient) -> None:
    answer = operator.post("/jobs/backtest", json={"symbols": ["BTCUSDT"], "timeframes": ["1h"]})
    assert answer.status_code == 400
    assert "a backtest needs 63 closed candles at least, 0 of BTCUSDT 1h are stored" in answer.json()["detail"]


def test_candles_that_were_posted_are_tested(operator: TestClient) -> None:
    posted = body()["timeframe_data"]
    analyze = {
        "symbol": "BTCUSDT",
        "timeframe_data": posted,
        "current_price": 0,
        "volume_24h": 0,
        "timestamp": 1_769_860_800_000,
        "strategy_context": {},
    }
    assert operator.post("/ai/analyze", json=analyze | {"current_price": posted["1h"][-1]["close"]}).status_code == 200
    answer = operator.post("/jobs/backtest", json={"symbols": ["BTCUSDT"]})
    while answer.status_code == 400:  # the candles are stored behind the answer
        answer = operator.post("/jobs/backtest", json={"symbols": ["BTCUSDT"]})
    assert answer.status_code == 202


def test_a_backtest_from_the_request_to_its_verified_result(make_client: MakeClient, tmp_path: Path) -> None:
    client = make_client(backtests=backtests(tmp_path))
    asked = body(fee_bps=7, timeframes=["1h", "4h"], sizing="fixed:0.5")
    job_id = client.post("/jobs/backtest", json=asked).json()["job_id"]
    job = ended(client, job_id)
    assert (job["status"], job["error"]) == ("succeeded", None)
    result = job["result"]
    assert result["symbols"] == ["ETHUSDT"]
    assert result["trades"] > 0
    assert result["run"]["settings"]["costs"]["fee_bps"] == 7.0
    assert result["run"]["settings"]["sizing"] == "fixed:0.5"
    assert (result["trials"], result["random_entry"]["runs"]) == (1, 9)
    key = SecretFile(tmp_path / "key", "key", "", "", "").secret()
    assert is_genuine(result, key)
    assert key.get_secret_value() not in json.dumps(job)


def test_a_job_reads_candles_of_a_source_by_itself(make_settings: MakeSettings, tmp_path: Path) -> None:
    series = simulated(3, drift=0.15, count=COUNT)
    write_candles(tmp_path / "BTCUSDT-1h.csv", series)
    settings = make_settings(
        backtests=backtests(tmp_path), market_data={"sources": ["files"], "files_path": str(tmp_path)}
    )
    history = HistoryRequest(
        source="files", since_ms=int(series.times_ms[0]), candles=250, settings=settings.market_data
    )
    order = BacktestJobParameters(
        symbols="BTCUSDT",
        lane="rules",
        backtest=BacktestParameters.of(BacktestOptions(), settings, read_evidence(settings.trading.evidence_file)),
        series=(JobSeries(symbol="BTCUSDT", timeframe=Timeframe.H1, history=history),),
    )
    told: list[JobProgress] = []
    result = run_job(order.model_dump(mode="json"), told.append, SettableClock(utc_time(series.last_close_ms)))
    # The newest of those that the source has.
    assert result["run"]["data"]["series"][0]["candles"] == 250
    assert [progress.share for progress in told] == sorted(progress.share for progress in told)
    assert told[0].stage == "fetching candles 0 of 250"
    assert {"trading", "random entries"} <= {progress.stage for progress in told}
