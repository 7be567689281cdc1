"""The indicators against published sheets and against values computed by hand.

The sheets are those of StockCharts' ChartSchool, as `ta` carries them in its own tests.
"""

from __future__ import annotations

import pandas as pd
import pytest

from tests.fixtures.histories import INDICATORS, simulated


def _frame(high: list[float], low: list[float], close: list[float], volume: list[float] | None = None) -> pd.DataFrame:
    volumes = volume or [1.0] * len(close)
    return pd.DataFrame({"open": close, "high": high, "low": low, "close": close, "volume": volumes})


def _of_closes(close: list[float], volume: list[float] | None = None) -> pd.DataFrame:
    return INDICATORS.compute(_frame(close, close, close, volume))


# ChartSchool's ATR sheet (StockCharts cs-atr, April 2010): high, low, close.
ATR_SHEET = [
    (48.70, 47.79, 48.16), (48.72, 48.14, 48.61), (48.90, 48.39, 48.75), (48.87, 48.37, 48.63), (48.82, 48.24, 48.74),
    (49.05, 48.635, 49.03), (49.20, 48.94, 49.07), (49.35, 48.86, 49.32), (49.92, 49.50, 49.91), (50.19, 49.87, 50.13),
    (50.12, 49.20, 49.53), (49.66, 48.90, 49.50), (49.88, 49.43, 49.75), (50.19, 49.725, 50.03), (50.36, 49.26, 50.31),
    (50.57, 50.09, 50.52), (50.65, 50.30, 50.41), (50.43, 49.21, 49.34), (49.63, 48.98, 49.37), (50.33, 49.61, 50.23),
]  # fmt: skip
# ChartSchool's ADX sheet (cs-adx, February 2009): high, low, close.
ADX_SHEET = [
    (30.1983, 29.4072, 29.8720), (30.2776, 29.3182, 30.2381), (30.4458, 29.9611, 30.0996), (29.3478, 28.7443, 28.9028),
    (29.3477, 28.5566, 28.9225), (29.2886, 28.4081, 28.4775), (28.8334, 28.0818, 28.5566), (28.7346, 27.4289, 27.5576),
    (28.6654, 27.6565, 28.4675), (28.8532, 27.8345, 28.2796), (28.6356, 27.3992, 27.4882), (27.6761, 27.0927, 27.2310),
    (27.2112, 26.1826, 26.3507), (26.8651, 26.1332, 26.3309), (27.4090, 26.6277, 27.0333), (26.9441, 26.1332, 26.2221),
    (26.5189, 25.4307, 26.0144), (26.5189, 25.3518, 25.4605), (27.0927, 25.8760, 27.0333), (27.6860, 26.9640, 27.4487),
    (28.4477, 27.1421, 28.3586), (28.5267, 28.0123, 28.4278), (28.6654, 27.8840, 27.9530), (29.0116, 27.9928, 29.0116),
    (29.8720, 28.7643, 29.3776), (29.8028, 29.1402, 29.3576), (29.7529, 28.7127, 28.9107), (30.6546, 28.9290, 30.6149),
    (30.5951, 30.0304, 30.0502), (30.7635, 29.3863, 30.1890), (31.1698, 30.1365, 31.1202), (30.8923, 30.4267, 30.5356),
]  # fmt: skip
# ChartSchool's CCI sheet (cs-cci, August 2010): high, low, close.
CCI_SHEET = [
    (24.2013, 23.8534, 23.8932), (24.0721, 23.7242, 23.9528), (24.0423, 23.6447, 23.6745), (23.8733, 23.3664, 23.7839),
    (23.6745, 23.4559, 23.4956), (23.5851, 23.1776, 23.3217), (23.8037, 23.3962, 23.7540), (23.8036, 23.5652, 23.7938),
    (24.3007, 24.0522, 24.1417), (24.1516, 23.7739, 23.8137), (24.0522, 23.5950, 23.7839), (24.0622, 23.8435, 23.8634),
    (23.8833, 23.6447, 23.7044), (25.1356, 23.9429, 24.9567), (25.1952, 24.7380, 24.8771), (25.0660, 24.7678, 24.9616),
    (25.2151, 24.8970, 25.1753), (25.3741, 24.9268, 25.0660), (25.3642, 24.9567, 25.2747), (25.2648, 24.9268, 24.9964),
    (24.8175, 24.2112, 24.4597), (24.4398, 24.2112, 24.2808),
]  # fmt: skip
# ChartSchool's RSI sheet (cs-rsi, December 2009), with the averages seeded as `ta` does.
RSI_CLOSES = [
    44.3389, 44.0902, 44.1497, 43.6124, 44.3278, 44.8264, 45.0955, 45.4245, 45.8433, 46.0826, 45.8931, 46.0328, 45.6140,
    46.2820, 46.2820, 46.0028, 46.0328, 46.4116, 46.2222, 45.6439, 46.2122, 46.2521, 45.7137, 46.4515, 45.7835, 45.3548,
]  # fmt: skip


