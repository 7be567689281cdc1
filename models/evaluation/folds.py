"""Folds of a walk forward.

Every fold has its own training, validation and test part, in the order of time and purged between.
The test parts lie one after the other and end with the newest window, so each window of them is
predicted once, by a model that has seen neither it nor anything later.
"""

from __future__ import annotations

from dataclasses import dataclass

from config.watch_settings import EvaluationSettings
from domain.arrays import IntArray
from domain.errors import InsufficientData
from features.datasets.splits import Fold, Split, split_rows, walk_forward

# A test part of fewer windows is not worth a training of its own.
MIN_FOLD_WINDOWS = 50


@dataclass(frozen=True)
class Folds:
    """Ranges of rows per fold, oldest fold first; `note` says so in words where they are fewer than configured."""

    splits: tuple[Split, ...]
    note: str | None = None


def evaluation_folds(ends: IntArray, horizon: int, settings: EvaluationSettings) -> Folds:
    """Return the folds over the windows that can be judged.

    Parts are counted in windows: rows before the first window, or between windows, do not count.
    Windows end at least one row apart, so `horizon` windows left out between parts are at least
    `horizon` rows.

    Args:
        ends: Rows that end a window and whose forward return is known, ascending.
        horizon: Candles after which the latest target is known; this number of windows is purged before each border.
        settings: Folds and shares. `test_share` is of all windows, `validation_share` of those before a test part.

    Raises:
        InsufficientData: a part would have no window.
    """
    windows = round(len(ends) * settings.test_share)
    folds = min(settings.folds, max(1, windows // MIN_FOLD_WINDOWS))
    size = max(1, windows // folds)
    first_train = max(1, len(ends) - horizon - folds * size)
    try:
        steps = walk_forward(len(ends), horizon, folds=folds, min_train_rows=first_train)
        splits = tuple(_split(ends, step, horizon, settings.validation_share) for step in steps)
    except InsufficientData as error:
        raise InsufficientData(
            f"{len(ends)} windows with a known return are too few to train and judge a model: "
            f"{settings.test_share:.0%} of them are for the test, {settings.validation_share:.0%} of those "
            f"before it for validation, and {horizon} are left out before each"
        ) from error
    if folds == settings.folds:
        return Folds(splits)
    return Folds(
        splits,
        f"{folds} of {settings.folds} folds: there are {windows} windows to test on, and a fold needs "
        f"{MIN_FOLD_WINDOWS} to be worth a training of its own",
    )


def final_split(ends: IntArray, horizon: int, settings: EvaluationSettings) -> Split:
    """Return training and validation rows of the version that serves: all rows, without a test part.

    Args:
        ends: As in `evaluation_folds`.
        horizon: As in `evaluation_folds`.
        settings: The share of the validation part.

    Raises:
        InsufficientData: a part would have no window.
    """
    parts = split_rows(len(ends), horizon, validation_share=settings.validation_share)
    last = int(ends[-1]) + 1
    return Split(_training_rows(ends, parts.train), _rows(ends, parts.validation), range(last, last))


def _split(ends: IntArray, step: Fold, horizon: int, validation_share: float) -> Split:
    """Return the rows of a step over windows, whose training part is cut into training and validation."""
    before = split_rows(len(step.train), horizon, validation_share=validation_share)
    return Split(_training_rows(ends, before.train), _rows(ends, before.validation), _rows(ends, step.validation))


def _training_rows(ends: IntArray, windows: range) -> range:
    """Return the rows up to the last window's end."""
    # From row 0: what lies before the first window's end is in that window, and the scaler may see it.
    return range(int(ends[windows.stop - 1]) + 1)


def _rows(ends: IntArray, windows: range) -> range:
    """Return the rows from the first window's end to the last's."""
    return range(int(ends[windows.start]), int(ends[windows.stop - 1]) + 1)
