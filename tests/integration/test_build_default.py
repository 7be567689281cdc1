"""`cli.py models build-default` makes the versions that come with the service; they are what has to be beaten."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from cli import cli
from config.model_settings import ModelSettings
from config.settings import FeatureSettings
from domain.forecasting import ANY_SYMBOL, ModelType
from domain.market import CandleSeries, Timeframe
from models.explanation.explanation import EXPLANATION_FILE
from models.model_manager import ModelManager
from models.registry.registry import Registry
from models.registry.shipped import ShippedVersions
from models.serving.loaded_models import load_version
from models.training.training_run import TrainingRequest
from services.training.managers import open_manager
from tests.fixtures.candle_files import write_candles
from tests.fixtures.commands import command
from tests.fixtures.planted_market import reversal_market
from tests.fixtures.settings import configured

H1, H4, M15 = Timeframe.H1, Timeframe.H4, Timeframe.M15
# The planted market begins in September 2020.
DAYS = 50
HOURS = 24 * DAYS
FILES = ("BTCUSDT", "ETHUSDT")
UNTIL = datetime(2020, 11, 1, tzinfo=UTC)


def planted(seed: int, hours: int = HOURS) -> CandleSeries:
    return reversal_market(hours, 0.9, seed)


@pytest.fixture(scope="module", autouse=True)
def small() -> Iterator[None]:
    """Let a few trees learn, and few draws tell the intervals."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MODELS__LIGHTGBM__TREES", "60")
        patch.setenv("MODELS__EVALUATION__BOOTSTRAP_SAMPLES", "200")
        patch.setenv("MODELS__EVALUATION__SUSPICIOUS_ACCURACY", "1")
        patch.setenv("MODELS__EVALUATION__SUSPICIOUS_AUC", "1")
        patch.setenv("MODELS__FURTHER_HORIZONS_CANDLES", "3,24")
        yield


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("candles")
    return [write_candles(folder / f"{symbol}-1h.csv", planted(seed)) for seed, symbol in enumerate(FILES)]


