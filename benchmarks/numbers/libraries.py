"""The indicators that we share with `ta` and TA-Lib, by each library used as it is meant to be."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import talib
from ta import momentum, trend, volatility, volume

from domain.arrays import FloatArray
from features.families.family import Indicator
from features.indicators.catalogue import indicator
from features.kernels.candles import Candles

# All families that both libraries have, with the customary parameters.
INDICATORS: tuple[Indicator, ...] = (
    *(indicator("ema", period=period) for period in (9, 21, 50)),
    *(indicator("sma", period=period) for period in (20, 50)),
    *(
        indicator(family)
        for family in (
            "wma", "kama", "macd", "macd_signal", "macd_histogram", "trix", "adx", "plus_di", "minus_di", "cci",
            "aroon_up", "aroon_down", "psar", "vortex_plus", "vortex_minus", "mass_index", "rsi", "stochastic_k",
            "stochastic_d", "williams_r", "roc", "ultimate_oscillator", "tsi", "awesome_oscillator", "ppo",
            "bollinger_upper", "bollinger_middle", "bollinger_lower", "atr", "keltner_upper", "keltner_middle",
            "keltner_lower", "donchian_upper", "donchian_lower", "obv", "adi", "cmf", "force_index", "mfi", "nvi",
            "volume_sma",
        )
    ),
)  # fmt: skip

Columns = Mapping[str, FloatArray | pd.Series]


def by_talib(candles: Candles) -> Columns:
    """Return the columns by TA-Lib, by the names of our families."""
    high, low, close, traded = candles.high, candles.low, candles.close, candles.volume
    macd, macd_signal, macd_histogram = talib.MACD(close, 12, 26, 9)
    aroon_down, aroon_up = talib.AROON(high, low, 25)
    vortex_plus, vortex_minus = talib.VORTEX(high, low, close, 14)
    stochastic_k, stochastic_d = talib.STOCHF(high, low, close, 14, 3)
    bollinger_upper, bollinger_middle, bollinger_lower = talib.BBANDS(close, 20, 2, 2)
    keltner_upper, keltner_middle, keltner_lower = talib.KC(high, low, close, 20, 10, 2)
    donchian_upper, _, donchian_lower = talib.DONCHIAN(high, low, 20)
    return {
        "ema_9": talib.EMA(close, 9),
        "ema_21": talib.EMA(close, 21),
        "ema_50": talib.EMA(close, 50),
        "sma_20": talib.SMA(close, 20),
        "sma_50": talib.SMA(close, 50),
        "wma": talib.WMA(close, 9),
        "kama": talib.KAMA(close, 10),
        "macd": macd,
        "macd_signal": macd_signal,
        "macd_histogram": macd_histogram,
        "trix": talib.TRIX(close, 15),
        "adx": talib.ADX(high, low, close, 14),
        "plus_di": talib.PLUS_DI(high, low, close, 14),
        "minus_di": talib.MINUS_DI(high, low, close, 14),
        "cci": talib.CCI(high, low, close, 20),
        "aroon_up": aroon_up,
        "aroon_down": aroon_down,
        "psar": talib.SAR(high, low, 0.02, 0.2),
        "vortex_plus": vortex_plus,
        "vortex_minus": vortex_minus,
        "mass_index": talib.MASSI(high, low, 9, 25),
        "rsi": talib.RSI(close, 14),
        "stochastic_k": stochastic_k,
        "stochastic_d": stochastic_d,
        "williams_r": talib.WILLR(high, low, close, 14),
        "roc": talib.ROC(close, 12),
        "ultimate_oscillator": talib.ULTOSC(high, low, close, 7, 14, 28),
        "tsi": talib.TSI(close, 25, 13),
        "awesome_oscillator": talib.AO(high, low, 5, 34),
        "ppo": talib.PPO(close, 12, 26, talib.MA_Type.EMA),  # type: ignore[attr-defined]
        "bollinger_upper": bollinger_upper,
        "bollinger_middle": bollinger_middle,
        "bollinger_lower": bollinger_lower,
        "atr": talib.ATR(high, low, close, 14),
        "keltner_upper": keltner_upper,
        "keltner_middle": keltner_middle,
        "keltner_lower": keltner_lower,
        "donchian_upper": donchian_upper,
        "donchian_lower": donchian_lower,
        "obv": talib.OBV(close, traded),
        "adi": talib.AD(high, low, close, traded),
        "cmf": talib.CMF(high, low, close, traded, 20),
        "force_index": talib.EFI(close, traded, 13),
        "mfi": talib.MFI(high, low, close, traded, 14),
        "nvi": talib.NVI(close, traded),
        "volume_sma": talib.SMA(traded, 20),
    }


def by_ta(frame: pd.DataFrame) -> Columns:
    """Return the columns by `ta`, one object for all that it can give."""
    high, low, close, traded = frame["high"], frame["low"], frame["close"], frame["volume"]
    macd, aroon, adx = trend.MACD(close), trend.AroonIndicator(high, low), trend.ADXIndicator(high, low, close)
    vortex = trend.VortexIndicator(high, low, close)
    stochastic = momentum.StochasticOscillator(high, low, close)
    bands, donchian = volatility.BollingerBands(close), volatility.DonchianChannel(high, low, close)
    keltner = volatility.KeltnerChannel(high, low, close, original_version=False)
    return {
        "ema_9": trend.EMAIndicator(close, 9).ema_indicator(),
        "ema_21": trend.EMAIndicator(close, 21).ema_indicator(),
        "ema_50": trend.EMAIndicator(close, 50).ema_indicator(),
        "sma_20": trend.SMAIndicator(close, 20).sma_indicator(),
        "sma_50": trend.SMAIndicator(close, 50).sma_indicator(),
        "wma": trend.WMAIndicator(close).wma(),
        "kama": momentum.KAMAIndicator(close).kama(),
        "macd": macd.macd(),
        "macd_signal": macd.macd_signal(),
        "macd_histogram": macd.macd_diff(),
        "trix": trend.TRIXIndicator(close).trix(),
        "adx": adx.adx(),
        "plus_di": adx.adx_pos(),
        "minus_di": adx.adx_neg(),
        "cci": trend.CCIIndicator(high, low, close).cci(),
        "aroon_up": aroon.aroon_up(),
        "aroon_down": aroon.aroon_down(),
        "psar": trend.PSARIndicator(high, low, close).psar(),
        "vortex_plus": vortex.vortex_indicator_pos(),
        "vortex_minus": vortex.vortex_indicator_neg(),
        "mass_index": trend.MassIndex(high, low).mass_index(),
        "rsi": momentum.RSIIndicator(close).rsi(),
        "stochastic_k": stochastic.stoch(),
        "stochastic_d": stochastic.stoch_signal(),
        "williams_r": momentum.WilliamsRIndicator(high, low, close).williams_r(),
        "roc": momentum.ROCIndicator(close).roc(),
        "ultimate_oscillator": momentum.UltimateOscillator(high, low, close).ultimate_oscillator(),
        "tsi": momentum.TSIIndicator(close).tsi(),
        "awesome_oscillator": momentum.AwesomeOscillatorIndicator(high, low).awesome_oscillator(),
        "ppo": momentum.PercentagePriceOscillator(close).ppo(),
        "bollinger_upper": bands.bollinger_hband(),
        "bollinger_middle": bands.bollinger_mavg(),
        "bollinger_lower": bands.bollinger_lband(),
        "atr": volatility.AverageTrueRange(high, low, close).average_true_range(),
        "keltner_upper": keltner.keltner_channel_hband(),
        "keltner_middle": keltner.keltner_channel_mband(),
        "keltner_lower": keltner.keltner_channel_lband(),
        "donchian_upper": donchian.donchian_channel_hband(),
        "donchian_lower": donchian.donchian_channel_lband(),
        "obv": volume.OnBalanceVolumeIndicator(close, traded).on_balance_volume(),
        "adi": volume.AccDistIndexIndicator(high, low, close, traded).acc_dist_index(),
        "cmf": volume.ChaikinMoneyFlowIndicator(high, low, close, traded).chaikin_money_flow(),
        "force_index": volume.ForceIndexIndicator(close, traded).force_index(),
        "mfi": volume.MFIIndicator(high, low, close, traded).money_flow_index(),
        "nvi": volume.NegativeVolumeIndexIndicator(close, traded).negative_volume_index(),
        "volume_sma": trend.SMAIndicator(traded, 20).sma_indicator(),
    }
