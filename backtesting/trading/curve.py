"""The value of an account at every close of its markets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from backtesting.trades import EquityCurve
from backtesting.trading.account import Position
from backtesting.trading.fills import closes_ms
from domain.arrays import FloatArray, IntArray
from domain.market import CandleSeries


def equity_curve(markets: Sequence[CandleSeries], positions: Sequence[Position], capital: float) -> EquityCurve:
    """Return the value of the account at the close of every candle of any market.

    Between its own closes a market counts with its last one. A position counts from the close of its entry candle on
    at the market, after the costs of the entry and of holding, and from the close of its last candle on as booked.

    Args:
        markets: The candles of each market; there is at least one.
        positions: Closed positions; `market` is an index of `markets`.
        capital: At the begin, quote currency.
    """
    closes = [closes_ms(series) for series in markets]
    times_ms = np.unique(np.concatenate(closes))
    totals = np.zeros((3, len(times_ms)))
    for index, series in enumerate(markets):
        held = [position for position in positions if position.market == index]
        sums = _market_sums(series, closes[index], held)
        # Before its first candle a market has no result.
        totals += np.column_stack((np.zeros(3), sums))[:, np.searchsorted(closes[index], times_ms, side="right")]
    gross, costs, invested = totals
    equity = capital + gross - costs
    share = np.divide(invested, equity, out=np.zeros_like(equity), where=equity > 0)
    return EquityCurve(times_ms, equity, capital + gross, share)


def _market_sums(series: CandleSeries, ends_ms: IntArray, positions: Sequence[Position]) -> FloatArray:
    """Return profit before costs, costs, and value of the open position at n closes, shape (3, n)."""
    opened, booked = np.zeros((3, len(series))), np.zeros((3, len(series)))
    if not positions:
        return opened
    first = np.array([position.entry_candle for position in positions])
    last = np.array([position.exit.candle for position in positions])
    sides, entries, quantities, entry_costs, funding, profits, costs = np.array(
        [
            (
                p.call.side.side,
                p.entry,
                p.quantity,
                p.entry_costs,
                p.funding_per_ms,
                p.gross_profit(p.exit.price),
                p.costs,
            )
            for p in positions
        ]
    ).T
    # All closes at which a position is open, with the position of each: there is at most one.
    lengths = last - first
    owner = np.repeat(np.arange(len(positions)), lengths)
    at = first[owner] + np.arange(len(owner)) - (np.cumsum(lengths) - lengths)[owner]
    opened[0, at] = sides[owner] * (series.closes[at] - entries[owner]) * quantities[owner]
    opened[1, at] = entry_costs[owner] + funding[owner] * (ends_ms[at] - series.times_ms[first[owner]])
    opened[2, at] = series.closes[at] * quantities[owner]
    np.add.at(booked[0], last, profits)
    np.add.at(booked[1], last, costs)
    return np.asarray(opened + np.cumsum(booked, axis=1))
