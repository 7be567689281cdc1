"""`cli.py optimise` on files: what it finds, what it records, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backtesting.trials.run_card import digest_of
from domain.market import CandleSeries
from tests.fixtures.candle_files import write_candles
from tests.fixtures.commands import exit_status
from tests.fixtures.histories import flat_series, simulated
from tests.fixtures.searched_market import wicked_market

Command = Callable[..., int]
TRIALS = 8
FEW = ("--folds", 2, "--trials", TRIALS, "--timeframes", "1h", "--seed", 1)
LATER = 1600


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Return a function that runs the command line in a folder of its own and gives its exit status."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BACKTESTS__RANDOM_RUNS", "9")
    return exit_status


def written(folder: Path, series: CandleSeries) -> Path:
    return write_candles(folder / "BTCUSDT-1h.csv", series)


def result_of(capsys: pytest.CaptureFixture[str], command: Command, *arguments: object) -> dict[str, Any]:
    """Return the document that a run which succeeds prints."""
    capsys.readouterr()
    assert command("optimise", *arguments, "--json") == 0
    return dict(json.loads(capsys.readouterr().out))


def refused(capsys: pytest.CaptureFixture[str], command: Command, *arguments: object) -> str:
    capsys.readouterr()
    assert command("optimise", *arguments) == 2
    return capsys.readouterr().err


def recorded() -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path("data/trials.jsonl").read_text().splitlines()]


def test_a_wide_stop_is_found_where_only_it_pays(
    capsys: pytest.CaptureFixture[str], command: Command, tmp_path: Path
) -> None:
    file = written(tmp_path, wicked_market(2600))
    told = result_of(capsys, command, file, "--folds", 2, "--trials", 20, "--timeframes", "1h", "--seed", 1)
    assert told["verdict"]["use"] is True
    assert told["verdict"]["words"].startswith("use the found settings: out of sample")
    assert told["gain"]["p_value"] <= told["verdict"]["max_chance"]
    assert told["overfitting"]["probability"] < told["verdict"]["max_overfitting"]
    assert told["out_of_sample"]["sharpe_ratio"] > told["present"]["sharpe_ratio"]
    assert told["out_of_sample"]["expectancy"] > 0 > told["present"]["expectancy"]
    stop = next(one for one in told["settings"] if one["name"] == "stop_atr")
    assert (stop["present"], stop["setting"]) == (3.0, "STOP_ATR in rules/plans.py")
    # A wick is 6.5 average true ranges long.
    assert stop["found"] >= 4.5
    assert all(fold["settings"]["stop_atr"] >= 4.5 for fold in told["folds"])


def test_in_a_random_walk_the_present_settings_are_kept_and_every_trial_is_recorded(
    capsys: pytest.CaptureFixture[str], command: Command, tmp_path: Path
) -> None:
    file = written(tmp_path, simulated(1, count=LATER))
    told = result_of(capsys, command, file, *FEW)
    assert told["verdict"]["use"] is False
    assert told["verdict"]["words"].startswith("keep the present settings: out of sample")
    assert 0 <= told["overfitting"]["probability"] <= 1
    assert told["overfitting"]["settings"] == len({
        json.dumps(one["settings"]) for one in told["tried"] if one["counts"]
    })  # fmt: skip
    assert [one["chosen"] for one in told["tried"]].count(True) == 1
    # Before two folds and over all the time; and what the folds came to together.
    lines = recorded()
    assert len(lines) == 3 * TRIALS + 1
    assert told["trials"] == len({(line["settings"], line["data"]) for line in lines}) == told["run"]["trial"]
    assert len({line["data"] for line in lines}) == 4
    assert told["run"]["data_hash"] == digest_of(told["run"]["data"])
    assert told["run"]["settings_hash"] == digest_of(told["run"]["settings"])
    # The same search again tries nothing new.
    again = result_of(capsys, command, file, *FEW)
    assert again["trials"] == told["trials"]
    assert {**again, "run": None} == {**told, "run": None}
    Path("result.json").write_text(json.dumps(told))
    assert command("verify", "result.json") == 0
    told["verdict"]["use"] = True
    Path("result.json").write_text(json.dumps(told))
    assert command("verify", "result.json") == 1


def test_a_market_without_a_signal_keeps_the_present_settings(
    capsys: pytest.CaptureFixture[str], command: Command, tmp_path: Path
) -> None:
    file = written(tmp_path, flat_series(count=1520))
    told = result_of(capsys, command, file, "--folds", 2, "--trials", 3, "--timeframes", "1h", "--plot", "out")
    assert told["verdict"]["use"] is False
    assert told["verdict"]["words"].endswith("since fewer than two settings had enough trades")
    assert (told["overfitting"], told["out_of_sample"]["trades"], told["in_sample"]["sharpe_ratio"]) == (None, 0, None)
    assert all(one["found"] == one["present"] for one in told["settings"])
    assert (Path("out") / "search.png").exists()


def test_tables_and_pictures_show_the_verdict_and_the_folds(
    capsys: pytest.CaptureFixture[str], command: Command, tmp_path: Path
) -> None:
    file = written(tmp_path, simulated(2, count=LATER))
    assert command("optimise", file, *FEW, "--plot", "out", "--lane", "strategy:RSI Strategy") == 0
    printed = capsys.readouterr().out
    for words in ("keep the present settings", "probability of overfitting", "strategy_bar", "deflated Sharpe"):
        assert words in printed
    assert "signal_bar" not in printed
    for name in ("search.png", "equity.png"):
        assert (Path("out") / name).read_bytes().startswith(b"\x89PNG")


def test_without_guards_the_present_settings_are_traded_as_by_a_backtest(
    capsys: pytest.CaptureFixture[str], command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GUARDS__HYSTERESIS", "GUARDS__COOLDOWN_CANDLES", "SIGNALS__MIN_CONFIDENCE"):
        monkeypatch.setenv(name, "0")
    file = written(tmp_path, simulated(4, drift=0.05, count=LATER))
    told = result_of(capsys, command, file, "--folds", 2, "--trials", 2, "--timeframes", "1h", "--fee-bps", 7)
    since = told["folds"][0]["start"].removesuffix("+00:00").split(".")[0]
    assert command("backtest", file, "--timeframes", "1h", "--fee-bps", 7, "--since", since, "--json") == 0
    tested = json.loads(capsys.readouterr().out)
    assert tested["trades"] > 5
    for key, value in told["present"].items():
        if key in tested:
            assert value == tested[key]
    assert told["out_of_sample"]["buy_and_hold"] == tested["buy_and_hold"]


def test_candles_after_until_change_nothing(
    capsys: pytest.CaptureFixture[str], command: Command, tmp_path: Path
) -> None:
    series = simulated(3, count=LATER)
    short = series.part(0, 1540)
    until = f"{short.closes_ms[-1:].astype('datetime64[ms]')[0]}".split(".")[0]
    part = result_of(capsys, command, written(tmp_path, short), *FEW)
    whole = result_of(capsys, command, written(tmp_path, series), *FEW, "--until", until)
    for key in ("settings", "folds", "present", "gain", "overfitting", "tried"):
        assert whole[key] == part[key]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["--lane", "model:x"],
            "--lane: settings are searched for the lanes rules and strategy:NAME, received 'model:x'",
        ),
        (["--lane", "oracle"], "--lane: a lane is rules, model:VERSION"),
        (["--trials", 1], "--trials: needs at least 2, received 1"),
        (["--trials", 501], "--trials: needs at most 500, received 501"),
        (["--folds", 1], "--folds: needs at least 2, received 1"),
        (["--seed", -1], "--seed: needs at least 0, received -1"),
        (["--sizing", "half"], "--sizing: a sizing is fixed:SHARE"),
        (["--since", "2024-01-01", "--until", "2023-01-01"], "--since has to be before --until"),
        (["--folds", 2], "a search in 2 folds needs 480 candles before the first of them"),
        (
            ["--since", "2026-01-01"],
            "BTCUSDT 1h has no closed candle since 2026-01-01 00:00 UTC: its candles reach",
        ),
    ],
)
def test_what_cannot_be_searched_is_refused_in_a_line(
    capsys: pytest.CaptureFixture[str], command: Command, tmp_path: Path, arguments: list[object], words: str
) -> None:
    file = written(tmp_path, simulated(1, count=400))
    assert words in " ".join(refused(capsys, command, file, *arguments).split())
    assert not Path("data/trials.jsonl").exists()
