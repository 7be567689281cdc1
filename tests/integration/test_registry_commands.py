"""`cli.py models` on a registry of small versions, import of Keras files, and errors of all commands."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from config.model_settings import TrainingSettings
from domain.forecasting import ModelType
from features.columns.feature_sets import STANDARD
from models.recalibration.recalibration_file import add_recalibration
from models.registry.registry import Registry
from models.training.backend import use_backend
from tests.fixtures.candle_files import write_candles
from tests.fixtures.commands import exit_status
from tests.fixtures.models import NOON, add_model, make_scaler
from tests.fixtures.plan_models import serve_plan_model
from tests.fixtures.plan_records import make_record
from tests.fixtures.planted_market import reversal_market, unmoved_market
from tests.fixtures.recalibrated import recalibration
from tests.fixtures.settings import configured

Command = Callable[..., int]
CommandJson = Callable[..., Any]


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    monkeypatch.setenv("MODEL_SAVE_PATH", str(tmp_path / "models"))
    return Registry(tmp_path / "models")


@pytest.fixture
def command(registry: Registry) -> Command:
    """Return a function that runs the command line and gives its exit status."""
    return exit_status


@pytest.fixture
def document(command: Command, capsys: pytest.CaptureFixture[str]) -> CommandJson:
    """Return a function that runs a command of `models` and gives the JSON that it printed."""

    def run(*arguments: object) -> Any:
        capsys.readouterr()
        assert command("models", *arguments, "--json") == 0
        shown = capsys.readouterr()
        assert shown.err == ""
        return json.loads(shown.out)

    return run


def versions(registry: Registry, count: int) -> list[str]:
    """Register versions, oldest first."""
    made = (add_model(registry, created_at=NOON + timedelta(hours=hour), seed=hour) for hour in range(count))
    return [model.version for model in made]


def test_promotes_lists_and_rolls_back(registry: Registry, document: CommandJson) -> None:
    first, second = versions(registry, 2)
    scope = ("--symbol", "BTCUSDT", "--timeframe", "1h")
    for version in (first, second):
        answer = document("promote", version, "--force", "a person looked at it")
        assert answer == {"symbol": "BTCUSDT", "timeframe": "1h", "production": version}
    listed = document("list")["models"]
    assert [(model["version"], model["aliases"]) for model in listed] == [(second, ["production"]), (first, [])]
    assert document("rollback", *scope, "--reason", "it was worse")["production"] == first
    assert document("show", first)["aliases"] == ["production"]
    assert [promotion.by for promotion in registry.aliases().scopes[0].history] == ["forced", "forced", "rollback"]


def test_prunes_all_but_the_newest_and_what_serves(registry: Registry, document: CommandJson) -> None:
    oldest, second, third, newest = versions(registry, 4)
    document("promote", oldest, "--force", "it serves")
    assert document("prune", "--keep", 1) == {"deleted": [third, second], "kept": [newest, oldest]}


def test_compares_figure_by_figure(registry: Registry, document: CommandJson) -> None:
    first, second = versions(registry, 2)
    found = document("compare", first, second)
    figures = {figure["name"]: figure for figure in found["figures"]}
    assert found["same_data"] is True
    assert figures["brier"] == {"name": "brier", "first": 0.248, "second": 0.248, "difference": 0.0}


def test_tables_name_versions_and_reasons(
    registry: Registry, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = versions(registry, 2)
    (registry.root / second / "metadata.json").write_text("{}")
    assert command("models", "list") == 0
    shown = capsys.readouterr().out
    assert f" {first} " in shown
    assert f"- {second}: {second}: metadata.json is not the file that was written" in shown
    assert command("models", "show", first) == 0
    assert "- better than the prior" in capsys.readouterr().out
    assert command("models", "compare", first, first) == 0
    assert "on the same candles" in capsys.readouterr().out


def test_commands_tell_what_the_plans_of_a_version_came_to(
    registry: Registry, command: Command, document: CommandJson, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    record = make_record()
    version = add_model(registry, plans=record).version
    older = add_model(registry, created_at=NOON + timedelta(hours=1)).version
    assert document("show", version)["plans"] == record.model_dump(mode="json")
    figures = {figure["name"]: figure for figure in document("compare", older, version)["figures"]}
    assert (figures["plans_above_random_r"]["first"], figures["plans_above_random_r"]["second"]) == (None, 0.4)
    assert command("models", "show", version) == 0
    shown = capsys.readouterr().out
    assert "4,000 plans of both sides, 900 independent ones behind the weight" in shown
    assert "0.400 [0.350, 0.450], entries at random 0.330" in shown
    assert command("models", "show", older) == 0
    assert "Plans of its side" not in capsys.readouterr().out

    file = write_candles(tmp_path / "BTCUSDT-1h.csv", reversal_market(600, 0.5, 1))
    assert command("predict", file, "--version", version) == 0
    assert "R after costs" in capsys.readouterr().out
    for name, plan in ((version, True), (older, False)):
        assert command("predict", file, "--version", name, "--json") == 0
        assert (json.loads(capsys.readouterr().out)["plan"] is not None) is plan
    assert command("evaluate", version, file) == 0
    shown = capsys.readouterr().out
    assert "Plans of its side, before costs" in shown
    assert "entries at random" in shown
    assert command("evaluate", version, file, "--json") == 0
    measured = json.loads(capsys.readouterr().out)["plans"]
    assert measured["samples"] == 2 * measured["target_first"]["cases"] > 100
    # Of a few weeks: no more than the means is told.
    assert (measured["weight"], measured["plans"], measured["expected_r"]["low"]) == (0.0, 0, None)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train", "{folder}/missing.csv"], "missing.csv: cannot be read: No such file"),
        (["train", "{short}"], "training needs 160 closed candles at least, received 100"),
        (["train", "{still}"], "the price of USDCUSDT never changes: there is neither a rise nor a fall to learn"),
        (["train", "{file}", "--symbol", "../btc"], "--symbol: a symbol has at most 20 capital letters"),
        (["train", "{file}", "{short}", "--symbol", "BTCUSDT"], "2 files make a model of all their markets"),
        (["train", "{file}", "{file}"], "there is a file of BTCUSDT already"),
        (["train", "{file}", "--timeframe", "5m"], "5m candles cannot be made"),
        (["train", "{file}", "--force", " "], "--force needs a reason"),
        (["evaluate", "{file}"], "no model is in production for BTCUSDT 1h"),
        (["evaluate", "{version}", "{file}", "{file}", "--plot", "x"], "2 files are scored one by one"),
        (["evaluate", "../x", "{file}"], "is not the name of a version"),
        (["evaluate", "lstm_model_20300101_000000", "{file}"], "there is no version"),
        (["evaluate", "{version}", "{file}", "--symbol", "ETHUSDT"], "forecasts BTCUSDT, not ETHUSDT"),
        (["evaluate", "{version}", "{file}", "--timeframe", "4h"], "forecasts 1h candles, not 4h"),
        (["evaluate", "{file}", "--types", "lstm,magic"], "'magic' is no type of model"),
        (["evaluate", "{file}", "--types", "lstm,ensemble"], "adds their mean and ensemble by itself"),
        (["evaluate", "{file}", "--types", "logistic", "--plot", "x"], "--plot: of one version; leave --types out"),
        (["evaluate", "{file}", "--types", "logistic", "--horizon", "4", "--fee-bps", "3"], "--horizon, --fee-bps: of"),
        (["evaluate", "{file}", "--save", "{folder}", "--seeds", "3"], "--seeds, --save: of learners that are trained"),
        (["evaluate", "{file}", "--types", "logistic", "--markdown", "{folder}/no/x.md"], "there is no folder"),
        (["evaluate", "{file}", "--types", "logistic", "--save", "/proc/none"], ".npz cannot be written: [Errno 2]"),
        (["predict", "{file}"], "no model is in production for BTCUSDT 1h"),
        (["predict", "{short}", "--version", "{version}", "--symbol", "ETHUSDT"], "forecasts BTCUSDT, not ETHUSDT"),
        (["predict", "{few}", "--version", "{version}"], "closed 1h candles, received 20"),
        (["models", "show", "lstm_model_20300101_000000"], "there is no version"),
        (["models", "show", "{version}", "--horizon", "5"], "no models of 5 candles ahead are asked"),
        (["models", "list", "--target", "plan", "--horizon", "4"], "plans have their own time limit"),
        (["models", "promote", "{version}"], "say why: --force REASON"),
        (["models", "rollback", "--symbol", "*", "--timeframe", "1h", "--reason", "x"], "nothing is in production"),
    ],
)
def test_errors_are_one_line(
    tmp_path: Path,
    registry: Registry,
    command: Command,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    words: str,
) -> None:
    places = {
        "folder": tmp_path,
        "file": write_candles(tmp_path / "BTCUSDT-1h.csv", reversal_market(300, 0.7, 1)),
        "few": write_candles(tmp_path / "few_candles.csv", reversal_market(20, 0.7, 1)),
        "short": write_candles(tmp_path / "ETHUSDT-1h.csv", reversal_market(100, 0.7, 1)),
        "still": write_candles(tmp_path / "USDCUSDT-1h.csv", unmoved_market(200)),
        "version": add_model(registry).version,
    }
    given = [argument.format(**places) for argument in arguments]
    assert command(*given) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("error: ")
    assert words in shown.err
    assert shown.err.count("\n") == 1


def test_a_version_shows_its_recalibrations(
    registry: Registry, document: CommandJson, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    version = add_model(registry).version
    assert document("show", version)["recalibrations"] == []
    first, second = recalibration(NOON), recalibration(NOON + timedelta(days=30), taken=False)
    assert add_recalibration(registry, version, first, None)
    assert add_recalibration(registry, version, second, first)
    assert [one["taken"] for one in document("show", version)["recalibrations"]] == [True, False]
    assert command("models", "show", version) == 0
    shown = capsys.readouterr().out
    assert "since 2026-01-31 12:00:00 UTC" in shown
    assert "0.600 of all, ETHUSDT 0.300" in shown


class TestImport:
    """A network that was trained elsewhere."""

    @pytest.fixture
    def importing(self, tmp_path: Path) -> Callable[..., list[object]]:
        """Return a function that writes a network with the layers given, and gives the command that imports it."""
        use_backend(configured(TrainingSettings))
        import keras

        def write(
            layers: Callable[[Any], list[Any]], shape: tuple[int, ...] = (60, len(STANDARD.columns)), ending: str = "h5"
        ) -> list[object]:
            keras.utils.set_random_seed(1)
            file, scaler = tmp_path / f"network.{ending}", tmp_path / "scaler.json"
            keras.Sequential([keras.Input(shape), *layers(keras.layers)]).save(file)
            scaler.write_text(make_scaler(STANDARD).to_json())
            market = ["--symbol", "BTCUSDT", "--timeframe", "1h"]
            return ["models", "import", file, "--type", "lstm", *market, "--scaler", scaler]

        return write

    @pytest.mark.parametrize("ending", ["h5", "keras"])
    def test_serves_by_force_alone(
        self,
        tmp_path: Path,
        importing: Callable[..., list[object]],
        registry: Registry,
        command: Command,
        document: CommandJson,
        capsys: pytest.CaptureFixture[str],
        ending: str,
    ) -> None:
        arguments = importing(lambda make: [make.LSTM(8), make.Dense(1, "sigmoid")], ending=ending)
        imported = document(*arguments[1:])
        assert (imported["type"], imported["metrics"], imported["data"]) == ("lstm", None, None)
        assert imported["settings"]["imported"]["file"] == f"network.{ending}"
        (listed,) = registry.versions().models
        assert listed.type is ModelType.LSTM
        assert registry.aliases().scopes == ()
        file = write_candles(tmp_path / "BTCUSDT-1h.csv", reversal_market(300, 0.7, 1))
        assert command("evaluate", listed.version, file) == 2
        assert "was imported: the candles that it was trained on are not known" in capsys.readouterr().err
        document("promote", listed.version, "--force", "known from elsewhere")
        assert command("predict", file, "--json") == 0
        forecast = json.loads(capsys.readouterr().out)
        assert forecast["model_version"] == listed.version
        assert 0.0 < forecast["probability_up"] < 1.0

    @pytest.mark.parametrize(
        ("layers", "shape", "words"),
        [
            (lambda make: [make.LSTM(8), make.Dense(1, "sigmoid")], (60, 5), "takes (None, 60, 5)"),
            (lambda make: [make.LSTM(8), make.Dense(1, "sigmoid")], (30, 75), "60 rows of the 75 columns"),
            (lambda make: [make.LSTM(8), make.Dense(3, "softmax")], (60, 75), "and gives (None, 3)"),
            (lambda make: [make.LSTM(8), make.Dense(1)], (60, 75), "probabilities of a rise, 0 to 1"),
            (lambda make: [make.Lambda(lambda x: x[:, 0, :1])], (60, 75), "a `Lambda` layer"),
        ],
    )
    def test_other_networks_are_refused(
        self,
        importing: Callable[..., list[object]],
        registry: Registry,
        command: Command,
        capsys: pytest.CaptureFixture[str],
        layers: Callable[[Any], list[Any]],
        shape: tuple[int, ...],
        words: str,
    ) -> None:
        assert command(*importing(layers, shape)) == 2
        assert words in capsys.readouterr().err
        assert registry.versions().models == ()

    def test_no_network_is_refused(self, tmp_path: Path, command: Command, capsys: pytest.CaptureFixture[str]) -> None:
        file, scaler = tmp_path / "network.h5", tmp_path / "scaler.json"
        file.write_bytes(b"nothing")
        scaler.write_text(make_scaler(STANDARD).to_json())
        market = ("--symbol", "BTCUSDT", "--timeframe", "1h", "--scaler", scaler)
        assert command("models", "import", file, "--type", "lstm", *market) == 2
        assert "is not a Keras model that can be loaded" in capsys.readouterr().err
        nested = tmp_path / "network.keras"
        with ZipFile(nested, "w") as archive:
            for name in ("metadata.json", "config.json", "model.weights.h5"):
                archive.writestr(name, "[" * 100_000)
        assert command("models", "import", nested, "--type", "lstm", *market) == 2
        assert "is not a Keras model that can be loaded" in capsys.readouterr().err
        assert command("models", "import", file, "--type", "xgboost", *market) == 2
        assert "a Keras file holds one of lstm, gru" in capsys.readouterr().err
        assert command("models", "import", tmp_path / "x.pkl", "--type", "lstm", *market) == 2
        assert "from .h5 or .keras files" in capsys.readouterr().err
        assert command("models", "import", file, "--type", "lstm", *market[:-1], "/dev/zero") == 2
        assert "/dev/zero cannot be read: it has more than" in capsys.readouterr().err


def test_plan_models_are_listed_shown_and_taken_out_by_themselves(
    registry: Registry, command: Command, document: CommandJson
) -> None:
    add_model(registry, ModelType.LSTM)
    version = serve_plan_model(registry, 0.4)
    assert [model["type"] for model in document("list")["models"]] == ["lstm"]
    (listed,) = document("list", "--target", "plan")["models"]
    assert (listed["version"], listed["aliases"]) == (version, ["production"])
    assert document("show", version)["judged_plans"]["plans"] == 900
    taken = document("rollback", "--symbol", "*", "--timeframe", "1h", "--reason", "to compare", "--target", "plan")
    assert taken["production"] is None
    assert document("promote", version, "--force", "it was better")["production"] == version


def test_versions_of_every_horizon_are_listed_and_steered(
    registry: Registry, document: CommandJson, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    (usual,), four = versions(registry, 1), Registry(registry.root / "horizons" / "4")
    first, second = (
        add_model(four, kind, created_at=NOON + timedelta(hours=hour), symbol="*", horizon_candles=4).version
        for hour, kind in ((1, ModelType.GRU), (2, ModelType.LSTM))
    )
    plan = serve_plan_model(registry, 0.4)
    listed = document("list")
    assert [model["version"] for model in listed["models"]] == [usual]
    ahead, plans = listed["further"]
    assert (ahead["target"], ahead["horizon_candles"]) == ("close", 4)
    assert [(model["version"], model["horizon_candles"]) for model in ahead["models"]] == [(second, 4), (first, 4)]
    assert [(model["version"], model["target"]) for model in plans["models"]] == [(plan, "plan")]
    assert [model["version"] for model in document("list", "--horizon", 4)["models"]] == [second, first]
    assert command("models", "list") == 0
    shown = capsys.readouterr().out
    assert all(words in shown for words in (usual, second, plan, "Models, 4 candles ahead", "Plan models"))

    for version in (first, second):
        assert document("promote", version, "--force", "to see")["production"] == version
    scope = ("--symbol", "*", "--timeframe", "1h", "--reason", "worse")
    assert document("rollback", *scope, "--horizon", 4)["production"] == first
    assert document("show", first)["aliases"] == ["production"]
    assert set(document("verify", plan)["files"]) == {"model.onnx", "scaler.json"}
    assert "--horizon 4" in document("card", second)["card"]
    assert document("prune", "--keep", 1, "--horizon", 4) == {"deleted": [], "kept": [second, first]}
    assert registry.aliases().scopes == ()
    (four.root / first / "model.onnx").write_bytes(b"damaged")
    assert command("models", "verify", first) == 2
    assert "its SHA-256 differs" in capsys.readouterr().err


def test_a_plan_model_of_few_candles_says_how_many_plans_there_are(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_candles(tmp_path / "BTCUSDT-1h.csv", reversal_market(700, 0.5, 1))
    assert command("train", file, "--target", "plan") == 2
    assert "plans in these candles that reached target or stop, 667 are needed" in capsys.readouterr().err
