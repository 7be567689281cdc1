"""One account over all markets: sizes of entries, open positions, and results of closed ones."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

from backtesting.trades import Trade, TradeEnd
from backtesting.trading.fills import Exit, MarketOrders
from backtesting.trading.orders import Call, TradingTerms
from domain.market import Timeframe

FUNDING_MS = 8 * Timeframe.H1.ms
# An entry for which less than this share of its size is free is not made: it would be dust.
LEAST_SHARE_OF_SIZE = 0.01


@dataclass(frozen=True)
class Position:
    """A position from its entry to its known end.

    Attributes:
        market: Index of its market.
        entry_candle: Index of the candle at whose open it was entered.
        opened_ms: Open time of that candle, epoch ms.
        entry: Its open, quote currency.
        quantity: In base currency, > 0.
        cost_share: Fee and slippage of one side as a fraction of the value.
        funding_per_ms: Paid in each ms of holding, quote currency; negative where it is received.
    """

    market: int
    call: Call
    entry_candle: int
    opened_ms: int
    entry: float
    quantity: float
    cost_share: float
    funding_per_ms: float
    exit: Exit

    def gross_profit(self, price: float) -> float:
        """Return the profit at a price before costs, quote currency."""
        return self.call.side.side * (price - self.entry) * self.quantity

    @property
    def entry_costs(self) -> float:
        """Fee and slippage of the entry, quote currency."""
        return self.cost_share * self.entry * self.quantity

    def costs_until(self, moment_ms: int) -> float:
        """Return the costs of the entry and of holding until a moment, quote currency."""
        return self.entry_costs + self.funding_per_ms * (moment_ms - self.opened_ms)

    @property
    def costs(self) -> float:
        """Costs of entry, holding and exit, quote currency."""
        return self.costs_until(self.exit.time_ms) + self.cost_share * self.exit.price * self.quantity

    def trade(self, symbol: str, timeframe: Timeframe) -> Trade:
        """Return the closed trade that it has become."""
        call, exit_ = self.call, self.exit
        return Trade(
            symbol=symbol,
            timeframe=timeframe,
            side=call.side,
            opened_ms=self.opened_ms,
            closed_ms=exit_.time_ms,
            entry=self.entry,
            exit=exit_.price,
            candles=exit_.candle - self.entry_candle + (not exit_.at_open),
            quantity=self.quantity,
            risk=abs(self.entry - call.stop),
            gross_profit=self.gross_profit(exit_.price),
            costs=self.costs,
            end=exit_.end,
            confidence=call.confidence,
            ground=call.ground,
        )


class Account:
    """The equity and the positions of one account.

    Attributes:
        closed: Positions that have ended, in the order of their ends.
    """

    def __init__(self, terms: TradingTerms, markets: Sequence[MarketOrders]) -> None:
        """Begin with the capital of the terms and no position in any market."""
        self._terms = terms
        self._markets = markets
        self._cost_shares = [terms.costs.of(market.symbol).fraction for market in markets]
        self._realized = terms.capital
        self._open: dict[int, Position] = {}
        self.closed: list[Position] = []

    def open_after(self, market: int, candle: int) -> Position | None:
        """Return the position of a market that is still open after the close of a candle."""
        position = self._open.get(market)
        return position if position and position.exit.candle > candle else None

    def close_at_open(self, position: Position, candle: int) -> None:
        """Close a position by a market order at the open of a candle, unless a resting order is filled there."""
        if position.exit.at_open and position.exit.candle == candle:
            return
        prices = self._markets[position.market].prices
        flip = Exit(candle, True, prices.opens[candle], prices.times_ms[candle], TradeEnd.FLIP)
        self._open[position.market] = replace(position, exit=flip)

    def settle(self, moment_ms: float) -> None:
        """Book the positions that have ended by a moment, epoch ms."""
        ended = [position for position in self._open.values() if position.exit.time_ms <= moment_ms]
        for position in sorted(ended, key=lambda position: (position.exit.time_ms, position.market)):
            self._realized += position.gross_profit(position.exit.price) - position.costs
            self.closed.append(position)
            del self._open[position.market]

    def enter(self, market: int, call: Call) -> None:
        """Open a position at the open of the candle after its call, unless its plan is void or nothing is free."""
        orders, terms = self._markets[market], self._terms
        candle, side = call.position + 1, call.side.side
        entry, opened_ms = orders.prices.opens[candle], orders.prices.times_ms[candle]
        if not side * call.stop < side * entry < side * call.target:
            return
        value = self._size(market, call, entry, opened_ms)
        if not value:
            return
        self._open[market] = Position(
            market=market,
            call=call,
            entry_candle=candle,
            opened_ms=opened_ms,
            entry=entry,
            quantity=value / entry,
            cost_share=self._cost_shares[market],
            funding_per_ms=side * terms.funding_bps / 1e4 * value / FUNDING_MS,
            exit=orders.exit(candle, side, call.stop, call.target, call.horizon_candles),
        )

    def _size(self, market: int, call: Call, entry: float, moment_ms: int) -> float:
        """Return the value of an entry, quote currency: by the sizing, at most what is free; 0 for none.

        After the costs of the entry all positions together are worth at most the equity.
        """
        sizing = self._terms.sizing
        equity, invested = self._worth(moment_ms)
        wanted = equity * sizing.share
        if sizing.kind == "risk":
            wanted *= entry / abs(entry - call.stop)
        elif sizing.kind == "recommended":
            wanted *= call.size
        value = min(wanted, (equity - invested) / (1 + self._cost_shares[market]))
        return value if value > 0 and value >= LEAST_SHARE_OF_SIZE * wanted else 0.0

    def _worth(self, moment_ms: int) -> tuple[float, float]:
        """Return equity and value of all open positions at a moment, each at the last close of its market."""
        equity, invested = self._realized, 0.0
        for position in self._open.values():
            prices = self._markets[position.market].prices
            candle = bisect_right(prices.closes_ms, moment_ms) - 1
            price = prices.closes[candle] if candle >= position.entry_candle else position.entry
            equity += position.gross_profit(price) - position.costs_until(moment_ms)
            invested += price * position.quantity
        return equity, invested
