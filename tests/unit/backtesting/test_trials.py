"""The record of trials: several processes at once, damaged lines, and what counts as one trial."""

from __future__ import annotations

import statistics
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from backtesting.trials.registry import Trial, TrialCount, TrialRegistry
from domain.errors import ConfigurationError
from domain.market import Timeframe

ROOT = Path(__file__).resolve().parents[3]
NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)


def trial(settings: str = "a", data: str = "x", sharpe: float | None = 0.1, **changes: Any) -> Trial:
    values = {"lane": "rules", "symbols": ("BTCUSDT",), "days": 100, "version": "1.0", "at": NOON}
    return Trial(settings=settings, data=data, sharpe=sharpe, **(values | changes))


def counted(number: int, trials: int, deviation: float, same_candles: int) -> Any:
    """Return what equals the count up to rounding."""
    return TrialCount(number, trials, cast("Any", pytest.approx(deviation)), 0, same_candles)


def test_settings_on_some_of_the_same_candles_are_counted_apart(tmp_path: Path) -> None:
    def traded(settings: str, first: int, last: int, **changes: Any) -> Trial:
        time: dict[str, Any] = {"since": NOON + timedelta(days=first), "until": NOON + timedelta(days=last)}
        return trial(settings, f"{settings} {first}", timeframe=Timeframe.H1, **time, **changes)

    registry = TrialRegistry(tmp_path / "t")
    registry.add(trial("of an earlier release"))
    registry.add(traded("a", 0, 100))
    registry.add(traded("a", 50, 150))  # the same settings again
    registry.add(traded("b", 90, 110, symbols=("ETHUSDT", "BTCUSDT")))
    registry.add(traded("another time", 0, 40))
    registry.add(traded("another market", 0, 100, symbols=("ETHUSDT",)))
    registry.add(traded("another timeframe", 0, 100).model_copy(update={"timeframe": Timeframe.H4}))
    count = registry.record(traded("c", 80, 120))
    assert (count.trials, count.same_candles) == (8, 3)


def test_the_same_settings_and_data_are_one_trial(tmp_path: Path) -> None:
    registry = TrialRegistry(tmp_path / "deep" / "trials.jsonl")
    assert registry.record(trial("a", "x", 0.1)) == TrialCount(1, 1, 0.0, 0, 1)
    assert registry.record(trial("b", "x", 0.3)) == counted(2, 2, statistics.stdev([1.0, 3.0]), 2)
    assert registry.record(trial("a", "y", None)).trials == 3
    again = registry.record(trial("a", "x", 0.5, version="2.0"))
    # Its newest Sharpe ratio counts, and it keeps its number.
    assert again == counted(1, 3, statistics.stdev([5.0, 3.0]), 2)
    assert len((tmp_path / "deep" / "trials.jsonl").read_text().splitlines()) == 4


def test_trials_of_a_search_are_added_without_a_count_and_counted_by_the_next_run(tmp_path: Path) -> None:
    registry = TrialRegistry(tmp_path / "t")
    for name in ("a", "b", "a"):
        registry.add(trial(name))
    (tmp_path / "t").write_bytes((tmp_path / "t").read_bytes() + b'{"settings": "c", "da')
    registry.add(trial("d"))
    count = registry.record(trial("e"))
    assert (count.number, count.trials, count.damaged) == (4, 4, 1)


def test_short_and_long_runs_are_compared_by_their_standard_errors(tmp_path: Path) -> None:
    registry = TrialRegistry(tmp_path / "t")
    # Ten days by luck vary ten times as much as a thousand.
    registry.record(trial("a", sharpe=0.5, days=10))
    count = registry.record(trial("b", sharpe=0.05, days=1000))
    assert count.deviation == pytest.approx(0.0, abs=1e-9)
    registry.record(trial("c", sharpe=0.1, days=100))
    same = registry.record(trial("d", sharpe=0.3, days=100))
    assert same.deviation_over(100) == pytest.approx(
        statistics.stdev([0.5 * 10**0.5, 0.05 * 1000**0.5, 0.1 * 10, 0.3 * 10]) / 10
    )


def test_another_process_finds_what_was_recorded(tmp_path: Path) -> None:
    TrialRegistry(tmp_path / "t").record(trial("a"))
    assert TrialRegistry(tmp_path / "t").record(trial("b")).trials == 2


@pytest.mark.parametrize("torn", [b'{"settings": "b", "da', b"\xff\x00nonsense", b"{}"])
def test_a_damaged_last_line_stays_and_costs_no_trial(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "t"
    TrialRegistry(path).record(trial("a"))
    with path.open("ab") as file:
        file.write(torn)
    assert TrialRegistry(path).record(trial("b")) == TrialCount(2, 2, 0.0, 1, 2)
    assert torn in path.read_bytes()
    assert TrialRegistry(path).record(trial("c")).trials == 3


def test_processes_that_record_at_once_lose_nothing(tmp_path: Path) -> None:
    code = """
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from backtesting.trials.registry import Trial, TrialRegistry
registry = TrialRegistry(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
numbers = [
    registry.record(Trial(settings=f"{sys.argv[2]}-{run}", data="x", lane="rules", symbols=("BTCUSDT",), sharpe=0.1,
                          days=9, version="1", at=datetime.now(UTC))).number
    for run in range(20)
]
print(*numbers)
"""
    command = [sys.executable, "-c", code, str(tmp_path / "t")]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": ROOT}
    processes = [subprocess.Popen([*command, str(number)], **pipes) for number in range(3)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    numbers = [int(number) for process in processes for number in process.communicate()[0].split()]
    assert sorted(numbers) == list(range(1, 61))
    assert TrialRegistry(tmp_path / "t").record(trial("0-0")).trials == 60


def test_a_file_that_cannot_be_written_says_which_setting_to_change(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    with pytest.raises(ConfigurationError, match=r"Is a directory.*set backtests\.trials_path"):
        TrialRegistry(tmp_path / "t").record(trial())
