"""The entries of the momentum group."""

from __future__ import annotations

from features.families.family import Family, ema_fade, wilder_fade
from features.families.trend import APPEL, FINE, MACD, MACD_SIGNAL, WILDER
from features.kernels import momentum as kernels

LANE = "Lane (1957)"
WILLIAMS = "Williams, How I Made One Million Dollars (1973)"


def _last(*windows: int) -> int:
    return max(windows) - 1


FAMILIES = (
    Family("rsi", "momentum", "0 to 100", WILDER + "; the averages begin with 0, as in `ta`", {"period": 14},
           lambda period: period - 1, kernels.rsi, lambda period: period + wilder_fade(period, FINE), minimum=2),
    Family("stochastic_rsi", "momentum", "0 to 1", "Chande and Kroll, The New Technical Trader (1994)",
           {"period": 14}, lambda period: 2 * period - 2, kernels.stochastic_rsi,
           lambda period: 2 * period + wilder_fade(period, FINE), minimum=2),
    Family("ppo", "momentum", "percent", APPEL, MACD, _last, kernels.ppo,
           lambda *periods: max(periods) + ema_fade(max(periods), FINE)),
    Family("ppo_signal", "momentum", "percent", APPEL, MACD_SIGNAL,
           lambda fast, slow, signal: max(fast, slow) + signal - 2, kernels.ppo_signal,
           lambda *periods: sum(periods) + ema_fade(max(periods), FINE)),
    Family("ppo_histogram", "momentum", "percent", APPEL, MACD_SIGNAL,
           lambda fast, slow, signal: max(fast, slow) + signal - 2, kernels.ppo_histogram,
           lambda *periods: sum(periods) + ema_fade(max(periods), FINE)),
    Family("stochastic_k", "momentum", "0 to 100", LANE, {"period": 14}, _last, kernels.stochastic_k),
    Family("stochastic_d", "momentum", "0 to 100", LANE, {"period": 14, "smoothing": 3},
           lambda period, smoothing: period + smoothing - 2, kernels.stochastic_d),
    Family("williams_r", "momentum", "-100 to 0", WILLIAMS, {"period": 14}, _last, kernels.williams_r),
    Family("roc", "momentum", "percent", "customary", {"period": 12}, lambda period: period, kernels.roc),
    Family("ultimate_oscillator", "momentum", "0 to 100", "Williams, Stocks & Commodities 3:4 (1985)",
           {"short": 7, "middle": 14, "long": 28}, lambda *periods: max(periods), kernels.ultimate_oscillator),
    Family("tsi", "momentum", "-100 to 100", "Blau, Stocks & Commodities 9:11 (1991)", {"slow": 25, "fast": 13},
           lambda slow, fast: slow + fast - 1, kernels.tsi,
           lambda slow, fast: slow + fast + ema_fade(max(slow, fast), FINE)),
    Family("awesome_oscillator", "momentum", "price difference", "Williams, New Trading Dimensions (1998)",
           {"fast": 5, "slow": 34}, _last, kernels.awesome_oscillator),
)  # fmt: skip
