"""The last candle of a file that says of it that it was still forming when it was written."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from features.candle_reading.grid import OrderedRows
from features.candle_reading.headers import plain_name
from features.candle_reading.tables.raw_table import RawTable

# Names of flags: OANDA, the engine, Binance's socket, Bybit, and what libraries call it; those that say the opposite.
_FLAGS = {"complete", "iscomplete", "isclosed", "closed", "x", "confirm", "confirmed", "isfinal", "final", "finished"}
_OPPOSITE = {
    *("isopen", "forming", "isforming", "partial", "ispartial", "inprogress", "incomplete", "isincomplete", "live"),
    *("islive", "unfinished", "isunfinished", "provisional", "preliminary"),
}
_STATES = {"status", "state", "candlestatus", "candlestate", "barstate", "barstatus"}
_NO = {"false", "f", "0", "0.0", "n", "no"}
_OPEN = {
    *("open", "forming", "partial", "inprogress", "incomplete", "live", "unfinished", "provisional", "pending"),
    "active",
}
# Fewer rows without names do not tell that a column has flags.
_FEWEST_ROWS = 10
_YES = {"true", "t", "1", "1.0", "y", "yes"}
_CLOSED = {"closed", "close", "final", "finished", "complete", "completed", "confirmed", "done"}


def without_unfinished(rows: OrderedRows, table: RawTable, length_ms: int, now_ms: int) -> OrderedRows:
    """Return rows without a last one that the file calls unfinished, where its candle has closed since.

    By the clock it would be taken for a whole candle. One that is still forming stays, as the newest price.

    Args:
        rows: Oldest first.
        table: The file.
        length_ms: Of a candle.
        now_ms: The clock.
    """
    if len(rows.at) < 2 or int(rows.times_ms[-1]) + length_ms > now_ms:
        return rows
    column = _flags(table)
    if column is None:
        return rows
    cells, finished, unfinished = column
    words = cells.iloc[rows.at].astype(str).str.strip().str.casefold().str.replace(r"[ _-]", "", regex=True)
    if words.iloc[-1] not in unfinished or not words.iloc[:-1].isin(finished).all():
        return rows
    left = replace(rows, times_ms=rows.times_ms[:-1], values=rows.values[:-1], at=rows.at[:-1])  # noqa: PD008, PD011 - arrays
    return left.noting("the last candle left out, which was still forming when it was written")


def _flags(table: RawTable) -> tuple[pd.Series, set[str], set[str]] | None:
    """Return the column of flags, and its words for candles that are finished and for one that is not.

    Without names it may be the last one, as in the arrays of OKX and Gate.
    """
    if not table.names:
        return (table.columns[-1], _YES, _NO) if len(table) >= _FEWEST_ROWS else None
    for names, finished, unfinished in ((_FLAGS, _YES, _NO), (_OPPOSITE, _NO, _YES), (_STATES, _CLOSED, _OPEN)):
        for name, column in zip(table.names, table.columns, strict=False):
            if plain_name(name) in names:
                return column, finished, unfinished
    return None
