"""Which machine makes an indicator, by family of the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from features.families.family import Indicator
from features.incremental import price_indicators as price
from features.incremental import range_indicators as ranges
from features.incremental import volume_indicators as volume
from features.incremental.circuit import CLOSE, Circuit
from features.incremental.machines import exponential, rolling_mean

# From a circuit and the parameters of the indicator to the place of its values, in its own unit.
_FAMILIES: Mapping[str, Callable[..., int]] = MappingProxyType(
    {
        "ema": lambda circuit, period: exponential(circuit, CLOSE, period),
        "sma": lambda circuit, period: rolling_mean(circuit, CLOSE, period),
        "rsi": price.rsi,
        "macd": price.macd,
        "macd_signal": price.macd_signal,
        "macd_histogram": price.macd_histogram,
        "bollinger_upper": price.bollinger_upper,
        "bollinger_lower": price.bollinger_lower,
        "bollinger_width": price.bollinger_width,
        "bollinger_percent_b": price.bollinger_percent_b,
        "stochastic_k": price.stochastic_k,
        "stochastic_d": price.stochastic_d,
        "williams_r": price.williams_r,
        "roc": price.roc,
        "cci": price.cci,
        "atr": ranges.atr,
        "adx": ranges.adx,
        "plus_di": ranges.plus_di,
        "minus_di": ranges.minus_di,
        "mfi": volume.mfi,
        "volume_ratio": volume.volume_ratio,
        "volume_roc": volume.volume_roc,
        "vwap": volume.vwap,
        "cmf": volume.cmf,
    }
)


def has_machine(indicator: Indicator) -> bool:
    """Return whether the indicator can be made candle by candle."""
    return indicator.family.name in _FAMILIES


def indicator_machine(circuit: Circuit, indicator: Indicator) -> int:
    """Return the place of an indicator that has a machine."""
    return _FAMILIES[indicator.family.name](circuit, *indicator.parameters)
