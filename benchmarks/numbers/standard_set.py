"""The columns of the `standard` set written out, with TA-Lib and numpy, and with `ta` and pandas.

This is what a user of either library would write for these columns: one call for all that a
function gives, nothing computed twice, and no neutral values where the market gives no answer.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import talib
from ta import momentum, trend, volatility, volume

from domain.arrays import FloatArray, IntArray
from domain.hours.clocks import DAY_MS

LAGS = (1, 2, 3, 5, 10)


def by_talib(times: IntArray, values: FloatArray) -> FloatArray:
    """Return the 75 columns as rows; open times in epoch ms, and open, high, low, close, volume as rows."""
    opened, high, low, close, traded = values
    count = len(close)
    macd, macd_signal, macd_histogram = (line / close for line in talib.MACD(close, 12, 26, 9))
    upper, middle, lower = talib.BBANDS(close, 20, 2, 2)
    width = upper - lower
    stochastic_k, stochastic_d = talib.STOCHF(high, low, close, 14, 3)
    rsi, ranges = talib.RSI(close, 14), talib.ATR(high, low, close, 14)
    volume_mean = talib.SMA(traded, 20)
    volume_ratio, volume_sum = traded / volume_mean, volume_mean * 20
    returns = talib.ROCP(close, 1)
    deviations = [talib.STDDEV(returns, rows) * (rows / (rows - 1)) ** 0.5 for rows in (5, 10, 20)]
    spread, body = high - low, np.abs(close - opened)
    higher, lower_body = np.maximum(opened, close), np.minimum(opened, close)
    moved = spread > 0
    highest, lowest = talib.MAX(high, 20), talib.MIN(low, 20)
    side_high, side_low = talib.MAX(high, 3), talib.MIN(low, 3)
    phases = 2 * np.pi * np.array([times % DAY_MS / DAY_MS, (times // DAY_MS + 3) % 7 / 7, _months(times) / 12])
    sines, cosines = np.sin(phases), np.cos(phases)
    # What looks at the rows before begins where it can; the rows before that are the warm-up.
    table = np.full((75, count), np.nan)
    columns = (
        rsi,
        macd,
        macd_signal,
        macd_histogram,
        close / talib.EMA(close, 9) - 1,
        close / talib.EMA(close, 21) - 1,
        close / talib.EMA(close, 50) - 1,
        close / middle - 1,
        close / talib.SMA(close, 50) - 1,
        close / upper - 1,
        close / lower - 1,
        100 * width / middle,
        (close - lower) / width,
        stochastic_k,
        stochastic_d,
        talib.WILLR(high, low, close, 28),
        ranges / close,
        talib.ROC(close, 12),
        talib.CCI(high, low, close, 20),
        talib.ADX(high, low, close, 14),
        talib.PLUS_DI(high, low, close, 14),
        talib.MINUS_DI(high, low, close, 14),
        talib.MFI(high, low, close, traded, 14),
        volume_ratio,
        talib.ROC(traded, 12),
        close * volume_sum / talib.SUM(talib.TYPPRICE(high, low, close) * traded, 20) - 1,
        talib.CMF(high, low, close, traded, 20),
        talib.SUM(np.sign(returns) * traded, 20) / volume_sum,
        talib.SUM(returns * traded, 20) / volume_sum,
        returns,
        talib.ROCP(close, 5),
        talib.ROCP(close, 10),
        (close - low) / spread,
        spread / close,
        (close - opened) / opened,
        talib.MOM(close, 5) / ranges,
        talib.MOM(close, 10) / ranges,
    )
    for row, column in enumerate(columns):
        table[row] = column
    table[37:43:2], table[38:43:2] = sines, cosines
    for first, column in zip((43, 48, 53, 58), (returns, volume_ratio, rsi, macd), strict=True):
        for row, lag in enumerate(LAGS, first):
            table[row, lag:] = column[:-lag]
    table[63:66] = deviations
    table[66], table[67] = deviations[0] / deviations[1], deviations[1] / deviations[2]
    table[68] = talib.STDDEV(close, 5) * (5 / 4) ** 0.5 / talib.SMA(close, 5)
    table[69] = (body <= 0.1 * spread) & moved
    table[70] = (body > 0) & (lower_body - low >= 2 * body) & (high - higher <= 0.1 * spread)
    table[71, 1:] = close[1:] > highest[:-1]
    table[72, 1:] = close[1:] < lowest[:-1]
    table[73, 6:] = (high[3:-3] > side_high[6:]) & (high[3:-3] > side_high[2:-4])
    table[74, 6:] = (low[3:-3] < side_low[6:]) & (low[3:-3] < side_low[2:-4])
    return table


def by_ta(times: IntArray, frame: pd.DataFrame) -> Mapping[str, pd.Series]:
    """Return the 75 columns by name; open times in epoch ms, and a frame of the candles."""
    opened, high, low, close, traded = (frame[name] for name in ("open", "high", "low", "close", "volume"))
    macd, bands = trend.MACD(close), volatility.BollingerBands(close)
    stochastic, adx = momentum.StochasticOscillator(high, low, close), trend.ADXIndicator(high, low, close)
    rsi, ranges = momentum.RSIIndicator(close).rsi(), volatility.AverageTrueRange(high, low, close).average_true_range()
    volume_sum = traded.rolling(20).sum()
    returns, spread, body = close.pct_change(), high - low, (close - opened).abs()
    deviations = {rows: returns.rolling(rows).std() for rows in (5, 10, 20)}
    bases = {
        "price_return_1": returns,
        "volume_ratio_20": traded / trend.SMAIndicator(traded, 20).sma_indicator(),
        "rsi_14": rsi,
        "macd_12_26_share": macd.macd() / close,
    }
    phases = {"hour": times % DAY_MS / DAY_MS, "day": (times // DAY_MS + 3) % 7 / 7, "month": _months(times) / 12}
    average = volume.VolumeWeightedAveragePrice(high, low, close, traded, 20).volume_weighted_average_price()
    return {
        **bases,
        "macd_signal_12_26_9_share": macd.macd_signal() / close,
        "macd_histogram_12_26_9_share": macd.macd_diff() / close,
        **{f"ema_{n}_distance": close / trend.EMAIndicator(close, n).ema_indicator() - 1 for n in (9, 21, 50)},
        **{f"sma_{n}_distance": close / trend.SMAIndicator(close, n).sma_indicator() - 1 for n in (20, 50)},
        "bollinger_upper_20_2_distance": close / bands.bollinger_hband() - 1,
        "bollinger_lower_20_2_distance": close / bands.bollinger_lband() - 1,
        "bollinger_width_20_2": bands.bollinger_wband(),
        "bollinger_percent_b_20_2": bands.bollinger_pband(),
        "stochastic_k_14": stochastic.stoch(),
        "stochastic_d_14_3": stochastic.stoch_signal(),
        "williams_r_28": momentum.WilliamsRIndicator(high, low, close, 28).williams_r(),
        "atr_14_share": ranges / close,
        "roc_12": momentum.ROCIndicator(close).roc(),
        "cci_20": trend.CCIIndicator(high, low, close).cci(),
        "adx_14": adx.adx(),
        "plus_di_14": adx.adx_pos(),
        "minus_di_14": adx.adx_neg(),
        "mfi_14": volume.MFIIndicator(high, low, close, traded).money_flow_index(),
        "volume_roc_12": momentum.ROCIndicator(traded).roc(),
        "vwap_20_distance": close / average - 1,
        "cmf_20": volume.ChaikinMoneyFlowIndicator(high, low, close, traded).chaikin_money_flow(),
        "obv_balance_20": (np.sign(returns) * traded).rolling(20).sum() / volume_sum,
        "vpt_mean_20": (returns * traded).rolling(20).sum() / volume_sum,
        "price_return_5": close.pct_change(5),
        "price_return_10": close.pct_change(10),
        "price_position": (close - low) / spread,
        "hl_spread": spread / close,
        "oc_spread": (close - opened) / opened,
        "price_momentum_5": close.diff(5) / ranges,
        "price_momentum_10": close.diff(10) / ranges,
        **{f"{name}_sin": pd.Series(np.sin(2 * np.pi * phase)) for name, phase in phases.items()},
        **{f"{name}_cos": pd.Series(np.cos(2 * np.pi * phase)) for name, phase in phases.items()},
        **{f"{name}_lag_{lag}": column.shift(lag) for name, column in bases.items() for lag in LAGS},
        **{f"volatility_{rows}": deviation for rows, deviation in deviations.items()},
        "volatility_ratio_5_10": deviations[5] / deviations[10],
        "volatility_ratio_10_20": deviations[10] / deviations[20],
        "price_dispersion_5": close.rolling(5).std() / close.rolling(5).mean(),
        "doji": (body <= 0.1 * spread) & (spread > 0),
        "hammer": (
            (body > 0)
            & (np.minimum(opened, close) - low >= 2 * body)
            & (high - np.maximum(opened, close) <= 0.1 * spread)
        ),
        "breakout_up_20": close > high.rolling(20).max().shift(),
        "breakout_down_20": close < low.rolling(20).min().shift(),
        "local_high_3": (high.shift(3) > high.rolling(3).max()) & (high.shift(3) > high.rolling(3).max().shift(4)),
        "local_low_3": (low.shift(3) < low.rolling(3).min()) & (low.shift(3) < low.rolling(3).min().shift(4)),
    }


def _months(times: IntArray) -> IntArray:
    return times.astype("datetime64[ms]").astype("datetime64[M]").astype(np.int64) % 12
