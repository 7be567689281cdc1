"""Which of four columns are open, high, low and close, as far as their values tell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from domain.arrays import FloatArray, IntArray
from domain.errors import InvalidMarketData
from features.candle_reading.headers import PRICES, Role

# More rows than this whose open or close lies outside low..high mean that the columns have another order.
_MOST_OUTSIDE = 0.2
_MOST_WIDE = 10.0
# Another order than the usual one needs proof: enough rows, nearly all of them alike, ...
_FEWEST_ROWS = 10
_NEARLY_ALL = 0.99
# ... and opens that are as many times nearer to the close before than closes are to the open before.
_NEARER = 3.0


def order_of_prices(columns: Sequence[FloatArray], times_ms: IntArray) -> tuple[Role, ...] | None:
    """Return what each of four columns is, in their order; None where they are no prices of candles.

    The greatest of four is the high and the least the low. Open and close are told apart by time: a candle opens where
    the one before has closed.

    Args:
        columns: Four, of n values each, NaN where none is known.
        times_ms: Of the n rows, in any order.
    """
    values = np.column_stack(columns)
    values = values[np.argsort(times_ms, kind="stable")]
    values = values[np.isfinite(values).all(axis=1)]
    if _fits(values):
        return _exchanged() if len(values) >= _FEWEST_ROWS and _is_exchanged(values[:, 0], values[:, 3]) else PRICES
    if len(values) < _FEWEST_ROWS:
        return None
    greatest = (values >= values.max(axis=1)[:, None]).mean(axis=0)
    least = (values <= values.min(axis=1)[:, None]).mean(axis=0)
    high, low = int(greatest.argmax()), int(least.argmax())
    if high == low or min(greatest[high], least[low]) < _NEARLY_ALL:
        return None
    first, second = (at for at in range(len(PRICES)) if at not in {high, low})
    if _is_exchanged(values[:, first], values[:, second]):
        open_, close = second, first
    elif _is_exchanged(values[:, second], values[:, first]):
        open_, close = first, second
    else:
        return None
    found = {open_: Role.OPEN, high: Role.HIGH, low: Role.LOW, close: Role.CLOSE}
    return tuple(found[at] for at in range(len(PRICES)))


def require_opens(values: FloatArray) -> None:
    """Refuse candles of which opens and closes are exchanged.

    Args:
        values: n rows of open, high, low, close, volume, the oldest first.

    Raises:
        InvalidMarketData: candles close where the one before opened, and do not open where it closed.
    """
    if len(values) >= _FEWEST_ROWS and _is_exchanged(values[:, 0], values[:, 3]):
        raise InvalidMarketData(
            "has open and close exchanged, or its times run backwards: each candle closes where the one before opened; "
            "correct the names of the columns, or the times"
        )


def _fits(values: FloatArray) -> bool:
    """Return whether open and close lie between low and high where the columns have the usual order."""
    open_, high, low, close = values.T
    outside = (np.maximum(open_, close) > high) | (np.minimum(open_, close) < low)
    if not len(values):
        return True
    # A low that is usually a fraction of the high is another column.
    return bool(outside.mean() <= _MOST_OUTSIDE) and bool(np.median(high) <= _MOST_WIDE * np.median(low))


def _is_exchanged(opens: FloatArray, closes: FloatArray) -> bool:
    """Return whether what is taken for opens are closes, and the other way round."""
    as_named, exchanged = np.abs(opens[1:] - closes[:-1]).sum(), np.abs(closes[1:] - opens[:-1]).sum()
    return bool(exchanged * _NEARER < as_named)


def _exchanged() -> tuple[Role, ...]:
    return tuple({Role.OPEN: Role.CLOSE, Role.CLOSE: Role.OPEN}.get(role, role) for role in PRICES)
