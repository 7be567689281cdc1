"""How much history each value needs: the same candle measured with short and with long histories."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

import numpy as np

from backtesting.bias.checks import BiasCheck, BiasKind, Values, is_words, plain
from domain.arrays import FloatArray, IntArray
from domain.continuity import breaks
from domain.errors import InsufficientData
from domain.jobs import TellShare
from domain.market import CandleSeries

LENGTHS = (60, 100, 200, 300, 500, 1_000)
SETTLED = 1e-6
# Histories of this many candles are compared, the newest and others before it: at one a score may agree by chance.
ENDS = 6
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


def measure_history(checks: Sequence[BiasCheck], series: CandleSeries, tell: TellShare) -> tuple[HistoryNeed, ...]:
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
    """The errors of one check; what is measured once is kept."""

    def __init__(self, check: BiasCheck, series: CandleSeries) -> None:
        self._check, self._series = check, series
        last = len(series) - 1
        self._ends = np.unique(np.linspace(last - min(END_CANDLES, last // 4), last, ENDS).astype(np.int64)).tolist()
        self._longest = self._ends[0] + 1
        self._truth = {end: self._measured(self._longest, end) for end in self._ends}
        self._names = list(dict.fromkeys(name for truth in self._truth.values() for name in truth))
        self._scales = _scales(check, series, [self._truth[end] for end in self._ends], self._names)
        self._known: dict[tuple[int, int], dict[str, float]] = {}

    def needs(self) -> list[HistoryNeed]:
        """Return the need of each value."""
        lengths = [length for length in LENGTHS if length < self._longest]
        last = self._longest * 3 // 4
        longer = [length for length in (*_doubled(LENGTHS[-1], last), last) if length > lengths[-1]]
        return [
            HistoryNeed(
                self._check.kind,
                name,
                self._needed(name, lengths + longer) if self._is_there(name) else None,
                self._scales[name][0],
                {length: self._error(name, length) for length in lengths},
            )
            for name in self._names
        ]

    def _needed(self, name: str, lengths: Sequence[int]) -> int | None:
        """Return the smallest length from which on the value has settled."""
        unsettled = [length for length in lengths if max(self._errors(name, length)) >= SETTLED]
        too_short = unsettled[-1] if unsettled else 0
        enough = next((length for length in lengths if length > too_short), None)
        if enough is None:
            return None
        # The end that settles last comes first: one that has not settled is enough to know.
        order = np.argsort(self._errors(name, too_short or enough))[::-1].tolist()
        while enough - too_short > 1:
            middle = (too_short + enough) // 2
            if all(self._errors_at(middle, self._ends[at])[name] < SETTLED for at in order):
                enough = middle
            else:
                too_short = middle
        return enough

    def _error(self, name: str, length: int) -> float | None:
        """Return the greatest error, of words the share of ends where they differ; None without a value."""
        errors = self._errors(name, length)
        if not self._is_there(name) or not np.isfinite(errors).all():
            return None
        return float(np.mean(errors) if self._scales[name][0] is ErrorUnit.MOMENTS else max(errors))

    def _is_there(self, name: str) -> bool:
        return any(plain(truth[name][0]) is not None for truth in self._truth.values() if name in truth)

    def _errors(self, name: str, length: int) -> list[float]:
        return [self._errors_at(length, end)[name] for end in self._ends]

    def _errors_at(self, length: int, end: int) -> dict[str, float]:
        """Return by name the error at one end: infinite where there is no value although the longest history has one.

        Where that has none either there is no error.
        """
        if (length, end) not in self._known:
            found, truth = self._measured(length, end), self._truth[end]
            self._known[length, end] = {
                name: _error(truth.get(name), found.get(name), *self._scales[name]) for name in self._names
            }
        return self._known[length, end]

    def _measured(self, length: int, end: int) -> Mapping[str, Values]:
        """Return the values at one candle, measured with its newest `length` candles."""
        return self._check.measure(self._series.part(end + 1 - length, end + 1), np.array([length - 1]))


def _doubled(length: int, end: int) -> list[int]:
    """Return the length doubled, and doubled again, while it is below the end."""
    return [length << times for times in range(1, 32) if length << times < end]


def _scales(
    check: BiasCheck, series: CandleSeries, truth: Sequence[Mapping[str, Values]], names: Sequence[str]
) -> dict[str, tuple[ErrorUnit, float]]:
    """Return for each value the unit of its errors, and its range."""
    count = min(RANGE_CANDLES, len(series) // 2)
    rows: IntArray = np.arange(len(series) - count, len(series))
    if check.each:
        rows = rows[:: max(1, count // RANGE_SAMPLES)]
    samples = [*truth, check.measure(series, rows)]
    return {name: _scale([sample[name] for sample in samples if name in sample]) for name in names}


def _scale(samples: Sequence[Values]) -> tuple[ErrorUnit, float]:
    if any(is_words(values) for values in samples):
        return ErrorUnit.MOMENTS, 1.0
    values: FloatArray = np.concatenate(samples).astype(np.float64)
    values = values[np.isfinite(values)]
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)
    if low > NEAR_ZERO * high > 0 or high < NEAR_ZERO * low < 0:
        return ErrorUnit.VALUE, 1.0
    return ErrorUnit.RANGE, high - low if high > low else max(abs(high), 1.0)


def _error(truth: Values | None, found: Values | None, unit: ErrorUnit, size: float) -> float:
    wanted, given = (None if values is None else plain(values[0]) for values in (truth, found))
    if unit is ErrorUnit.MOMENTS:
        return float(wanted != given)
    if not isinstance(wanted, float):
        return 0.0
    if not isinstance(given, float):
        return math.inf
    return abs(given - wanted) / (abs(wanted) if unit is ErrorUnit.VALUE else size)
