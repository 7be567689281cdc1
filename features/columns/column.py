"""Columns of a feature set, and how they are derived from indicators and from each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from domain.arrays import FloatArray
from features.columns.bars import Bars
from features.families.family import Indicator
from features.kernels.candles import change, newest
from features.kernels.windows import rolling_mean

Formula = Callable[[Bars], FloatArray]

FRACTION = "fraction of the price"
PLAIN = "plain arithmetic"


@dataclass(frozen=True)
class Column:
    """One column of a feature set: scale-free, causal, independent of where the series starts.

    Attributes:
        name: Unique within a set; names the periods it uses. It stands for one formula: another
            formula needs another name, since models are trained on its values.
        group: price, time, lag, volatility, volume, pattern, trend, momentum, higher or leader.
        definition: The formula in words, for people.
        unit: Unit and range.
        source: Where the formula comes from.
        formula: From candles of its own timeframe, more than `own_warm_up` of them, to values that end with
            the newest candle, at least one for each after the warm-up.
        own_warm_up: Leading rows without a value, in candles of its own timeframe.
        own_history: Candles of its own timeframe from which the newest value equals, within
            1e-6, the one from any longer history.
        neutral: Value where the formula has none, such as a ratio to a volume of zero.
        needs: Indicators that the formula reads.
        factor: Length of its candles in candles of the base timeframe.
        of_leader: Whether it reads the candles of the leading market where they are known, see
            `features/columns/leader.py`; only columns of a factor of 1 do.
    """

    name: str
    group: str
    definition: str
    unit: str
    formula: Formula = field(repr=False, compare=False)
    own_warm_up: int
    own_history: int
    source: str = PLAIN
    neutral: float = 0.0
    needs: tuple[Indicator, ...] = ()
    factor: int = 1
    of_leader: bool = False

    @property
    def warm_up(self) -> int:
        """Rows of the base timeframe that may be NaN at the start, at the worst place within a higher candle."""
        if self.factor == 1:
            return self.own_warm_up
        return (self.own_warm_up + 2) * self.factor - 2

    @property
    def history(self) -> int:
        """Candles of the base timeframe that the newest value needs, without gaps."""
        if self.factor == 1:
            return self.own_history
        return (self.own_history + 2) * self.factor - 2

    def over(self, bars: Bars) -> FloatArray:
        """Return the values after the warm-up; not finite where the formula has none.

        Args:
            bars: Candles of its own timeframe, more than `own_warm_up`.
        """
        # An indicator may have the same name.
        key = (Column, self.name)
        found = bars.memory.get(key)
        if found is None:
            found = bars.memory[key] = newest(self.formula(bars), len(bars) - self.own_warm_up)
        return found


def windowed(
    name: str,
    group: str,
    rows: int,
    formula: Formula,
    definition: str,
    unit: str,
    *,
    source: str = PLAIN,
    neutral: float = 0.0,
) -> Column:
    """Return a column made from the newest candle and the `rows` before it alone."""
    return Column(name, group, definition, unit, formula, rows, rows + 1, source, neutral)


def scaled(indicator: Indicator, neutral: float = 0.0) -> Column:
    """Return an indicator made scale-free.

    A price level becomes the distance of the close from it, an amount of money a share of the
    close; what is scale-free stays as it is.

    Raises:
        ValueError: the indicator is in units of volume, or a running total.
    """
    name, scale, first = indicator.name, indicator.family.scale, indicator.warm_up
    if scale == "price":
        definition = f"close / {name} - 1"
        return _of(
            indicator,
            f"{name}_distance",
            lambda bars: bars.close[first:] / bars[indicator] - 1.0,
            definition,
            FRACTION,
        )
    if scale == "price difference":
        definition = f"{name} / close"
        return _of(indicator, f"{name}_share", lambda bars: bars[indicator] / bars.close[first:], definition, FRACTION)
    if scale in ("volume", "turnover") or indicator.settled is None:
        raise ValueError(f"{name} is not scale-free: use against_turnover, compared or changed")
    return _of(indicator, name, lambda bars: bars[indicator], name, scale, neutral)


def changed(indicator: Indicator, rows: int) -> Column:
    """Return the relative change of an index over `rows` candles: it does not depend on where the index starts."""
    name = f"{indicator.name}_change_{rows}"
    definition = f"{indicator.name} / {indicator.name} of {rows} before - 1"
    warm_up = indicator.warm_up + rows
    # The level of an index always depends on its start, its relative change on its own rows alone.
    return replace(
        _of(indicator, name, lambda bars: change(bars[indicator], rows), definition, "fraction"),
        own_warm_up=warm_up,
        own_history=warm_up + 1,
    )


def against_turnover(indicator: Indicator, rows: int) -> Column:
    """Return a turnover (price change times volume) as a share of the usual one of `rows` candles."""
    warm_up = max(indicator.warm_up, rows - 1)

    def formula(bars: Bars) -> FloatArray:
        count = len(bars) - warm_up
        usual = newest(bars.close, count) * newest(rolling_mean(bars.volume, rows), count)
        return newest(bars[indicator], count) / usual

    column = _of(
        indicator,
        f"{indicator.name}_share",
        formula,
        f"{indicator.name} / (close * mean volume of {rows}), 0 without volume",
        FRACTION,
    )
    return replace(column, own_warm_up=warm_up, own_history=max(column.own_history, rows))


def compared(first: Indicator, second: Indicator) -> Column:
    """Return the relation of two indicators of one unit, 0 where they are equal."""
    warm_up = max(first.warm_up, second.warm_up)

    def formula(bars: Bars) -> FloatArray:
        count = len(bars) - warm_up
        return newest(bars[first], count) / newest(bars[second], count) - 1.0

    column = _of(
        first,
        f"{first.name}_to_{second.name}",
        formula,
        f"{first.name} / {second.name} - 1",
        "fraction",
    )
    other = scaled(second)
    return replace(
        column,
        own_warm_up=warm_up,
        own_history=max(divisor_history(column), divisor_history(other)),
        needs=(first, second),
    )


def divisor_history(column: Column) -> int:
    """Return the history of a column whose value may be far below its usual size, and is then divided by.

    The effect of the start on smoothed values decays exponentially: from a millionth of the usual
    size to a billionth it takes half the rows that it took to a millionth.
    """
    return column.own_history + (column.own_history - column.own_warm_up) // 2


def lagged(column: Column, rows: int) -> Column:
    """Return a column as it was `rows` candles before."""
    return replace(
        column,
        name=f"{column.name}_lag_{rows}",
        group="lag",
        definition=f"{column.definition}, {rows} {'candle' if rows == 1 else 'candles'} before",
        formula=lambda bars: column.over(bars)[:-rows],
        own_warm_up=column.own_warm_up + rows,
        own_history=column.own_history + rows,
    )


def higher(column: Column, factor: int) -> Column:
    """Return a column of the newest closed candle that is `factor` times as long."""
    definition = f"{column.definition}, on closed candles {factor} times as long"
    return replace(column, name=f"x{factor}_{column.name}", group="higher", definition=definition, factor=factor)


def _of(indicator: Indicator, name: str, formula: Formula, definition: str, unit: str, neutral: float = 0.0) -> Column:
    settled = indicator.settled if indicator.settled is not None else indicator.warm_up + 1
    family = indicator.family
    return Column(
        name,
        family.group,
        definition,
        unit,
        formula,
        indicator.warm_up,
        settled,
        family.source,
        neutral,
        (indicator,),
    )
