"""Comparison with chance: entries at random moments, with the exits and the exposure of the real ones."""

from __future__ import annotations

import math
import sys
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from itertools import islice

import numpy as np

from backtesting.trades import Trade
from backtesting.trading.account import Account, Position
from backtesting.trading.fills import MarketOrders
from backtesting.trading.orders import Call, Simulation, TradedMarket, TradingTerms
from domain.arrays import FloatArray
from domain.values import Frozen, Share

_TAILS = (0.025, 0.975)


class RandomEntries(Frozen):
    """Results of random entries; None where there was nothing to compare.

    Attributes:
        runs: Number of runs.
        mean: Mean total return of a run, after costs.
        low, high: Ends of the middle 95 % of the total returns.
        p_value: Share of the runs that returned at least as much as the real entries; these count as one more run.
        expectancy: Mean over the runs of the mean result in R, after costs.
        expectancy_p_value: As `p_value`, by the mean result in R.
        trades: Mean number of trades of a run.
        exposure: Mean share of candles with a position.
    """

    runs: int
    mean: float | None
    low: float | None
    high: float | None
    p_value: Share | None
    expectancy: float | None
    expectancy_p_value: Share | None
    trades: float | None
    exposure: Share | None


@dataclass(frozen=True)
class _TimelessPlan:
    """A real entry without its moment: distances in average true ranges, from the close before the entry."""

    call: Call
    stop_ranges: float
    target_ranges: float
    candles: int


@dataclass(frozen=True)
class _Market:
    """A market, the plans of its trades, and the candles without a position between them, the ends counted as one."""

    traded: TradedMarket
    orders: MarketOrders
    ranges: list[float]
    plans: list[_TimelessPlan]
    pauses: FloatArray


def random_entries(
    markets: Sequence[TradedMarket],
    ranges: Sequence[FloatArray],
    found: Simulation,
    terms: TradingTerms,
    runs: int,
    seed: int,
    tell: Callable[[float], None],
) -> RandomEntries:
    """Return the results of the same plans at random moments.

    In each run every market has the trades of the real one in random order, with side, size, time limit (or the time
    to the call that would have turned it) and distances of stop and target in average true ranges, which are those of
    the new moment. A trade that was entered where nothing moved, or where the range is unknown, has no such distances
    and is left out. The pauses between trades are the real ones in random order, stretched or shortened so that all
    trades fit: number of entries and exposure stay. The time before the first trade and that after the last are one
    pause, as on a circle, which begins anywhere in a pause: so a single trade is entered at any moment too.

    Args:
        markets: What was traded.
        ranges: Average true range at each candle of each market, NaN while unknown.
        found: The result.
        terms: Of the account.
        runs: Number of runs, >= 1.
        seed: The same seed gives the same runs.
        tell: Called with the share of the runs that is done.

    Source of the p-value with one added: Davison and Hinkley, Bootstrap Methods and their Application (1997), 4.2.
    """
    prepared = [_prepared(*pair, found.trades) for pair in zip(markets, ranges, strict=True)]
    if not any(market.plans for market in prepared):
        nothing = dict.fromkeys(RandomEntries.model_fields, None)
        return RandomEntries.model_validate({**nothing, "runs": 0})
    candles = sum(len(market.series) - 1 for market in markets)
    returns, results, counts, exposures = (np.zeros(runs) for _ in range(4))
    for run, source in enumerate(np.random.SeedSequence(seed).spawn(runs)):
        closed = _play(prepared, terms, np.random.default_rng(source))
        trades = [
            position.trade(markets[position.market].symbol, markets[position.market].series.timeframe)
            for position in closed
        ]
        returns[run] = math.fsum(trade.profit for trade in trades) / terms.capital
        results[run] = _expectancy(trades)
        counts[run] = len(trades)
        exposures[run] = sum(trade.candles for trade in trades) / candles
        tell((run + 1) / runs)
    low, high = np.quantile(returns, _TAILS)
    return RandomEntries(
        runs=runs,
        mean=float(returns.mean()),
        low=float(low),
        high=float(high),
        p_value=_p_value(returns, float(found.curve.equity[-1] / terms.capital - 1.0)),
        expectancy=float(results.mean()),
        expectancy_p_value=_p_value(results, _expectancy(found.trades)),
        trades=float(counts.mean()),
        exposure=min(float(exposures.mean()), 1.0),
    )


