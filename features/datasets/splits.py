"""Training, validation and test rows in the order of time, with a purge between them.

The target of row i is known at the close of row i + horizon. If the last training rows were next
to the first validation rows, both would have targets made of the same candles. So `horizon` rows are
purged before each border, and every training target is known before the next part begins.
Source: Lopez de Prado, Advances in Financial Machine Learning (2018), chapter 7.

Rows may be those of a cleaned table: rows that cleaning dropped only widen the distance in time.
"""

from __future__ import annotations

from dataclasses import dataclass

from domain.errors import InsufficientData


@dataclass(frozen=True)
class Split:
    """Ranges of rows, oldest first; `test` may be empty."""

    train: range
    validation: range
    test: range


@dataclass(frozen=True)
class Fold:
    """One step of a walk forward: fit on `train`, judge on `validation`."""

    train: range
    validation: range


def split_rows(
    count: int, horizon: int, *, validation_share: float, test_share: float = 0.0, embargo: int = 0
) -> Split:
    """Return the training, validation and test rows, oldest first.

    Args:
        count: Number of rows.
        horizon: Candles after which a target is known: the same number of rows is purged between parts.
        validation_share: Share of all rows, 0..1, purged ones included.
        test_share: Share of all rows, 0..1, the newest; 0 for no test part.
        embargo: Further rows left out between parts, >= 0. With horizon + embargo of
            `sequence_length - 1` or more, windows of neighboring parts share no row.

    Raises:
        InsufficientData: a part would have no row.
        ValueError: horizon or embargo are negative, or the shares leave nothing for training.
    """
    _check(horizon, embargo)
    if not (validation_share > 0.0 and test_share >= 0.0 and validation_share + test_share < 1.0):
        raise ValueError(f"validation {validation_share} and test {test_share} leave no share for training")
    gap = horizon + embargo
    validation_start = round(count * (1.0 - validation_share - test_share))
    test_start = round(count * (1.0 - test_share)) if test_share else count
    validation_stop = test_start - gap if test_share else count
    split = Split(
        range(max(0, validation_start - gap)),
        range(validation_start, max(validation_start, validation_stop)),
        range(test_start, count),
    )
    if not split.train or not split.validation or (test_share and not split.test):
        raise InsufficientData(
            f"{count} rows are too few for training, {validation_share:.0%} validation and {test_share:.0%} test "
            f"with {gap} rows left out before each border"
        )
    return split


def walk_forward(
    count: int, horizon: int, *, folds: int, min_train_rows: int, max_train_rows: int | None = None, embargo: int = 0
) -> tuple[Fold, ...]:
    """Return folds whose validation parts lie one after the other and end at the last row.

    Args:
        count: Number of rows.
        horizon: Candles after which a target is known: the same number of rows is purged after training.
        folds: Number of folds, >= 1; all validation parts have the same number of rows.
        min_train_rows: Training rows of the first fold at least, >= 1.
        max_train_rows: At most this many of the newest rows train, a rolling window; None for all so far.
        embargo: Further rows left out after training, >= 0.

    Raises:
        InsufficientData: a validation part would have no row.
        ValueError: a number out of its range above.
    """
    _check(horizon, embargo)
    if folds < 1 or min_train_rows < 1 or (max_train_rows is not None and max_train_rows < min_train_rows):
        raise ValueError(
            f"a walk forward needs folds and training rows, received {folds} folds and "
            f"{min_train_rows} to {max_train_rows} training rows"
        )
    gap = horizon + embargo
    size = (count - min_train_rows - gap) // folds
    if size < 1:
        raise InsufficientData(
            f"{count} rows are too few for {folds} folds after {min_train_rows} training rows and {gap} left out"
        )
    starts = (count - size * remaining for remaining in range(folds, 0, -1))
    return tuple(
        Fold(
            range(0 if max_train_rows is None else max(0, start - gap - max_train_rows), start - gap),
            range(start, start + size),
        )
        for start in starts
    )


def _check(horizon: int, embargo: int) -> None:
    if horizon < 0 or embargo < 0:
        raise ValueError(f"rows left out cannot be negative, received horizon {horizon} and embargo {embargo}")
