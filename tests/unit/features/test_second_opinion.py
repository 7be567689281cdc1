"""TA-Lib's C, written by others from the same books, agrees with our numbers once both have settled.

What differs by definition, found here and accepted:

- Averages begin elsewhere: TA-Lib seeds an EMA with a mean where `ta` takes the first value, RSI and ATR one row
  later. So columns with a recursion are compared after their settled length only.
- Keltner's middle is the EMA of the typical price in TA-Lib, of the close in `ta`.
- SAR keeps the value out of both last ranges and takes its first direction from them; `ta` begins rising
  and looks at the older range first.
- Of equal highs or lows, Aroon counts from the newest in TA-Lib, from the oldest in `ta`.
- OBV counts an unmoved candle as neither rising nor falling; `ta` as rising.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import talib

from benchmarks.numbers.libraries import INDICATORS, by_talib
from domain.arrays import FloatArray
from features.families.family import Indicator
from features.indicators.catalogue import FAMILIES, compute, indicator
from features.kernels.candles import Candles, typical
from tests.fixtures.exchange_candles import exchange_candles
from tests.fixtures.histories import simulated
from tests.fixtures.indicators import closeness

# Rounding of another order of sums; relative to the value and the column's typical one.
TOLERANCE = 1e-9
# TA-Lib's deviation is the mean of squares less the square of the mean, which cancels.
SQUARES_TOLERANCE = 1e-6
# The precision that columns reach after their settled length.
FORGOTTEN = 1e-6
OTHER_DEFINITION = {"keltner_upper", "keltner_middle", "keltner_lower", "psar"}
# Equal except where two highs, two lows or two closes are equal.
OTHER_AT_TIES = {"aroon_up", "aroon_down", "obv"}
# Families that TA-Lib has in parts, or that it computes as a case of another function.
COMPOSED: dict[str, Callable[[Candles], FloatArray]] = {
    "dpo": lambda c: talib.DPO(c.close, 20),
    "stochastic_rsi": lambda c: talib.STOCHRSI(c.close, 14, 14, 1)[0] / 100,
    "ppo_signal": lambda c: talib.EMA(_ppo(c), 9),
    "ppo_histogram": lambda c: _ppo(c) - talib.EMA(_ppo(c), 9),
    "ichimoku_a": lambda c: (talib.MIDPRICE(c.high, c.low, 9) + talib.MIDPRICE(c.high, c.low, 26)) / 2,
    "ichimoku_b": lambda c: talib.MIDPRICE(c.high, c.low, 52),
    "kst": lambda c: _kst(c.close),
    "kst_signal": lambda c: talib.SMA(_kst(c.close), 9),
    "bollinger_width": lambda c: 100 * 4 * talib.STDDEV(c.close, 20) / talib.SMA(c.close, 20),
    "bollinger_percent_b": lambda c: (
        (c.close - talib.SMA(c.close, 20) + 2 * talib.STDDEV(c.close, 20)) / (4 * talib.STDDEV(c.close, 20))
    ),
    "ulcer_index": lambda c: np.sqrt(talib.SMA((100 * (c.close / talib.MAX(c.close, 14) - 1)) ** 2, 14)),
    "historical_volatility": lambda c: 100 * talib.STDDEV(_log_returns(c.close), 20) * np.sqrt(20 / 19),
    "vpt": lambda c: talib.PVT(c.close, c.volume),
    "vwap": lambda c: talib.SUM(typical(c) * c.volume, 20) / talib.SUM(c.volume, 20),
    "ease_of_movement": lambda c: talib.SMA(_ease(c), 14),
    "volume_ratio": lambda c: c.volume / talib.SMA(c.volume, 20),
    "volume_roc": lambda c: talib.ROC(c.volume, 12),
}


def _ppo(candles: Candles) -> FloatArray:
    # Its stubs lack it.
    values: FloatArray = talib.PPO(candles.close, 12, 26, talib.MA_Type.EMA)  # type: ignore[attr-defined]
    return values


def _kst(close: FloatArray) -> FloatArray:
    parts = [(1, 10, 10), (2, 15, 10), (3, 20, 10), (4, 30, 15)]
    total = np.zeros(len(close))
    for weight, change, window in parts:
        total += weight * talib.SMA(talib.ROC(close, change), window)
    return total


def _log_returns(close: FloatArray) -> FloatArray:
    return np.diff(np.log(close), prepend=np.nan)


def _ease(candles: Candles) -> FloatArray:
    middles = (candles.high + candles.low) / 2
    return np.diff(middles, prepend=np.nan) * (candles.high - candles.low) / candles.volume * 1e8


def _assert_close(indicator: Indicator, ours: FloatArray, theirs: FloatArray, tolerance: float) -> None:
    """Compare where both have a value and have settled."""
    forgets = indicator.settled not in (None, indicator.warm_up + 1)
    first = max((indicator.settled or 1) - 1, int(np.argmax(np.isfinite(theirs))))
    ours, theirs = ours[first:], theirs[first:]
    if indicator.settled is None:
        # Totals may begin at another level.
        ours, theirs = np.diff(ours)[1:], np.diff(theirs)[1:]
    if indicator.family.name in OTHER_AT_TIES:
        assert np.isclose(ours, theirs).mean() > 0.95, indicator.name
    else:
        difference = closeness(ours, theirs)
        assert difference < (FORGOTTEN if forgets else tolerance), f"{indicator.name}: {difference}"


def _assert_agreement(candles: Candles) -> None:
    ours = compute(candles, INDICATORS)
    for compared, theirs in zip(INDICATORS, by_talib(candles).values(), strict=True):
        if compared.family.name not in OTHER_DEFINITION:
            _assert_close(compared, ours[compared.name], np.asarray(theirs), TOLERANCE)
    for family, opinion in COMPOSED.items():
        compared = indicator(family)
        _assert_close(compared, compute(candles, [compared])[compared.name], opinion(candles), SQUARES_TOLERANCE)


def test_every_family_is_compared() -> None:
    assert {known.family.name for known in INDICATORS} | COMPOSED.keys() == FAMILIES.keys()


@pytest.mark.parametrize("seed", range(3))
def test_talib_agrees_on_simulated_candles(seed: int) -> None:
    _assert_agreement(Candles.of(simulated([21, seed], None, count=1_500).frame))


@pytest.mark.parametrize("seed", range(2))
def test_talib_agrees_on_an_exchanges_candles(seed: int) -> None:
    frame = exchange_candles(seed).frame
    # Without a trade the libraries differ in what they divide by.
    _assert_agreement(Candles.of(frame.assign(volume=frame["volume"].clip(lower=0.001))))


def test_keltner_differs_by_the_price_that_is_averaged() -> None:
    candles = Candles.of(simulated(3, None, count=600).frame)
    prices = typical(candles)
    _, middle, _ = talib.KC(candles.high, candles.low, candles.close, 20, 10, 2)
    np.testing.assert_allclose(middle[200:], talib.EMA(prices, 20)[200:], rtol=1e-6)
    ours = compute(candles, [indicator("keltner_middle")])["keltner_middle_20"]
    np.testing.assert_allclose(ours[200:], talib.EMA(candles.close, 20)[200:], rtol=1e-6)


def test_the_parabolic_stop_is_mostly_the_same() -> None:
    candles = Candles.of(simulated(3, None, count=3_000).frame)
    ours = compute(candles, [indicator("psar")])["psar_0.02_0.2"][500:]
    theirs = talib.SAR(candles.high, candles.low, 0.02, 0.2)[500:]
    rising_ours, rising_theirs = ours < candles.close[500:], theirs < candles.close[500:]
    assert np.isclose(ours, theirs, rtol=1e-9).mean() > 0.5
    assert (rising_ours == rising_theirs).mean() > 0.95


def test_an_unmoved_candle_counts_as_rising_for_ta_and_for_us() -> None:
    close, volume = np.array([1.0, 2.0, 2.0, 1.0]), np.array([5.0, 6.0, 7.0, 8.0])
    candles = Candles(np.array([close, close, close, close, volume]))
    assert compute(candles, [indicator("obv")])["obv"].tolist() == [5, 11, 18, 10]
    assert talib.OBV(close, volume).tolist() == [5, 11, 11, 3]
