"""The named trading strategies: one rule each, from the latest indicators to a score.

A score is 0.5 for no view, 1 for strongly Long, 0 for strongly Short. It moves
continuously with its inputs, and an indicator that is missing (warming up, no
volume) gives no view. The thresholds are the customary ones of each indicator, as
ramps, so that a hair's breadth never decides.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

Indicators = Mapping[str, float]
Strategy = Callable[[Indicators], float]

NO_VIEW = 0.5
# From so far off it a score has a side.
LEAN = 0.15

# Distances are measured in Average True Ranges; a view is full at about two standard deviations of
# what a random walk does by itself, so that noise alone rarely gives one.
FULL_MOMENTUM_ATR = 4.0
FULL_MACD_ATR = 1.5
FULL_HISTOGRAM_ATR = 0.5
FULL_ORDER_ATR = 1.5
FULL_DISTANCE_ATR = 4.0
FULL_VOLUME_BALANCE = 0.5
# Wilder reads an ADX under 20 as no trend and one over 25 as a trend: a ramp around both.
NO_TREND_ADX, STRONG_TREND_ADX = 15.0, 35.0


def ramp(value: float, none: float, full: float) -> float:
    """Return 0 up to `none`, 1 from `full` on, linear in between; `none` may be above `full`."""
    share = (value - none) / (full - none)
    return 0.0 if share < 0.0 else 1.0 if share > 1.0 else share


def clip(value: float) -> float:
    """Return the value limited to -1 to 1."""
    # In half the time of min and max, some fifteen times per analysis.
    return -1.0 if value < -1.0 else 1.0 if value > 1.0 else value


def rsi(indicators: Indicators) -> float:
    """Buy weakness, sell strength: Long as RSI falls from 45 to 25, Short as it rises from 55 to 75."""
    value = indicators.get("rsi", math.nan)
    return _score(ramp(value, 45, 25) - ramp(value, 55, 75))


def macd(indicators: Indicators) -> float:
    """Follow MACD: half from the line against zero (full at 1.5 ATR), half from the histogram (0.5 ATR)."""
    line = _in_ranges(indicators, "macd") / FULL_MACD_ATR
    histogram = _in_ranges(indicators, "macd_histogram") / FULL_HISTOGRAM_ATR
    return _score((clip(line) + clip(histogram)) / 2)


def volume(indicators: Indicators) -> float:
    """Follow the volume: its balance between rising and falling candles, less when the last candle was thin.

    A last candle with half its usual volume or less halves the view.
    """
    balance = clip(indicators.get("volume_balance", math.nan) / FULL_VOLUME_BALANCE)
    participation = 0.5 + 0.5 * ramp(indicators.get("volume_ratio", math.nan), 0.5, 1.0)
    return _score(balance * participation)


def bollinger_bands(indicators: Indicators) -> float:
    """Buy the lower band, sell the upper: no view in the middle half, full at the band itself."""
    percent_b = indicators.get("bollinger_percent_b", math.nan)
    return _score(ramp(percent_b, 0.25, 0.0) - ramp(percent_b, 0.75, 1.0))


def stochastic(indicators: Indicators) -> float:
    """Buy oversold, sell overbought: Long as the mean of %K and %D falls from 30 to 10, Short from 70 to 90."""
    value = (indicators.get("stochastic_k", math.nan) + indicators.get("stochastic_d", math.nan)) / 2
    return _score(ramp(value, 30, 10) - ramp(value, 70, 90))


def momentum(indicators: Indicators) -> float:
    """Follow the move of the last `roc_period` candles: full at four Average True Ranges."""
    growth = indicators.get("rate_of_change", math.nan) / 100
    move = indicators.get("close", math.nan) * growth / (1 + growth) if growth > -1 else math.nan
    average_true_range = indicators.get("average_true_range", 0.0)
    return _score(clip(move / average_true_range / FULL_MOMENTUM_ATR) if average_true_range > 0 else math.nan)


def trend_following(indicators: Indicators) -> float:
    """Follow the trend: half from the moving averages, half from +DI against -DI, as strong as the ADX says."""
    return _score((moving_averages(indicators) + directional_movement(indicators)) / 2)


def mean_reversion(indicators: Indicators) -> float:
    """Expect a return to the mean: against the Bollinger position and the RSI together, where there is no trend.

    Full at a band with an RSI of 30 or 70; fades out as the ADX rises from 15 to 35.
    """
    position = clip(2 * (indicators.get("bollinger_percent_b", math.nan) - 0.5))
    strength = clip((indicators.get("rsi", math.nan) - 50) / 20)
    calm = 1 - ramp(indicators.get("adx", math.nan), NO_TREND_ADX, STRONG_TREND_ADX)
    return _score(-(position + strength) / 2 * calm)


def moving_averages(indicators: Indicators) -> float:
    """Return the direction of the averages, -1 to 1, or NaN: a third each from three distances in ATR.

    EMA 9 against EMA 21 and EMA 21 against EMA 50 are full at 1.5 ATR, the close against
    EMA 50 at four.
    """
    average_true_range = indicators.get("average_true_range", 0.0)
    if average_true_range <= 0:
        return math.nan
    close, fast, middle, slow = (indicators.get(name, math.nan) for name in ("close", "ema_9", "ema_21", "ema_50"))
    full_order, full_distance = FULL_ORDER_ATR * average_true_range, FULL_DISTANCE_ATR * average_true_range
    return (
        clip((fast - middle) / full_order) + clip((middle - slow) / full_order) + clip((close - slow) / full_distance)
    ) / 3


def directional_movement(indicators: Indicators) -> float:
    """Return the direction of Wilder's movement, -1 to 1, or NaN: twice (+DI - -DI) / (+DI + -DI), limited.

    Halved while the ADX is 15 or less, whole from 35 on.
    """
    plus, minus = indicators.get("plus_di", math.nan), indicators.get("minus_di", math.nan)
    if not plus + minus > 0:
        return math.nan
    strength = 0.5 + 0.5 * ramp(indicators.get("adx", math.nan), NO_TREND_ADX, STRONG_TREND_ADX)
    return clip(2 * (plus - minus) / (plus + minus)) * strength


STRATEGIES: Mapping[str, Strategy] = MappingProxyType(
    {
        "RSI Strategy": rsi,
        "MACD Strategy": macd,
        "Volume Strategy": volume,
        "Bollinger Bands Strategy": bollinger_bands,
        "Stochastic Strategy": stochastic,
        "momentum": momentum,
        "trend_following": trend_following,
        "mean_reversion": mean_reversion,
    }
)
STRATEGY_NAMES: tuple[str, ...] = tuple(STRATEGIES)


def _in_ranges(indicators: Indicators, name: str) -> float:
    """Return an indicator in Average True Ranges; NaN where nothing moves."""
    average_true_range = indicators.get("average_true_range", 0.0)
    return indicators.get(name, math.nan) / average_true_range if average_true_range > 0 else math.nan


def _score(view: float) -> float:
    """Turn a view from -1 (Short) to 1 (Long) into a score; NaN is no view."""
    return NO_VIEW if math.isnan(view) else NO_VIEW + view / 2
