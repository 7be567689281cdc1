"""Rows of numbers by the rules of a market: what is left out, what is repaired, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from domain.arrays import BoolArray, FloatArray, IntArray
from domain.candles.rules import ROUNDING_SHARE, widened
from domain.errors import InvalidMarketData
from domain.market import MAX_PRICE, MAX_VOLUME, MIN_PRICE

# Where the open is the close before, it may lie this far outside low..high, as a share of the price.
MAX_EXCESS = 0.01
# A price beyond those of the rows before and after it by such a factor may be mistyped, or a wick.
_FAR = 3.0


@dataclass(frozen=True)
class MarketRows:
    """Rows that a market can have made.

    Attributes:
        values: m rows of open, high, low, close, volume; an unknown volume is NaN.
        kept: n flags, true for the m rows of the n that have prices.
        notes: What was done, in words, one for each kind.
    """

    values: FloatArray
    kept: BoolArray
    notes: tuple[str, ...]


def market_rows(values: FloatArray, place: Callable[[int], str]) -> MarketRows:
    """Return rows held to the rules of a market.

    Rows without all four prices are left out, and negative volumes are unknown. Where open or close lie outside
    low..high by a step of rounding, by the last printed digit or by at most `MAX_EXCESS`, high or low take them in.

    Args:
        values: n rows of open, high, low, close, volume; NaN where a cell is empty.
        place: Words for the place of a row.

    Raises:
        InvalidMarketData: a price or volume is out of bounds, or low and high cannot be true; with the row.
    """
    prices = values[:, :4]
    kept = ~np.isnan(prices).any(axis=1) & (prices != 0).any(axis=1)
    at = np.flatnonzero(kept)
    rows = values[kept]
    notes = []
    if left_out := len(values) - len(rows):
        notes.append(f"{counted(left_out, 'row')} without prices left out")
    inside = ((rows[:, :4] >= MIN_PRICE) & (rows[:, :4] <= MAX_PRICE)).all(axis=1)
    if not inside.all():
        wrong = int((~inside).argmax())
        raise InvalidMarketData(
            f"{place(int(at[wrong]))} has a price out of range ({_prices(rows[wrong])}): correct or delete it"
        )
    rows, excess = widened(rows)
    if not (excess <= MAX_EXCESS).all():
        wrong = int((~(excess <= MAX_EXCESS)).argmax())
        raise InvalidMarketData(
            f"{place(int(at[wrong]))} is impossible: low <= open, close <= high is needed, received "
            f"{_prices(values[at[wrong]])}; correct or delete it, or check which column is which"
        )
    stepped = (excess > 0) & (excess <= np.maximum(ROUNDING_SHARE, _last_digit(values[kept], excess)))
    if stepped.any():
        notes.append(f"high or low of {counted(int(stepped.sum()), 'row')} off by a rounding step, repaired")
    if wide := int((excess > 0).sum() - stepped.sum()):
        notes.append(f"open or close of {counted(wide, 'row')} outside low..high, which take it in now")
    volumes, words = _known_volumes(rows[:, 4], at, place)
    return MarketRows(np.column_stack([rows[:, :4], volumes]), kept, (*notes, *words))


def far_note(values: FloatArray, at: IntArray, place: Callable[[int], str]) -> str:
    """Return words about rows with a price far beyond those of the rows around them; empty where there are none.

    Args:
        values: m rows of open, high, low, close, volume, in the order of time.
        at: The number of each row in the file.
        place: Words for the place of such a number.
    """
    if len(values) < 3:
        return ""
    highs, lows = values[:, 1], values[:, 2]
    above = highs[1:-1] > _FAR * np.maximum(highs[:-2], highs[2:])
    below = lows[1:-1] * _FAR < np.minimum(lows[:-2], lows[2:])
    far = np.flatnonzero(above | below) + 1
    if not len(far):
        return ""
    return (
        f"{counted(len(far), 'row')} with a price more than {_FAR:g} times beyond those around it, the first in "
        f"{place(int(at[far[0]]))}: check it"
    )


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: 1 row, 2 rows."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _known_volumes(volumes: FloatArray, at: IntArray, place: Callable[[int], str]) -> tuple[FloatArray, list[str]]:
    """Return volumes, NaN where unknown, and what to say."""
    if (volumes > MAX_VOLUME).any():
        raise InvalidMarketData(f"{place(int(at[int((volumes > MAX_VOLUME).argmax())]))} has a volume out of range")
    volumes = np.where(volumes >= 0, volumes, np.nan)
    if np.isnan(volumes).all():
        return volumes, ["volume is unknown"] if len(volumes) else []
    unknown = int(np.isnan(volumes).sum())
    return volumes, [f"volume is unknown in {counted(unknown, 'row')}"] if unknown else []


def _last_digit(rows: FloatArray, excess: FloatArray) -> FloatArray:
    """Return one unit of the last printed digit of each widened row, as a share of its close, else 0."""
    shares = np.zeros(len(rows))
    for row in np.flatnonzero(excess):
        decimals = max(len(repr(float(price)).partition(".")[2]) for price in rows[row, :4])
        shares[row] = 1.000001 * 10.0**-decimals / rows[row, 3]
    return shares


def _prices(row: FloatArray) -> str:
    open_, high, low, close = map(float, row[:4])
    return f"open {open_}, high {high}, low {low}, close {close}"
