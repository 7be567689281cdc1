"""The entries of the volatility group."""

from __future__ import annotations

from features.families.family import Family, ema_fade, wilder_fade
from features.families.trend import WILDER
from features.kernels import volatility as kernels

BANDS = {"period": 20, "deviations": 2.0}
BOLLINGER = "Bollinger, Bollinger on Bollinger Bands (2001)"
CHANNEL = {"period": 20, "range_period": 10, "ranges": 2.0}
KELTNER = "Keltner (1960) in the form of Raschke: an EMA, and average true ranges by Wilder"
DONCHIAN = "Donchian (1960)"


def _last(period: int, *_: float) -> int:
    return period - 1


def _channel_warm_up(period: int, range_period: int, *_: float) -> int:
    return max(period, range_period) - 1


def _channel_settled(period: int, range_period: int, *_: float) -> int:
    return max(period + ema_fade(period), range_period + wilder_fade(range_period))


FAMILIES = (
    Family("bollinger_upper", "volatility", "price", BOLLINGER, BANDS, _last, kernels.bollinger_upper),
    Family("bollinger_middle", "volatility", "price", BOLLINGER, {"period": 20}, _last,
           kernels.bollinger_middle),
    Family("bollinger_lower", "volatility", "price", BOLLINGER, BANDS, _last, kernels.bollinger_lower),
    Family("bollinger_width", "volatility", "percent", BOLLINGER, BANDS, _last, kernels.bollinger_width),
    Family("bollinger_percent_b", "volatility", "ratio", BOLLINGER, BANDS, _last,
           kernels.bollinger_percent_b, minimum=2),
    Family("atr", "volatility", "price difference", WILDER, {"period": 14}, _last,
           kernels.average_true_range, lambda period: period + wilder_fade(period)),
    Family("keltner_upper", "volatility", "price", KELTNER, CHANNEL, _channel_warm_up, kernels.keltner_upper,
           _channel_settled),
    Family("keltner_middle", "volatility", "price", KELTNER, {"period": 20}, _last,
           kernels.keltner_middle, lambda period: period + ema_fade(period)),
    Family("keltner_lower", "volatility", "price", KELTNER, CHANNEL, _channel_warm_up, kernels.keltner_lower,
           _channel_settled),
    Family("donchian_upper", "volatility", "price", DONCHIAN, {"period": 20}, _last,
           kernels.donchian_upper),
    Family("donchian_lower", "volatility", "price", DONCHIAN, {"period": 20}, _last,
           kernels.donchian_lower),
    # A window of drawdowns, each from the highest of a window of closes.
    Family("ulcer_index", "volatility", "percent", "Martin and McCann, The Investor's Guide to Fidelity Funds (1989)",
           {"period": 14}, lambda period: 2 * period - 2, kernels.ulcer_index),
    Family("historical_volatility", "volatility", "percent", "customary, per candle, not per year", {"period": 20},
           lambda period: period, kernels.historical_volatility, minimum=2),
)  # fmt: skip
