"""The record of all runs: settings that were tried and dropped count when the best of them is judged."""

from __future__ import annotations

import fcntl
import math
import os
import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from domain.errors import ConfigurationError
from domain.market import Timeframe
from domain.values import Frozen


class Trial(Frozen):
    """One run.

    Attributes:
        settings, data: Hashes; runs that share both are one trial.
        lane: Who judged.
        symbols: Markets.
        sharpe: Mean over standard deviation of the daily returns, not annualized; None where undefined.
        days: Number of daily returns.
        version: Of the service.
        timeframe, since, until: What was traded: candles, and the times of the first and the last; None of trials that
            were recorded by earlier releases.
    """

    settings: str
    data: str
    lane: str
    symbols: tuple[str, ...]
    sharpe: float | None
    days: Annotated[int, Field(ge=0)]
    version: str
    at: datetime
    timeframe: Timeframe | None = None
    since: datetime | None = None
    until: datetime | None = None

    def shares_candles(self, other: Trial) -> bool:
        """Return whether both traded the same market over the same timeframe at some of the same time."""
        if self.data == other.data:
            return True
        if self.since is None or self.until is None or other.since is None or other.until is None:
            return False
        same = self.timeframe is other.timeframe and not set(self.symbols).isdisjoint(other.symbols)
        return same and self.since <= other.until and other.since <= self.until


@dataclass(frozen=True)
class TrialCount:
    """What is known of all trials once a run is recorded.

    Attributes:
        number: Of the run's trial, from 1, in the order of first runs.
        trials: Number of different trials.
        deviation: Standard deviation of their Sharpe ratios, each times the root of its number of returns, which makes
            long and short runs comparable; 0 for fewer than two.
        damaged: Lines that could not be read; each may be a trial that is not counted.
        same_candles: Number of different settings that traded some of the same candles, these ones included.
    """

    number: int
    trials: int
    deviation: float
    damaged: int
    same_candles: int

    def deviation_over(self, days: int) -> float:
        """Return the standard deviation of the Sharpe ratios as it is for runs of `days` returns, >= 1."""
        return self.deviation / math.sqrt(days)


class TrialRegistry:
    """A file with one JSON text a line, appended by any number of processes."""

    def __init__(self, path: Path) -> None:
        """Keep the path; the file is created by the first run."""
        self._path = path

    def add(self, trial: Trial) -> None:
        """Append a run; a crash does not lose it once this returns.

        Raises:
            ConfigurationError: the file cannot be written.
        """
        self._append(trial, read=False)

    def record(self, trial: Trial) -> TrialCount:
        """Append a run, and return the count once a crash would not lose it.

        Raises:
            ConfigurationError: the file cannot be written.
        """
        return _counted(trial, self._append(trial, read=True))

    def _append(self, trial: Trial, *, read: bool) -> list[bytes]:
        """Append a run and, if asked for, return all lines, its own the last."""
        line = trial.model_dump_json().encode() + b"\n"
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            with os.fdopen(os.open(self._path, flags, 0o644), "r+b") as file:
                # Released when the file is closed, also by a process that dies.
                fcntl.flock(file, fcntl.LOCK_EX)
                size = file.seek(0, os.SEEK_END)
                file.seek(0 if read else max(0, size - 1))
                content = file.read()
                # The last line of a process that died while it wrote stays a line of its own.
                file.write(line if not content or content.endswith(b"\n") else b"\n" + line)
                file.flush()
                os.fsync(file.fileno())
            self._sync_folder()
        except OSError as error:
            reason = f"the trial cannot be recorded in {self._path} ({error.strerror or error})"
            raise ConfigurationError(f"{reason}: set backtests.trials_path to a file that can be written") from error
        return [*content.splitlines(), line]

    def _sync_folder(self) -> None:
        descriptor = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _counted(trial: Trial, lines: Iterable[bytes]) -> TrialCount:
    known: dict[tuple[str, str], float | None] = {}
    damaged, sharing = 0, {(trial.lane, trial.settings)}
    for line in lines:
        try:
            run = Trial.model_validate_json(line)
        except ValidationError:
            damaged += bool(line.strip())
            continue
        if run.shares_candles(trial):
            sharing.add((run.lane, run.settings))
        known[run.settings, run.data] = None if run.sharpe is None else run.sharpe * math.sqrt(run.days)
    ratios = [ratio for ratio in known.values() if ratio is not None]
    return TrialCount(
        number=1 + list(known).index((trial.settings, trial.data)),
        trials=len(known),
        deviation=statistics.stdev(ratios) if len(ratios) > 1 else 0.0,
        damaged=damaged,
        same_candles=len(sharing),
    )
