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

# Moves are measured in Average True Ranges. In a random walk twelve candles move by two of them
# (standard deviation), the MACD line by one and its histogram by a third.
FULL_MOMENTUM_ATR = 4.0
FULL_MACD_ATR = 1.5
FULL_HISTOGRAM_ATR = 0.5
FULL_DISTANCE_ATR = 2.0
# Below 20 the ADX sees no trend, from 25 on it does, and 40 is a strong one (Wilder).
NO_TREND_ADX, STRONG_TREND_ADX = 15.0, 35.0
# Half of all volume on one side is rare: the balance of a random walk is 0.25 (standard deviation).
FULL_VOLUME_BALANCE = 0.6


def ramp(value: float, none: float, full: float) -> float:
    """Return 0 up to `none`, 1 from `full` on, linear in between; `none` may be above `full`."""
    return min(max((value - none) / (full - none), 0.0), 1.0)


def clip(value: float) -> float:
    """Return the value limited to -1 to 1."""
    return min(max(value, -1.0), 1.0)


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
    """Follow the trend: averages in order and price beyond them (full at 2 ATR each), as strong as the ADX says.

    A third each from EMA 9 against 21, price against EMA 50, and +DI against -DI; an ADX
    of 15 halves the view, one of 35 leaves it whole.
    """
    fast, slow = indicators.get("ema_9", math.nan), indicators.get("ema_21", math.nan)
    close, base = indicators.get("close", math.nan), indicators.get("ema_50", math.nan)
    average_true_range = indicators.get("average_true_range", 0.0)
    if average_true_range <= 0:
        return NO_VIEW
    order = clip((fast - slow) / average_true_range / FULL_DISTANCE_ATR * 2)
    distance = clip((close - base) / average_true_range / FULL_DISTANCE_ATR)
    movement = directional_balance(indicators)
    strength = 0.5 + 0.5 * ramp(indicators.get("adx", math.nan), NO_TREND_ADX, STRONG_TREND_ADX)
    return _score((order + distance + movement) / 3 * strength)


def mean_reversion(indicators: Indicators) -> float:
    """Expect a return to the mean: against the Bollinger position and the RSI together, where there is no trend.

    Full at a band with an RSI of 30 or 70; fades out as the ADX rises from 15 to 35.
    """
    position = clip(2 * (indicators.get("bollinger_percent_b", math.nan) - 0.5))
    strength = clip((indicators.get("rsi", math.nan) - 50) / 20)
    calm = 1 - ramp(indicators.get("adx", math.nan), NO_TREND_ADX, STRONG_TREND_ADX)
    return _score(-(position + strength) / 2 * calm)


def directional_balance(indicators: Indicators) -> float:
    """Return +DI less -DI over their sum times two, within -1 to 1; NaN while they warm up."""
    plus, minus = indicators.get("plus_di", math.nan), indicators.get("minus_di", math.nan)
    total = plus + minus
    return clip(2 * (plus - minus) / total) if total > 0 else math.nan


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
