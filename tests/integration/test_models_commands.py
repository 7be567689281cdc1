"""`cli.py train`, `evaluate` and `predict` on files, first each in a process of its own, as a user runs it."""

from __future__ import annotations

import json
import os
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli import cli
from tests.fixtures.candle_files import write_candles
from tests.fixtures.commands import command, forked_command
from tests.fixtures.planted_market import reversal_market

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow
KNOWN, ALL = 1_200, 1_400
# Learners that learn the planted market in a second or two.
SMALL = """
models:
  evaluation: {folds: 2, suspicious_accuracy: 1, suspicious_auc: 1}
  recurrent: {units: [8], dense_units: [8]}
  xgboost: {trees: 40}
  random_forest: {trees: 30}
  lightgbm: {trees: 60, learning_rate: 0.1}
"""


class Workplace:
    """A folder of candle files and a registry."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.models = folder, folder / "models"
        self.market = reversal_market(ALL, 0.7, 1)
        self.btc = write_candles(folder / "BTCUSDT-1h.csv", self.market.closed_by(self.time(KNOWN)))
        self.later = write_candles(folder / "BTCUSDT-later.csv", self.market)
        self.eth = write_candles(folder / "ETHUSDT-1h.csv", reversal_market(KNOWN, 0.5, 2))
        self.few = write_candles(folder / "LTCUSDT-1h.csv", reversal_market(420, 0.7, 3))
        (folder / "small.yaml").write_text(SMALL)
        self.own = {"CONFIG_FILE": str(folder / "small.yaml"), "MODEL_SAVE_PATH": str(self.models), "COLUMNS": "200"}
        self.environment = os.environ | self.own

    def time(self, candle: int) -> int:
        return self.market.candles[0].timestamp + candle * self.market.timeframe.ms

    def run(self, *arguments: object, **settings: str) -> subprocess.CompletedProcess[str]:
        return forked_command(*arguments, environment=self.environment | settings)

    def json(self, *arguments: object, **settings: str) -> Any:
        """Run a command that is to succeed and to print one document and nothing else."""
        ended = self.run(*arguments, "--json", **settings)
        assert (ended.returncode, ended.stderr) == (0, "")
        return json.loads(ended.stdout)


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return Workplace(tmp_path_factory.mktemp("workplace"))


@pytest.fixture
def workplace_here(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    """Return the workplace, where commands in the process of the test work too: a start takes longer than most."""
    for name, value in workplace.own.items():
        monkeypatch.setenv(name, value)
    return workplace


@pytest.fixture(scope="module")
def trained(workplace: Workplace) -> Any:
    return workplace.json("train", workplace.btc, "--type", "logistic", "--symbol", "BTCUSDT", "--timeframe", "1h")


def test_training_promotes_what_has_learned_something(workplace: Workplace, trained: Any) -> None:
    assert trained["version"].startswith("logistic_model_")
    assert (trained["promoted"], trained["verdict"], trained["production"]) == (True, "candidate", trained["version"])
    assert trained["reasons"][-1].startswith("The candidate serves: better than the prior")
    metrics = trained["metrics"]
    assert metrics["accuracy"] > 0.6
    assert metrics["brier"] < trained["baselines"]["prior"]["brier"]
    for name in ("accuracy", "auc", "brier", "log_loss", "ic"):
        ends = metrics["intervals"][name]
        assert ends["low"] < metrics[name] < ends["high"]
    assert set(trained["baselines"]) == {"prior", "majority", "reversal", "lightgbm"}
    assert trained["baselines"]["lightgbm"]["accuracy"] > 0.6
    assert [path.name for path in workplace.models.iterdir() if path.is_dir()] == [trained["version"]]


def test_shuffling_the_column_that_tells_costs_a_version_most(workplace_here: Workplace, trained: Any) -> None:
    found = command("models", "importance", trained["version"], workplace_here.later)
    assert (found["version"], found["symbol"], found["forecasts"]) == (trained["version"], "BTCUSDT", 199)
    lost = found["brier_lost_when_shuffled"]
    # The market turns by the direction of the last candle, which nothing else in its columns tells.
    assert max(lost, key=lost.__getitem__) in {"price_return_1", "oc_spread", "price_position"}
    assert max(lost.values()) > 0.01
    assert lost["hour_cos"] < 0.002
    ended = workplace_here.run("models", "importance", trained["version"], workplace_here.btc)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "was trained on candles up to" in ended.stderr


def test_training_on_noise_is_registered_and_not_promoted(workplace_here: Workplace) -> None:
    ended = CliRunner().invoke(cli, ["train", str(workplace_here.eth), "--type", "xgboost"])
    assert (ended.exit_code, ended.stderr) == (0, "")
    shown = [line.rstrip() for line in ended.stdout.splitlines()]
    version = shown[0].split()[-1]
    assert (workplace_here.models / version / "model.onnx").is_file()
    assert shown[1:3] == ["verdict        not promoted: nothing serves", "in production  nothing"]
    learners = {"xgboost", "logistic", "lightgbm"}
    figures = {line.split()[0]: line.split()[1] for line in shown if line[1:].split(" ")[0] in learners}
    assert set(figures) == learners
    assert shown[-1].startswith("- Nothing serves: the candidate is not better than the prior")


def test_several_files_train_one_model_of_all_markets(workplace_here: Workplace, trained: Any) -> None:
    btc, eth = workplace_here.btc, workplace_here.eth
    pooled = command("train", btc, eth, "--symbol", "*", "--type", "logistic", "--force", "to see")
    assert (pooled["symbol"], pooled["data"]["candles"]) == ("*", 2 * KNOWN)
    assert pooled["production"] == pooled["version"]
    for_eth = command("predict", eth)
    assert (for_eth["symbol"], for_eth["model_version"]) == ("ETHUSDT", pooled["version"])
    # A market's own model goes before the one of all.
    assert command("predict", btc)["model_version"] == trained["version"]


def test_a_network_trains_in_silence_for_the_epochs_asked_for(workplace_here: Workplace) -> None:
    asked = ("train", workplace_here.few, "--type", "lstm", "--epochs", 1, "--seed", 7)
    answer = workplace_here.json(*asked, MODELS__EVALUATION__FOLDS="1")
    stored = command("models", "show", answer["version"])
    assert stored["settings"]["models"]["recurrent"]["learning"]["epochs"] == 1
    assert (stored["seed"], stored["parameters"]) == (7, answer["parameters"])
    assert set(stored["files"]) == {"model.keras", "model.onnx", "predictions.npz", "reference.npz", "scaler.json"}


def test_evaluation_is_on_unseen_candles_alone(workplace_here: Workplace, trained: Any) -> None:
    before = command("evaluate", workplace_here.btc)
    assert before["version"] == trained["version"]
    assert before["metrics"] == trained["metrics"]
    after = workplace_here.json("evaluate", trained["version"], workplace_here.later)
    assert after["metrics"]["count"] > before["metrics"]["count"] + 150
    assert after["metrics"]["accuracy"] > 0.6
    assert set(after["baselines"]) == {"prior", "majority", "reversal"}
    assert [part["part"] for part in before["parts"]] == ["walk_forward"]
    assert [(part["part"], part["evidence"]) for part in after["parts"]] == [("newer", True), ("walk_forward", False)]
    assert after["parts"][1]["metrics"] == before["metrics"]
    assert sum(row["count"] for row in after["reliability"]) == after["metrics"]["count"]
    assert after["performance"]["costs"] == {"fee_bps": 5.0, "slippage_bps": 1.0}


def test_evaluation_draws_pictures(workplace: Workplace, trained: Any) -> None:
    folder = workplace.folder / "pictures"
    arguments = ("evaluate", workplace.later, "--symbol", "BTCUSDT", "--timeframe", "1h", "--plot", folder)
    ended = workplace.run(*arguments, "--fee-bps", 0, "--slippage-bps", 1)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "0 bps fee and 1 bps slippage" in ended.stdout
    for name in ("reliability.png", "equity.png"):
        content = (folder / name).read_bytes()
        assert content.startswith(b"\x89PNG\r\n\x1a\n")
        assert struct.unpack(">II", content[16:24]) == (1080, 900)
        assert len(content) > 20_000


def test_a_study_goes_on_where_it_was_interrupted(workplace_here: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    saved, table = workplace_here.folder / "study", workplace_here.folder / "study.md"
    arguments = ("evaluate", workplace_here.btc, "--types", "xgboost,random_forest", "--save", saved)
    found = workplace_here.json(*arguments, "--markdown", table)
    names = [row["name"] for row in found["rows"]]
    learners = ["xgboost", "random_forest", "logistic", "lightgbm"]
    assert names == ["prior", "majority", "reversal", *learners, "mean of 2", "ensemble of 2"]
    rows = dict(zip(names, found["rows"], strict=True))
    assert len({row["metrics"]["count"] for row in found["rows"]}) == 1
    assert rows["logistic"]["against_logistic"] is None
    difference = rows["xgboost"]["metrics"]["brier"] - rows["logistic"]["metrics"]["brier"]
    assert rows["xgboost"]["against_logistic"]["difference"] == pytest.approx(difference)
    assert len([line for line in table.read_text().splitlines() if line.startswith("|")]) == 2 + len(names)
    # As if it had been interrupted before the forest: the others are not trained again.
    (forest,) = saved.glob("random_forest-20251-*.npz")
    forest.unlink()
    again = {row["name"]: row for row in command(*arguments)["rows"]}
    assert {name: row["metrics"] for name, row in again.items()} == {n: row["metrics"] for n, row in rows.items()}
    same = {name for name, row in again.items() if row["cpu_seconds"] == rows[name]["cpu_seconds"] is not None}
    assert same == {"xgboost", "logistic", "lightgbm"}
    command(*arguments, "--seed", 5)  # has files of its own
    # Another setting of one learner refuses its predictions alone.
    with monkeypatch.context() as changes:
        changes.setenv("MODELS__XGBOOST__MAX_DEPTH", "5")
        changed = command(*arguments)
    assert changed["note"].startswith("Trained anew: xgboost, whose stored predictions are of other candles")
    kept = {row["name"]: row["made_at"] for row in again.values()}
    assert {row["name"] for row in changed["rows"] if row["made_at"] != kept[row["name"]]} == {"xgboost"}
    # The first ones are still there.
    assert command(*arguments)["rows"] == list(again.values())


def test_predict_tells_the_newest_closed_candle(workplace_here: Workplace, trained: Any) -> None:
    later = workplace_here.later
    forecast = workplace_here.json("predict", later, "--symbol", "BTCUSDT", "--version", trained["version"])
    assert forecast["candle_ms"] == workplace_here.market.last_open_ms
    assert (forecast["symbol"], forecast["timeframe"]) == ("BTCUSDT", "1h")
    assert forecast["individual_predictions"] == {"logistic": forecast["probability_up"]}
    assert forecast["confidence"] == pytest.approx(abs(2 * forecast["probability_up"] - 1))
    shown = CliRunner().invoke(cli, ["predict", str(later), "--symbol", "BTCUSDT"]).stdout
    assert f"{forecast['probability_up']:.4f}, 1 candle ahead" in shown
