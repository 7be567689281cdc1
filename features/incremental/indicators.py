"""Which machine makes an indicator, by family of the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from features.families.family import Indicator
from features.incremental import direction, momentum, parabolic, trend, volatility, volume
from features.incremental.circuit import Circuit

# By the name of the family: from a circuit and the parameters to the place of its values, in its own unit.
_FAMILIES: Mapping[str, Callable[..., int]] = MappingProxyType(
    {
        made.__name__: made
        for made in (
            trend.ema,
            trend.sma,
            trend.kama,
            trend.macd,
            trend.macd_signal,
            trend.macd_histogram,
            trend.trix,
            trend.dpo,
            trend.aroon_up,
            trend.aroon_down,
            parabolic.psar,
            trend.cci,
            trend.ichimoku_a,
            trend.ichimoku_b,
            trend.kst,
            trend.kst_signal,
            trend.mass_index,
            trend.vortex_plus,
            trend.vortex_minus,
            direction.adx,
            direction.plus_di,
            direction.minus_di,
            momentum.rsi,
            momentum.stochastic_rsi,
            momentum.stochastic_k,
            momentum.stochastic_d,
            momentum.williams_r,
            momentum.roc,
            momentum.ultimate_oscillator,
            momentum.tsi,
            momentum.awesome_oscillator,
            volatility.atr,
            volatility.bollinger_upper,
            volatility.bollinger_lower,
            volatility.bollinger_width,
            volatility.bollinger_percent_b,
            volatility.keltner_upper,
            volatility.keltner_lower,
            volatility.donchian_upper,
            volatility.donchian_lower,
            volatility.ulcer_index,
            volume.mfi,
            volume.volume_ratio,
            volume.volume_roc,
            volume.vwap,
            volume.cmf,
            volume.force_index,
            volume.nvi,
        )
    }
)


def has_machine(indicator: Indicator) -> bool:
    """Return whether the indicator can be made candle by candle."""
    return indicator.family.name in _FAMILIES


def indicator_machine(circuit: Circuit, indicator: Indicator) -> int:
    """Return the place of an indicator that has a machine."""
    return _FAMILIES[indicator.family.name](circuit, *indicator.parameters)
