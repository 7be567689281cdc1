"""Which column is the volume: not the turnover, and ticks where the exchange has no volume."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.candle_reading.headers import PRICES, Role
from features.candle_reading.numbers import has_decimal_comma, is_text, numbers_of
from features.candle_reading.tables.raw_table import RawTable

# What MetaTrader counts where the exchange has no volume.
TICKS = {"tickvol", "tickvolume"}
# Rows that are looked at to tell whether a volume is the turnover, and the fewest that tell it: the price of all
# trades of a candle is this near to its close.
_SAMPLE, _FEWEST_ROWS, _NEAR = 2_000, 10, 0.2


def base_volume(table: RawTable, roles: dict[Role, int]) -> int | None:
    """Return the column of which the one named as volume is the product with the price; None where there is none.

    The same word means the volume in some exports, the turnover in others: `vol` of HTX and of Tushare.
    """
    comma = has_decimal_comma([table.columns[roles[role]].head(_SAMPLE) for role in PRICES], table.delimiter)
    samples = [column.head(_SAMPLE) for column in table.columns]
    closes, named = (numbers_of(samples[roles[role]], comma).floats for role in (Role.CLOSE, Role.VOLUME))
    for at in range(len(table.columns)):
        if at not in roles.values():
            with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
                shares = named / (numbers_of(samples[at], comma).floats * closes)
            known = shares[np.isfinite(shares)]
            if len(known) >= _FEWEST_ROWS and (np.abs(np.quantile(known, (0.05, 0.95)) - 1) < _NEAR).all():
                return at
    return None


def is_traded(volumes: pd.Series) -> bool:
    """Return whether a volume may be above zero anywhere."""
    return is_text(volumes) or bool((volumes > 0).any())
