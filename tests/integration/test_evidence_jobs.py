"""Evidence of plans over HTTP: refusals, and real jobs beside the commands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from cli import cli
from config.settings import Settings
from domain.jobs import JobProgress, JobStatus
from domain.market import Candle, CandleSeries, Timeframe
from domain.values import utc_time
from rules.evidence.measured import MeasuredEvidence
from services.evidence.file import read_evidence
from services.evidence.job import CheckedEvidence, EvidenceJobParameters, run_job
from services.evidence.parameters import EvidenceTask, MeasuringOptions, MeasuringParameters
from services.job_candles.series import HistoryRequest, JobSeries, candle_rows
from tests.conftest import MakeClient, MakeSettings
from tests.fixtures.bodies import wire_candles
from tests.fixtures.candle_files import write_candles
from tests.fixtures.clocks import SettableClock
from tests.fixtures.commands import command
from tests.fixtures.histories import START_MS, simulated
from tests.fixtures.patience import ended
from tests.fixtures.planted_market import reversal_market

pytest_plugins = ["tests.fixtures.operators"]

PATH = "/jobs/evidence"
COUNT = 300
# Of 27 weeks.
LONG = 4_536


def evidence(count: int = COUNT, **changes: Any) -> dict[str, Any]:
    return {"symbols": ["BTCUSDT"], "candles": wire_candles(simulated(3, count=count), count)} | changes


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"task": "guess"}, 422, "task"),
        ({"symbols": []}, 422, "symbols"),
        ({"symbols": ["BTCUSDT"] * 21}, 422, "symbols"),
        ({"symbols": ["BTCUSDT", "ETHUSDT"]}, 422, "candles are those of one symbol, received 2 symbols"),
        ({"timeframes": ["7m"]}, 422, "timeframes"),
        ({"timeframes": ["15m"]}, 400, "15m candles cannot be made from 1h candles"),
        ({"since": 1_700_000_000}, 422, "looks like seconds"),
        ({"since": START_MS + 1, "until": START_MS + 1}, 422, "since has to be before until"),
        ({"candles": evidence(61)["candles"]}, 400, "evidence needs 62 closed candles at least, received 61"),
        ({}, 400, "evidence of 1h candles needs plans of 26 weeks, the candles of BTCUSDT are of 1.8"),
        ({"timeframes": ["4h"]}, 400, "evidence of 4h candles needs plans of 104 weeks"),
        ({"candles": None}, 400, "evidence needs 62 closed candles at least, 0 of BTCUSDT"),
    ],
)
def test_what_cannot_be_measured_is_refused_at_once(
    operator: TestClient, changes: dict[str, Any], status: int, words: str
) -> None:
    answer = operator.post(PATH, json=evidence() | changes)
    assert answer.status_code == status
    assert words in answer.json()["detail"]
    assert operator.get("/jobs").json()["jobs"] == []


def test_without_evidence_there_is_nothing_to_check(make_client: MakeClient) -> None:
    answer = make_client(trading={"evidence_file": ""}).post(PATH, json=evidence(task="check"))
    assert answer.status_code == 422
    assert answer.json()["detail"] == "no evidence is configured (trading.evidence_file) that could be checked"


def test_evidence_has_the_figures_of_the_command(make_client: MakeClient, tmp_path: Path) -> None:
    client, walk = make_client(), simulated(1, count=LONG)
    asked = {"symbols": ["BTCUSDT"], "candles": wire_candles(walk, LONG)}
    job = ended(client, client.post(PATH, json=asked).json()["job_id"])
    assert (job["status"], job["error"]) == ("succeeded", None)
    assert job["parameters"] == {"task": "build", "symbols": "BTCUSDT"}
    (record,) = job["result"]["records"]
    assert record["samples"] > 1_500
    file = write_candles(tmp_path / "BTCUSDT-1h.csv", walk)
    told = command("evidence", "build", file, "--out", tmp_path / "evidence.json")
    # The digest tells that both measured the same candles.
    assert (record["files"][0].pop("name"), told["records"][0]["files"][0].pop("name")) == ("BTCUSDT-1h", file.name)
    assert job["result"]["records"] == told["records"]
    # What the job built can be used.
    (tmp_path / "built.json").write_text(json.dumps(ended(client, job["job_id"])["result"]))
    assert isinstance(read_evidence(str(tmp_path / "built.json")), MeasuredEvidence)


def test_a_check_has_the_figures_of_the_command_and_says_what_the_evidence_has_seen(
    make_client: MakeClient, tmp_path: Path
) -> None:
    client, market = make_client(), reversal_market(900, 0.4, 1)  # of 2020, when the shipped evidence was measured
    asked = {"task": "check", "symbols": ["BTCUSDT"], "candles": wire_candles(market, 900)}
    job = ended(client, client.post(PATH, json=asked).json()["job_id"])
    assert (job["status"], job["error"]) == ("succeeded", None)
    file = write_candles(tmp_path / "BTCUSDT-1h.csv", market)
    told = command("evidence", "check", file)
    assert told.pop("pictures") == []
    assert job["result"] == told
    assert told["evidence"] == "shipped"
    assert told["seen"] == {"BTCUSDT 1h": 1.0}
    assert told["markets"][0]["plans"] > 0
    shown = CliRunner().invoke(cli, ["evidence", "check", str(file)], catch_exceptions=False).stdout
    assert "100% of the plans of BTCUSDT 1h were made in the time that shipped was measured on." in " ".join(
        shown.split()
    )


def changed_after(series: CandleSeries, end_ms: int) -> CandleSeries:
    """Return the series at half of its prices from a moment on."""
    changed = [
        Candle(c.timestamp, c.open / 2, c.high / 2, c.low / 2, c.close / 2, c.volume) if c.timestamp >= end_ms else c
        for c in series.candles
    ]
    return CandleSeries(series.timeframe, changed)


def check_parameters(settings: Settings, options: MeasuringOptions, **candles: Any) -> dict[str, Any]:
    evidence = read_evidence("shipped")
    assert evidence is not None
    parameters = EvidenceJobParameters(
        task=EvidenceTask.CHECK,
        symbols="BTCUSDT",
        measuring=MeasuringParameters.of(options, settings),
        checked=CheckedEvidence(name="shipped", evidence=evidence, costs=settings.trading.costs),
        series=(JobSeries(symbol="BTCUSDT", timeframe=Timeframe.H1, **candles),),
    )
    return parameters.model_dump(mode="json")


def test_later_candles_than_the_end_are_not_looked_at_and_new_ones_are_not_seen(make_settings: MakeSettings) -> None:
    settings, series = make_settings(), simulated(1, count=900)  # begins after the shipped evidence ends
    end_ms, clock = series.candles[500].timestamp, SettableClock(utc_time(series.last_close_ms))
    results = [
        run_job(
            check_parameters(settings, MeasuringOptions(until_ms=end_ms), candles=candle_rows(known)),
            lambda progress: None,
            clock,
        )
        for known in (series, changed_after(series, end_ms))
    ]
    assert results[0] == results[1]
    assert results[0]["seen"] == {}
    assert results[0]["markets"][0]["last_ms"] <= end_ms


def test_the_job_reads_candles_of_a_source_by_itself(make_settings: MakeSettings, tmp_path: Path) -> None:
    market = reversal_market(900, 0.4, 1)
    write_candles(tmp_path / "BTCUSDT-1h.csv", market)
    settings = make_settings(market_data={"sources": ["files"], "files_path": str(tmp_path)})
    history = HistoryRequest(
        source="files", since_ms=int(market.times_ms[0]), candles=600, settings=settings.market_data
    )
    told: list[JobProgress] = []
    parameters = check_parameters(settings, MeasuringOptions(), history=history)
    result = run_job(parameters, told.append, SettableClock(utc_time(market.last_close_ms)))
    assert int(market.times_ms[-600]) < result["markets"][0]["first_ms"] < result["markets"][0]["last_ms"]
    assert [progress.share for progress in told] == sorted(progress.share for progress in told)
    assert (told[0].stage, told[-1].stage) == ("fetching candles 0 of 600", "judging BTCUSDT 1h")


def test_a_running_job_is_cancelled(make_client: MakeClient) -> None:
    client, walk = make_client(rate_limits={"enabled": False}), simulated(1, count=LONG)
    asked = {"symbols": ["BTCUSDT"], "candles": wire_candles(walk, LONG)}
    job_id = client.post(PATH, json=asked).json()["job_id"]
    job = client.get(f"/jobs/{job_id}").json()
    while job["progress"] is None:
        assert job["status"] in {JobStatus.QUEUED, JobStatus.RUNNING}
        job = client.get(f"/jobs/{job_id}").json()
    assert job["progress"]["stage"] == "judging BTCUSDT 1h"
    cancelled = client.delete(f"/jobs/{job_id}")
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    assert (cancelled.json()["result"], client.delete(f"/jobs/{job_id}").status_code) == (None, 409)
