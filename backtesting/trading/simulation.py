"""From calls to trades and the value of the account."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby, pairwise

from backtesting.trading.account import Account
from backtesting.trading.curve import equity_curve
from backtesting.trading.fills import MarketOrders
from backtesting.trading.orders import Call, Simulation, TradedMarket, TradingTerms
from domain.errors import InsufficientData, InvalidRequest
from domain.values import Signal


def simulate(markets: Sequence[TradedMarket], terms: TradingTerms) -> Simulation:
    """Trade the calls of all markets on one account.

    A call is a market order at the open of the next candle. It is placed where its market has no position at the close
    of its own candle, or one on the other side, which it closes. At one moment positions are closed before others are
    opened, those of the first markets first.

    Raises:
        InvalidRequest: a symbol twice, calls out of order or of no candle, or finer candles that are not finer.
        InsufficientData: there is no candle.
    """
    _check(markets)
    account = Account(terms, [MarketOrders(market.symbol, market.series, market.finer) for market in markets])
    for moment_ms, orders in groupby(_orders(markets), key=lambda order: order[0]):
        placed: list[tuple[int, Call]] = []
        for _, index, call in orders:
            held = account.open_after(index, call.position)
            if held is None:
                placed.append((index, call))
            elif held.call.side is not call.side:
                account.close_at_open(held, call.position + 1)
                placed.append((index, call))
        account.settle(moment_ms)
        for index, call in placed:
            account.enter(index, call)
    account.settle(math.inf)
    named = [(market.symbol, market.series.timeframe) for market in markets]
    trades = tuple(position.trade(*named[position.market]) for position in account.closed)
    return Simulation(trades, equity_curve([market.series for market in markets], account.closed, terms.capital))


def _orders(markets: Sequence[TradedMarket]) -> list[tuple[int, int, Call]]:
    """Return time of the fill, index of the market and call of all that can be filled, in this order."""
    orders = []
    for index, market in enumerate(markets):
        opens_ms = market.series.times_ms.tolist()
        orders += [
            (opens_ms[call.position + 1], index, call)
            for call in market.calls
            if call.side is not Signal.NEUTRAL and call.position + 1 < len(opens_ms)
        ]
    return sorted(orders, key=lambda order: order[:2])


def _check(markets: Sequence[TradedMarket]) -> None:
    symbols = [market.symbol for market in markets]
    if twice := {symbol for symbol in symbols if symbols.count(symbol) > 1}:
        raise InvalidRequest(f"an account trades each symbol once, received {', '.join(sorted(twice))} twice")
    if not any(len(market.series) for market in markets):
        raise InsufficientData("a simulation needs at least one candle, received none")
    for market in markets:
        last, length = len(market.series) - 1, market.series.timeframe
        for call in market.calls:
            if not 0 <= call.position <= last or call.horizon_candles < 1:
                raise InvalidRequest(
                    f"a call on {market.symbol} {length} lies at a candle from 0 to {last} and holds for 1 candle or "
                    f"more, received candle {call.position} and {call.horizon_candles} candles"
                )
        if any(after.position <= before.position for before, after in pairwise(market.calls)):
            raise InvalidRequest(f"the calls on {market.symbol} {length} are not ascending, one for each candle")
        if market.finer is not None and (market.finer.timeframe.ms >= length.ms):
            raise InvalidRequest(
                f"candles that are finer than {length} are needed for {market.symbol}, received "
                f"{market.finer.timeframe}"
            )
