"""Scores of models over HTTP: refusals, the queue, and a real job beside the command."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from domain.jobs import JobProgress
from domain.market import Timeframe
from domain.values import utc_time
from models.registry.metadata import ModelMetadata
from models.registry.registry import Registry
from services.evaluating.job import run_job
from services.evaluating.parameters import EvaluationJobParameters, EvaluationParameters
from services.job_candles.series import HistoryRequest, JobSeries
from tests.conftest import MakeClient, MakeSettings
from tests.fixtures.bodies import wire_candles
from tests.fixtures.candle_files import write_candles
from tests.fixtures.clocks import SettableClock
from tests.fixtures.commands import command
from tests.fixtures.containers import container_of
from tests.fixtures.histories import START_MS, simulated
from tests.fixtures.models import NOON, add_model
from tests.fixtures.patience import ended
from tests.fixtures.planted_market import reversal_market

pytest_plugins = ["tests.fixtures.operators"]

PATH = "/jobs/evaluate"
COUNT = 300


def evaluation(count: int = COUNT, **changes: Any) -> dict[str, Any]:
    return {"symbol": "BTCUSDT", "candles": wire_candles(simulated(3, count=count), count)} | changes


def model_of(client: TestClient, **changes: Any) -> ModelMetadata:
    settings = container_of(client).base.settings
    return add_model(Registry(Path(settings.models.save_path)), **changes)


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"symbol": "btc usdt"}, 422, "symbol"),
        ({"version": "../../etc/passwd"}, 422, "version"),
        ({"version": "lstm_model_20300101_000000"}, 404, "lstm_model_20300101_000000"),
        ({"fee_bps": 5_000}, 422, "fee_bps"),
        ({"slippage_bps": -1}, 422, "slippage_bps"),
        ({"candles": [{"timestamp": 1}]}, 422, "candles.0"),
        ({}, 404, "no model is in production for BTCUSDT 1h: name a version, or train one"),
        ({"timeframe": "4h"}, 404, "no model is in production for BTCUSDT 4h"),
        ({"candles": None, "timeframe": "30m"}, 404, "no model is in production for BTCUSDT 30m"),
    ],
)
def test_what_cannot_be_evaluated_is_refused_at_once(
    operator: TestClient, changes: dict[str, Any], status: int, words: str
) -> None:
    answer = operator.post(PATH, json=evaluation() | changes)
    assert answer.status_code == status
    assert words in answer.json()["detail"]
    assert operator.get("/jobs").json()["jobs"] == []


def test_a_version_that_does_not_fit_the_candles_is_refused(operator: TestClient) -> None:
    known = model_of(operator).version
    imported = model_of(operator, data=None, symbol="ETHUSDT", created_at=NOON + timedelta(hours=1)).version
    for changes, status, words in (
        ({"symbol": "ETHUSDT"}, 422, f"{known} forecasts BTCUSDT, not ETHUSDT"),
        ({"timeframe": "4h"}, 422, f"{known} forecasts 1h candles, not 4h"),
        ({"candles": evaluation(11)["candles"]}, 400, "an evaluation needs 12 closed candles at least, received 11"),
        ({"candles": None}, 400, "an evaluation needs 12 closed candles at least, 0 of BTCUSDT 1h are stored"),
        ({"symbol": "ETHUSDT", "version": imported}, 422, f"{imported} was imported: the candles that it was trained"),
    ):
        answer = operator.post(PATH, json=evaluation(version=known) | changes)
        assert answer.status_code == status
        assert words in answer.json()["detail"]
    quarters = wire_candles(simulated(3, timeframe=Timeframe.M15, count=COUNT), COUNT)
    answer = operator.post(PATH, json=evaluation(version=known, candles=quarters))
    assert (answer.status_code, answer.json()["detail"]) == (400, "the timeframe is 1h, but the candles are 15m apart")


def test_the_model_in_production_is_evaluated_by_default_and_a_key_names_the_work(operator: TestClient) -> None:
    model = model_of(operator)
    settings = container_of(operator).base.settings
    Registry(Path(settings.models.save_path)).promote(
        model.version, by="forced", reason="a test", at=utc_time(START_MS)
    )
    headers = {"Idempotency-Key": "weekly"}
    answer = operator.post(PATH, json=evaluation(), headers=headers)
    assert answer.status_code == 202
    queued = answer.json()
    assert queued == {"job_id": queued["job_id"], "status": "queued", "kind": "evaluate"}
    job = operator.get(f"/jobs/{queued['job_id']}").json()
    assert job["parameters"] == {"version": model.version, "symbol": "BTCUSDT", "timeframe": "1h"}
    assert operator.post(PATH, json=evaluation(), headers=headers).json()["job_id"] == queued["job_id"]


def test_an_evaluation_has_the_figures_of_the_command(
    make_client: MakeClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = make_client()
    version = model_of(client).version
    market = reversal_market(600, 0.7, 1)
    asked = {"symbol": "BTCUSDT", "version": version, "fee_bps": 3.0, "candles": wire_candles(market, 600)}
    job = ended(client, client.post(PATH, json=asked).json()["job_id"])
    assert (job["status"], job["error"]) == ("succeeded", None)
    monkeypatch.setenv("MODEL_SAVE_PATH", str(tmp_path / "models"))
    file = write_candles(tmp_path / "BTCUSDT-1h.csv", market)
    told = command("evaluate", version, file, "--fee-bps", 3)
    assert told.pop("pictures") == []
    assert job["result"] == told
    assert told["metrics"]["count"] > 400
    assert told["performance"]["costs"]["fee_bps"] == 3.0


def test_the_job_reads_candles_of_a_source_by_itself(make_settings: MakeSettings, tmp_path: Path) -> None:
    market = reversal_market(900, 0.4, 1)
    write_candles(tmp_path / "BTCUSDT-1h.csv", market)
    settings = make_settings(market_data={"sources": ["files"], "files_path": str(tmp_path)})
    version = add_model(Registry(Path(settings.models.save_path))).version
    history = HistoryRequest(
        source="files", since_ms=int(market.times_ms[0]), candles=600, settings=settings.market_data
    )
    order = EvaluationJobParameters(
        version=version,
        symbol="BTCUSDT",
        timeframe=Timeframe.H1,
        evaluation=EvaluationParameters.of(version, "BTCUSDT", None, None, settings),
        series=JobSeries(symbol="BTCUSDT", timeframe=Timeframe.H1, history=history),
    )
    told: list[JobProgress] = []
    result = run_job(order.model_dump(mode="json"), told.append, SettableClock(utc_time(market.last_close_ms)))
    assert utc_time(int(market.times_ms[-600])).isoformat() < result["first"] < result["last"]
    assert [progress.share for progress in told] == sorted(progress.share for progress in told)
    assert [told[0].stage, *(progress.stage for progress in told[-2:])] == [
        "fetching candles 0 of 600",
        f"asking {version}",
        "trading on its forecasts",
    ]