@pytest.fixture(scope="module")
def built(files: list[Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    out = tmp_path_factory.mktemp("built") / "default"
    document = command("models", "build-default", *files, "--to", f"{UNTIL:%Y-%m-%d}", "--out", out)
    return out, document


def test_each_timeframe_that_has_candles_gets_both_types(built: tuple[Path, Any]) -> None:
    out, document = built
    made = [(model["timeframe"], model["type"]) for model in document["models"] if model["horizon_candles"] == 1]
    assert made == [(timeframe, kind) for timeframe in ("1h", "4h") for kind in ("logistic", "lightgbm")]
    for model in document["models"]:
        assert model["symbol"] == "*"
        assert model["data"]["markets"] == list(FILES)
        assert model["graph_bytes"] <= 3_000_000
        # What serves has seen all candles; its figures are of the newest, by models that had seen those before.
        assert (
            model["data"]["last_ms"] + Timeframe(model["timeframe"]).ms
            <= (UNTIL + timedelta(days=1)).timestamp() * 1000
        )
        assert model["data"]["first_ms"] < model["judged"]["first_ms"] < model["judged"]["last_ms"]
        assert {"brier", "auc", "ece", "top_tenth"} <= {
            name for name, value in model["metrics"].items() if value is not None
        }
    assert not (out / ".lock").exists()
    assert not out.with_name(".default.new").exists()


def test_they_serve_beneath_an_empty_registry_by_what_the_gate_decided(built: tuple[Path, Any], tmp_path: Path) -> None:
    out, document = built
    registry = Registry(tmp_path / "models", ShippedVersions(out))
    ours = [model for model in document["models"] if model["horizon_candles"] == 1]
    serving = {model["timeframe"]: model["version"] for model in ours if model["serves"]}
    # The turn of the next move is planted in the hours; in four of them it is gone.
    assert registry.resolve("SOLUSDT", H1) == serving["1h"]
    assert registry.resolve("SOLUSDT", H4) == serving.get("4h")
    forecaster = load_version(registry, serving["1h"])
    assert forecaster.metadata.shipped
    assert set(forecaster.metadata.files) == {"model.onnx", "reference.npz", "scaler.json", EXPLANATION_FILE}
    hundred = max(length for length in forecaster.needs.values())
    assert hundred <= 24


def test_of_further_horizons_what_passed_the_gate_comes_too(built: tuple[Path, Any]) -> None:
    out, document = built
    tried = {model["horizon_candles"]: model for model in document["models"] if model["horizon_candles"] > 1}
    assert {(model["timeframe"], model["type"]) for model in tried.values()} == {("1h", "lightgbm")}
    # A turn of the next move is still known three hours ahead, and no more after a day.
    assert {horizon: model["serves"] for horizon, model in tried.items()} == {3: True, 24: False}
    registry = Registry(out / "horizons" / "3")
    version = registry.resolve(ANY_SYMBOL, H1)
    assert [model.version for model in registry.versions().models] == [version]
    assert version is not None
    assert registry.open(version).metadata.horizon_candles == 3
    assert not (out / "horizons" / "24").exists()
    assert not list(out.rglob(".lock"))


def test_a_timeframe_without_finer_candles_is_left_out_and_said(files: list[Path], tmp_path: Path) -> None:
    four = write_candles(tmp_path / "BTCUSDT-4h.csv", planted(1, 4 * 400).resample(H4))
    out = tmp_path / "default"
    ran = CliRunner().invoke(cli, ["models", "build-default", str(four), "--to", "2021-12-31", "--out", str(out)])
    assert ran.exit_code == 0, ran.output
    assert "1h: no file has candles for it up to 2021-12-31: it is left out" in " ".join(ran.stderr.split())
    assert [line.split(" | ")[0] for line in ran.stdout.splitlines()[2:]] == ["| 4h", "| 4h"]


def test_no_share_and_no_folder_of_something_else_is_taken(files: list[Path], tmp_path: Path) -> None:
    share = write_candles(tmp_path / "AAPL-1h.csv", planted(1, 400))
    ran = CliRunner().invoke(cli, ["models", "build-default", str(share), "--out", str(tmp_path / "a")])
    assert str(ran.exception) == "AAPL-1h.csv: AAPL is no coin; what comes with the service knows coins alone"
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep me")
    ran = CliRunner().invoke(cli, ["models", "build-default", str(files[0]), "--out", str(tmp_path / "mine")])
    assert str(ran.exception).endswith("holds something else than models, such as notes.txt: it would be deleted")
    assert (tmp_path / "mine" / "notes.txt").read_text() == "keep me"


def manager_above(out: Path, folder: Path) -> ModelManager:
    models = configured(
        ModelSettings,
        save_path=str(folder),
        shipped=True,
        shipped_path=str(out),
        # These markets tell more of their future than a real one does.
        evaluation={"folds": 1, "bootstrap_samples": 200, "suspicious_accuracy": 1.0, "suspicious_auc": 1.0},
    )
    return open_manager(models, configured(FeatureSettings, sequence_length=8), 14, lambda: datetime.now(UTC))


def train(manager: ModelManager, series: CandleSeries) -> Any:
    return manager.train(TrainingRequest(ModelType.LOGISTIC, "SOLUSDT", H1), {"SOLUSDT": series}, lambda _: None)


def continued(turn: float, hours: int) -> CandleSeries:
    """Return the hours after those that the shipped versions have seen, which behave otherwise."""
    seen, later = planted(7), reversal_market(hours, turn, 8)
    times = seen.last_open_ms + H1.ms * (1 + np.arange(hours))
    scale = seen.closes[-1] / 100.0
    values = later.values * np.array([scale, scale, scale, scale, 1.0])
    return CandleSeries.of_arrays(H1, times, values).of_market(later.sessions)


def test_on_candles_of_its_training_nothing_replaces_it(built: tuple[Path, Any], tmp_path: Path) -> None:
    manager = manager_above(built[0], tmp_path / "models")
    outcome = train(manager, planted(5, HOURS - 48))
    assert outcome.verdict.serves == "production"
    assert outcome.production == manager.registry.shipped.aliases().of(ANY_SYMBOL, H1).production
    assert "the candidate and the model in production have no prediction in common." in outcome.verdict.reasons


def test_on_newer_candles_what_beats_it_replaces_it_at_once(built: tuple[Path, Any], tmp_path: Path) -> None:
    manager = manager_above(built[0], tmp_path / "models")
    # Moves go on there, where the shipped version expects that they turn.
    outcome = train(manager, continued(0.25, 2_000))
    against = next(one for one in outcome.verdict.comparisons if one.against == "the model in production")
    assert (against.better, outcome.verdict.serves) == (True, "candidate")
    assert (outcome.production, outcome.shadow) == (outcome.model.version, None)
    assert manager.registry.resolve("ETHUSDT", H1) != outcome.model.version
