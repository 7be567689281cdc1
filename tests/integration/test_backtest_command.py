"""`cli.py backtest` and `cli.py verify` on files."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from domain.market import CandleSeries, Timeframe
from tests.fixtures.candle_files import write_candles
from tests.fixtures.commands import exit_status
from tests.fixtures.histories import START_MS, simulated

HOUR_MS = 3_600_000
KEYS = [
    *("total_return", "gross_return", "cagr", "sharpe_ratio", "sortino_ratio", "calmar_ratio", "max_drawdown"),
    *("win_rate", "expectancy", "profit_factor", "turnover", "exposure", "trades", "buy_and_hold", "random_entry"),
    *("deflated_sharpe", "trials", "by_side", "by_year", "by_confidence", "run"),
]
Command = Callable[..., int]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Return a function that runs the command line in a folder of its own and gives its exit status."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BACKTESTS__RANDOM_RUNS", "9")
    return exit_status


@pytest.fixture
def btc(tmp_path: Path) -> Path:
    return write_candles(tmp_path / "BTCUSDT-1h.csv", trending(1))


def trending(seed: int, count: int = 300) -> CandleSeries:
    """Return a market with waves, in which the rules find trends on both sides."""
    series = simulated(seed, count=count)
    wave = np.exp(0.25 * np.sin(np.arange(count) / 40))
    values = series.values.copy()
    values[:, :4] *= wave[:, None]
    return CandleSeries.of_arrays(series.timeframe, series.times_ms, values)


def result_of(capsys: pytest.CaptureFixture[str], command: Command, *arguments: object) -> dict[str, Any]:
    """Return the document that a run which succeeds prints."""
    capsys.readouterr()
    assert command("backtest", *arguments, "--json") == 0
    return dict(json.loads(capsys.readouterr().out, parse_constant=pytest.fail))


def refused(capsys: pytest.CaptureFixture[str], command: Command, *arguments: object) -> str:
    """Return the line with which a run is refused."""
    capsys.readouterr()
    assert command(*arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    lines = [line for line in said.err.splitlines() if line.startswith("error:")]
    assert len(lines) == 1
    return lines[0]


def test_the_document_has_every_key_and_figures_that_fit_together(
    capsys: pytest.CaptureFixture[str], command: Command, btc: Path
) -> None:
    told = result_of(capsys, command, btc, "--timeframes", "1h,4h")
    assert [key for key in KEYS if key not in told] == []
    assert told["trades"] > 2
    assert told["total_return"] == pytest.approx(told["final_equity"] / told["capital"] - 1)
    assert told["gross_return"] - told["total_return"] == pytest.approx(told["costs"] / told["capital"])
    assert 0 < told["exposure"] < 1
    assert 0 < told["random_entry"]["p_value"] <= 1
    assert sum(side["trades"] for side in told["by_side"].values()) == told["trades"]
    assert sum(part["profit"] for part in told["by_confidence"].values()) == pytest.approx(
        told["final_equity"] - told["capital"]
    )
    costs = told["run"]["settings"]["costs"]
    assert (costs["fee_bps"], costs["slippage_bps"]) == (5.0, 1.0)
    assert costs["by_kind"]["forex"] == {"fee_bps": 0.35, "slippage_bps": 0.65}
    assert [part["timeframe"] for part in told["run"]["data"]["series"]] == ["1h", "4h"]
    assert (told["trials"], told["run"]["trial"]) == (1, 1)


def test_tables_pictures_and_trades(capsys: pytest.CaptureFixture[str], command: Command, btc: Path) -> None:
    assert command("backtest", btc, "--plot", "out") == 0
    printed = capsys.readouterr().out
    for words in ("total return", "buy and hold", "random entries", "deflated Sharpe", "Long", "Short", "0.50-0.55"):
        assert words in printed
    assert Path("out/equity.png").read_bytes().startswith(b"\x89PNG")
    assert Path("out/drawdown.png").read_bytes().startswith(b"\x89PNG")
    with Path("out/trades.csv").open(newline="") as file:
        trades = list(csv.DictReader(file))
    told = result_of(capsys, command, btc)
    assert len(trades) == told["trades"]
    assert sum(float(trade["profit"]) for trade in trades) == pytest.approx(
        told["final_equity"] - told["capital"], abs=1e-4
    )
    assert np.mean([float(trade["net_r"]) for trade in trades]) == pytest.approx(told["expectancy"])


def test_costs_are_those_of_the_options(capsys: pytest.CaptureFixture[str], command: Command, btc: Path) -> None:
    free = result_of(capsys, command, btc, "--fee-bps", 0, "--slippage-bps", 0)
    paid = result_of(capsys, command, btc, "--fee-bps", 40, "--slippage-bps", 10)
    funded = result_of(capsys, command, btc, "--fee-bps", 0, "--slippage-bps", 0, "--funding-bps", 100)
    assert free["costs"] == 0
    assert free["total_return"] == free["gross_return"] > paid["total_return"]
    assert paid["costs"] > 0
    assert funded["costs"] != 0
    assert result_of(capsys, command, btc, "--sizing", "fixed:1")["turnover"] > 2 * free["turnover"]


def test_every_setting_is_a_trial_and_the_same_one_again_is_none(
    capsys: pytest.CaptureFixture[str], command: Command, btc: Path
) -> None:
    first = result_of(capsys, command, btc)
    again = result_of(capsys, command, btc)
    assert (again["trials"], again["run"]["trial"]) == (1, 1)
    assert {**first, "run": None} == {**again, "run": None}
    other = result_of(capsys, command, btc, "--lane", "strategy:RSI Strategy")
    assert (other["trials"], other["run"]["trial"]) == (2, 2)
    third = result_of(capsys, command, btc, "--until", "2023-11-24")
    assert third["trials"] == 3
    last = result_of(capsys, command, btc)
    assert (last["trials"], last["run"]["trial"]) == (3, 1)
    assert last["deflated_sharpe"] < first["deflated_sharpe"]
    assert len(Path("data/trials.jsonl").read_text().splitlines()) == 5


def test_what_comes_after_until_changes_nothing(
    capsys: pytest.CaptureFixture[str], command: Command, btc: Path, tmp_path: Path
) -> None:
    short = trending(1).closed_by(START_MS + 200 * HOUR_MS)
    cut = write_candles(tmp_path / "BTCUSDT-short-1h.csv", short)
    until = np.datetime_as_string(np.datetime64(START_MS + 200 * HOUR_MS + 1000, "ms"), "s")
    whole = result_of(capsys, command, btc, "--until", until)
    part = result_of(capsys, command, cut, "--symbol", "BTCUSDT")
    assert whole["trades"] > 0
    assert {**whole, "run": None, "trials": None, "deflated_sharpe": None} == {
        **part,
        "run": None,
        "trials": None,
        "deflated_sharpe": None,
    }


def test_since_begins_the_judgements_and_reads_the_candles_before(
    capsys: pytest.CaptureFixture[str], command: Command, btc: Path
) -> None:
    since = np.datetime_as_string(np.datetime64(START_MS + 200 * HOUR_MS, "ms"), "s")
    told = result_of(capsys, command, btc, "--since", since)
    assert told["judgements"]["total"] == 101
    assert told["start"].startswith(since)


def test_files_of_one_symbol_are_timeframes_and_of_several_one_account(
    capsys: pytest.CaptureFixture[str], command: Command, tmp_path: Path, btc: Path
) -> None:
    quarters = simulated(3, count=400, timeframe=Timeframe.M15)
    fine = write_candles(tmp_path / "BTCUSDT-15m.csv", quarters)
    told = result_of(capsys, command, btc, fine, "--timeframes", "1h")
    # The quarters tell what came first in an hour; no signal is made from them.
    assert [part["timeframe"] for part in told["run"]["data"]["series"]] == ["1h", "15m"]
    assert told["timeframe"] == "1h"
    assert result_of(capsys, command, btc, fine)["timeframe"] == "15m"
    eth = write_candles(tmp_path / "ETHUSDT-1h.csv", trending(2))
    both = result_of(capsys, command, btc, eth)
    assert both["symbols"] == ["BTCUSDT", "ETHUSDT"]
    assert both["by_symbol"].keys() == {"BTCUSDT", "ETHUSDT"}


def test_recorded_answers_are_traded_from_the_next_close_on(
    capsys: pytest.CaptureFixture[str], command: Command, btc: Path
) -> None:
    series = trending(1)

    def answer(position: int, signal: str, **changes: Any) -> str:
        close = float(series.closes[position])
        side = 1 if signal == "Long" else -1
        exits = {"stop_loss_suggestion": close * (1 - side * 0.02), "take_profit_suggestion": close * (1 + side * 0.04)}
        said = {
            "symbol": "BTCUSDT",
            "timeframe": "1h",
            "signal": signal,
            "confidence": 0.7,
            "source": "llm",
            # Five minutes after the close: it cannot be filled at the open that has passed.
            "generated_at": int(series.times_ms[position]) + HOUR_MS + 300_000,
            "risk_assessment": exits,
        }
        return json.dumps(said | changes)

    lines = [answer(100, "Long"), answer(220, "Short"), answer(150, "Long", symbol="ETHUSDT"), answer(170, "Neutral")]
    Path("answers.jsonl").write_text("\n".join(lines))
    told = result_of(capsys, command, btc, "--lane", "llm:answers.jsonl", "--plot", "out")
    assert told["trades"] == 2
    assert told["by_ground"].keys() == {"llm"}
    with Path("out/trades.csv").open(newline="") as file:
        opened = [trade["opened"] for trade in csv.DictReader(file)]
    expected = np.datetime_as_string(series.times_ms[[102, 222]].astype("datetime64[ms]"), "s")
    assert opened == [f"{time}+00:00" for time in expected]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--lane", "oracle"], "--lane: a lane is rules, model:VERSION"),
        (["--lane", "strategy:Hope"], "--lane: a strategy is one of"),
        (["--lane", "model:../../etc"], "is not the name of a version"),
        (["--lane", "model:lstm_model_20250101_000000"], "lstm_model_20250101_000000"),
        (["--lane", "llm:missing.jsonl"], "missing.jsonl cannot be read: No such file"),
        (["--sizing", "half"], "--sizing: a sizing is fixed:SHARE"),
        (["--sizing", "fixed:2"], "the share of a sizing lies above 0 and is at most 1"),
        (["--timeframes", "15m"], "15m candles of BTCUSDT cannot be made from 1h candles"),
        (["--timeframes", "soon"], "--timeframes: "),
        (["--since", "2024-01-01", "--until", "2023-01-01"], "--since has to be before --until"),
        (
            ["--since", "2026-01-01"],
            "BTCUSDT 1h has no closed candle since 2026-01-01 00:00 UTC: its candles reach",
        ),
        (["--until", "2020-01-01"], "BTCUSDT 1h has no closed candle by 2020-01-01 00:00 UTC: its candles reach from"),
    ],
)
def test_what_cannot_be_tested_is_refused_in_a_line(
    capsys: pytest.CaptureFixture[str], command: Command, btc: Path, arguments: list[str], words: str
) -> None:
    assert words in refused(capsys, command, "backtest", btc, *arguments)
    assert not Path("data/trials.jsonl").exists()


def test_files_that_are_too_short_or_break_off_are_refused(
    capsys: pytest.CaptureFixture[str], command: Command, tmp_path: Path, btc: Path
) -> None:
    short = write_candles(tmp_path / "ETHUSDT-1h.csv", trending(1, count=50))
    assert "ETHUSDT 1h is too short: a backtest needs more than 60 closed candles, received 50" in refused(
        capsys, command, "backtest", short
    )
    series = trending(1, count=700)
    values = series.values.copy()
    values[400:, :4] /= 4
    split = CandleSeries.of_arrays(series.timeframe, series.times_ms, values)
    file = write_candles(tmp_path / "SOLUSDT-1h.csv", split)
    assert "it looks like a split 4:1" in refused(capsys, command, "backtest", file)
    at = np.datetime_as_string(np.datetime64(int(series.times_ms[400]), "ms"), "s")
    assert result_of(capsys, command, file, "--until", at)["judgements"]["total"] > 300
    kept = np.r_[0:200, 520:700]
    holed = CandleSeries.of_arrays(series.timeframe, series.times_ms[kept], series.values[kept])
    hole = write_candles(tmp_path / "XRPUSDT-1h.csv", holed)
    assert "XRPUSDT 1h breaks off at 2023-12-06 16:00: 320 candles are missing" in refused(
        capsys, command, "backtest", hole
    )
    assert "there are 1h candles of BTCUSDT twice" in refused(capsys, command, "backtest", btc, btc)


def test_a_result_is_verified_until_a_figure_is_altered(
    capsys: pytest.CaptureFixture[str], command: Command, btc: Path
) -> None:
    capsys.readouterr()
    assert command("backtest", btc, "--json") == 0
    text = capsys.readouterr().out
    Path("result.json").write_text(text)
    assert command("verify", "result.json") == 0
    assert "result.json: genuine" in capsys.readouterr().err
    told = json.loads(text)
    Path("result.json").write_text(json.dumps({**told, "total_return": told["total_return"] + 0.01}))
    assert command("verify", "result.json") == 1
    assert "altered" in capsys.readouterr().err
    assert Path("data/backtest_key").stat().st_mode & 0o777 == 0o600
    Path("result.json").write_text("[]")
    assert "holds no JSON object" in refused(capsys, command, "verify", "result.json")
    Path("result.json").write_text("nonsense")
    assert "is no JSON" in refused(capsys, command, "verify", "result.json")
    Path("result.json").write_text("[" * 100_000)
    assert "is no JSON" in refused(capsys, command, "verify", "result.json")
    Path("data/backtest_key").chmod(0o644)
    Path("result.json").write_text(text)
    assert "is open to every user of this machine" in refused(capsys, command, "verify", "result.json")
