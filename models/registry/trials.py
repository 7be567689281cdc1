"""How many settings were judged on the same candles: the best of many looks better than it is."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from json import dumps
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, ValidationError

from domain.forecasting import ModelType
from domain.market import Timeframe
from domain.values import Frozen
from models.registry.durable_files import locked, read_file, sync
from models.registry.metadata import ModelMetadata, Sha256

TRIALS_FILE = "trials.jsonl"
# A line has some 300 bytes: that of hundreds of thousands of trainings.
MAX_TRIALS_BYTES = 64 * 1024 * 1024


class ModelTrial(Frozen):
    """Settings of a learner that were judged out of sample.

    Attributes:
        settings: Digest of type, columns and settings, the seed included.
        symbols: Markets of the candles.
        first_ms, last_ms: First and last judged candle, by open time.
        origin: A training that registers a version, or a comparison of learners.
    """

    kind: ModelType
    settings: Sha256
    symbols: Annotated[tuple[str, ...], Field(min_length=1)]
    timeframe: Timeframe
    first_ms: int
    last_ms: int
    origin: Literal["training", "study"]
    at: AwareDatetime


class ModelTrials:
    """The file of trials in the folder of a registry; versions that were deleted stay in it."""

    def __init__(self, root: Path) -> None:
        """Keep the folder; the file is made by the first trial."""
        self._root = root

    def add(self, trials: Sequence[ModelTrial]) -> None:
        """Append trials; a crash does not lose them once this returns.

        Raises:
            ModelStorageUnavailable: the file cannot be written.
        """
        lines = b"".join(trial.model_dump_json().encode() + b"\n" for trial in trials)
        with locked(self._root):
            path = self._root / TRIALS_FILE
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
            with os.fdopen(os.open(path, flags, 0o644), "r+b") as file:
                # The last line of a process that died while it wrote stays a line of its own.
                file.seek(max(0, file.seek(0, 2) - 1))
                file.write(lines if file.read(1) in {b"", b"\n"} else b"\n" + lines)
            sync(path)
            sync(self._root)

    def all(self) -> list[ModelTrial]:
        """Return every trial that can be read, oldest first.

        Raises:
            ModelCorrupt: the file cannot be read at all.
        """
        try:
            content = read_file(self._root, TRIALS_FILE, MAX_TRIALS_BYTES)
        except FileNotFoundError:
            return []
        return [trial for line in content.splitlines() if (trial := _read(line)) is not None]


class TrialCounts:
    """Counts different settings by timeframe, market and range of candles."""

    def __init__(self, trials: Iterable[ModelTrial], versions: Iterable[ModelMetadata]) -> None:
        """Take the trials, and of versions trained before there was a record of trials their metadata.

        Args:
            trials: Of `ModelTrials.all`.
            versions: Every version of the registry.
        """
        counted = list(trials)
        known = {(trial.kind, trial.at) for trial in counted}
        earlier = (_trial_of(version) for version in versions if (version.type, version.created_at) not in known)
        counted += [trial for trial in earlier if trial is not None]
        # Settings that were judged again and again count once, for all the time from their first candle to their last.
        self._spans: dict[tuple[Timeframe, tuple[str, ...], ModelType, str], tuple[int, int]] = {}
        for trial in counted:
            key = trial.timeframe, trial.symbols, trial.kind, trial.settings
            first_ms, last_ms = self._spans.get(key, (trial.first_ms, trial.last_ms))
            self._spans[key] = min(first_ms, trial.first_ms), max(last_ms, trial.last_ms)

    def on(self, symbols: Sequence[str], timeframe: Timeframe, first_ms: int, last_ms: int) -> int:
        """Return the number of different settings that were judged on some of these candles.

        Args:
            symbols: Markets, of which one in common is enough.
            timeframe: Of the candles.
            first_ms: Open time of the first candle.
            last_ms: Open time of the last candle.
        """
        wanted = set(symbols)
        found = {
            (markets, kind, settings)
            for (traded, markets, kind, settings), (begin_ms, end_ms) in self._spans.items()
            if traded is timeframe and not wanted.isdisjoint(markets) and begin_ms <= last_ms and first_ms <= end_ms
        }
        return len(found)

    def of(self, versions: Iterable[ModelMetadata]) -> dict[str, int]:
        """Return by the name of each version how many settings were judged on candles of its figures.

        Imported versions have no figures, and of shipped ones the trials were made elsewhere: they are left out.
        """
        return {
            version.version: self.on(trial.symbols, trial.timeframe, trial.first_ms, trial.last_ms)
            for version in versions
            if not version.shipped and (trial := _trial_of(version)) is not None
        }


def count_trials(root: Path, versions: Sequence[ModelMetadata]) -> Mapping[str, int]:
    """Return `TrialCounts.of` of every version of a registry.

    Raises:
        ModelCorrupt: the record of trials cannot be read.
    """
    return TrialCounts(ModelTrials(root).all(), versions).of(versions)


def _read(line: bytes) -> ModelTrial | None:
    try:
        return ModelTrial.model_validate_json(line)
    except ValidationError:
        return None  # a process died while it wrote the line


def _trial_of(version: ModelMetadata) -> ModelTrial | None:
    """Return the trial that a version itself is; None of an imported or shipped one."""
    if version.data is None or version.metrics is None or version.shipped:
        return None
    judged = version.judged or version.data
    return ModelTrial(
        kind=version.type,
        settings=sha256(dumps(version.settings, sort_keys=True).encode()).hexdigest(),
        symbols=version.data.markets or (version.symbol,),
        timeframe=version.timeframe,
        first_ms=judged.first_ms,
        last_ms=judged.last_ms,
        origin="training",
        at=version.created_at,
    )
