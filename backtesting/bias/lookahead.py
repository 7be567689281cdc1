"""Which values change when candles after them are cut off or replaced: those look ahead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from backtesting.bias.checks import BiasCheck, BiasKind, Values, empty_like, is_words, plain
from backtesting.bias.futures import choose_moments, with_other_future, without_future
from domain.arrays import BoolArray, IntArray
from domain.errors import InsufficientData
from domain.jobs import TellShare
from domain.market import CandleSeries

# A warm-up that is filled backwards shows while it lasts, the rules from 60 candles on: so a few moments are early.
EARLY_MOMENTS = (1, 5, 10, 20, 50)
FIRST_MOMENT = 100
LEAST_CANDLES = 200


@dataclass(frozen=True)
class Culprit:
    """A value that looks ahead.

    Attributes:
        opened_ms: Open time of the first candle whose value is another without the future, epoch ms.
        with_future: Its value computed with all candles; None where there is none.
        without_future: Its value computed with the candles up to a moment alone, or with others after it.
    """

    kind: BiasKind
    name: str
    opened_ms: int
    with_future: float | str | None
    without_future: float | str | None


@dataclass(frozen=True)
class LookaheadFindings:
    """What was checked and what was found.

    Attributes:
        checked: Number of values by kind.
        moments: Number of moments after which the future was changed.
        culprits: In the order of the checks.
    """

    checked: Mapping[BiasKind, int]
    moments: int
    culprits: tuple[Culprit, ...]


def find_lookahead(
    checks: Sequence[BiasCheck], series: CandleSeries, moments: int, tell: TellShare
) -> LookaheadFindings:
    """Return the values that change when the future is cut off or replaced by other candles.

    Args:
        checks: What to check.
        series: Closed candles, oldest first.
        moments: Number of moments after which the future is changed, in addition to `EARLY_MOMENTS`.
        tell: Takes words and the share done, 0..1.

    Raises:
        InsufficientData: fewer than `LEAST_CANDLES` candles.
    """
    if len(series) < LEAST_CANDLES:
        raise InsufficientData(
            f"looking for what looks ahead needs {LEAST_CANDLES} closed candles, received {len(series)}"
        )
    chosen = np.concatenate((EARLY_MOMENTS, choose_moments(FIRST_MOMENT, len(series), moments)))
    checked: dict[BiasKind, int] = {}
    culprits: list[Culprit] = []
    for done, check in enumerate(checks):
        tell(f"checking {check.kind.replace('_', ' ')}s", done / len(checks))
        names, found = _compare(check, series, chosen)
        checked[check.kind] = checked.get(check.kind, 0) + names
        culprits += found
    return LookaheadFindings(checked, len(chosen), tuple(culprits))


def _compare(check: BiasCheck, series: CandleSeries, moments: IntArray) -> tuple[int, list[Culprit]]:
    """Return the number of values of a check, and those that look ahead."""
    rows = moments if check.each else np.arange(len(series))
    whole = check.measure(series, rows)
    scales = {name: _scale(values) for name, values in whole.items()}
    found: dict[str, Culprit] = {}
    for moment in moments.tolist():
        known = np.flatnonzero(rows == moment) if check.each else np.flatnonzero(rows <= moment)
        for other in (without_future, with_other_future):
            now = check.measure(other(series, moment), rows[known])
            for name in dict.fromkeys((*whole, *now)):
                given = whole[name][known] if name in whole else empty_like(now[name])
                again = now[name] if name in now else empty_like(given)
                changed = _differ(given, again, scales.get(name, 0.0), check.tolerance)
                if not changed.any():
                    continue
                at = int(changed.argmax())
                opened_ms = int(series.times_ms[rows[known[at]]])
                if name not in found or opened_ms < found[name].opened_ms:
                    found[name] = Culprit(check.kind, name, opened_ms, plain(given[at]), plain(again[at]))
    return len(whole), [found[name] for name in _in_order(whole, found)]


def _in_order(whole: Mapping[str, Values], found: Mapping[str, Culprit]) -> Iterable[str]:
    return [name for name in dict.fromkeys((*whole, *found)) if name in found]


def _scale(values: Values) -> float:
    """Return the usual size of the values: differences of a value near zero are measured by it."""
    if is_words(values):
        return 0.0
    finite = np.abs(values[np.isfinite(values)])
    return float(np.median(finite)) if len(finite) else 0.0


def _differ(given: Values, again: Values, scale: float, tolerance: float) -> BoolArray:
    if is_words(given) or is_words(again):
        return np.array([plain(one) != plain(other) for one, other in zip(given, again, strict=True)], dtype=np.bool_)
    sizes = np.maximum(np.maximum(np.abs(given), np.abs(again)), scale)
    with np.errstate(invalid="ignore"):
        moved = np.abs(given - again) > tolerance * sizes
    changed: BoolArray = moved | (np.isnan(given) != np.isnan(again))
    return changed
