"""Figures of trades, all together and by side, timeframe, symbol, year, confidence and ground."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from backtesting.trades import Trade
from domain.arrays import FloatArray
from domain.trading.reach import reach_of_mean
from domain.values import Frozen, Share, utc_time

CONFIDENCE_STEPS = 20  # bins of 0.05


class TradeFigures(Frozen):
    """Figures of trades after costs; None is undefined.

    Attributes:
        win_rate: Share of trades with a profit.
        expectancy: Mean result in R.
        expectancy_low, expectancy_high: Ends of its 95 % interval by Student's t, as if trades were independent; None
            below two.
        profit_factor: Sum of the profits over the sum of the losses; None without losses.
        gross_bps: Mean result before costs, in hundredths of a percent of the position's value at its entry.
        net_bps: The same after costs.
        profit: Of all trades, quote currency.
        costs: Fees, slippage and funding of all trades, quote currency.
        confidence: Mean of the judgements.
    """

    trades: int
    win_rate: Share | None
    expectancy: float | None
    expectancy_low: float | None
    expectancy_high: float | None
    profit_factor: float | None
    gross_bps: float | None
    net_bps: float | None
    profit: float
    costs: float
    confidence: Share | None


def trade_figures(trades: Sequence[Trade]) -> TradeFigures:
    """Return the figures of some trades."""
    profits = _array(trades, lambda trade: trade.profit)
    results = _array(trades, lambda trade: trade.net_r)
    values = _array(trades, lambda trade: trade.value)
    gross = _array(trades, lambda trade: trade.gross_profit)
    won, lost = float(profits[profits > 0.0].sum()), -float(profits[profits < 0.0].sum())
    expectancy = _mean(results)
    count = len(trades)
    reach = reach_of_mean(count) * float(results.std(ddof=1)) / math.sqrt(count) if count > 1 else None
    bounds = (None, None) if expectancy is None or reach is None else (expectancy - reach, expectancy + reach)
    return TradeFigures(
        trades=len(trades),
        win_rate=_mean(profits > 0.0),
        expectancy=expectancy,
        expectancy_low=bounds[0],
        expectancy_high=bounds[1],
        profit_factor=won / lost if lost > 0.0 else None,
        gross_bps=_mean(1e4 * gross / values),
        net_bps=_mean(1e4 * profits / values),
        profit=float(profits.sum()),
        costs=math.fsum(trade.costs for trade in trades),
        confidence=_mean(_array(trades, lambda trade: trade.confidence)),
    )


def by_side(trades: Sequence[Trade]) -> dict[str, TradeFigures]:
    """Return the figures by side."""
    return _grouped(trades, lambda trade: trade.side.value)


def by_timeframe(trades: Sequence[Trade]) -> dict[str, TradeFigures]:
    """Return the figures by timeframe."""
    return _grouped(trades, lambda trade: trade.timeframe.value)


def by_symbol(trades: Sequence[Trade]) -> dict[str, TradeFigures]:
    """Return the figures by symbol."""
    return _grouped(trades, lambda trade: trade.symbol)


def by_year(trades: Sequence[Trade]) -> dict[str, TradeFigures]:
    """Return the figures by the year (UTC) of the exit."""
    return _grouped(trades, lambda trade: str(utc_time(trade.closed_ms).year))


def by_confidence(trades: Sequence[Trade]) -> dict[str, TradeFigures]:
    """Return the figures by bins of confidence, each without its upper end; the last one has it."""
    return _grouped(trades, lambda trade: _bin(trade.confidence))


def by_ground(trades: Sequence[Trade]) -> dict[str, TradeFigures]:
    """Return the figures by ground."""
    return _grouped(trades, lambda trade: trade.ground)


def turnover(trades: Sequence[Trade], equity: FloatArray) -> float | None:
    """Return the value of all entries and exits over the average equity; None where that is not above 0."""
    average = float(equity.mean())
    traded = math.fsum(trade.quantity * (trade.entry + trade.exit) for trade in trades)
    return traded / average if average > 0.0 else None


def _grouped(trades: Sequence[Trade], name_of: Callable[[Trade], str]) -> dict[str, TradeFigures]:
    groups: dict[str, list[Trade]] = {}
    for trade in trades:
        groups.setdefault(name_of(trade), []).append(trade)
    return {name: trade_figures(groups[name]) for name in sorted(groups)}


def _bin(confidence: float) -> str:
    # 0.15 * 20 is a step of rounding below 3.
    step = min(math.floor(confidence * CONFIDENCE_STEPS + 1e-9), CONFIDENCE_STEPS - 1)
    return f"{step / CONFIDENCE_STEPS:.2f}-{(step + 1) / CONFIDENCE_STEPS:.2f}"


def _array(trades: Sequence[Trade], value_of: Callable[[Trade], float]) -> FloatArray:
    return np.fromiter(map(value_of, trades), np.float64, len(trades))


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if len(values) else None