def _prepared(traded: TradedMarket, ranges: FloatArray, trades: Sequence[Trade]) -> _Market:
    series = traded.series
    calls = {call.position: call for call in traded.calls}
    plans, pauses, free = [], [], 1
    for trade in sorted(trades, key=lambda trade: trade.opened_ms):
        if trade.symbol != traded.symbol:
            continue
        entered = int(np.searchsorted(series.times_ms, trade.opened_ms))
        call = calls[entered - 1]
        close, range_ = float(series.closes[entered - 1]), float(ranges[entered - 1])
        if not range_ > 0:
            continue
        # A call on the other side would have ended it, whether it lasted until then or not.
        turn = _next_turn(traded.calls, call)
        call = replace(call, horizon_candles=min(call.horizon_candles, max(1, turn + 1 - entered)))
        stop, target = (call.side.side * (price - close) / range_ for price in (call.stop, call.target))
        plans.append(_TimelessPlan(call, stop, target, trade.candles))
        pauses.append(max(0, entered - free))
        free = entered + trade.candles
    if pauses:
        pauses[0] += max(0, len(series) - free)
    orders = MarketOrders(traded.symbol, series, traded.finer)
    return _Market(traded, orders, ranges.tolist(), plans, np.array(pauses, np.float64))


def _next_turn(calls: Sequence[Call], since: Call) -> int:
    """Return the position of the first call on the other side after one; beyond all candles without any."""
    later = islice(calls, bisect_right(calls, since.position, key=lambda call: call.position), None)
    return next((call.position for call in later if call.side.side == -since.side.side), sys.maxsize)


class _Deal:
    """The plans of one market in the random order of one run."""

    def __init__(self, market: _Market, random: np.random.Generator) -> None:
        self.market = market
        self._random = random
        self._pauses = _circled(market.pauses, random)
        self._plans = [market.plans[at] for at in random.permutation(len(market.plans))]
        self._to_hold = sum(plan.candles for plan in self._plans)
        self._to_wait = sum(self._pauses)

    def next_call(self, free: int) -> Call | None:
        """Return the next call, None at the end of the plans or of the candles.

        Args:
            free: First candle at which the market has no position.
        """
        candles = len(self.market.orders.prices)
        while self._plans:
            plan, pause = self._plans.pop(), self._pauses.pop()
            room = max(0, candles - free - self._to_hold)
            stretched = pause * room / self._to_wait if self._to_wait else 0.0
            self._to_hold, self._to_wait = self._to_hold - plan.candles, self._to_wait - pause
            # Rounded at random, so that short pauses keep their mean.
            first = free + int(stretched + self._random.random())
            call = _entry_from(self.market, plan, first)
            # A plan that fits nowhere, such as one with a target below zero, does not end the others.
            if call is not None or first >= candles:
                return call
        return None


def _circled(pauses: FloatArray, random: np.random.Generator) -> list[float]:
    """Return the pauses of a circle in random order, from a random moment of a pause on: one more than there were."""
    total = pauses.sum()
    if not total:
        return [0.0] * (len(pauses) + 1)
    cut = random.choice(len(pauses), p=pauses / total)
    begun = random.random() * pauses[cut]
    others = random.permutation(np.delete(pauses, cut)).tolist()
    return [float(begun), *others, float(pauses[cut] - begun)]


def _play(markets: Sequence[_Market], terms: TradingTerms, random: np.random.Generator) -> list[Position]:
    """Return the closed positions of one run."""
    account = Account(terms, [market.orders for market in markets])
    deals = [_Deal(market, random) for market in markets]
    waiting: list[tuple[int, int, Call]] = []

    def deal(index: int, free: int) -> None:
        if (call := deals[index].next_call(free)) is not None:
            heappush(waiting, (markets[index].orders.prices.times_ms[call.position + 1], index, call))

    for index in range(len(markets)):
        deal(index, 1)
    while waiting:
        moment_ms, index, call = heappop(waiting)
        account.settle(moment_ms)
        account.enter(index, call)
        entered = call.position + 1
        held = account.open_after(index, entered)
        deal(index, 1 + (held.exit.candle if held else entered))
    account.settle(math.inf)
    return account.closed


def _entry_from(market: _Market, plan: _TimelessPlan, first: int) -> Call | None:
    """Return the call for the first candle from one on at which the plan can be entered; None at the end."""
    prices, side = market.orders.prices, plan.call.side.side
    for candle in range(first, len(prices)):
        close, range_ = prices.closes[candle - 1], side * market.ranges[candle - 1]
        stop, target = close + plan.stop_ranges * range_, close + plan.target_ranges * range_
        # Not where the range is unknown, nor where the open has jumped over an exit.
        if stop > 0 < target and side * stop < side * prices.opens[candle] < side * target:
            return replace(plan.call, position=candle - 1, stop=stop, target=target)
    return None


def _expectancy(trades: Sequence[Trade]) -> float:
    return float(np.mean([trade.net_r for trade in trades])) if trades else 0.0


def _p_value(values: FloatArray, found: float) -> float:
    return float((1 + (values >= found).sum()) / (1 + len(values)))
