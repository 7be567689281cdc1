"""Rules over the candles of several timeframes of one market."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from operator import attrgetter

import numpy as np

from domain.errors import InvalidMarketData
from domain.market import CandleSeries, Timeframe

# Timeframes of one market show its price alike, but for a trade that one of them lacks.
MAX_PRICE_RATIO = 2.0
# Candles that closed longer ago than this many of their own lengths are old: what they say is no news.
OLD_LENGTHS = 2.0


@dataclass(frozen=True)
class DataAge:
    """How long ago the newest candle of a market closed.

    Attributes:
        seconds: Until now by the server's clock, >= 0.
        lengths: Until the moment that is analyzed, in lengths of this candle, >= 0; of both only the time in which the
            market trades.
    """

    seconds: int
    lengths: float

    @property
    def old(self) -> bool:
        """Whether the candles are too old for news."""
        return self.lengths > OLD_LENGTHS

    @property
    def worth(self) -> float:
        """Share of the confidence that is left: 1 while they are not old, then halved by each doubling of the age."""
        return OLD_LENGTHS / max(self.lengths, OLD_LENGTHS)


def data_age(closed: Iterable[CandleSeries], as_of_ms: int | None, now_ms: int) -> DataAge:
    """Return the age of the candle that closed last; of several, that of the shortest.

    Args:
        closed: Closed candles of one market, by timeframe; without any the age is 0.
        as_of_ms: The moment that is analyzed, in epoch ms; None is now.
        now_ms: The server's clock.
    """
    newest: CandleSeries | None = None
    close_ms = length_ms = 0
    for series in closed:
        if series.candles:
            own_close_ms, own_length_ms = series.last_close_ms, series.timeframe.ms
            if newest is None or (own_close_ms, -own_length_ms) > (close_ms, -length_ms):
                newest, close_ms, length_ms = series, own_close_ms, own_length_ms
    if newest is None:
        return DataAge(0, 0.0)
    moment_ms = now_ms if as_of_ms is None else as_of_ms
    return DataAge(max(0, now_ms - close_ms) // 1000, _lengths_since(newest, moment_ms))


def ended_early(closed: Mapping[Timeframe, CandleSeries]) -> dict[Timeframe, int]:
    """Return when candles ended that are old beside those of other timeframes, in epoch ms, by timeframe.

    They are older than `OLD_LENGTHS` of their own at the newest open of all.
    """
    filled = {timeframe: series for timeframe, series in closed.items() if len(series)}
    newest_ms = max((series.last_open_ms for series in filled.values()), default=0)
    return {
        timeframe: series.last_close_ms
        for timeframe, series in filled.items()
        if _lengths_since(series, newest_ms) > OLD_LENGTHS
    }


def _lengths_since(series: CandleSeries, moment_ms: int) -> float:
    """Return the time in which the market trades from the last close to a moment, in lengths of a candle, >= 0."""
    close_ms, length_ms, sessions = series.last_close_ms, series.timeframe.ms, series.sessions
    since_ms = max(0, moment_ms - close_ms)
    if since_ms and not sessions.continuous:
        since_ms = sessions.trading_ms(close_ms, moment_ms)
        length_ms = sessions.trading_ms(close_ms - length_ms, close_ms) or length_ms
    return since_ms / length_ms


def require_like_prices(series: Mapping[Timeframe, CandleSeries]) -> None:
    """Refuse timeframes whose prices are not of one market.

    The newest candle of each is compared with that of the next shorter timeframe that opens at the same time.

    Raises:
        InvalidMarketData: one of them opens at more than `MAX_PRICE_RATIO` times the price of the other.
    """
    filled = sorted((part for part in series.values() if len(part)), key=attrgetter("timeframe.ms"))
    for shorter, longer in pairwise(filled):
        opened_ms = longer.last_open_ms
        at = int(np.searchsorted(shorter.times_ms, opened_ms))
        if at == len(shorter) or shorter.times_ms[at] != opened_ms:
            continue
        one, other = float(shorter.opens[at]), float(longer.opens[-1])
        if max(one, other) > MAX_PRICE_RATIO * min(one, other):
            raise InvalidMarketData(
                f"the {shorter.timeframe} and {longer.timeframe} candles are not of one market: at {opened_ms} they "
                f"open at {one} and {other}"
            )


def data_end_ms(series: Iterable[CandleSeries], now_ms: int) -> int:
    """Return the moment up to which the candles tell: what closes after it was still forming.

    It is the server's clock, or earlier when the candles end earlier: then it is the newest
    moment that any of them proves to have passed, so that an old, still open 4h candle does
    not show hours that its 15m siblings have not reached.
    """
    filled = [s for s in series if s.candles]
    if not filled:
        return now_ms
    shortest = min(filled, key=attrgetter("timeframe.ms"))
    return min(now_ms, max([shortest.last_close_ms, *[s.last_open_ms for s in filled]]))


def closed_series(series: Mapping[Timeframe, CandleSeries], now_ms: int) -> dict[Timeframe, CandleSeries]:
    """Return the candles of each timeframe that have closed, by the clock and by what the others show.

    Where sessions begin off the grid, a candle by the clock may hold one of its siblings that is still forming, as
    the 4h candle of 04:00 holds the hour from 07:45: then it has not closed either.
    """
    end_ms = data_end_ms(series.values(), now_ms)
    closed = {timeframe: candles.closed_by(end_ms) for timeframe, candles in series.items()}
    forming = [
        (timeframe.ms, candles.candles[len(closed[timeframe])].timestamp)
        for timeframe, candles in series.items()
        if closed[timeframe] is not candles
    ]
    if not forming:
        return closed
    for timeframe, candles in closed.items():
        if candles.candles and any(
            length_ms < timeframe.ms and candles.last_open_ms <= opened_ms < candles.last_open_ms + timeframe.ms
            for length_ms, opened_ms in forming
        ):
            closed[timeframe] = candles.closed_by(candles.last_close_ms - 1)
    return closed


def newest_price(series: Mapping[Timeframe, CandleSeries], now_ms: int) -> float:
    """Return the newest close, that of a candle still forming if there is one; no series may be empty."""
    # Every forming candle has the newest price; the shortest is the most certain to have had a trade.
    newest = max(series.values(), key=lambda candles: (min(candles.last_close_ms, now_ms), -candles.timeframe.ms))
    return newest.candles[-1].close


def day_volume(series: Mapping[Timeframe, CandleSeries], now_ms: int) -> float | None:
    """Return the base volume of the last 24 h from the shortest timeframe that reaches back that far.

    Whole candles count, so that it is exact to one candle; None when no timeframe shorter
    than a day reaches back, or a volume is not known, as of currencies.
    """
    start_ms = now_ms - Timeframe.D1.ms
    for timeframe, candles in sorted(series.items(), key=lambda item: item[0].ms):
        if timeframe.ms < Timeframe.D1.ms and candles.candles[0].timestamp <= start_ms:
            first = int(np.searchsorted(candles.times_ms, start_ms))
            volume = float(sum(candles.values[first:, 4].tolist()))
            return None if math.isnan(volume) else volume
    return None
