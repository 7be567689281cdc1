"""`cli.py bias` on files: tables, documents and exit statuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from backtesting.bias.checks import BiasCheck
from backtesting.bias.indicators import rule_indicator_check
from models.registry.registry import Registry
from services.bias import reports
from tests.fixtures.bias import CULPRITS, INNOCENT, columns, forming_candle_rule
from tests.fixtures.candle_files import write_candles
from tests.fixtures.commands import exit_status
from tests.fixtures.histories import INDICATORS, simulated
from tests.fixtures.models import add_model

pytestmark = pytest.mark.slow
COUNT = 320
# In which every culprit is caught.
MOMENTS = 8
Command = Callable[..., int]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    """Return a function that runs the command line and gives its exit status."""
    monkeypatch.setenv("MODEL_SAVE_PATH", str(tmp_path / "models"))
    return partial(exit_status, "bias")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_candles(tmp_path / "BTCUSDT-1h.csv", simulated(4, count=COUNT))


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put culprits beside the indicators of the rules, in the place of all other checks."""

    def checks(*_: object) -> list[BiasCheck]:
        return [columns(INNOCENT, CULPRITS), forming_candle_rule(), rule_indicator_check(INDICATORS)]

    monkeypatch.setattr(reports, "_checks", checks)


def test_nothing_looks_ahead_nor_does_a_named_version_and_the_status_is_0(
    command: Command, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = add_model(Registry(tmp_path / "models"))
    assert command("lookahead", file, "--model", model.version, "--moments", 4) == 0
    printed = capsys.readouterr()
    assert "Nothing looks ahead." in printed.out
    assert "BTCUSDT 1h" in printed.out
    assert "60 indicators of the catalogue, 274 features" in printed.out
    assert ", 1 models" in printed.out
    assert printed.err == ""


@pytest.mark.usefixtures("planted")
def test_culprits_are_named_and_the_status_is_1(
    command: Command, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("lookahead", file, "--moments", MOMENTS) == 1
    printed = capsys.readouterr().out
    for name in (*CULPRITS, "reads the forming candle"):
        assert name in printed
    assert f"{len(CULPRITS) + 1} look ahead" in printed
    assert "reads the closed candle" not in printed
    assert "Nothing looks ahead." not in printed


@pytest.mark.usefixtures("planted")
def test_document_has_the_stated_keys(command: Command, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("lookahead", file, "--moments", MOMENTS, "--json") == 1
    document = json.loads(capsys.readouterr().out)
    assert document.keys() == {
        *("symbol", "timeframe", "candles", "first_ms", "last_ms"),
        *("checked", "checked_by_kind", "moments", "culprits"),
    }
    assert (document["symbol"], document["timeframe"], document["candles"]) == ("BTCUSDT", "1h", COUNT)
    assert document["moments"] == MOMENTS + 5
    assert document["checked"] == sum(document["checked_by_kind"].values())
    culprits = {culprit["name"]: culprit for culprit in document["culprits"]}
    assert culprits.keys() == {*CULPRITS, "reads the forming candle"}
    for culprit in culprits.values():
        assert culprit.keys() == {"kind", "name", "opened_ms", "with_future", "without_future"}
        assert culprit["with_future"] != culprit["without_future"]
        assert document["first_ms"] <= culprit["opened_ms"] < document["last_ms"]
    rule = culprits["reads the forming candle"]
    assert (rule["kind"], {rule["with_future"], rule["without_future"]}) == ("rule", {"Long", "Short"})


@pytest.mark.usefixtures("planted")
def test_history_of_each_value_as_a_table(command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def shown(count: int) -> dict[str, str]:
        assert command("recursive", write_candles(tmp_path / "BTCUSDT-1h.csv", simulated(4, count=count))) == 0
        lines = [line.replace("> ", ">").split() for line in capsys.readouterr().out.splitlines()]
        return {line[0]: line[1] for line in lines if len(line) > 1}

    needs = shown(700)
    assert needs["on_balance_volume"] == "never"
    assert 150 < int(needs["adx"]) < 300
    assert "sma_20" not in needs  # no more than the shortest history
    # What has not settled by the end of a short file is told from what never does.
    needs = shown(300)
    assert (needs["on_balance_volume"], needs["adx"]) == ("never", ">200")


def test_history_of_each_value_and_of_a_named_version_as_a_document(
    command: Command, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = add_model(Registry(tmp_path / "models" / "horizons" / "4"), horizon_candles=4)
    assert command("recursive", file, "--model", model.version, "--horizon", 4, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document.keys() == {"symbol", "timeframe", "candles", "first_ms", "last_ms", "history"}
    history = {(need["kind"], need["name"]): need for need in document["history"]}
    assert {kind for kind, _ in history} == {"indicator", "feature", "rule_indicator", "rule", "model"}
    for need in history.values():
        assert need.keys() == {"kind", "name", "needed_candles", "unit", "errors"}
        assert list(need["errors"]) == ["60", "100", "200"]
    assert history["rule_indicator", "sma_50"]["needed_candles"] == 50
    assert history["rule_indicator", "on_balance_volume"]["needed_candles"] is None
    assert history["model", model.version]["needed_candles"] > 60


@pytest.mark.usefixtures("planted")
def test_market_that_neither_file_nor_name_tells_is_no_reason_to_refuse(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_candles(tmp_path / "(1)-1h.csv", simulated(4, count=COUNT))
    assert command("recursive", file, "--json") == 0
    assert json.loads(capsys.readouterr().out)["symbol"] is None


@pytest.mark.parametrize("tool", ["lookahead", "recursive"])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"\x00\x01\x02nonsense", ""),
        (b"a,b,c\n1,2,3\n", ""),
    ],
)
def test_unreadable_file_is_one_line(
    command: Command, tmp_path: Path, tool: str, content: bytes, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "BTCUSDT-1h.csv"
    file.write_bytes(content)
    assert command(tool, file) == 2
    printed = capsys.readouterr()
    (line,) = printed.err.splitlines()
    assert line.startswith("error: ")
    assert "BTCUSDT-1h.csv" in line
    assert message in line
    assert printed.out == ""


@pytest.mark.parametrize(("tool", "needed"), [("lookahead", 200), ("recursive", 300)])
def test_file_that_is_too_short_is_one_line_with_the_numbers(
    command: Command, tmp_path: Path, tool: str, needed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_candles(tmp_path / "BTCUSDT-1h.csv", simulated(4, count=needed - 1))
    assert command(tool, file) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{needed} closed candles" in line
    assert f"{needed - 1}" in line


def test_missing_file_is_one_line(command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("lookahead", tmp_path / "gone.csv") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "gone.csv" in line
