"""Cleaning of a feature table: rows with holes go, and a report counts them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from config.settings import NanPolicy
from domain.arrays import BoolArray, IntArray
from domain.errors import InsufficientData

if TYPE_CHECKING:
    import pandas as pd

# In one log line.
NAMED_COLUMNS = 3


@dataclass(frozen=True)
class ColumnReport:
    """Counts of one column, in rows.

    `infinite`: infinite values, taken as missing from then on. `warm_up`: rows before its first
    value. `holes`: values missing after that. `filled`: holes that were forward-filled.
    `dropped_alone`: rows lost to this column alone, which would remain without it.
    """

    name: str
    infinite: int
    warm_up: int
    holes: int
    filled: int
    dropped_alone: int
    constant: bool


@dataclass(frozen=True)
class CleaningReport:
    """Result of cleaning: of `rows`, `warm_up_rows` were cut and `dropped_rows` had a hole."""

    rows: int
    warm_up_rows: int
    dropped_rows: int
    columns: tuple[ColumnReport, ...]

    @property
    def kept_rows(self) -> int:
        """Number of rows that are left."""
        return self.rows - self.warm_up_rows - self.dropped_rows

    @property
    def costliest(self) -> tuple[ColumnReport, ...]:
        """The columns with missing values, worst first: by rows lost to them alone, then by values missing."""
        costly = [column for column in self.columns if column.warm_up + column.holes > column.filled]
        return tuple(sorted(costly, key=lambda c: (-c.dropped_alone, -(c.warm_up + c.holes - c.filled))))

    def summary(self) -> str:
        """Return one line for a log: rows kept, rows lost by reason, and the costliest columns."""
        line = (
            f"{self.kept_rows} of {self.rows} rows kept, {self.warm_up_rows} cut as warm-up, "
            f"{self.dropped_rows} dropped for holes"
        )
        named = [
            f"{c.name} ({c.warm_up} warming up, {c.holes - c.filled} holes, {c.dropped_alone} rows lost to it alone)"
            for c in self.costliest[:NAMED_COLUMNS]
        ]
        constant = [column.name for column in self.columns if column.constant]
        return "; ".join(
            [line]
            + ([f"costliest: {', '.join(named)}"] if named else [])
            + ([f"constant but kept: {', '.join(constant)}"] if constant else [])
        )


@dataclass(frozen=True)
class CleanTable:
    """A table without holes; `rows` holds the position of each row in the table before cleaning."""

    table: pd.DataFrame
    rows: IntArray
    report: CleaningReport


def clean(table: pd.DataFrame, policy: NanPolicy, max_forward_fill_rows: int, max_lost_share: float) -> CleanTable:
    """Return the rows of a feature table that a model can learn from.

    Infinite values become missing, the leading rows in which any column still warms up are cut,
    and rows with a hole after that are dropped. Columns are never dropped, constant ones
    included: the input of a model is all its columns in order.

    Args:
        table: n rows of numeric columns, oldest first; rows still warming up are NaN. It is not changed.
        policy: `drop` drops rows with holes; `forward_fill` first repeats the value before a hole,
            never one after it.
        max_forward_fill_rows: Consecutive rows for which a value is repeated, >= 1.
        max_lost_share: Share of the rows, from 0 and below 1, beyond which the loss is an error.

    Raises:
        InsufficientData: a column without any value, or more rows lost than allowed; the
            message names the costliest columns.
    """
    import pandas as pd

    values = table.to_numpy(np.float64, copy=True)
    infinite = np.isinf(values)
    infinite_counts = infinite.sum(axis=0)
    values[infinite] = np.nan
    missing = np.isnan(values)
    warm_up = _leading(missing)
    names = [str(name) for name in table.columns]
    empty = [name for name, rows in zip(names, warm_up, strict=True) if len(table) and rows == len(table)]
    if empty:
        raise InsufficientData(
            f"no row can be used: {', '.join(empty)} without any value in {len(table)} rows; more candles are needed"
        )
    holes = missing.sum(axis=0) - warm_up
    filled = np.zeros(len(names), dtype=np.int64)
    if policy == "forward_fill":
        # Before the cut, so that the first kept rows can take a value from cut ones.
        values = pd.DataFrame(values).ffill(limit=max_forward_fill_rows).to_numpy()
        remaining = np.isnan(values)
        filled = missing.sum(axis=0) - remaining.sum(axis=0)
        missing = remaining
    # This drops rows still warming up too: they have no value before them to fill with.
    rows = np.flatnonzero(~missing.any(axis=1))
    kept = values[rows]
    constant = (kept == kept[:1]).all(axis=0) if len(kept) > 1 else np.zeros(len(names), dtype=np.bool_)
    # A row with one missing column would remain without that column, in the warm-up too.
    dropped_alone = (missing & (missing.sum(axis=1) == 1)[:, None]).sum(axis=0)
    cut = int(warm_up.max(initial=0))
    report = CleaningReport(
        rows=len(table),
        warm_up_rows=cut,
        dropped_rows=len(table) - cut - len(rows),
        columns=tuple(
            ColumnReport(
                name=name,
                infinite=int(infinite_counts[at]),
                warm_up=int(warm_up[at]),
                holes=int(holes[at]),
                filled=int(filled[at]),
                dropped_alone=int(dropped_alone[at]),
                constant=bool(constant[at]),
            )
            for at, name in enumerate(names)
        ),
    )
    if report.kept_rows < (1.0 - max_lost_share) * report.rows:
        raise InsufficientData(f"cleaning loses more than {max_lost_share:.0%} of the rows: {report.summary()}")
    return CleanTable(pd.DataFrame(kept, index=table.index[rows], columns=table.columns), rows, report)


def _leading(missing: BoolArray) -> IntArray:
    """Return for each column the number of rows before its first value."""
    if not missing.size:
        return np.zeros(missing.shape[1], dtype=np.int64)
    first = np.argmin(missing, axis=0)
    return np.where(missing.all(axis=0), len(missing), first)
