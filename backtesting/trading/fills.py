"""Where resting orders are filled: the first of stop, target, time limit and end of the data."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from backtesting.trades import TradeEnd
from domain.arrays import IntArray
from domain.market import CandleSeries


class SidedPrices(NamedTuple):
    """Prices as one side sees them: those of a short have a minus sign, so that a rise is a gain on either side."""

    opens: list[float]
    worsts: list[float]
    bests: list[float]
    closes: list[float]


class Touch(NamedTuple):
    """The first candle that fills a stop or a target.

    Attributes:
        candle: Its index.
        at_open: Whether its open fills it already.
        price: Of the fill, as the side sees it.
    """

    candle: int
    at_open: bool
    price: float
    end: TradeEnd


@dataclass(frozen=True)
class Exit:
    """How a position ends.

    Attributes:
        candle: Index of the candle in which it ends.
        at_open: Whether at its open, without any time in it.
        price: Of the fill, quote currency.
        time_ms: Of the open of that candle, or of the close of the candle that told of it, epoch ms.
    """

    candle: int
    at_open: bool
    price: float
    time_ms: int
    end: TradeEnd


class PriceLists:
    """The candles of a series as lists: single numbers are read from them ten times as fast as from arrays."""

    def __init__(self, series: CandleSeries) -> None:
        self.times_ms: list[int] = series.times_ms.tolist()
        self.closes_ms: list[int] = closes_ms(series).tolist()
        self._values: list[list[float]] = series.values.T.tolist()

    def __len__(self) -> int:
        return len(self.times_ms)

    @property
    def opens(self) -> list[float]:
        """Opens of n candles."""
        return self._values[0]

    @property
    def closes(self) -> list[float]:
        """Closes of n candles."""
        return self._values[3]

    def seen_from(self, side: int) -> SidedPrices:
        """Return the prices as a long (1) or a short (-1) sees them."""
        return self._of_long if side > 0 else self._of_short

    @cached_property
    def _of_long(self) -> SidedPrices:
        opens, highs, lows, closes, _ = self._values
        return SidedPrices(opens, lows, highs, closes)

    @cached_property
    def _of_short(self) -> SidedPrices:
        opens, highs, lows, closes = ([-price for price in column] for column in self._values[:4])
        return SidedPrices(opens, highs, lows, closes)


class MarketOrders:
    """Fills the orders of one market."""

    def __init__(self, symbol: str, series: CandleSeries, finer: CandleSeries | None) -> None:
        """Keep the market, and candles of a shorter timeframe which are asked where one holds stop and target."""
        self.symbol = symbol
        self.prices = PriceLists(series)
        self._finer = None if finer is None else PriceLists(finer)

    def exit(self, entry_candle: int, side: int, stop: float, target: float, horizon_candles: int) -> Exit:
        """Return the end of a position that no call closes before.

        Stop and target rest from the open of the entry candle on. An open beyond either of them fills it at that open.
        Within a candle a stop fills at its price and a target at its own; a candle that holds both counts as the stop,
        unless finer candles tell their order. After `horizon_candles` candles the position ends at the close.
        """
        prices, end = self.prices, min(entry_candle + horizon_candles, len(self.prices))
        touch = first_touch(prices.seen_from(side), entry_candle, end, side * stop, side * target)
        if touch is None:
            reason = TradeEnd.TIME if end == entry_candle + horizon_candles else TradeEnd.END_OF_DATA
            return Exit(end - 1, False, prices.closes[end - 1], prices.closes_ms[end - 1], reason)
        at = touch.candle
        if touch.at_open:
            return Exit(at, True, side * touch.price, prices.times_ms[at], touch.end)
        if touch.end is TradeEnd.STOP and side * target <= prices.seen_from(side).bests[at]:
            return self._first_within(at, side, stop, target)
        return Exit(at, False, side * touch.price, prices.closes_ms[at], touch.end)

    def _first_within(self, candle: int, side: int, stop: float, target: float) -> Exit:
        """Return which was reached first in a candle that holds stop and target."""
        opened_ms, closed_ms = self.prices.times_ms[candle], self.prices.closes_ms[candle]
        if (finer := self._finer) is not None:
            first, end = (bisect_left(finer.times_ms, moment_ms) for moment_ms in (opened_ms, closed_ms))
            touch = first_touch(finer.seen_from(side), first, end, side * stop, side * target)
            if touch is not None:
                times_ms: Sequence[int] = finer.times_ms if touch.at_open else finer.closes_ms
                return Exit(candle, False, side * touch.price, times_ms[touch.candle], touch.end)
        return Exit(candle, False, stop, closed_ms, TradeEnd.STOP)


def first_touch(prices: SidedPrices, first: int, end: int, stop: float, target: float) -> Touch | None:
    """Return the first fill of a stop or a target among the candles from one index to before another.

    Args:
        prices: As the side sees them; stop and target likewise, so that the stop is the lower one.
        first: Index of the first candle.
        end: Index after the last.
        stop: A price at or below it is a loss.
        target: A price at or above it is a gain.
    """
    opens, worsts, bests = prices.opens, prices.worsts, prices.bests
    for at in range(first, end):
        # Nearly always neither is reached; an open lies within the candle.
        if worsts[at] > stop and bests[at] < target:
            continue
        opened = opens[at]
        if opened <= stop:
            return Touch(at, True, opened, TradeEnd.STOP)
        if opened >= target:
            return Touch(at, True, opened, TradeEnd.TARGET)
        if worsts[at] <= stop:
            return Touch(at, False, stop, TradeEnd.STOP)
        return Touch(at, False, target, TradeEnd.TARGET)
    return None


def closes_ms(series: CandleSeries) -> IntArray:
    """Return when each of n candles closes, epoch ms: at the latest when the next one opens."""
    closes = series.closes_ms
    return np.minimum(closes, np.append(series.times_ms[1:], np.iinfo(np.int64).max)) if len(series) else closes
