"""Trades of a backtest, and the value of its account."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from domain.arrays import FloatArray, IntArray
from domain.market import Timeframe
from domain.values import Signal


class TradeEnd(StrEnum):
    """Why a trade ended."""

    TARGET = "target"
    STOP = "stop"
    TIME = "time"
    FLIP = "flip"
    END_OF_DATA = "end of data"


@dataclass(frozen=True)
class Trade:
    """One closed trade.

    Attributes:
        side: Long or Short.
        opened_ms, closed_ms: Times of entry and exit, epoch ms.
        entry, exit: Prices before slippage, quote currency.
        candles: Candles of the timeframe in which it was held, >= 1.
        quantity: In base currency, > 0.
        risk: Distance of the stop from the entry as planned, quote currency, > 0.
        gross_profit: Before costs and funding, quote currency.
        costs: Fees, slippage and funding paid, quote currency; negative where funding was received and outweighs.
        confidence: Of the judgement, 0..1.
        ground: Of the judgement.
    """

    symbol: str
    timeframe: Timeframe
    side: Signal
    opened_ms: int
    closed_ms: int
    entry: float
    exit: float
    candles: int
    quantity: float
    risk: float
    gross_profit: float
    costs: float
    end: TradeEnd
    confidence: float
    ground: str

    @property
    def profit(self) -> float:
        """After costs, quote currency."""
        return self.gross_profit - self.costs

    @property
    def value(self) -> float:
        """Value of the position at its entry, quote currency."""
        return self.entry * self.quantity

    @property
    def gross_r(self) -> float:
        """Result before costs in R."""
        return self.gross_profit / (self.risk * self.quantity)

    @property
    def net_r(self) -> float:
        """Result after costs in R."""
        return self.profit / (self.risk * self.quantity)


@dataclass(frozen=True)
class EquityCurve:
    """Value of an account at n moments.

    Attributes:
        times_ms: Epoch ms, ascending, shape (n,).
        equity: Value after all costs so far, open positions at the market, shape (n,), quote currency.
        gross_equity: The same without any costs.
        invested: Value of all open positions over the equity, 0 without, shape (n,).
    """

    times_ms: IntArray
    equity: FloatArray
    gross_equity: FloatArray
    invested: FloatArray
