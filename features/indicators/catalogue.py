"""The catalogue of indicators: find one by family and parameters, and compute many in one pass.

A value depends on its own and earlier rows only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import numpy as np

from domain.arrays import FloatArray
from features.families import momentum, trend, volatility, volume
from features.families.family import Family, Indicator
from features.kernels.candles import Candles

if TYPE_CHECKING:
    import pandas as pd

Engine = Literal["fast", "ta"]

FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        family.name: family
        for families in (trend.FAMILIES, momentum.FAMILIES, volatility.FAMILIES, volume.FAMILIES)
        for family in families
    }
)


@lru_cache(maxsize=4096)
def indicator(family: str, **parameters: float) -> Indicator:
    """Return the indicator of a family; parameters that are left out take their customary values.

    Its name is the family's and the parameters: rsi_14, macd_histogram_12_26_9, bollinger_percent_b_20_2.

    Raises:
        ValueError: unknown family or parameter, or a parameter out of its range.
    """
    if family not in FAMILIES:
        raise ValueError(f"there is no indicator {family!r}; choose from {', '.join(sorted(FAMILIES))}")
    entry = FAMILIES[family]
    if unknown := parameters.keys() - entry.defaults.keys():
        raise ValueError(f"{family} has no parameter {', '.join(sorted(unknown))}; it has {', '.join(entry.defaults)}")
    values = tuple(
        _checked(entry, name, parameters.get(name, default), whole=isinstance(default, int))
        for name, default in entry.defaults.items()
    )
    return Indicator(entry, values, "_".join((family, *(f"{value:g}" for value in values))))


def _checked(entry: Family, name: str, value: float, *, whole: bool) -> float:
    if whole and (value != int(value) or value < entry.minimum):
        raise ValueError(f"{entry.name} needs a whole number from {entry.minimum} on as {name}, received {value}")
    if not 0 < value < float("inf"):
        raise ValueError(f"{entry.name} needs a {name} above 0, received {value}")
    return int(value) if whole else float(value)


def compute(
    frame: pd.DataFrame | Candles, wanted: Sequence[Indicator], engine: Engine = "fast"
) -> dict[str, FloatArray]:
    """Return the values of each wanted indicator by name; shared intermediate results are computed once.

    Args:
        frame: n rows of open, high, low, close (> 0) and volume (>= 0), oldest first.
        wanted: Indicators, each once.
        engine: Our kernels, or the definitions by `ta`: the same numbers, ten to a hundred times slower.

    Returns:
        Arrays of n values, rows of one table. NaN while warming up and where there is no value
        (a ratio to zero); never infinite.
    """
    candles = frame if isinstance(frame, Candles) else Candles.of(frame)
    count = len(candles)
    table = np.full((len(wanted), count), np.nan)
    # Prices near the limits of a float overflow; NaN takes their place below.
    with np.errstate(all="ignore"):
        for row, found in zip(table, wanted, strict=True):
            if count > found.warm_up:
                row[found.warm_up :] = after_warm_up(candles, found, engine)
    np.copyto(table, np.nan, where=np.isinf(table))
    return {found.name: row for found, row in zip(wanted, table, strict=True)}


def after_warm_up(candles: Candles, wanted: Indicator, engine: Engine) -> FloatArray:
    """Return the values of an indicator from the row of its warm-up on, which must exist; they may be infinite."""
    family = wanted.family
    if engine == "fast":
        return family.kernel(candles, *wanted.parameters)
    return family.definition(candles.frame(), *wanted.parameters).to_numpy(np.float64)[wanted.warm_up :]
