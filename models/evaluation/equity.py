"""Returns after costs of acting on predictions: a plain check, not a trading system.

The signal of a candle is known at its close and filled at the open of the next one; the position is
held to the open after that, when the next signal is filled. Each change of position costs the fee and
the slippage on what changes hands. Positions are one times the equity, long or short, without
funding, borrowing or limits of size.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np

from config.model_settings import ServingSettings
from domain.arrays import IntArray, RealArray
from domain.costs import Costs
from domain.errors import InsufficientData
from domain.trading.performance import YEAR_MS, max_drawdown
from domain.values import Frozen, Share


class BacktestFigures(Frozen):
    """Figures of a backtest; returns and drawdowns are fractions, None is undefined.

    Attributes:
        candles: Candles that could be held, with a position or without.
        trades: Stretches of one unbroken position.
        hit_rate: Share of trades with a positive return after costs; None without trades.
        profit_factor: Sum of the winning trades' returns over that of the losing ones; None without losers.
        exposure: Share of candles with a position.
        turnover: Sum of all changes of position; a round trip counts 2.
        total_return: After costs. `gross_return`: the same trades without costs.
        max_drawdown: Largest fall from a high, 0..1.
        sharpe_ratio: Mean over standard deviation of the returns per candle, times the root of the candles
            per year; None where they do not vary.
        buy_and_hold_return: Bought at the first open and sold at the last, after costs.
    """

    candles: int
    trades: int
    hit_rate: Share | None
    profit_factor: float | None
    exposure: Share
    turnover: float
    total_return: float
    gross_return: float
    max_drawdown: Share
    sharpe_ratio: float | None
    buy_and_hold_return: float
    buy_and_hold_max_drawdown: Share
    costs: Costs


@dataclass(frozen=True)
class Backtest:
    """The figures, and the value of 1 invested at each open: n - 1 values from the second candle's on."""

    performance: BacktestFigures
    times_ms: IntArray
    equity: RealArray
    gross_equity: RealArray
    buy_and_hold: RealArray


def backtest(
    probability: RealArray, opens: RealArray, times_ms: IntArray, costs: Costs, settings: ServingSettings
) -> Backtest:
    """Return the backtest of acting on n predictions.

    Args:
        probability: Probability of a rise at the close of each candle; NaN where there is no prediction, which
            means no position.
        opens: Opens of the candles, > 0, oldest first.
        times_ms: Their open times, ascending.
        costs: Per change of position.
        settings: Probabilities from which the position is long or short.

    Raises:
        InsufficientData: fewer than 3 candles: no signal could be filled and closed.
    """
    if len(opens) < 3:
        raise InsufficientData(f"a backtest needs 3 candles or more, received {len(opens)}")
    position = positions(probability[:-2], settings)
    growth = np.maximum(0.0, 1.0 + position * (opens[2:] / opens[1:-1] - 1.0))
    changes = np.abs(np.diff(position, prepend=0.0, append=0.0))
    kept = (1.0 - costs.fraction) ** changes
    # A fill at an open is paid before the candle is held, the last exit after it.
    factors = growth * kept[:-1]
    factors[-1] *= kept[-1]
    equity, gross_equity = _compounded(factors), _compounded(growth)
    buy_and_hold = opens[1:] / opens[1] * (1.0 - costs.fraction)
    buy_and_hold[0], buy_and_hold[-1] = 1.0, buy_and_hold[-1] * (1.0 - costs.fraction)
    results = _trade_returns(position, growth, costs)
    won, lost = results[results > 0.0].sum(), -results[results < 0.0].sum()
    deviation = float(factors.std())
    # Nights and weekends of a market are part of its year.
    candles_per_year = (len(times_ms) - 1) * YEAR_MS / float(times_ms[-1] - times_ms[0])
    performance = BacktestFigures(
        candles=len(position),
        trades=len(results),
        hit_rate=float((results > 0.0).mean()) if len(results) else None,
        profit_factor=float(won / lost) if lost > 0.0 else None,
        exposure=float((position != 0.0).mean()),
        turnover=float(changes.sum()),
        total_return=float(equity[-1] - 1.0),
        gross_return=float(gross_equity[-1] - 1.0),
        max_drawdown=max_drawdown(equity),
        sharpe_ratio=float((factors.mean() - 1.0) / deviation) * sqrt(candles_per_year) if deviation > 0.0 else None,
        buy_and_hold_return=float(buy_and_hold[-1] - 1.0),
        buy_and_hold_max_drawdown=max_drawdown(buy_and_hold),
        costs=costs,
    )
    return Backtest(performance, times_ms[1:], equity, gross_equity, buy_and_hold)


def positions(probability: RealArray, settings: ServingSettings) -> RealArray:
    """Return +1 (long), -1 (short) or 0 for each probability of a rise; 0 for NaN."""
    long, short = probability >= settings.long_probability, probability <= settings.short_probability
    return long.astype(np.float64) - short.astype(np.float64)


def _compounded(factors: RealArray) -> RealArray:
    return np.concatenate(([1.0], np.cumprod(factors)))


def _trade_returns(position: RealArray, growth: RealArray, costs: Costs) -> RealArray:
    """Return the return of each trade after the costs of entry and exit, as fractions."""
    starts = np.flatnonzero(np.diff(position, prepend=np.nan) != 0.0)
    earned = np.multiply.reduceat(growth, starts) * (1.0 - costs.fraction) ** 2 - 1.0
    trades: RealArray = earned[position[starts] != 0.0]
    return trades
