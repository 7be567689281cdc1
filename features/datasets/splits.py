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


def split_rows(count: int, horizon: int, *, validation_share: float) -> Fold:
    """Return the training rows and, after them, the newest rows for validation.

    Args:
        count: Number of rows.
        horizon: Candles after which a target is known: the same number of rows is purged after training.
        validation_share: Share of all rows, above 0 and below 1, purged ones included.

    Raises:
        InsufficientData: a part would have no row.
        ValueError: a number out of its range.
    """
    _check(horizon)
    if not 0.0 < validation_share < 1.0:
        raise ValueError(f"a validation share is above 0 and below 1, received {validation_share}")
    start = round(count * (1.0 - validation_share))
    train, validation = range(max(0, start - horizon)), range(start, count)
    if not train or not validation:
        raise InsufficientData(
            f"{count} rows are too few for training and {validation_share:.0%} validation "
            f"with {horizon} rows left out between them"
        )
    return Fold(train, validation)


def walk_forward(count: int, horizon: int, *, folds: int, min_train_rows: int) -> tuple[Fold, ...]:
    """Return folds whose validation parts lie one after the other and end at the last row.

    Each trains on all rows before its validation part but the purged ones.

    Args:
        count: Number of rows.
        horizon: Candles after which a target is known: the same number of rows is purged after training.
        folds: Number of folds, >= 1; all validation parts have the same number of rows.
        min_train_rows: Training rows of the first fold at least, >= 1.

    Raises:
        InsufficientData: a validation part would have no row.
        ValueError: a number out of its range above.
    """
    _check(horizon)
    if folds < 1 or min_train_rows < 1:
        raise ValueError(
            f"a walk forward needs folds and training rows, received {folds} folds and {min_train_rows} training rows"
        )
    size = (count - min_train_rows - horizon) // folds
    if size < 1:
        raise InsufficientData(
            f"{count} rows are too few for {folds} folds after {min_train_rows} training rows and {horizon} left out"
        )
    starts = (count - size * remaining for remaining in range(folds, 0, -1))
    return tuple(Fold(range(start - horizon), range(start, start + size)) for start in starts)


def _check(horizon: int) -> None:
    if horizon < 0:
        raise ValueError(f"rows left out cannot be negative, received horizon {horizon}")
