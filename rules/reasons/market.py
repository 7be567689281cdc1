"""Sentences on the market: its averages, strength, volume, levels and strategies."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from rules.context import MarketContext
from rules.direction import TrendView
from rules.strategies import LEAN, NO_VIEW

# Volume against its average: outside of this range it is thin or heavy.
THIN_VOLUME, HEAVY_VOLUME = 0.7, 1.5
# Share of rising candles in all volume: outside of this range one side dominates.
ONE_SIDED_VOLUME = 0.15
# Digits for a reader: to find a price on a chart, to judge an indicator.
PRICE_DIGITS, FIGURE_DIGITS = 6, 3


def describe_averages(context: MarketContext) -> str:
    """Return a sentence on where the last close lies to its averages; empty where they are unknown."""
    latest = context.main.latest
    if "ema_21" not in latest or "ema_50" not in latest:
        return ""
    middle, slow, close = latest["ema_21"], latest["ema_50"], latest["close"]
    place = "above" if close > max(middle, slow) else "below" if close < min(middle, slow) else "between"
    return (
        f"On {context.primary} the last close of {price_figure(close)} is {place} EMA 21 at {price_figure(middle)} "
        f"and EMA 50 at {price_figure(slow)}."
    )


def describe_strength(latest: Mapping[str, float]) -> str:
    """Return a sentence on the indicators of a trend that are known; empty where none is."""
    parts = []
    if {"adx", "plus_di", "minus_di"} <= latest.keys():
        parts.append(
            f"ADX is {figure(latest['adx'])} with +DI {figure(latest['plus_di'])} and -DI {figure(latest['minus_di'])}"
        )
    if "rsi" in latest:
        parts.append(f"RSI is {figure(latest['rsi'])}")
    if "macd_histogram" in latest:
        parts.append(f"the MACD histogram is {'above' if latest['macd_histogram'] > 0 else 'not above'} zero")
    return f"{', '.join(parts)}." if parts else ""


def describe_volume(context: MarketContext) -> str:
    """Return a sentence on the volume of the primary timeframe."""
    latest = context.main.latest
    if "volume_ratio" not in latest or "volume_balance" not in latest:
        return "There is no volume to judge by."
    ratio, balance = latest["volume_ratio"], latest["volume_balance"]
    size = "thin" if ratio < THIN_VOLUME else "heavy" if ratio > HEAVY_VOLUME else "usual"
    side = "on both sides alike"
    if abs(balance) > ONE_SIDED_VOLUME:
        side = "mostly on rising candles" if balance > 0 else "mostly on falling candles"
    return f"Volume is {size}, {figure(ratio)} times its average, and lately {side}."


def describe_levels(context: MarketContext, *, price_said: bool) -> str:
    """Return a sentence on the nearest support and resistance; empty where there are none.

    They are those of the price: where it was not said and is not the last close, it is said here.
    """
    parts = [
        f"{name} at {price_figure(levels[0])}"
        for name, levels in (("support", context.levels.supports), ("resistance", context.levels.resistances))
        if levels
    ]
    known = price_said or context.price == context.main.latest["close"]
    to = "" if known else f" to the price of {price_figure(context.price)}"
    return f"The nearest levels on {context.primary}{to}: {' and '.join(parts)}." if parts else ""


def describe_strategies(view: TrendView) -> str:
    """Return a sentence on the strategies whose scores have a side; empty where none has."""
    long = [name for name, score in view.scores.items() if score >= NO_VIEW + LEAN]
    short = [name for name, score in view.scores.items() if score <= NO_VIEW - LEAN]
    parts = [f"{side}: {', '.join(names)}" for names, side in ((long, "Long"), (short, "Short")) if names]
    return f"Strategies that lean {'; '.join(parts)}." if parts else ""


def figure(value: float) -> str:
    """Return a number as a reader needs it: three significant digits and no exponent."""
    return _plain(value, FIGURE_DIGITS)


def price_figure(value: float) -> str:
    """Return a price with six significant digits and no exponent, enough to find it on a chart."""
    return _plain(value, PRICE_DIGITS)


def _plain(value: float, digits: int) -> str:
    """Return a number with `digits` significant digits and no exponent."""
    return f"{Decimal(f'{value:.{digits}g}'):f}"
