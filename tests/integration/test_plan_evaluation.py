"""A plan model is evaluated by the plans that the rules gave in new candles, beside the evidence."""

from __future__ import annotations

from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from rich.console import Console

from commands.judging.evaluated_plans import evaluated_plans
from config.sources import load_settings
from domain.errors import InsufficientData, InvalidRequest
from domain.market import CandleSeries, Timeframe
from models.registry.registries import PLANS
from models.registry.registry import Registry
from services.evaluating.job import run_job
from services.evaluating.parameters import EvaluationJobParameters, EvaluationParameters
from services.evaluating.plans import evaluate_plans
from services.job_candles.series import JobSeries, candle_rows
from tests.fixtures.bodies import wire_candles
from tests.fixtures.candle_files import write_candles
from tests.fixtures.clocks import NOW, SettableClock
from tests.fixtures.commands import command, exit_status
from tests.fixtures.containers import container_of
from tests.fixtures.histories import simulated
from tests.fixtures.plan_models import PLAN_DATA, serve_plan_model

pytest_plugins = ["tests.fixtures.operators"]

STATED = 0.4
CANDLES: CandleSeries = simulated(7, count=1_600)


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    monkeypatch.setenv("MODEL_SAVE_PATH", str(tmp_path / "models"))
    return Registry(tmp_path / "models")


def order_of(version: str) -> EvaluationParameters:
    return EvaluationParameters.of(version, "BTCUSDT", None, None, load_settings(), PLANS)


def test_its_brier_score_stands_beside_that_of_the_evidence(registry: Registry, tmp_path: Path) -> None:
    version = serve_plan_model(registry, STATED)
    file = write_candles(tmp_path / "BTCUSDT-1h.csv", CANDLES)
    found: dict[str, Any] = command("evaluate", version, file, "--plot", tmp_path / "pictures")
    assert (found["version"], found["target"], found["horizon_candles"]) == (version, "plan", 240)
    metrics, evidence = found["metrics"], found["baselines"]["evidence"]
    won = metrics["ups"] / metrics["count"]
    assert metrics["count"] == evidence["count"] > 30
    assert metrics["brier"] == pytest.approx(won * (1 - STATED) ** 2 + (1 - won) * STATED**2)
    against = found["against_evidence"]
    assert against["difference"] == pytest.approx(metrics["brier"] - evidence["brier"])
    assert 0 < found["independent_plans"] <= metrics["count"]
    assert [(part["part"], part["evidence"]) for part in found["parts"]] == [("newer", True)]
    assert [Path(path).name for path in found["pictures"]] == ["reliability.png"]
    # The one in production is meant where none is named.
    assert command("evaluate", file, "--target", "plan")["metrics"] == metrics


def test_tables_say_how_many_plans_there_were(registry: Registry) -> None:
    result = evaluate_plans(order_of(serve_plan_model(registry, STATED)), CANDLES, lambda _: None, lambda: NOW)
    stream = StringIO()
    Console(file=stream, width=200).print(evaluated_plans(result, "BTCUSDT", ()))
    shown = stream.getvalue()
    count = result.whole.scores.count
    assert f"{count:,} that it has not learned from and that reached target or stop" in shown
    assert "of the plan model against" in shown
    assert "target first" in shown


def test_plans_that_it_has_learned_from_are_no_evidence(registry: Registry) -> None:
    learned = PLAN_DATA.model_copy(update={"last_ms": CANDLES.last_open_ms})
    version = serve_plan_model(registry, STATED, data=learned)
    with pytest.raises(InsufficientData, match="has learned from all plans of these candles"):
        evaluate_plans(order_of(version), CANDLES, lambda _: None, lambda: NOW)
    with pytest.raises(InvalidRequest, match="forecasts no plans"):
        evaluate_plans(order_of(version).model_copy(update={"plans": None}), CANDLES, lambda _: None, lambda: NOW)


@pytest.mark.parametrize("given", [{"fee_bps": 3.0}, {"slippage_bps": 0.0}])
def test_costs_that_nothing_reads_are_refused(operator: TestClient, given: dict[str, float], tmp_path: Path) -> None:
    version = serve_plan_model(Registry(Path(container_of(operator).base.settings.models.save_path)), STATED)
    asked = {"symbol": "BTCUSDT", "candles": wire_candles(CANDLES, len(CANDLES)), "version": version}
    answer = operator.post("/jobs/evaluate", json=asked | given)
    assert answer.status_code == 422, answer.text
    assert "leave the fee and the slippage out" in answer.json()["detail"]


def test_the_command_refuses_them_too(registry: Registry, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    version = serve_plan_model(registry, STATED)
    file = write_candles(tmp_path / "BTCUSDT-1h.csv", CANDLES)
    assert exit_status("evaluate", version, file, "--fee-bps", 3) != 0
    assert "is a plan model" in capsys.readouterr().err


def test_a_job_answers_as_the_command(registry: Registry) -> None:
    version = serve_plan_model(registry, STATED)
    parameters = order_of(version)
    series = JobSeries(symbol="BTCUSDT", timeframe=Timeframe.H1, candles=candle_rows(CANDLES))
    job = EvaluationJobParameters(
        version=version, symbol="BTCUSDT", timeframe=Timeframe.H1, evaluation=parameters, series=series
    )
    clock = SettableClock(datetime(2026, 1, 1, tzinfo=UTC))
    answer = run_job(job.model_dump(mode="json"), lambda _: None, clock)
    assert answer == evaluate_plans(parameters, CANDLES, lambda _: None, lambda: NOW).document


def test_a_service_finds_the_version_among_plan_models(operator: TestClient) -> None:
    models = container_of(operator).base.settings.models
    version = serve_plan_model(Registry(Path(models.save_path)), STATED)
    asked = {"symbol": "BTCUSDT", "candles": wire_candles(CANDLES, len(CANDLES))}
    for named in ({"version": version}, {"target": "plan"}):
        queued = operator.post("/jobs/evaluate", json=asked | named)
        assert queued.status_code == 202, queued.text
        job = operator.get(f"/jobs/{queued.json()['job_id']}").json()
        assert job["parameters"]["version"] == version
    few = operator.post("/jobs/evaluate", json={**asked, "candles": asked["candles"][:200], "version": version})
    assert "an evaluation needs 244 closed candles at least, received 200" in few.json()["detail"]
