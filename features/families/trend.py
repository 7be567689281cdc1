"""The entries of the trend group."""

from __future__ import annotations

from features.families.family import Family, ema_fade, fade, wilder_fade
from features.kernels import trend as kernels

# Differences of averages are about a thousandth of the averages, so the effect of the start weighs a thousandfold.
FINE = 1e-9
MACD = {"fast": 12, "slow": 26}
MACD_SIGNAL = {**MACD, "signal": 9}
KST = {
    "change_1": 10, "change_2": 15, "change_3": 20, "change_4": 30,
    "window_1": 10, "window_2": 10, "window_3": 10, "window_4": 15,
}  # fmt: skip
WILDER = "Wilder, New Concepts in Technical Trading Systems (1978)"
APPEL = "Appel, The Moving Average Convergence-Divergence Method (1979)"
BOTES = "Botes and Siepman, The Vortex Indicator, Stocks & Commodities 28:1 (2010)"
PRING = "Pring, Stocks & Commodities 10:9 (1992); each value at its own candle, unlike in `ta`"
ICHIMOKU = "Hosoda, Ichimoku Kinko Hyo (1969); not shifted into the future"
CHANDE = "Chande, Stocks & Commodities 13:9 (1995)"


def _last(*windows: int) -> int:
    return max(windows) - 1


def _kst_warm_up(*periods: int) -> int:
    return max(change + window for change, window in zip(periods[:4], periods[4:], strict=True)) - 1


def _kama_settled(period: int, fast: int, slow: int) -> int:
    # A random walk has an efficiency of a tenth on average, which gives the mean of the alphas.
    slowest, fastest = 2 / (slow + 1), 2 / (fast + 1)
    return period + fade(1 - (slowest + 0.1 * (fastest - slowest)) ** 2)


def _psar_settled(step: float, maximum: float) -> int:
    # Two paths are equal once they have turned at the same candle, which has no bound; this many rows
    # were enough in all trials.
    return fade(1 - min(2 * step, maximum), FINE)


FAMILIES = (
    Family("ema", "trend", "price", "customary, alpha 2 / (period + 1), from the first close", {"period": 21},
           _last, kernels.exponential_average, lambda period: period + ema_fade(period)),
    Family("sma", "trend", "price", "customary", {"period": 20}, _last, kernels.simple_average),
    Family("wma", "trend", "price", "customary, weights 1 to period", {"period": 9}, _last, kernels.weighted_average),
    Family("kama", "trend", "price", "Kaufman, Smarter Trading (1995)", {"period": 10, "fast": 2, "slow": 30},
           lambda period, *_: period - 1, kernels.adaptive_average, _kama_settled, minimum=2),
    Family("macd", "trend", "price difference", APPEL, MACD, _last, kernels.macd,
           lambda *periods: max(periods) + ema_fade(max(periods), FINE)),
    Family("macd_signal", "trend", "price difference", APPEL, MACD_SIGNAL,
           lambda fast, slow, signal: max(fast, slow) + signal - 2, kernels.macd_signal,
           lambda *periods: sum(periods) + ema_fade(max(periods), FINE)),
    Family("macd_histogram", "trend", "price difference", APPEL, MACD_SIGNAL,
           lambda fast, slow, signal: max(fast, slow) + signal - 2, kernels.macd_histogram,
           lambda *periods: sum(periods) + ema_fade(max(periods), FINE)),
    Family("trix", "trend", "percent", "Hutson, Stocks & Commodities 1:5 (1983)", {"period": 15},
           lambda period: 3 * period - 2, kernels.triple_exponential,
           lambda period: 3 * period + ema_fade(period, FINE / 100)),
    Family("dpo", "trend", "price difference", "customary; the price is shifted back, not the average forward",
           {"period": 20}, lambda period: max(period - 1, period // 2 + 1), kernels.detrended),
    Family("aroon_up", "trend", "0 to 100", CHANDE, {"period": 25}, lambda period: period, kernels.aroon_up),
    Family("aroon_down", "trend", "0 to 100", CHANDE, {"period": 25}, lambda period: period, kernels.aroon_down),
    Family("adx", "trend", "0 to 100", WILDER, {"period": 14}, lambda period: 2 * period - 1, kernels.adx,
           lambda period: 2 * period + wilder_fade(period, FINE), minimum=2),
    Family("plus_di", "trend", "0 to 100", WILDER, {"period": 14}, lambda period: period + 1, kernels.plus_di,
           lambda period: period + wilder_fade(period, FINE), minimum=2),
    Family("minus_di", "trend", "0 to 100", WILDER, {"period": 14}, lambda period: period + 1, kernels.minus_di,
           lambda period: period + wilder_fade(period, FINE), minimum=2),
    Family("cci", "trend", "unbounded", "Lambert, Commodities (1980)", {"period": 20}, _last, kernels.cci, minimum=2),
    Family("psar", "trend", "price", WILDER, {"step": 0.02, "maximum": 0.2}, lambda *_: 2, kernels.psar,
           _psar_settled),
    Family("ichimoku_a", "trend", "price", ICHIMOKU, {"conversion": 9, "base": 26}, _last, kernels.ichimoku_a),
    Family("ichimoku_b", "trend", "price", ICHIMOKU, {"period": 52}, _last, kernels.ichimoku_b),
    Family("kst", "trend", "percent", PRING, KST, _kst_warm_up, kernels.know_sure_thing),
    Family("kst_signal", "trend", "percent", PRING, {**KST, "signal": 9},
           lambda *periods: _kst_warm_up(*periods[:-1]) + periods[-1] - 1, kernels.know_sure_thing_signal),
    Family("mass_index", "trend", "index", "Dorsey, Stocks & Commodities 10:6 (1992)", {"fast": 9, "slow": 25},
           lambda fast, slow: 2 * (fast - 1) + slow - 1, kernels.mass_index,
           lambda fast, slow: 2 * fast + slow + ema_fade(fast, FINE)),
    Family("vortex_plus", "trend", "ratio", BOTES, {"period": 14}, lambda period: period, kernels.vortex_plus),
    Family("vortex_minus", "trend", "ratio", BOTES, {"period": 14}, lambda period: period, kernels.vortex_minus),
)  # fmt: skip
