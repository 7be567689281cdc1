"""What is checked: named values, each known at the close of a candle."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from domain.arrays import FloatArray, IntArray
from domain.market import CandleSeries

# Numbers, NaN where there is no value; or words, None where there is none.
Values: TypeAlias = FloatArray | NDArray[np.object_]
Columns = Callable[[CandleSeries], Mapping[str, FloatArray]]

# Of double precision: sums of another length are rounded otherwise.
ROUNDING = 1e-9


class BiasKind(StrEnum):
    """What a checked value is.

    Of the catalogue, of a feature set, of the rules; said by the rules, by judgements of the past, or by a model.
    """

    INDICATOR = "indicator"
    FEATURE = "feature"
    RULE_INDICATOR = "rule_indicator"
    RULE = "rule"
    PAST_JUDGEMENT = "past_judgement"
    MODEL = "model"


@dataclass(frozen=True)
class BiasCheck:
    """Values that are computed together.

    Attributes:
        kind: Of all of them.
        measure: From candles and m ascending positions to m values by name, each as it is known at the close of the
            candle at its position. The candles go on after these positions; a value that changes with them looks
            ahead.
        each: Whether every position costs as much as the first: then only the chosen moments are compared, and not
            every candle before them.
        tolerance: Relative difference that is rounding.
    """

    kind: BiasKind
    measure: Callable[[CandleSeries, IntArray], Mapping[str, Values]]
    each: bool = False
    tolerance: float = ROUNDING


def column_check(kind: BiasKind, columns: Columns) -> BiasCheck:
    """Return the check of whole columns: from n candles to n values by name."""

    def measure(series: CandleSeries, positions: IntArray) -> dict[str, Values]:
        return {name: values[positions] for name, values in columns(series).items()}

    return BiasCheck(kind, measure)


def empty_like(values: Values) -> Values:
    """Return as many values that are not there."""
    return np.full(len(values), None, dtype=object) if is_words(values) else np.full(len(values), np.nan)


def is_words(values: Values) -> bool:
    """Return whether the values are words."""
    return values.dtype == np.object_


def plain(value: Any) -> float | str | None:
    """Return a value as JSON has it; None where there is none."""
    if value is None or isinstance(value, str):
        return value
    number = float(value)
    return number if np.isfinite(number) else None