def _sheet(rows: list[tuple[float, float, float]]) -> pd.DataFrame:
    high, low, close = (list(column) for column in zip(*rows, strict=True))
    return INDICATORS.compute(_frame(high, low, close))


def test_average_true_range_matches_the_published_sheet() -> None:
    values = _sheet(ATR_SHEET)["average_true_range"]
    assert values[13:18].tolist() == pytest.approx([0.555, 0.5939285714, 0.5857908163, 0.5689486152, 0.6154522855])


def test_directional_movement_matches_the_published_sheet() -> None:
    values = _sheet(ADX_SHEET)
    assert values["adx"][27:].tolist() == pytest.approx(
        [33.5833461, 32.1534947, 29.9292238, 28.3576178, 26.8982694], abs=1e-4
    )
    assert values["plus_di"][[15, 31]].tolist() == pytest.approx([6.2919781, 20.8748381], abs=1e-4)
    assert values["minus_di"][[15, 31]].tolist() == pytest.approx([33.9457668, 17.8085094], abs=1e-4)


def test_cci_matches_the_published_sheet() -> None:
    assert _sheet(CCI_SHEET)["cci"][19:].tolist() == pytest.approx([102.3150, 30.7360, 6.5516], abs=0.02)


def test_rsi_matches_the_published_sheet() -> None:
    rsi = _of_closes(RSI_CLOSES)["rsi"]
    assert rsi[[14, 15, 20, 25]].tolist() == pytest.approx([71.862114, 65.248473, 61.282282, 47.446488], abs=1e-3)


def test_averages_and_bands_of_a_hand_computed_series() -> None:
    closes = [float(i) for i in range(1, 61)]
    last = _of_closes(closes).iloc[-1]
    # 41..60: mean 50.5, population variance (20² - 1) / 12.
    deviation = (399 / 12) ** 0.5
    assert last["sma_20"] == pytest.approx(50.5)
    assert last["sma_50"] == pytest.approx(35.5)
    assert last["bollinger_upper"] == pytest.approx(50.5 + 2 * deviation)
    assert last["bollinger_lower"] == pytest.approx(50.5 - 2 * deviation)
    assert last["bollinger_width"] == pytest.approx(100 * 4 * deviation / 50.5)
    assert last["bollinger_percent_b"] == pytest.approx(0.5 + 9.5 / (4 * deviation))
    assert last["rsi"] == 100
    assert last["rate_of_change"] == pytest.approx(100 * (60 / 48 - 1))
    assert last["average_true_range"] == pytest.approx(1 - (13 / 14) ** 46 / 14)  # the first true range is 0
    assert last["stochastic_k"] == 100
    assert last["williams_r"] == 0


def test_exponential_averages_and_macd_follow_their_recursion() -> None:
    closes = simulated(5, count=90).frame["close"].tolist()
    table = _of_closes(closes)

    def ema(values: list[float], period: int) -> list[float]:
        smoothed = [values[0]]
        for value in values[1:]:
            smoothed.append(smoothed[-1] + 2 / (period + 1) * (value - smoothed[-1]))
        return smoothed

    for period in (9, 12, 21, 26, 50):
        assert table[f"ema_{period}"].iloc[-1] == pytest.approx(ema(closes, period)[-1])
    macd = [fast - slow for fast, slow in zip(ema(closes, 12), ema(closes, 26), strict=True)]
    signal = ema(macd[25:], 9)
    assert table["macd"].iloc[-1] == pytest.approx(macd[-1])
    assert table["macd_signal"].iloc[-1] == pytest.approx(signal[-1])
    assert table["macd_histogram"].iloc[-1] == pytest.approx(macd[-1] - signal[-1])


def test_volume_columns_of_a_hand_computed_series() -> None:
    closes = [10.0 + i % 2 for i in range(30)]  # up with volume 3, down with volume 1
    table = _of_closes(closes, [3.0 if i % 2 else 1.0 for i in range(30)])
    last = table.iloc[-1]
    assert last["volume_sma"] == 2
    assert last["volume_ratio"] == 1.5
    assert last["volume_rate_of_change"] == 0  # an even number of candles ago it was the same
    assert last["volume_balance"] == pytest.approx((10 * 3 - 10 * 1) / 40)
    assert last["vwap"] == pytest.approx((10 * 1 + 11 * 3) / 4)
    assert table["on_balance_volume"][:4].tolist() == [1, 4, 3, 6]  # `ta` counts the first candle as rising
