"""Sums of the ledger's days as rows of SQLite, and back."""

from __future__ import annotations

import json
import struct
from datetime import date
from functools import lru_cache

from domain.ledger.days import Aggregate
from storage.sqlite.ledger.rows import Names, Row

AGGREGATE_COLUMNS = "level, day, position, lane, lane_id, timeframe, horizon, symbol, side, bin, figures, sums"


def aggregate_row(sums: Aggregate, position: int, names: Names) -> Row:
    """Return the values of `AGGREGATE_COLUMNS`; the names of the figures are one text, their values doubles."""
    values = sums.sums.values()
    return (
        names.number(sums.level),
        sums.day.isoformat(),
        position,
        *(names.number(name) for name in (sums.lane, sums.lane_id, sums.timeframe)),
        sums.horizon,
        *(names.number(name) for name in (sums.symbol, sums.side, sums.bin)),
        names.number(json.dumps(list(sums.sums))),
        struct.pack(f"<{len(values)}d", *values),
    )


@lru_cache(maxsize=1_024)
def _figure_names(text: str) -> list[str]:
    """Return the names of figures; few lists of them stand in thousands of rows."""
    return list(json.loads(text))


def read_aggregate(row: Row, names: Names) -> Aggregate:
    """Return the sums of a row."""
    level, day, _, lane, lane_id, timeframe, horizon, symbol, side, found_bin, figures, sums = row
    values = struct.unpack(f"<{len(sums) // 8}d", sums)
    return Aggregate(
        day=date.fromisoformat(day),
        level=names.text(level),
        lane=names.text(lane),
        lane_id=names.text(lane_id),
        timeframe=names.text(timeframe),
        horizon=horizon,
        symbol=names.text(symbol),
        side=names.text(side),
        bin=names.text(found_bin),
        sums=dict(zip(_figure_names(names.text(figures)), values, strict=True)),
    )
