"""Comparison with chance: entries at random moments, with the exits and the exposure of the real ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from backtesting.trades import Trade, TradeEnd
from backtesting.trading.fills import MarketOrders
from backtesting.trading.orders import Call, Simulation, TradedMarket, TradingTerms
from backtesting.trading.simulation import simulate
from domain.arrays import FloatArray
from domain.values import Frozen, Share

_TAILS = (0.025, 0.975)


class RandomEntries(Frozen):
    """What random entries came to; None where there was nothing to compare.

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
class _Plan:
    """A real entry without its moment: distances in average true ranges, from the close before the entry."""

    call: Call
    stop_ranges: float
    target_ranges: float
    candles: int


@dataclass(frozen=True)
class _Market:
    """A market, the plans of its trades, and the candles without a position before each of them and after the last."""

    traded: TradedMarket
    orders: MarketOrders
    ranges: list[float]
    plans: list[_Plan]
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
    """Return what the same plans came to at random moments.

    In each run every market has the trades of the real one in random order, with side, size, time limit and distances
    of stop and target in average true ranges, which are those of the new moment. The pauses between them are the real
    ones in random order, stretched or shortened so that all trades fit: number of entries and exposure stay.

    Args:
        markets: What was traded.
        ranges: Average true range at each candle of each market, NaN while unknown.
        found: What it came to.
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
    # A call of a random run never closes another one's trade.
    resting = replace(terms, flips=False)
    returns, results, counts, exposures = (np.zeros(runs) for _ in range(4))
    for run, source in enumerate(np.random.SeedSequence(seed).spawn(runs)):
        random = np.random.default_rng(source)
        done = simulate([replace(market.traded, calls=_placed(market, random)) for market in prepared], resting)
        returns[run] = done.curve.equity[-1] / terms.capital - 1.0
        results[run] = _expectancy(done.trades)
        counts[run] = len(done.trades)
        exposures[run] = sum(trade.candles for trade in done.trades) / candles
        tell((run + 1) / runs)
    low, high = np.quantile(returns, _TAILS)
    return RandomEntries(
        runs=runs,
        mean=float(returns.mean()),
        low=float(low),
        high=float(high),
        p_value=_p_value(returns, found.curve.equity[-1] / terms.capital - 1.0),
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
        if trade.end is TradeEnd.FLIP:
            # It would have lasted longer by its exits alone.
            call = replace(call, horizon_candles=trade.candles)
        stop, target = (call.side.side * (price - close) / range_ for price in (call.stop, call.target))
        plans.append(_Plan(call, stop, target, trade.candles))
        pauses.append(max(0, entered - free))
        free = entered + trade.candles
    pauses.append(max(0, len(series) - free))
    orders = MarketOrders(series, traded.finer)
    return _Market(traded, orders, ranges.tolist(), plans, np.array(pauses, np.float64))


def _placed(market: _Market, random: np.random.Generator) -> list[Call]:
    """Return the calls of one run."""
    prices, calls, free = market.orders.prices, list[Call](), 1
    pauses = random.permutation(market.pauses)
    plans = [market.plans[at] for at in random.permutation(len(market.plans))]
    to_hold, to_wait = sum(plan.candles for plan in plans), float(pauses.sum())
    for plan, pause in zip(plans, pauses, strict=False):
        room = max(0, len(prices) - free - to_hold)
        # Rounded at random, so that short pauses keep their mean.
        entered = free + int((pause * room / to_wait if to_wait else 0.0) + random.random())
        to_hold, to_wait = to_hold - plan.candles, to_wait - float(pause)
        entered, call = _next_entry(market, plan, entered)
        if call is None:
            break
        calls.append(call)
        held = market.orders.exit(entered, call.side.side, call.stop, call.target, call.horizon_candles)
        free = held.candle + 1
    return calls


def _next_entry(market: _Market, plan: _Plan, entered: int) -> tuple[int, Call | None]:
    """Return the first candle from one on at which the plan can be entered, and its call; None at the end."""
    prices, side = market.orders.prices, plan.call.side.side
    for candle in range(max(1, entered), len(prices)):
        close, range_ = prices.closes[candle - 1], side * market.ranges[candle - 1]
        stop, target = close + plan.stop_ranges * range_, close + plan.target_ranges * range_
        # Not where the range is unknown, nor where the open has jumped over an exit.
        if stop > 0 < target and side * stop < side * prices.opens[candle] < side * target:
            return candle, replace(plan.call, position=candle - 1, stop=stop, target=target)
    return len(prices), None


def _expectancy(trades: Sequence[Trade]) -> float:
    return float(np.mean([trade.net_r for trade in trades])) if trades else 0.0


def _p_value(values: FloatArray, found: float) -> float:
    return float((1 + (values >= found).sum()) / (1 + len(values)))
