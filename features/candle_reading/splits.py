"""Prices of shares in terms of today's shares and in dollars, where a file proves that it has others.

Splits are undone where a column of adjusted closes proves them, and ten-thousandths of Lean are made dollars.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pandas as pd

from domain.naming.exchanges import UNITED_STATES
from domain.naming.symbols import Symbol, SymbolKind
from features.candle_reading.grid import OrderedRows
from features.candle_reading.headers import plain_name
from features.candle_reading.numbers import numbers_of
from features.candle_reading.rows import counted
from features.candle_reading.tables.raw_table import RawTable

_ADJUSTED_CLOSE = {"adjclose", "adjustedclose", "closeadj", "closeadjusted"}
# From one row to the next, dividends move the adjusted close by less than this share of the close, splits by more.
_LEAST_SPLIT = 0.17  # of the logarithm
# Beyond a factor of 20,000 the adjusted closes are wrong.
_MOST_SPLIT = 10.0
# No share has more: then they are wrong too.
_MOST_SPLITS = 100
# The ratio is off by a dividend of the same day, and by the digits of adjusted closes.
_LARGEST_DENOMINATOR, _NEAR = 4, 0.03
# Lean of QuantConnect writes dates so, without names of columns, and a dollar in so many parts.
_DATE_OF_LEAN, _PARTS_OF_LEAN = r"\d{8} \d\d:\d\d", 10_000
# Ten cents: whole prices below may be dollars.
_LEAST_OF_LEAN = 1_000


def in_dollars(rows: OrderedRows, table: RawTable, market: str | None) -> OrderedRows:
    """Return rows with the prices of a share of the United States in dollars, where Lean wrote them.

    They have no whole prices otherwise: each of these is at least 1,000, and there is no header.

    Args:
        rows: Of the file.
        table: The file.
        market: The symbol, where it is known.
    """
    facts = Symbol.of(market or "")
    if table.names or facts.kind is not SymbolKind.SHARE or facts.exchange is not UNITED_STATES or not len(rows.at):
        return rows
    prices = rows.values[:, :4]  # noqa: PD011 - an array
    dated = table.columns[0].astype(str).iloc[rows.at].str.fullmatch(_DATE_OF_LEAN)
    if not dated.all() or (prices % 1 > 0).any() or prices.min() < _LEAST_OF_LEAN:
        return rows
    values = np.column_stack([prices / _PARTS_OF_LEAN, rows.values[:, 4]])  # noqa: PD011 - an array
    return replace(rows, values=values).noting("prices of Lean in ten-thousandths read as dollars")


def without_splits(rows: OrderedRows, table: RawTable) -> OrderedRows:
    """Return rows whose prices before a split are in terms of the shares after it, and volumes alike.

    Dividends stay in the prices: only jumps of the ratio of adjusted close and close that no dividend makes count.
    Prices that are adjusted for splits already, such as those of Yahoo, have none.

    Args:
        rows: Oldest first.
        table: The file, which may have adjusted closes.
    """
    adjusted = _adjusted_closes(rows, table)
    if adjusted is None or len(adjusted) < 2:
        return rows
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        ratios = adjusted / rows.values[:, 3]  # noqa: PD011 - an array
        sizes = np.log(ratios[1:] / ratios[:-1])
    splits = [at for at, size in enumerate(np.abs(sizes).tolist()) if _LEAST_SPLIT < size < _MOST_SPLIT]
    if not 0 < len(splits) <= _MOST_SPLITS:
        return rows
    steps = np.ones(len(adjusted))
    steps[splits] = [_whole(float(np.exp(sizes[at]))) for at in splits]
    shares = np.cumprod(steps[::-1])[::-1]
    values = rows.values.copy()  # noqa: PD011 - an array
    values[:, :4] /= shares[:, None]
    values[:, 4] *= shares
    return replace(rows, values=values).noting(f"{counted(len(splits), 'split')} undone by the adjusted closes")


def _whole(jump: float) -> float:
    """Return how many shares one became, in numbers that companies choose: 4, 1.5, 0.1."""
    ratio = jump if jump > 1 else 1 / jump
    near = float(Fraction(ratio).limit_denominator(_LARGEST_DENOMINATOR))
    ratio = near if abs(near / ratio - 1) < _NEAR else ratio
    return ratio if jump > 1 else 1 / ratio


def _adjusted_closes(rows: OrderedRows, table: RawTable) -> np.ndarray | None:
    at = next((at for at, name in enumerate(table.names) if plain_name(name) in _ADJUSTED_CLOSE), None)
    if at is None:
        return None
    column: pd.Series = table.columns[at].iloc[rows.at]
    return numbers_of(column.reset_index(drop=True)).floats
