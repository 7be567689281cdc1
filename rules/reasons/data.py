"""Sentences on the data: which candles count, which are missing, and how old they are."""

from __future__ import annotations

from collections.abc import Iterator

from domain.market import Timeframe
from domain.values import epoch_ms, minute_text, utc_time
from rules.context import MarketContext
from rules.direction import FLAT_RANGE_PERCENT, TrendView
from rules.reasons.market import price_figure
from rules.verdict import MAX_ADVERSE_ATR, has_few_candles


def describe_brief(context: MarketContext, view: TrendView) -> str:
    """Return a sentence on timeframes whose candles cover too little to count; empty where all count."""
    frames = ", ".join(view.brief)
    return f"Candles of {frames} are too short for a plan on {context.primary}: they do not count." if frames else ""


def describe_breaks(context: MarketContext) -> Iterator[str]:
    """Yield a sentence on the newest break of each timeframe that has one."""
    for timeframe, series_break in context.breaks.items():
        candle = f"the {timeframe} candle of {minute_text(series_break.opened_ms)} UTC"
        yield f"Before {candle} {series_break.words}: older candles do not count."


def describe_gaps(context: MarketContext) -> str:
    """Return a sentence on too few candles and on gaps; empty where there are neither."""
    parts = []
    if has_few_candles(context):
        parts.append(
            f"with {len(context.main.series)} candles on {context.primary} the averages have not quite settled"
        )
    missing, untraded = context.missing_candles, context.untraded_candles
    if missing:
        parts.append(f"{missing} {'candle is' if missing == 1 else 'candles are'} missing in between")
    if untraded:
        parts.append(
            f"{untraded} {'candle is' if untraded == 1 else 'candles are'} left out, as where nothing is traded"
        )
    return f"The indicators are less reliable: {', and '.join(parts)}." if parts else ""


def describe_price(context: MarketContext) -> str:
    """Return a sentence on a price that no closed candle explains; empty where the candles do."""
    close = context.main.latest["close"]
    usual = max(context.main.average_true_range, FLAT_RANGE_PERCENT / 100 * close)
    if abs(context.price - close) <= MAX_ADVERSE_ATR * usual:
        return ""
    way = "above" if context.price > close else "below"
    return (
        f"The price of {price_figure(context.price)} is far {way} the last close of {price_figure(close)} on "
        f"{context.primary}: the indicators know nothing of that move."
    )


def describe_age(context: MarketContext) -> str:
    """Return sentences on candles that are too old for news, and on a market that is closed; empty for others."""
    old = ""
    if context.age.old:
        more = int(context.age.lengths)
        old = f"The candles are old and say less: since the newest of them, {more} more have closed."
    ended = (
        f"The {timeframe} candles end long before the others, at {minute_text(end)} UTC: they do not count."
        for timeframe, end in context.ended_ms.items()
    )
    return " ".join(filter(None, (old, *ended, _closed_sentence(context))))


def _closed_sentence(context: MarketContext) -> str:
    series = next(iter(context.timeframes.values())).series
    moment_ms, sessions = epoch_ms(context.as_of or context.generated_at), series.sessions
    # Days alone tell the weekdays of a market, but not its hours.
    hours_known = series.timeframe.ms < Timeframe.D1.ms or sessions.exchange is not None
    if not hours_known or sessions.open_at(moment_ms):
        return ""
    since, opens = (
        utc_time(time_ms) for time_ms in (sessions.last_close_before(moment_ms), sessions.next_open(moment_ms))
    )
    return f"Market closed since {since:%Y-%m-%d %H:%M} UTC, opens {opens:%Y-%m-%d %H:%M} UTC."
