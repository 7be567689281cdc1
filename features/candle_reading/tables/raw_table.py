"""What a file holds before anything is known of its columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from features.candle_reading.times.zones import UNNAMED, NamedZone


@dataclass(frozen=True)
class RawTable:
    """Columns as they stand in a file.

    Attributes:
        columns: Columns of equal length: numbers, text or times.
        names: Their names, or none without a header; then the values have to tell.
        place: Words for the place of a row in the file, counted from 0: "line 14".
        markets: The market of each column, where the header tells it; empty for columns of all.
        symbol: The market of all rows, where the file names it outside of its columns.
        form: Name of the export, where more than the columns tells it.
        zone: What the file says of the time zone of all rows, outside of its columns.
        delimiter: What separated the columns, empty where nothing did.
        kind: What kind of file it is: "CSV", "JSON".
    """

    columns: tuple[pd.Series, ...]
    names: tuple[str, ...]
    place: Callable[[int], str]
    markets: tuple[str, ...] = ()
    symbol: str | None = None
    form: str = ""
    zone: NamedZone = UNNAMED
    delimiter: str = ""
    kind: str = "CSV"

    def __len__(self) -> int:
        return len(self.columns[0]) if self.columns else 0


def row_place(row: int) -> str:
    """Return the place of a row where there are no lines, as in JSON or Parquet."""
    return f"row {row + 1}"
