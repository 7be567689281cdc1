"""The value of an account at every close of its markets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from backtesting.trades import EquityCurve
from backtesting.trading.account import Position
from backtesting.trading.fills import closes_ms
from domain.arrays import FloatArray
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
        sums = _market_sums(series, held)
        # Before its first candle a market has come to nothing.
        totals += np.column_stack((np.zeros(3), sums))[:, np.searchsorted(closes[index], times_ms, side="right")]
    gross, costs, invested = totals
    equity = capital + gross - costs
    share = np.divide(invested, equity, out=np.zeros_like(equity), where=equity > 0)
    return EquityCurve(times_ms, equity, capital + gross, share)


def _market_sums(series: CandleSeries, positions: Sequence[Position]) -> FloatArray:
    """Return profit before costs, costs, and value of the open position at n closes, shape (3, n)."""
    open_, booked = np.zeros((3, len(series))), np.zeros((3, len(series)))
    ends_ms = closes_ms(series)
    for position in positions:
        first, end = position.entry_candle, position.exit.candle
        prices = series.closes[first:end]
        held_ms = ends_ms[first:end] - position.opened_ms
        open_[0, first:end] = position.call.side.side * (prices - position.entry) * position.quantity
        open_[1, first:end] = position.entry_costs + position.funding_per_ms * held_ms
        open_[2, first:end] = prices * position.quantity
        booked[0, end] += position.gross_profit(position.exit.price)
        booked[1, end] += position.costs
    return np.asarray(open_ + np.cumsum(booked, axis=1))
