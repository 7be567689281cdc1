"""Searches over HTTP: refusals, the queue, and a real one from the request to its verified result."""

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
from services.evidence.file import read_evidence
from services.job_candles.series import HistoryRequest, JobSeries
from services.optimising.job import OptimiseJobParameters, run_job
from services.optimising.parameters import OptimiseOptions, OptimiseParameters
from tests.conftest import MakeClient, MakeSettings
from tests.fixtures.bodies import wire_candles
from tests.fixtures.candle_files import write_candles
from tests.fixtures.clocks import SettableClock
from tests.fixtures.histories import simulated

pytest_plugins = ["tests.fixtures.operators"]

ROUTES = ["/jobs/optimise", "/api/v1/jobs/optimise"]
COUNT, FOLDS, TRIALS = 1560, 2, 4


def body(count: int = COUNT, **changes: Any) -> dict[str, Any]:
    """Return a request with simulated 1h candles."""
    candles = wire_candles(simulated(3, drift=0.05, count=count), count)
    return {"symbols": ["ETHUSDT"], "folds": FOLDS, "trials": TRIALS, "timeframe_data": {"1h": candles}} | changes


def backtests(folder: Path) -> dict[str, Any]:
    return {"trials_path": f"{folder}/trials.jsonl", "key_file": f"{folder}/key", "random_runs": 5}


@pytest.mark.parametrize("path", ROUTES)
def test_a_request_is_queued_at_once(operator: TestClient, path: str) -> None:
    answer = operator.post(path, json=body(lane="strategy:RSI Strategy"))
    assert answer.status_code == 202
    queued = answer.json()
    job_id = queued.pop("job_id")
    assert queued == {
        "message": "search of settings of strategy:RSI Strategy on ETHUSDT is queued as a job",
        "status": "queued",
        "symbols": ["ETHUSDT"],
        "lane": "strategy:RSI Strategy",
        "trials": TRIALS,
        "folds": FOLDS,
    }
    job = operator.get(f"/jobs/{job_id}").json()
    assert job["kind"] == "optimise"
    assert job["parameters"] == {"symbols": "ETHUSDT", "lane": "strategy:RSI Strategy", "trials": 4, "folds": 2}
    assert operator.delete(f"/jobs/{job_id}").json()["status"] == "cancelled"


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"symbols": []}, 422, "symbols"),
        ({"symbols": ["ETHUSDT", "BTCUSDT"]}, 422, "candles are those of one symbol, received 2 symbols"),
        ({"lane": "oracle"}, 422, "a lane is rules, model:VERSION"),
        ({"lane": "blend:x"}, 422, "settings are searched for the lanes rules and strategy:NAME"),
        ({"lane": "llm:/etc/passwd"}, 422, "settings are searched for the lanes rules and strategy:NAME"),
        ({"trials": 501}, 422, "needs at most 500"),
        ({"trials": 1}, 422, "needs at least 2"),
        ({"folds": 13}, 422, "needs at most 12"),
        ({"seed": -1}, 422, "seed"),
        ({"sizing": "fixed:3"}, 422, "at most 1"),
        ({"since": 1_700_000_000}, 422, "looks like seconds"),
        (
            {"timeframe_data": {"1h": wire_candles(simulated(3, count=700), 700)}},
            400,
            "a search in 2 folds needs 1500 closed candles at least, received 1h: 700",
        ),
    ],
)
def test_what_cannot_be_searched_is_refused_at_once(
    operator: TestClient, changes: dict[str, Any], status: int, words: str
) -> None:
    answer = operator.post("/jobs/optimise", json=body() | changes)
    assert answer.status_code == status
    assert words in json.dumps(answer.json())
    assert operator.get("/jobs").json()["jobs"] == []


def test_without_candles_anywhere_the_answer_says_what_is_there(operator: TestClient) -> None:
    answer = operator.post("/jobs/optimise", json={"symbols": ["BTCUSDT"], "timeframes": ["1h"]})
    assert answer.status_code == 400
    assert "a search in 4 folds needs 2460 closed candles at least, 0 of BTCUSDT 1h" in answer.json()["detail"]


def test_a_search_from_the_request_to_its_verified_result(make_client: MakeClient, tmp_path: Path) -> None:
    client = make_client(backtests=backtests(tmp_path))
    job_id = client.post("/jobs/optimise", json=body(fee_bps=7, timeframes=["1h"], seed=5)).json()["job_id"]
    while (job := client.get(f"/jobs/{job_id}").json())["status"] in {"queued", "running"}:
        pass
    assert (job["status"], job["error"]) == ("succeeded", None)
    result = job["result"]
    assert result["symbols"] == ["ETHUSDT"]
    assert result["verdict"]["words"].startswith(("keep the present settings", "use the found settings"))
    assert result["verdict"]["use"] is result["verdict"]["words"].startswith("use")
    assert len(result["folds"]) == FOLDS
    assert len(result["tried"]) == TRIALS
    assert result["run"]["random_seed"] == 5
    assert result["run"]["settings"]["costs"]["fee_bps"] == 7.0
    assert len((tmp_path / "trials.jsonl").read_text().splitlines()) == (FOLDS + 1) * TRIALS + 1
    assert is_genuine(result, SecretFile(tmp_path / "key", "key", "", "", "").secret())


def test_a_job_reads_candles_of_a_source_by_itself(make_settings: MakeSettings, tmp_path: Path) -> None:
    series = simulated(3, drift=0.05, count=1700)
    write_candles(tmp_path / "BTCUSDT-1h.csv", series)
    settings = make_settings(
        backtests=backtests(tmp_path), market_data={"sources": ["files"], "files_path": str(tmp_path)}
    )
    history = HistoryRequest(
        source="files", since_ms=int(series.times_ms[0]), candles=COUNT, settings=settings.market_data
    )
    options = OptimiseOptions(timeframes=(Timeframe.H1,), folds=FOLDS, trials=TRIALS)
    parameters = OptimiseJobParameters(
        symbols="BTCUSDT",
        lane="rules",
        trials=TRIALS,
        folds=FOLDS,
        search=OptimiseParameters.of(options, settings, read_evidence(settings.trading.evidence_file)),
        series=(JobSeries(symbol="BTCUSDT", timeframe=Timeframe.H1, history=history),),
    )
    told: list[JobProgress] = []
    result = run_job(parameters.model_dump(mode="json"), told.append, SettableClock(utc_time(series.last_close_ms)))
    # The newest of those that the source has.
    assert result["run"]["data"]["series"][0]["candles"] == COUNT
    assert [progress.share for progress in told] == sorted(progress.share for progress in told)
    stages = list(dict.fromkeys(progress.stage for progress in told if not progress.stage.startswith("fetching")))
    assert stages == [
        "judging BTCUSDT 1h",
        "searching before fold 1",
        "searching before fold 2",
        "searching all the time",
        "random entries",
    ]
