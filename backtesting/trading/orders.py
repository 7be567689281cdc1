"""What a backtest trades and on which terms: calls, markets, sizes, costs; and the results."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from backtesting.trades import EquityCurve, Trade
from domain.errors import InvalidRequest
from domain.market import CandleSeries
from domain.trading.costs import MarketCosts
from domain.values import Signal

SizingKind = Literal["fixed", "recommended", "risk"]


@dataclass(frozen=True)
class Call:
    """A signal at the close of a candle, with the plan that goes with it.

    Attributes:
        position: Index of that candle in the series of its market.
        side: Long or Short; Neutral changes nothing.
        stop, target: Prices, quote currency.
        horizon_candles: Time limit, >= 1: after this number of candles a position is closed at the close.
        size: Recommended share of the capital, 0..1.
        confidence: 0..1.
        ground: Why, in a word.
    """

    position: int
    side: Signal
    stop: float
    target: float
    horizon_candles: int
    size: float
    confidence: float
    ground: str


@dataclass(frozen=True)
class TradedMarket:
    """A market and what is traded on it.

    Attributes:
        calls: Ascending by position, at most one for a candle.
        finer: Candles of a shorter timeframe, which tell the order in a candle that holds stop and target.
    """

    symbol: str
    series: CandleSeries
    calls: Sequence[Call]
    finer: CandleSeries | None = None


@dataclass(frozen=True)
class Sizing:
    """How much is put into a position.

    Attributes:
        kind: `fixed`: a share of the equity. `recommended`: the size of the call, times the share. `risk`: as much as
            loses the share of the equity at the stop, before costs.
        share: Above 0, of equity; 1 takes a recommended size as it is.
    """

    kind: SizingKind
    share: float

    def __post_init__(self) -> None:
        if self.kind not in get_args(SizingKind):
            raise InvalidRequest(f"a sizing is one of {', '.join(get_args(SizingKind))}, received {self.kind}")
        if not (0 < self.share <= 1):
            raise InvalidRequest(f"the share of a sizing lies above 0 and is at most 1, received {self.share}")


@dataclass(frozen=True)
class TradingTerms:
    """The terms of an account.

    Attributes:
        costs: Of each side of a trade, of each market.
        capital: To begin with, quote currency, > 0.
        funding_bps: Paid by longs and received by shorts in 8 hours, of the value at the entry; may be negative.
    """

    costs: MarketCosts
    sizing: Sizing
    capital: float
    funding_bps: float = 0.0

    def __post_init__(self) -> None:
        if not (0 < self.capital < math.inf):
            raise InvalidRequest(f"the capital of an account is above 0, received {self.capital}")
        if not math.isfinite(self.funding_bps):
            raise InvalidRequest(f"funding is a number of basis points, received {self.funding_bps}")


@dataclass(frozen=True)
class Simulation:
    """Results of calls.

    Attributes:
        trades: In the order of their ends.
        curve: Value of the account at the close of every candle of any market.
    """

    trades: tuple[Trade, ...]
    curve: EquityCurve
