"""The indicators that the rules read, with names of their own and the configured periods.

Every column has the length of the frame. Rows without enough history are NaN, and so are
values that do not exist (a ratio to a volume of zero); no value is infinite.
No value depends on a later row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from config.settings import IndicatorSettings
from domain.arrays import FloatArray, IntArray
from features.families.family import Indicator
from features.indicators.catalogue import compute, indicator
from features.indicators.derived import percentile, range_percent, volume_balance
from features.indicators.newest import NewestIndicators
from features.kernels.candles import Candles

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class _Plan:
    """The indicators of one setting; replaced as a whole when settings change."""

    engine: Literal["fast", "ta"]
    volume_period: int
    columns: Mapping[str, Indicator]
    newest: NewestIndicators


class TechnicalIndicators:
    """Computes every indicator of a frame with the configured periods.

    | columns | unit |
    | --- | --- |
    | close, ema_*, sma_*, bollinger_upper/middle/lower, vwap | quote currency |
    | macd, macd_signal, macd_histogram, average_true_range | quote currency |
    | rsi, stochastic_k/d, adx, plus_di, minus_di, average_true_range_percentile | 0 to 100 |
    | williams_r | -100 to 0 |
    | bollinger_width, average_true_range_percent, rate_of_change, volume_rate_of_change | percent |
    | bollinger_percent_b | 0 on the lower band, 1 on the upper |
    | volume_sma, on_balance_volume | base currency |
    | volume_ratio | volume over its average |
    | volume_balance | -1 (all volume on falling candles) to 1 (all on rising ones) |
    | cci | unbounded; two thirds of the time within -100 to 100 |
    """

    def __init__(self, settings: IndicatorSettings) -> None:
        self.use(settings)

    def use(self, settings: IndicatorSettings) -> None:
        """Compute with other settings from now on; a computation under way in another thread keeps its own."""
        self.settings = settings
        columns, period = _columns(settings), settings.volume_period
        self._plan = _Plan(settings.engine, period, columns, NewestIndicators(columns, period))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the indicators."""
        return tuple(self._plan.columns)

    def compute(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the indicators of each candle, with the index of `frame`.

        Args:
            frame: n rows of open, high, low, close (> 0) and volume (>= 0), oldest first.
        """
        import pandas as pd

        return pd.DataFrame(self.columns(Candles.of(frame)), index=frame.index)

    def columns(self, candles: Candles) -> dict[str, FloatArray]:
        """Return the indicators of each candle by name.

        `on_balance_volume` and `average_true_range_percentile` count from the first candle, so
        they depend on where the candles start; all other columns do not.
        """
        plan = self._plan
        found = compute(candles, list(plan.columns.values()), plan.engine)
        named = {name: found[wanted.name] for name, wanted in plan.columns.items()}
        with np.errstate(all="ignore"):
            percent = range_percent(named["average_true_range"], candles.close)
            return {
                "close": candles.close,
                **named,
                "average_true_range_percent": percent,
                "average_true_range_percentile": percentile(percent),
                "volume_balance": volume_balance(candles, plan.volume_period),
            }

    def newest_of(self, series: Sequence[FloatArray]) -> list[dict[str, float]]:
        """Return the newest indicators of each of several series, as `newest` does of a window.

        The series are windows of one array, end to end: no window reads beyond its own first candle.

        Args:
            series: Arrays of shape (n, 5), of any lengths: open, high, low, close, volume.
        """
        if not series:
            return []
        ends = np.cumsum([len(values) for values in series])
        return self.newest(np.concatenate(series), np.concatenate(([0], ends[:-1])), ends)

    def newest(self, values: FloatArray, starts: IntArray, ends: IntArray) -> list[dict[str, float]]:
        """Return the newest indicators of m windows of a series, those that exist, by name.

        They are bit for bit the last ones of `columns` for the candles of the window.

        Args:
            values: Array of shape (n, 5): open, high, low, close, volume.
            starts: Position of the first candle of each window, m numbers.
            ends: Position after its last candle, m numbers.
        """
        plan = self._plan
        names = plan.newest.names
        if plan.engine == "fast":
            table = plan.newest.over(values, starts, ends).T
        else:
            windows = (self.columns(Candles(values[start:end].T)) for start, end in zip(starts, ends, strict=True))
            table = np.array([[columns[name][-1] for name in names] for columns in windows])
        return [
            {name: value for name, value, exists in zip(names, *row, strict=True) if exists}
            for row in zip(table.tolist(), np.isfinite(table).tolist(), strict=True)
        ]


def _columns(settings: IndicatorSettings) -> Mapping[str, Indicator]:
    """Return the indicators by the names that the rules use."""
    lines = {"fast": settings.macd_fast, "slow": settings.macd_slow}
    signal = {**lines, "signal": settings.macd_signal}
    bands = {"period": settings.bollinger_period, "deviations": settings.bollinger_deviations}
    stochastic, volume = {"period": settings.stochastic_period}, {"period": settings.volume_period}
    return {
        **{f"ema_{period}": indicator("ema", period=period) for period in settings.ema_periods},
        **{f"sma_{period}": indicator("sma", period=period) for period in settings.sma_periods},
        "macd": indicator("macd", **lines),
        "macd_signal": indicator("macd_signal", **signal),
        "macd_histogram": indicator("macd_histogram", **signal),
        "adx": indicator("adx", period=settings.adx_period),
        "plus_di": indicator("plus_di", period=settings.adx_period),
        "minus_di": indicator("minus_di", period=settings.adx_period),
        "rsi": indicator("rsi", period=settings.rsi_period),
        "stochastic_k": indicator("stochastic_k", **stochastic),
        "stochastic_d": indicator("stochastic_d", **stochastic, smoothing=settings.stochastic_smoothing),
        "williams_r": indicator("williams_r", period=settings.williams_period),
        "cci": indicator("cci", period=settings.cci_period),
        "rate_of_change": indicator("roc", period=settings.roc_period),
        "bollinger_upper": indicator("bollinger_upper", **bands),
        "bollinger_middle": indicator("bollinger_middle", period=settings.bollinger_period),
        "bollinger_lower": indicator("bollinger_lower", **bands),
        "bollinger_width": indicator("bollinger_width", **bands),
        "bollinger_percent_b": indicator("bollinger_percent_b", **bands),
        "average_true_range": indicator("atr", period=settings.atr_period),
        "on_balance_volume": indicator("obv"),
        "vwap": indicator("vwap", period=settings.vwap_period),
        "volume_sma": indicator("volume_sma", **volume),
        "volume_ratio": indicator("volume_ratio", **volume),
        "volume_rate_of_change": indicator("volume_roc", period=settings.roc_period),
    }
