"""`models figures`: the tables and pictures of the document about models, made anew and resumed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli import cli
from tests.fixtures.candle_files import write_candles
from tests.fixtures.commands import command
from tests.fixtures.planted_market import reversal_market

DOCUMENT = """# Models

Words before.

<!-- begin BTCUSDT-1h -->
old
<!-- end BTCUSDT-1h -->

Words after.
"""
SINCE = "2020-10-10"


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    for name, value in {"MODEL_SAVE_PATH": str(tmp_path / "models"), "MODELS__LIGHTGBM__TREES": "10"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("FEATURES__SEQUENCE_LENGTH", "4")
    # The second market repeats what the first one turns, so that a learner of both knows less than one of each.
    made = {"BTCUSDT": reversal_market(900, 0.75, 1), "ETHUSDT": reversal_market(900, 0.35, 2)}
    return [write_candles(tmp_path / f"{name}-1h.csv", series) for name, series in made.items()]


def run(files: list[Path], tmp_path: Path, *more: object) -> Any:
    save = ("--save", tmp_path / "walks")
    return command("models", "figures", *files, *save, "--since", SINCE, "--until", "2020-12-31", *more)


def test_each_market_has_a_table_and_a_picture_that_are_made_anew(
    files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = tmp_path / "model-evaluation.md"
    document.write_text(DOCUMENT)
    options = ("--types", "logistic", "--markets", "BTCUSDT", "--document", document, "--pictures", tmp_path / "p")
    (table,) = run(files, tmp_path, *options)["tables"]
    rows = {row["name"]: row for row in table["rows"]}
    assert set(rows) >= {"prior", "logistic", "lightgbm", "logistic, 2 markets", "lightgbm, 2 markets"}
    assert len({row["metrics"]["count"] for row in table["rows"]}) == 1
    assert rows["logistic"]["metrics"]["accuracy"] > 0.65
    # Beside the logistic regression of its own market, on the same candles.
    pooled = rows["logistic, 2 markets"]["against_logistic"]
    assert pooled["difference"] > 0
    assert pooled["count"] == rows["logistic"]["metrics"]["count"]
    assert Path(table["picture"]).read_bytes().startswith(b"\x89PNG")
    written = document.read_text()
    assert written.startswith("# Models\n\nWords before.\n\n<!-- begin BTCUSDT-1h -->\nBTCUSDT 1h, 2020-10-10 to ")
    assert written.endswith("<!-- end BTCUSDT-1h -->\n\nWords after.\n")
    assert "| logistic, 2 markets |" in written
    assert "(p/learners-BTCUSDT-1h.png)" in written
    # Learners of both studies of this market, and those of both markets together.
    assert f"Trials: {table['trials']} settings" in written
    assert table["trials"] == 4
    # Nothing that was stored is trained again.
    assert run(files, tmp_path, *options)["tables"] == [table]
    # Settings of one learner change its own row alone.
    monkeypatch.setenv("MODELS__LIGHTGBM__TREES", "12")
    (changed,) = run(files, tmp_path, *options)["tables"]
    assert changed["trials"] == 6
    again = {row["name"]: row for row in changed["rows"]}
    anew = {name for name, row in again.items() if row["made_at"] != rows[name]["made_at"]}
    assert anew == {"lightgbm", "lightgbm, 2 markets"}
    assert again["logistic"] == rows["logistic"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--markets", "SOLUSDT"), "there is no file of SOLUSDT"),
        (("--types", "oracle"), "'oracle' is no type of model; there are lstm"),
        (("--markets", ""), "--markets: name a market"),
        (("--since", "2020-10-10", "--until", "2020-10-01"), "--since may not be after --until"),
        (("--pictures", "{file}/pictures"), "cannot be written: Not a directory"),
        (("--since", "2021-01-01"), "0% of the candles open from 2021-01-01 on"),
        (("--since", "2020-09-15"), "at most half"),
    ],
)
def test_what_cannot_be_judged_is_refused(
    files: list[Path], tmp_path: Path, options: tuple[str, str], words: str
) -> None:
    given = [option.format(file=files[0]) for option in options]
    arguments = ["models", "figures", *map(str, files), "--save", str(tmp_path / "walks"), *given]
    ended = CliRunner().invoke(cli, arguments)
    assert words in str(ended.exception)


def test_a_document_without_the_marks_stays_as_it_is(files: list[Path], tmp_path: Path) -> None:
    document = tmp_path / "model-evaluation.md"
    document.write_text("# Models\n")
    options = ("--document", str(document), "--since", SINCE, "--types", "logistic", "--pooled", "")
    ended = CliRunner().invoke(
        cli, ["models", "figures", str(files[0]), "--markets", "BTCUSDT", "--save", str(tmp_path / "walks"), *options]
    )
    assert "needs the lines <!-- begin BTCUSDT-1h --> and" in str(ended.exception)
    assert document.read_text() == "# Models\n"
