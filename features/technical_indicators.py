"""The technical indicators of a candle frame, as `ta` 0.11 defines them, without its traps.

Every column has the length of the frame. Rows without enough history are NaN, and so is
whatever cannot be computed (a ratio to a volume of zero); nothing is ever infinite.
No value depends on a later row.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from ta.momentum import RSIIndicator
from ta.trend import MACD, ADXIndicator, EMAIndicator, SMAIndicator
from ta.volatility import BollingerBands
from ta.volume import OnBalanceVolumeIndicator

from config.settings import IndicatorSettings

FloatArray = NDArray[np.float64]
Column = pd.Series | FloatArray

# RSI of a market that has not moved: average gain equals average loss. `ta` says 100.
FLAT_RSI = 50.0


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
        self._settings = settings

    def compute(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the indicators of each candle, with the index of `frame`.

        `on_balance_volume` and `average_true_range_percentile` count from the first row, so
        they depend on where the frame starts; all other columns forget it.

        Args:
            frame: n rows of open, high, low, close (> 0) and volume (>= 0), oldest first, with
                a RangeIndex: `ta` misreads a DatetimeIndex on pandas 3.
        """
        # Prices near the limits of a float overflow; the NaN put in their place says so.
        with np.errstate(all="ignore"):
            columns: dict[str, Column] = {
                "close": frame["close"],
                **self._trend(frame),
                **self._momentum(frame),
                **self._volatility(frame),
                **self._volume(frame),
            }
        values = np.column_stack([np.asarray(column, dtype=np.float64) for column in columns.values()])
        values[~np.isfinite(values)] = np.nan
        return pd.DataFrame(values, columns=list(columns), index=frame.index)

    def _trend(self, frame: pd.DataFrame) -> Mapping[str, Column]:
        settings, close = self._settings, frame["close"]
        macd = MACD(close, settings.macd_slow, settings.macd_fast, settings.macd_signal)
        return {
            **{f"ema_{period}": EMAIndicator(close, period).ema_indicator() for period in settings.ema_periods},
            **{f"sma_{period}": SMAIndicator(close, period).sma_indicator() for period in settings.sma_periods},
            "macd": macd.macd(),
            "macd_signal": macd.macd_signal(),
            "macd_histogram": macd.macd_diff(),
            **_directional_movement(frame, settings.adx_period),
        }

    def _momentum(self, frame: pd.DataFrame) -> Mapping[str, Column]:
        settings, close = self._settings, frame["close"]
        # Source: Lane; the same position, counted down from the high, is Williams %R.
        stochastic = pd.Series(100 * _range_position(frame, settings.stochastic_period))
        return {
            "rsi": _relative_strength(close, settings.rsi_period),
            "stochastic_k": stochastic,
            "stochastic_d": stochastic.rolling(settings.stochastic_smoothing).mean(),
            "williams_r": 100 * (_range_position(frame, settings.williams_period) - 1),
            "cci": _commodity_channel_index(frame, settings.cci_period),
            "rate_of_change": _rate_of_change(close, settings.roc_period),
        }

    def _volatility(self, frame: pd.DataFrame) -> Mapping[str, Column]:
        settings, close = self._settings, _array(frame["close"])
        bands = BollingerBands(frame["close"], settings.bollinger_period, settings.bollinger_deviations)
        upper, middle = _array(bands.bollinger_hband()), _array(bands.bollinger_mavg())
        lower = _array(bands.bollinger_lband())
        width = np.where(upper > lower, upper - lower, np.nan)
        average_true_range = _average_true_range(frame, settings.atr_period)
        percent = 100 * average_true_range / close
        return {
            "bollinger_upper": upper,
            "bollinger_middle": middle,
            "bollinger_lower": lower,
            "bollinger_width": 100 * (upper - lower) / middle,
            "bollinger_percent_b": (close - lower) / width,
            "average_true_range": average_true_range,
            "average_true_range_percent": percent,
            # Mean rank among the frame's values up to here: 100 for the largest of all.
            "average_true_range_percentile": 100 * pd.Series(percent).expanding().rank(pct=True),
        }

    def _volume(self, frame: pd.DataFrame) -> Mapping[str, Column]:
        settings = self._settings
        close, volume = frame["close"], frame["volume"]
        average = _array(SMAIndicator(volume, settings.volume_period).sma_indicator())
        return {
            "on_balance_volume": OnBalanceVolumeIndicator(close, volume).on_balance_volume(),
            "vwap": _weighted_price(frame, settings.vwap_period),
            "volume_sma": average,
            "volume_ratio": _array(volume) / average,
            "volume_rate_of_change": _rate_of_change(volume, settings.roc_period),
            "volume_balance": _volume_balance(close, volume, settings.volume_period),
        }


def _relative_strength(close: pd.Series, period: int) -> FloatArray:
    """Return the RSI, 50 for as long as the price has not moved at all since the first row.

    Source: Wilder, New Concepts in Technical Trading Systems (1978); `ta` seeds the averages
    with zero instead of a mean, which is forgotten after some 100 candles.
    """
    rsi = _array(RSIIndicator(close, period).rsi())
    prices = _array(close)
    unmoved = np.maximum.accumulate(prices) == np.minimum.accumulate(prices)
    return np.where(unmoved & np.isfinite(rsi), FLAT_RSI, rsi)


