"""Which machine makes a column: the one place that reads names, parameters and needs of columns."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from features.columns import Column
from features.families.family import Indicator
from features.incremental import formulas
from features.incremental.circuit import CLOSE, Circuit
from features.incremental.indicators import has_machine, indicator_machine
from features.incremental.machines import delayed, distance, quotient

Build = Callable[[Circuit], int]

# By the name without its numbers: from a circuit, the numbers and the places of the needed indicators to a place.
_FORMULAS: Mapping[str, Callable[..., int]] = MappingProxyType(
    {
        "price_return": formulas.price_return,
        "price_position": formulas.price_position,
        "hl_spread": formulas.high_low_spread,
        "oc_spread": formulas.open_close_spread,
        "price_momentum": formulas.price_momentum,
        "hour_sin": formulas.circle(math.sin, formulas.hour_phase),
        "hour_cos": formulas.circle(math.cos, formulas.hour_phase),
        "day_sin": formulas.circle(math.sin, formulas.weekday_phase),
        "day_cos": formulas.circle(math.cos, formulas.weekday_phase),
        "month_sin": formulas.circle(math.sin, formulas.month_phase),
        "month_cos": formulas.circle(math.cos, formulas.month_phase),
        "obv_balance": formulas.volume_balance,
        "vpt_mean": formulas.volume_price_trend,
        "volatility": formulas.volatility,
        "volatility_ratio": formulas.volatility_ratio,
        "price_dispersion": formulas.price_dispersion,
        "doji": formulas.doji,
        "hammer": formulas.hammer,
        "breakout_up": formulas.breakout_up,
        "breakout_down": formulas.breakout_down,
        "local_high": formulas.local_high,
        "local_low": formulas.local_low,
    }
)
_LAG = re.compile(r"(?P<base>.+)_lag_(?P<rows>\d+)")
_FORMULA = re.compile(r"(?P<base>[a-z_]+?)(?P<numbers>(_\d+)*)")


def find_machine(column: Column) -> Build | None:
    """Return what builds the machine of a column and gives the place of its values; None where there is none.

    The values may be NaN where the column is neutral: the neutral value is put in at the end, for a
    column and for its lags alike.
    """
    if column.factor != 1 or not all(has_machine(each) for each in column.needs):
        return None
    if lag := _LAG.fullmatch(column.name):
        rows = int(lag["rows"])
        base = _unlagged(lag["base"], column.definition.removesuffix(f", {rows} candles before"), column.needs)
        return None if base is None else lambda circuit: delayed(circuit, base(circuit), rows)
    return _unlagged(column.name, column.definition, column.needs)


def _unlagged(name: str, definition: str, needs: tuple[Indicator, ...]) -> Build | None:
    """Return the machine of a column, or of what it is a lag of."""
    if len(needs) == 1:
        only = needs[0]
        # By definition: the name does not tell a share of the close from one of the turnover.
        shapes: dict[str, Build] = {
            only.name: lambda circuit: indicator_machine(circuit, only),
            f"close / {only.name} - 1": lambda circuit: distance(circuit, CLOSE, indicator_machine(circuit, only)),
            f"{only.name} / close": lambda circuit: quotient(circuit, indicator_machine(circuit, only), CLOSE),
        }
        if definition in shapes:
            return shapes[definition]
    parts = _FORMULA.fullmatch(name)
    formula = _FORMULAS.get(parts["base"]) if parts else None
    if parts is None or formula is None:
        return None
    numbers = [int(number) for number in parts["numbers"].split("_") if number]
    return lambda circuit: formula(circuit, *numbers, *(indicator_machine(circuit, each) for each in needs))
