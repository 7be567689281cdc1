"""A service whose installation lacks what only trains: it answers and forecasts, and says what its jobs would need."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.errors import JobFailed
from domain.job_kinds import JobKind
from domain.market import Timeframe
from models.registry.registry import Registry
from tasks.child_process import ChildProcessRunner
from tests.conftest import admin_headers
from tests.fixtures.bodies import base_path, shape_a, shape_b, wire_candles
from tests.fixtures.forecasting import put_in_production
from tests.fixtures.patience import COMMAND_SECONDS
from tests.fixtures.service import ROOT, Service, running_service
from utils.libraries import TRAINING

# Every process of this folder on its path finds these libraries as little as if they were not installed.
HIDING = f"""
from importlib.machinery import PathFinder

find_spec = PathFinder.find_spec

def find_what_serves(name, path=None, target=None):
    return None if name.split(".")[0] in {sorted(TRAINING)!r} else find_spec(name, path, target)

PathFinder.find_spec = find_what_serves
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("hiding")
    (folder / "sitecustomize.py").write_text(HIDING)
    return str(folder)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("models")
    return folder, put_in_production(Registry(folder), symbol="ETHUSDT")


@pytest.fixture(scope="module")
def service(folder: str, models: tuple[Path, str]) -> Iterator[Service]:
    with running_service(PYTHONPATH=folder, MODEL_SAVE_PATH=str(models[0])) as running:
        yield running


def test_it_analyzes_and_forecasts(service: Service, models: tuple[Path, str]) -> None:
    analysis = service.post("/ai/analyze", json=shape_a())
    assert (analysis.status_code, analysis.json()["source"]) == (200, "technical")
    body = shape_b(count=200)
    del body["strategy_context"]
    forecast = service.post("/ai/predict", json=body)
    assert forecast.status_code == 200
    assert forecast.json()["model_version"] == models[1]


def test_a_training_is_refused_at_once_with_what_it_needs(service: Service) -> None:
    candles = wire_candles(base_path(count=1200).resample(Timeframe.H1), 300)
    asked = {"symbol": "BTCUSDT", "timeframe": "1h", "model_type": "logistic", "candles": candles}
    refused = service.post("/ai/train", json=asked, headers=admin_headers())
    assert (refused.status_code, refused.json()["type"]) == (503, "urn:trading-signal-service:problem:library_missing")
    detail = refused.json()["detail"]
    assert detail.startswith("a job of the kind train needs keras, lightgbm, onnx, sklearn, which this installation ")
    assert "requirements.txt" in detail
    assert "JOBS_BACKEND=celery" in detail
    assert service.get("/jobs", headers=admin_headers()).json()["jobs"] == []


async def test_a_job_that_a_worker_cannot_run_fails_with_what_it_needs(
    folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", folder)
    runner = ChildProcessRunner(timeout_seconds=COMMAND_SECONDS, table="tests.fixtures.training_imports")
    with pytest.raises(JobFailed, match="a job of the kind optimise needs optuna, which") as failed:
        await runner.run(JobKind.OPTIMISE, {}, lambda _: None)
    assert not failed.value.transient


def test_a_command_that_trains_says_what_it_needs_in_one_line(folder: str, tmp_path: Path) -> None:
    series = base_path(count=3300)
    file = tmp_path / "BTCUSDT-15m.csv"
    rows = [",".join(str(candle[name]) for name in candle) for candle in wire_candles(series, 3000)]
    file.write_text("\n".join([",".join(wire_candles(series, 1)[0]), *rows]) + "\n")
    clean = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "cli.py", "train", str(file), "--type", "logistic"],
        cwd=ROOT,
        env=clean | {"PYTHONPATH": folder, "MODEL_SAVE_PATH": str(tmp_path / "models"), "COLUMNS": "500"},
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "this command needs skl2onnx, which this installation does not have" in done.stderr