def _directional_movement(frame: pd.DataFrame, period: int) -> Mapping[str, Column]:
    """Return Wilder's ADX, NaN for 2 · period - 1 rows, and +DI and -DI, NaN for period + 1 rows.

    `ta` gives zeros there and raises on frames shorter than that. In a flat market all three are 0.
    """
    count = len(frame)
    nothing = np.full(count, np.nan)
    if count < period:
        return {"adx": nothing, "plus_di": nothing, "minus_di": nothing}
    movement = ADXIndicator(frame["high"], frame["low"], frame["close"], period)
    return {
        "adx": _after(2 * period - 1, movement.adx()) if count >= 2 * period else nothing,
        "plus_di": _after(period + 1, movement.adx_pos()),
        "minus_di": _after(period + 1, movement.adx_neg()),
    }


# The next five are a few lines of numpy, and equal to `ta` (a test holds them to it), which takes ten
# times as long over them, and divides rounding by rounding where nothing moves.


def _average_true_range(frame: pd.DataFrame, period: int) -> FloatArray:
    """Return Wilder's Average True Range; the first `period - 1` rows are NaN."""
    high, low, close = (_array(frame[name]) for name in ("high", "low", "close"))
    if len(close) < period:
        return np.full(len(close), np.nan)
    ranges = high - low
    ranges[1:] = np.maximum(high[1:], close[:-1]) - np.minimum(low[1:], close[:-1])
    average = float(ranges[:period].mean())
    averages = [average]
    for value in ranges[period:].tolist():
        average += (value - average) / period
        averages.append(average)
    return _padded(len(close), np.array(averages))


def _range_position(frame: pd.DataFrame, period: int) -> FloatArray:
    """Return where the close stands in the range of the last `period` candles, 0 low to 1 high; NaN without one."""
    lowest = _rolling(frame["low"], period).min(axis=1)
    spread = _rolling(frame["high"], period).max(axis=1) - lowest
    above = _array(frame["close"])[period - 1 :] - lowest
    return _padded(len(frame), above / np.where(spread > 0, spread, np.nan))


def _commodity_channel_index(frame: pd.DataFrame, period: int) -> FloatArray:
    """Return Lambert's CCI with the constant 0.015; NaN where the window has no range."""
    windows = _rolling((frame["high"] + frame["low"] + frame["close"]) / 3, period)
    means = windows.mean(axis=1)
    deviations = np.abs(windows - means[:, None]).mean(axis=1)
    moved = windows.max(axis=1) > windows.min(axis=1)
    return _padded(len(frame), (windows[:, -1] - means) / (0.015 * np.where(moved, deviations, np.nan)))


def _rate_of_change(values: pd.Series, period: int) -> FloatArray:
    """Return the change against `period` rows before, in percent; NaN after a zero."""
    array = _array(values)
    before = array[:-period] if len(array) > period else array[:0]
    return _padded(len(array), 100 * (array[period:] / np.where(before > 0, before, np.nan) - 1))


def _weighted_price(frame: pd.DataFrame, period: int) -> FloatArray:
    """Return the rolling volume-weighted average of the typical price; NaN without volume."""
    price, volume = (frame["high"] + frame["low"] + frame["close"]) / 3, frame["volume"]
    turnover = _rolling(price * volume, period).sum(axis=1)
    total = _rolling(volume, period).sum(axis=1)
    return _padded(len(frame), turnover / np.where(total > 0, total, np.nan))


def _volume_balance(close: pd.Series, volume: pd.Series, period: int) -> FloatArray:
    """Return the volume of rising less that of falling candles, over all volume of the last `period`.

    It is the change of the on-balance volume as a share, so that, unlike the running
    total, it does not depend on the first candle. Source: Granville (1963), normalized.
    """
    moves, later = np.sign(np.diff(_array(close))), _array(volume)[1:]
    total = _rolling(later, period).sum(axis=1)
    return _padded(len(close), _rolling(moves * later, period).sum(axis=1) / np.where(total > 0, total, np.nan))


def _array(values: pd.Series) -> FloatArray:
    return values.to_numpy(np.float64)


def _after(warm_up: int, values: pd.Series) -> FloatArray:
    """Return the values with the first `warm_up` rows NaN."""
    return np.where(np.arange(len(values)) >= warm_up, _array(values), np.nan)


def _rolling(values: pd.Series | FloatArray, period: int) -> FloatArray:
    """Return every window of `period` rows as a row of a view; none when there are fewer."""
    array = np.asarray(values, dtype=np.float64)
    return sliding_window_view(array, period) if len(array) >= period else np.empty((0, period))


def _padded(count: int, values: FloatArray) -> FloatArray:
    """Return `count` rows that end with `values` and begin with NaN."""
    return np.concatenate((np.full(count - len(values), np.nan), values))
