"""How much history each value needs: the same candle measured with short and with long histories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

import numpy as np

from backtesting.bias.checks import BiasCheck, BiasKind, Tell, Values, is_words
from domain.arrays import FloatArray, IntArray
from domain.continuity import breaks
from domain.errors import InsufficientData
from domain.market import CandleSeries

LENGTHS = (60, 100, 200, 300, 500, 1_000)
SETTLED = 1e-6
# Histories of this many candles are compared, the newest and others before it: at one a score may agree by chance.
ENDS = 8
# They lie among the newest candles.
END_CANDLES = 1_000
# Of the candles before, whose values show the range of a column; and of what costs as much for each candle.
RANGE_CANDLES, RANGE_SAMPLES = 1_000, 24
# Values this much nearer to zero than others have no relative error.
NEAR_ZERO = 1e-3
LEAST_CANDLES = 300


class ErrorUnit(StrEnum):
    """What an error is a share of."""

    VALUE = "value"
    RANGE = "range"
    MOMENTS = "moments"


@dataclass(frozen=True)
class HistoryNeed:
    """The history that a value needs.

    Attributes:
        needed_candles: The smallest history from which on it differs by less than `SETTLED`; None where it still does
            with three quarters of the longest: it never settles, or has no value.
        unit: Whether errors are shares of the value; of its usual range, where it crosses or comes near zero; or, of
            words, of the moments.
        errors: Greatest error by length of the history; None where it has no value then.
    """

    kind: BiasKind
    name: str
    needed_candles: int | None
    unit: ErrorUnit
    errors: Mapping[int, float | None]


def longest_stretch(series: CandleSeries) -> CandleSeries:
    """Return the most candles without a break between them, the newest of equals.

    Features and rules begin anew after a break: across one, a longer history tells them nothing.
    """
    edges = [0, *breaks(series).tolist(), len(series)]
    start, end = max(pairwise(edges), key=lambda edge: (edge[1] - edge[0], edge[1]))
    return series.part(start, end)


def measure_history(checks: Sequence[BiasCheck], series: CandleSeries, tell: Tell) -> tuple[HistoryNeed, ...]:
    """Return for each value how far it is, with short histories, from its value with the longest.

    The newest candle and some before it are measured, and the greatest error counts.

    Args:
        checks: What to measure.
        series: Closed candles without a break, oldest first.
        tell: Takes words and the share done, 0..1.

    Raises:
        InsufficientData: fewer than `LEAST_CANDLES` candles.
    """
    if len(series) < LEAST_CANDLES:
        raise InsufficientData(
            f"measuring the history that is needed takes {LEAST_CANDLES} closed candles without a break, "
            f"there are {len(series)}"
        )
    needs: list[HistoryNeed] = []
    for done, check in enumerate(checks):
        tell(f"measuring {check.kind.replace('_', ' ')}s", done / len(checks))
        needs += _Histories(check, series).needs()
    return tuple(needs)


class _Histories:
    """The errors of one check, each length measured once."""

    def __init__(self, check: BiasCheck, series: CandleSeries) -> None:
        self._check, self._series = check, series
        last = len(series) - 1
        self._ends = np.unique(np.linspace(last - min(END_CANDLES, last // 4), last, ENDS).astype(np.int64))
        self._longest = int(self._ends[0]) + 1
        self._truth = self._measured(self._longest)
        self._scales = _scales(check, series, self._truth)
        self._known: dict[int, dict[str, float | None]] = {}

    def needs(self) -> list[HistoryNeed]:
        """Return the need of each value."""
        lengths = [length for length in LENGTHS if length < self._longest]
        last = self._longest * 3 // 4
        longer = [length for length in (*_doubled(LENGTHS[-1], last), last) if length > LENGTHS[-1]]
        return [
            HistoryNeed(
                self._check.kind,
                name,
                self._needed(name, lengths + longer),
                self._scales[name][0],
                {length: self._errors(length)[name] for length in lengths},
            )
            for name in self._truth
        ]

    def _needed(self, name: str, lengths: Sequence[int]) -> int | None:
        """Return the smallest length from which on the value has settled."""
        settled = [length for length in lengths if not self._is_settled(name, length)]
        too_short = settled[-1] if settled else 0
        enough = next((length for length in lengths if length > too_short), None)
        if enough is None:
            return None
        while enough - too_short > 1:
            middle = (too_short + enough) // 2
            if self._is_settled(name, middle):
                enough = middle
            else:
                too_short = middle
        return enough

    def _is_settled(self, name: str, length: int) -> bool:
        error = self._errors(length)[name]
        return error is not None and error < SETTLED

    def _errors(self, length: int) -> dict[str, float | None]:
        """Return the greatest error of each value with this many candles."""
        if length not in self._known:
            found = self._measured(length)
            self._known[length] = {
                name: _error(values, found.get(name), self._scales[name]) for name, values in self._truth.items()
            }
        return self._known[length]

    def _measured(self, length: int) -> dict[str, Values]:
        """Return the values at all ends, each measured with its newest `length` candles."""
        newest = np.array([length - 1])
        rows = [
            self._check.measure(self._series.part(end + 1 - length, end + 1), newest) for end in self._ends.tolist()
        ]
        names = dict.fromkeys(name for row in rows for name in row)
        return {name: _joined([row.get(name) for row in rows]) for name in names}


def _joined(parts: Sequence[Values | None]) -> Values:
    if any(part is not None and is_words(part) for part in parts):
        return np.array([None if part is None else part[0] for part in parts], dtype=object)
    return np.array([np.nan if part is None else part[0] for part in parts], dtype=np.float64)


def _doubled(length: int, end: int) -> list[int]:
    """Return the length doubled, and doubled again, while it is below the end."""
    return [length << times for times in range(1, 32) if length << times < end]


def _scales(check: BiasCheck, series: CandleSeries, truth: Mapping[str, Values]) -> dict[str, tuple[ErrorUnit, float]]:
    """Return for each value the unit of its errors, and its range."""
    count = min(RANGE_CANDLES, len(series) // 2)
    rows: IntArray = np.arange(len(series) - count, len(series))
    if check.each:
        rows = rows[:: max(1, count // RANGE_SAMPLES)]
    usual = check.measure(series, rows)
    return {name: _scale_of(values, usual.get(name, values)) for name, values in truth.items()}


def _scale_of(truth: Values, usual: Values) -> tuple[ErrorUnit, float]:
    if is_words(truth):
        return ErrorUnit.MOMENTS, 1.0
    values: FloatArray = np.concatenate((truth, usual if not is_words(usual) else truth)).astype(np.float64)
    values = values[np.isfinite(values)]
    if not len(values):
        return ErrorUnit.VALUE, 1.0
    low, high = float(values.min()), float(values.max())
    one_sided = low > NEAR_ZERO * high if low > 0 else high < 0 and high < NEAR_ZERO * low
    if one_sided:
        return ErrorUnit.VALUE, 0.0
    return ErrorUnit.RANGE, high - low if high > low else max(abs(high), 1.0)


def _error(truth: Values, found: Values | None, scale: tuple[ErrorUnit, float]) -> float | None:
    """Return the greatest error, None where there is no value to compare."""
    unit, size = scale
    if found is None:
        return None
    if unit is ErrorUnit.MOMENTS:
        return float(np.mean([one != other for one, other in zip(truth, found, strict=True)]))
    there = np.isfinite(truth)
    if not there.any() or not np.isfinite(found[there]).all():
        return None
    differences = np.abs(found[there] - truth[there])
    sizes = np.abs(truth[there]) if unit is ErrorUnit.VALUE else np.full(int(there.sum()), size)
    return float((differences / sizes).max())
