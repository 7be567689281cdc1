"""The entries of the volume group."""

from __future__ import annotations

from features.families.family import Family, ema_fade, never
from features.kernels import volume as kernels

GRANVILLE = (
    "Granville, New Key to Stock Market Profits (1963); the first and unmoved candles count as rising, as in `ta`"
)
CHAIKIN = "Chaikin (1966)"


def _last(period: int) -> int:
    return period - 1


def _whole(period: int) -> int:
    return period


FAMILIES = (
    Family("obv", "volume", "volume", GRANVILLE, {}, lambda: 0, kernels.obv, never),
    Family("vpt", "volume", "volume", "customary", {}, lambda: 1, kernels.vpt, never),
    Family("adi", "volume", "volume", CHAIKIN, {}, lambda: 0, kernels.adi, never),
    Family("nvi", "volume", "index", "Dysart (1936), as a product from 1000 on", {}, lambda: 0, kernels.nvi, never),
    Family("cmf", "volume", "-1 to 1", CHAIKIN, {"period": 20}, _last, kernels.cmf),
    Family("force_index", "volume", "turnover", "Elder, Trading for a Living (1993)", {"period": 13}, _whole,
           kernels.force_index, lambda period: period + ema_fade(period, 1e-9)),
    Family("ease_of_movement", "volume", "price squared per volume", "Arms, Volume Cycles in the Stock Market (1996)",
           {"period": 14}, _whole, kernels.ease_of_movement),
    Family("mfi", "volume", "0 to 100", "Quong and Soudack, Stocks & Commodities 7:3 (1989)", {"period": 14},
           _whole, kernels.mfi),
    Family("vwap", "volume", "price", "customary, over a window of candles", {"period": 20}, _last, kernels.vwap),
    Family("volume_sma", "volume", "volume", "customary", {"period": 20}, _last, kernels.volume_sma),
    Family("volume_ratio", "volume", "ratio", "customary", {"period": 20}, _last, kernels.volume_ratio),
    Family("volume_roc", "volume", "percent", "customary", {"period": 12}, _whole, kernels.volume_roc),
)  # fmt: skip
