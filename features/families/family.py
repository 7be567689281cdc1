"""A family of indicators, which is an entry of the catalogue, and an indicator: a family with its parameters."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from domain.arrays import FloatArray

if TYPE_CHECKING:
    from features.families.definitions import Definition

Group = Literal["trend", "momentum", "volatility", "volume"]
# "price" and "price difference" are in quote currency, "volume" in base currency, "turnover" in both multiplied.
Scale = Literal[
    "price",
    "price difference",
    "volume",
    "turnover",
    "percent",
    "0 to 100",
    "-100 to 100",
    "-100 to 0",
    "0 to 1",
    "-1 to 1",
    "ratio",
    "index",
    "price squared per volume",
    "unbounded",
]


@dataclass(frozen=True, eq=False)
class Family:
    """An indicator for any parameters.

    Attributes:
        scale: Unit or range of the values.
        source: Publication of the formula, and the choices made in our form of it.
        defaults: Parameters in the order of the name; whole numbers are counts of candles.
        warm_up: Number of rows without a value, from the parameters.
        kernel: The fast form: from `Candles` and the parameters to the values after the warm-up.
        settled: Number of rows after which the newest value no longer depends on where they start, to a
            millionth of its typical size; left out where it is one more than the warm-up; None for
            running totals, which never settle.
        minimum: Smallest allowed count of candles.
    """

    name: str
    group: Group
    scale: Scale
    source: str
    defaults: Mapping[str, float]
    warm_up: Callable[..., int]
    kernel: Callable[..., FloatArray]
    settled: Callable[..., int | None] | None = None
    minimum: int = 1

    @property
    def definition(self) -> Definition:
        """The same by `ta`: from a frame with a RangeIndex, and the parameters, to a whole column."""
        from features.families.definitions import DEFINITIONS

        return DEFINITIONS[self.name]


@dataclass(frozen=True)
class Indicator:
    """A family with its parameters; equal when both are."""

    family: Family
    parameters: tuple[float, ...]
    name: str = field(compare=False)

    @cached_property
    def warm_up(self) -> int:
        """Number of NaN rows at the start."""
        return self.family.warm_up(*self.parameters)

    @cached_property
    def settled(self) -> int | None:
        """Rows needed for a newest value that does not depend on the start (1e-6); None: it always does."""
        return self.family.settled(*self.parameters) if self.family.settled else self.warm_up + 1

    @property
    def rolling(self) -> bool:
        """Whether a value comes from its own candle and those of the warm-up alone, wherever the candles begin."""
        return self.family.settled is None


def fade(decay: float, share: float = 1e-6) -> int:
    """Return the rows after which a value has decayed to `share` of itself."""
    return math.ceil(math.log(share) / math.log(decay)) if decay > 0 else 1


def ema_fade(period: int, share: float = 1e-6) -> int:
    """Return the rows after which a value has decayed in an exponential average with alpha 2 / (period + 1)."""
    return fade(1 - 2 / (period + 1), share)


def wilder_fade(period: int, share: float = 1e-6) -> int:
    """Return the rows after which a value has decayed in Wilder's average, with alpha 1 / period."""
    return fade(1 - 1 / period, share)


def never(*_: float) -> None:
    """Return None: a running total always depends on its first row."""
