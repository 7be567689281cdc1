"""Outcomes of many plans at once, each entered at the open after its moment."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from domain.arrays import FloatArray, IntArray
from domain.market import CandleSeries

OPEN, STOP, TIME, TARGET, VOID = 0, -1, 1, 2, 3


@dataclass(frozen=True)
class PlanOutcomes:
    """Results of n plans, before costs.

    Attributes:
        ends: STOP, TIME or TARGET, or OPEN where the candles end before the plan, shape (n,); VOID where the first open
            was beyond stop or target already, by `priced_outcomes` alone.
        candles: Until the exit, shape (n,).
        r: Result in units of the risk, NaN of one that is open or void, shape (n,).
        bps: Result in hundredths of a percent of the entry, NaN as r, shape (n,).
        exits: Price of the exit, NaN as r, shape (n,).
    """

    ends: IntArray
    candles: IntArray
    r: FloatArray
    bps: FloatArray
    exits: FloatArray


def plan_outcomes(
    series: CandleSeries, positions: IntArray, sides: IntArray, risks: FloatArray, rewards: FloatArray, horizon: int
) -> PlanOutcomes:
    """Return the outcome of each plan by the rules of `backtesting/trading`.

    Stop and target keep their distance from the close of the plan's moment; it is entered at the next open and left at
    the stop or the target, whichever comes first, or at the close of candle `horizon`. A candle that holds both counts
    as the stop; an open beyond one of them is the price of the exit. Where the first open is beyond one already there
    is no plan: it counts as open.

    Args:
        series: Whole history of n candles.
        positions: Candle at whose close each plan is made, shape (m,).
        sides: 1 of Long, -1 of Short, shape (m,).
        risks: Distance of the stop from that close, in the unit of the price, > 0, shape (m,).
        rewards: Distance of the target in risks, > 0, shape (m,).
        horizon: Time limit in candles.
    """
    closes = series.closes[positions]
    stops, targets = closes - sides * risks, closes + sides * rewards * risks
    outcomes = priced_outcomes(series, positions, sides, stops, targets, risks, horizon)
    return replace(outcomes, ends=np.where(outcomes.ends == VOID, OPEN, outcomes.ends))


def priced_outcomes(
    series: CandleSeries,
    positions: IntArray,
    sides: IntArray,
    stops: FloatArray,
    targets: FloatArray,
    risks: FloatArray,
    horizon: int,
) -> PlanOutcomes:
    """Return the outcome of each plan whose stop and target are prices, by the rules of `plan_outcomes`.

    Args:
        series: Whole history of n candles.
        positions: Candle before the one at whose open each plan is entered, shape (m,).
        sides: 1 of Long, -1 of Short, shape (m,).
        stops, targets: Prices, shape (m,).
        risks: What counts as one unit of the result, in the unit of the price, > 0, shape (m,).
        horizon: Time limit in candles.
    """
    count, last = len(positions), len(series) - 1
    ends, held = np.full(count, OPEN, dtype=np.int64), np.zeros(count, dtype=np.int64)
    exits, entries = np.full(count, np.nan), np.full(count, np.nan)
    entered = np.flatnonzero(positions < last)
    entries[entered] = series.opens[positions[entered] + 1]
    fits = (sides * (entries - stops) > 0) & (sides * (targets - entries) > 0)
    ends[~fits & (positions < last)] = VOID
    alive = np.flatnonzero(fits)
    for step in range(1, horizon + 1):
        alive = alive[positions[alive] + step <= last]
        if not len(alive):
            break
        at, side = positions[alive] + step, sides[alive]
        # Seen from the plan's side: lower is worse.
        opened = side * series.opens[at]
        worst = np.where(side > 0, series.lows[at], -series.highs[at])
        best = np.where(side > 0, series.highs[at], -series.lows[at])
        stop, target = side * stops[alive], side * targets[alive]
        jumped = opened >= target
        stopped = (worst <= stop) & ~jumped
        won = jumped | ((best >= target) & ~stopped)
        for reached, end, price in (
            (stopped, STOP, np.minimum(opened, stop)),
            (won, TARGET, np.maximum(opened, target)),
        ):
            chosen = alive[reached]
            ends[chosen], held[chosen], exits[chosen] = end, step, sides[chosen] * price[reached]
        alive = alive[~(stopped | won)]
        if step == horizon:
            ends[alive], held[alive], exits[alive] = TIME, step, series.closes[positions[alive] + step]
    moves = sides * (exits - entries)
    return PlanOutcomes(ends, held, moves / risks, 1e4 * moves / entries, exits)
