"""Which machine makes a column: the one place that reads names, parameters and needs of columns."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from features.columns import Column
from features.families.family import Indicator
from features.incremental import clock, formulas, patterns, prices
from features.incremental.circuit import CLOSE, VOLUME, Circuit
from features.incremental.indicators import has_machine, indicator_machine
from features.incremental.machines import change, delayed, distance, product, quotient
from features.incremental.windows import rolling_mean

Build = Callable[[Circuit], int]

# By the name without its numbers: from a circuit, the numbers and the places of the needed indicators to a place.
_FORMULAS: Mapping[str, Callable[..., int]] = MappingProxyType(
    {
        **{
            made.__name__: made
            for made in (
                prices.price_return,
                formulas.price_position,
                formulas.price_momentum,
                formulas.body_share,
                formulas.shadow_balance,
                formulas.close_range_position,
                formulas.drawdown,
                formulas.rally,
                formulas.trend_efficiency,
                formulas.volatility,
                formulas.volatility_ratio,
                formulas.price_dispersion,
                formulas.parkinson_volatility,
                formulas.return_skew,
                formulas.downside_share,
                formulas.volume_variation,
                formulas.ease_of_movement,
                patterns.doji,
                patterns.hammer,
                patterns.shooting_star,
                patterns.marubozu,
                patterns.engulfing_up,
                patterns.engulfing_down,
                patterns.inside_bar,
                patterns.outside_bar,
                patterns.streak,
                patterns.breakout_up,
                patterns.breakout_down,
                patterns.local_high,
                patterns.local_low,
            )
        },
        "hl_spread": formulas.high_low_spread,
        "oc_spread": formulas.open_close_spread,
        "obv_balance": formulas.volume_balance,
        "vpt_mean": formulas.volume_price_trend,
        "volume_mean_ratio": formulas.volume_comparison,
        "illiquidity": formulas.range_per_volume,
        "hour_sin": clock.circle(math.sin, clock.hour_angle),
        "hour_cos": clock.circle(math.cos, clock.hour_angle),
        "day_sin": clock.circle(math.sin, clock.weekday_angle),
        "day_cos": clock.circle(math.cos, clock.weekday_angle),
        "month_sin": clock.circle(math.sin, clock.month_angle),
        "month_cos": clock.circle(math.cos, clock.month_angle),
    }
)
_LAG = re.compile(r"(?P<base>.+)_lag_(?P<rows>\d+)")
_FORMULA = re.compile(r"(?P<base>[a-z_]+?)(?P<numbers>(_\d+)*)")
_ROWS = re.compile(r"\bof (\d+)")
_PROGRESS = re.compile(r"x(?P<factor>\d+)_progress")


def find_machine(column: Column) -> Build | None:
    """Return what builds the machine of a column and gives the place of its values; None where there is none.

    The machine belongs in the circuit of the column's own timeframe. The values may be NaN where the
    column is neutral: the neutral value is put in at the end, for a column and for its lags alike.
    """
    name, definition, needs = column.name, column.definition, column.needs
    if not all(has_machine(each) for each in needs):
        return None
    if column.factor != 1:
        prefix, suffix = f"x{column.factor}_", f", on closed candles {column.factor} times as long"
        if not (name.startswith(prefix) and definition.endswith(suffix)):
            return None
        name, definition = name.removeprefix(prefix), definition.removesuffix(suffix)
    if lag := _LAG.fullmatch(name):
        rows = int(lag["rows"])
        base = _unlagged(lag["base"], definition.removesuffix(f", {rows} candles before"), needs)
        return None if base is None else lambda circuit: delayed(circuit, base(circuit), rows)
    return _unlagged(name, definition, needs)


def _unlagged(name: str, definition: str, needs: tuple[Indicator, ...]) -> Build | None:
    """Return the machine of a column, or of what it is a lag of."""
    if needs and (relation := _relation(definition, needs)):
        return relation
    if progress := _PROGRESS.fullmatch(name):
        return lambda circuit: clock.higher_progress(circuit, int(progress["factor"]))
    parts = _FORMULA.fullmatch(name)
    formula = _FORMULAS.get(parts["base"]) if parts else None
    if parts is None or formula is None:
        return None
    numbers = [int(number) for number in parts["numbers"].split("_") if number]
    return lambda circuit: formula(circuit, *numbers, *(indicator_machine(circuit, each) for each in needs))


def _relation(definition: str, needs: tuple[Indicator, ...]) -> Build | None:
    """Return the machine of an indicator, or of its relation to the price, the volume, its past or another one."""
    for letter, each in zip("AB", needs, strict=False):
        definition = re.sub(rf"\b{re.escape(each.name)}\b", letter, definition)
    relation = _RELATIONS.get(_ROWS.sub("of #", definition))
    if relation is None:
        return None
    rows = [int(number) for number in _ROWS.findall(definition)]
    return lambda circuit: relation(circuit, *rows, *(indicator_machine(circuit, each) for each in needs))


def _from_close(circuit: Circuit, level: int) -> int:
    return distance(circuit, CLOSE, level)


def _share_of_close(circuit: Circuit, amount: int) -> int:
    return quotient(circuit, amount, CLOSE)


def _share_of_turnover(circuit: Circuit, rows: int, amount: int) -> int:
    return quotient(circuit, amount, product(circuit, CLOSE, rolling_mean(circuit, VOLUME, rows)))


def _change(circuit: Circuit, rows: int, index: int) -> int:
    return change(circuit, index, rows)


# By the definition, in which letters stand for the needed indicators and # for a count of rows; the name
# does not tell a share of the close from one of the turnover.
_RELATIONS: Mapping[str, Callable[..., int]] = MappingProxyType(
    {
        "A": lambda _, only: only,
        "close / A - 1": _from_close,
        "A / close": _share_of_close,
        "A / (close * mean volume of #), 0 without volume": _share_of_turnover,
        "A / A of # before - 1": _change,
        "A / B - 1": distance,
    }
)
