"""The indicators as `ta` 0.11 defines them: the reference for the kernels, and the slow engine.

A definition takes a frame with a RangeIndex (`ta` misreads others on pandas 3) and the parameters of
its family, and returns a whole column, in which the rows of the warm-up may hold anything: `compute`
masks them. Where `ta` is wrong beyond its warm-up, the definition is ours, as its docstring states.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from ta import momentum, trend, volatility, volume

from features.kernels.momentum import FLAT_RSI

Definition = Callable[..., pd.Series]


def _by(indicator: Callable[..., Any], columns: str, method: str, order: Sequence[int] | None = None) -> Definition:
    """Return the definition by a class of `ta`, which may want our parameters in another order."""
    names = columns.split()

    def define(frame: pd.DataFrame, *parameters: float) -> pd.Series:
        ordered = parameters if order is None else [parameters[place] for place in order]
        column: pd.Series = getattr(indicator(*(frame[name] for name in names), *ordered), method)()
        return column

    return define


def _rsi(frame: pd.DataFrame, period: int) -> pd.Series:
    """`ta`, but 50 until the price has moved; `ta` gives 100."""
    close = frame["close"]
    unmoved = close.cummax() == close.cummin()
    rsi: pd.Series = momentum.RSIIndicator(close, period).rsi()
    return rsi.mask(unmoved, FLAT_RSI)


def _kst(frame: pd.DataFrame, *periods: int) -> pd.Series:
    """Ours: `ta` fills the first rows with the mean of the whole series, future included."""
    close = frame["close"]
    total = 0 * close
    for weight, change, window in zip((1, 2, 3, 4), periods[:4], periods[4:], strict=True):
        total = total + weight * (close / close.shift(change) - 1).rolling(window).mean()
    return 100 * total


def _kst_signal(frame: pd.DataFrame, *periods: int) -> pd.Series:
    """Ours, as `_kst` is: `ta` averages what there is, down to a single value."""
    return _kst(frame, *periods[:-1]).rolling(periods[-1]).mean()


def _ichimoku_b(frame: pd.DataFrame, period: int) -> pd.Series:
    column: pd.Series = trend.IchimokuIndicator(frame["high"], frame["low"], window3=period).ichimoku_b()
    return column


def _keltner(band: str) -> Definition:
    def define(frame: pd.DataFrame, period: int, range_period: int, ranges: float) -> pd.Series:
        channel = volatility.KeltnerChannel(
            frame["high"],
            frame["low"],
            frame["close"],
            period,
            range_period,
            original_version=False,
            multiplier=ranges,
        )
        column: pd.Series = getattr(channel, band)()
        return column

    return define


def _historical_volatility(frame: pd.DataFrame, period: int) -> pd.Series:
    """Ours: `ta` has none."""
    logs = pd.Series(np.log(frame["close"].to_numpy(np.float64)))
    return 100 * logs.diff().rolling(period).std()


def _volume_ratio(frame: pd.DataFrame, period: int) -> pd.Series:
    average: pd.Series = trend.SMAIndicator(frame["volume"], period).sma_indicator()
    return frame["volume"] / average


RANGE, ALL = "high low close", "high low close volume"
# `ta` wants the slow period first.
SLOW_FIRST = (1, 0)

DEFINITIONS: Mapping[str, Definition] = MappingProxyType(
    {
        "ema": _by(trend.EMAIndicator, "close", "ema_indicator"),
        "sma": _by(trend.SMAIndicator, "close", "sma_indicator"),
        "wma": _by(trend.WMAIndicator, "close", "wma"),
        "kama": _by(momentum.KAMAIndicator, "close", "kama"),
        "macd": _by(trend.MACD, "close", "macd", SLOW_FIRST),
        "macd_signal": _by(trend.MACD, "close", "macd_signal", (*SLOW_FIRST, 2)),
        "macd_histogram": _by(trend.MACD, "close", "macd_diff", (*SLOW_FIRST, 2)),
        "trix": _by(trend.TRIXIndicator, "close", "trix"),
        "dpo": _by(trend.DPOIndicator, "close", "dpo"),
        "aroon_up": _by(trend.AroonIndicator, "high low", "aroon_up"),
        "aroon_down": _by(trend.AroonIndicator, "high low", "aroon_down"),
        "adx": _by(trend.ADXIndicator, RANGE, "adx"),
        "plus_di": _by(trend.ADXIndicator, RANGE, "adx_pos"),
        "minus_di": _by(trend.ADXIndicator, RANGE, "adx_neg"),
        "cci": _by(trend.CCIIndicator, RANGE, "cci"),
        "psar": _by(trend.PSARIndicator, RANGE, "psar"),
        "ichimoku_a": _by(trend.IchimokuIndicator, "high low", "ichimoku_a"),
        "ichimoku_b": _ichimoku_b,
        "kst": _kst,
        "kst_signal": _kst_signal,
        "mass_index": _by(trend.MassIndex, "high low", "mass_index"),
        "vortex_plus": _by(trend.VortexIndicator, RANGE, "vortex_indicator_pos"),
        "vortex_minus": _by(trend.VortexIndicator, RANGE, "vortex_indicator_neg"),
        "rsi": _rsi,
        "stochastic_rsi": _by(momentum.StochRSIIndicator, "close", "stochrsi"),
        "ppo": _by(momentum.PercentagePriceOscillator, "close", "ppo", SLOW_FIRST),
        "ppo_signal": _by(momentum.PercentagePriceOscillator, "close", "ppo_signal", (*SLOW_FIRST, 2)),
        "ppo_histogram": _by(momentum.PercentagePriceOscillator, "close", "ppo_hist", (*SLOW_FIRST, 2)),
        "stochastic_k": _by(momentum.StochasticOscillator, RANGE, "stoch"),
        "stochastic_d": _by(momentum.StochasticOscillator, RANGE, "stoch_signal"),
        "williams_r": _by(momentum.WilliamsRIndicator, RANGE, "williams_r"),
        "roc": _by(momentum.ROCIndicator, "close", "roc"),
        "ultimate_oscillator": _by(momentum.UltimateOscillator, RANGE, "ultimate_oscillator"),
        "tsi": _by(momentum.TSIIndicator, "close", "tsi"),
        "awesome_oscillator": _by(momentum.AwesomeOscillatorIndicator, "high low", "awesome_oscillator"),
        "bollinger_upper": _by(volatility.BollingerBands, "close", "bollinger_hband"),
        "bollinger_middle": _by(volatility.BollingerBands, "close", "bollinger_mavg"),
        "bollinger_lower": _by(volatility.BollingerBands, "close", "bollinger_lband"),
        "bollinger_width": _by(volatility.BollingerBands, "close", "bollinger_wband"),
        "bollinger_percent_b": _by(volatility.BollingerBands, "close", "bollinger_pband"),
        "atr": _by(volatility.AverageTrueRange, RANGE, "average_true_range"),
        "keltner_upper": _keltner("keltner_channel_hband"),
        "keltner_middle": _by(trend.EMAIndicator, "close", "ema_indicator"),
        "keltner_lower": _keltner("keltner_channel_lband"),
        "donchian_upper": _by(volatility.DonchianChannel, RANGE, "donchian_channel_hband"),
        "donchian_lower": _by(volatility.DonchianChannel, RANGE, "donchian_channel_lband"),
        "ulcer_index": _by(volatility.UlcerIndex, "close", "ulcer_index"),
        "historical_volatility": _historical_volatility,
        "obv": _by(volume.OnBalanceVolumeIndicator, "close volume", "on_balance_volume"),
        "vpt": _by(volume.VolumePriceTrendIndicator, "close volume", "volume_price_trend"),
        "adi": _by(volume.AccDistIndexIndicator, ALL, "acc_dist_index"),
        "cmf": _by(volume.ChaikinMoneyFlowIndicator, ALL, "chaikin_money_flow"),
        "force_index": _by(volume.ForceIndexIndicator, "close volume", "force_index"),
        "ease_of_movement": _by(volume.EaseOfMovementIndicator, "high low volume", "sma_ease_of_movement"),
        "mfi": _by(volume.MFIIndicator, ALL, "money_flow_index"),
        "nvi": _by(volume.NegativeVolumeIndexIndicator, "close volume", "negative_volume_index"),
        "vwap": _by(volume.VolumeWeightedAveragePrice, ALL, "volume_weighted_average_price"),
        "volume_sma": _by(trend.SMAIndicator, "volume", "sma_indicator"),
        "volume_ratio": _volume_ratio,
        "volume_roc": _by(momentum.ROCIndicator, "volume", "roc"),
    }
)
