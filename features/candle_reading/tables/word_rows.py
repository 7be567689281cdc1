"""Rows of a table that are no candles: repeated headers, dividends, units and footers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from domain.arrays import BoolArray
from features.candle_reading.headers import is_header

# Of Yahoo's page, which has them among the days.
_EVENT = r"(?i)\bdividend|\bstock splits?\b"
_NUMBER = r"\W*\d"
# More rows of words that differ are prices that cannot be read.
_MOST_WORDINGS = 20


class RowsWithoutPrices(NamedTuple):
    """Which of n rows are no candles.

    Attributes:
        events: n flags of rows with a dividend or a split.
        headers: n flags of rows with the names of columns.
        words: n flags of other rows of words, such as types, units and footers.
    """

    events: BoolArray
    headers: BoolArray
    words: BoolArray


def rows_without_prices(prices: Sequence[pd.Series], unknown: BoolArray, rows: int) -> RowsWithoutPrices:
    """Return which rows with words in the place of numbers are no candles.

    Args:
        prices: Four columns of the n cells of these rows, as text.
        unknown: n flags of the rows without any number in these columns.
        rows: Of the whole table; where most are words, its prices cannot be read.
    """
    events = np.logical_or.reduce([cells.str.contains(_EVENT, regex=True).to_numpy(dtype=np.bool_) for cells in prices])
    with_digits = [cells.str.match(_NUMBER).to_numpy(dtype=np.bool_) for cells in prices]
    words = unknown & ~events & ~np.logical_or.reduce(with_digits)
    wordings = list(zip(*prices, strict=True))
    different = {wordings[at] for at in np.flatnonzero(words)}
    if len(different) > _MOST_WORDINGS or words.sum() * 2 > rows:
        return RowsWithoutPrices(events, np.zeros_like(words), np.zeros_like(words))
    names = {wording for wording in different if is_header(wording)}
    headers = words & np.array([wording in names for wording in wordings], dtype=np.bool_)
    return RowsWithoutPrices(events, headers, words & ~headers)
