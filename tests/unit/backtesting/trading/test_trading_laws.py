"""Laws that hold on every market and for all calls."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtesting.trades import Trade
from backtesting.trading.orders import Call, Sizing, SizingKind, TradedMarket
from backtesting.trading.simulation import simulate
from domain.hours.sessions import AROUND_THE_CLOCK
from domain.market import Candle, CandleSeries, Timeframe
from domain.values import Signal
from tests.fixtures.trading import START_MS, Row, candles, terms

# Prices are quarters of a unit: reflected around a constant they are exact.
TICK = 0.25
MIDDLE = 200.0
OTHER_SIDE = {Signal.LONG: Signal.SHORT, Signal.SHORT: Signal.LONG, Signal.NEUTRAL: Signal.NEUTRAL}


@st.composite
def markets(draw: st.DrawFn, symbol: str = "BTCUSDT", least: int = 2, most: int = 30) -> TradedMarket:
    """Draw a market around 200 with gaps between its candles, and calls with stops and targets of some ticks."""
    count = draw(st.integers(least, most))
    ticks = st.integers(-12, 12)
    rows: list[Row] = []
    price = MIDDLE
    for _ in range(count):
        opened = price + TICK * draw(ticks)
        close = opened + TICK * draw(ticks)
        high = max(opened, close) + TICK * draw(st.integers(0, 6))
        low = min(opened, close) - TICK * draw(st.integers(0, 6))
        rows.append((opened, high, low, close))
        # Back to the middle where it has gone far: prices stay within 100..300.
        price = close if abs(close - MIDDLE) < 60 else MIDDLE
    calls = []
    for position in sorted(draw(st.sets(st.integers(0, count - 1), max_size=15))):
        side = draw(st.sampled_from(list(Signal)))
        distances = draw(st.tuples(st.integers(1, 30), st.integers(1, 30)))
        close, sign = rows[position][3], side.side or 1
        stop, target = close - sign * TICK * distances[0], close + sign * TICK * distances[1]
        horizon = draw(st.integers(1, 12))
        calls.append(Call(position, side, stop, target, horizon, draw(st.floats(0, 1)), 0.6, "trend"))
    return TradedMarket(symbol, candles(rows), calls)


def sizings() -> st.SearchStrategy[Sizing]:
    return st.builds(Sizing, st.sampled_from(get_args(SizingKind)), st.floats(0.01, 1))


def mirrored(market: TradedMarket) -> TradedMarket:
    """Return the market reflected around its middle, with calls on the other side."""

    def reflected(price: float) -> float:
        return 2 * MIDDLE - price

    rows = [(reflected(c.open), reflected(c.low), reflected(c.high), reflected(c.close)) for c in market.series.candles]
    calls = [
        replace(call, side=OTHER_SIDE[call.side], stop=reflected(call.stop), target=reflected(call.target))
        for call in market.calls
    ]
    return TradedMarket(market.symbol, candles(rows), calls)


@given(markets())
def test_without_costs_a_mirrored_market_gives_mirrored_trades(market: TradedMarket) -> None:
    # Sized by a risk so small that the equity is no limit, a trade earns the same on either side.
    free = terms(sizing=Sizing("risk", 0.0005))
    one, other = simulate([market], free), simulate([mirrored(market)], free)
    assert len(one.trades) == len(other.trades)
    for trade, image in zip(one.trades, other.trades, strict=True):
        assert (trade.opened_ms, trade.closed_ms, trade.end) == (image.opened_ms, image.closed_ms, image.end)
        assert image.side is OTHER_SIDE[trade.side]
        assert (image.entry, image.exit) == (2 * MIDDLE - trade.entry, 2 * MIDDLE - trade.exit)
        assert image.profit == pytest.approx(trade.profit)
    np.testing.assert_allclose(other.curve.equity, one.curve.equity)


@given(
    markets(), st.floats(0, 50), st.floats(0, 50), st.sampled_from(["fixed", "recommended", "risk"]), st.floats(0.01, 1)
)
def test_more_costs_never_give_more_equity(
    market: TradedMarket, one: float, other: float, kind: SizingKind, share: float
) -> None:
    sizing = Sizing(kind, share)
    less, more = (simulate([market], terms(fee_bps=bps, sizing=sizing)).curve.equity for bps in sorted((one, other)))
    assert (more <= less + 1e-6).all()


@given(markets(), markets("ETHUSDT"), st.floats(0, 30), st.floats(-20, 20), st.floats(0.05, 1))
def test_profits_of_trades_add_up_to_the_change_of_the_equity(
    one: TradedMarket, other: TradedMarket, fee_bps: float, funding_bps: float, share: float
) -> None:
    account = terms(fee_bps=fee_bps, funding_bps=funding_bps, sizing=Sizing("fixed", share))
    trades, curve = (simulation := simulate([one, other], account)).trades, simulation.curve
    assert curve.equity[0] == account.capital
    assert curve.equity[-1] - account.capital == pytest.approx(sum(trade.profit for trade in trades), abs=1e-6)
    assert curve.gross_equity[-1] - account.capital == pytest.approx(
        sum(trade.gross_profit for trade in trades), abs=1e-6
    )


@given(markets(), markets("ETHUSDT"), st.floats(0, 30), st.floats(-20, 20))
def test_equity_changes_only_by_trades_and_open_positions(
    one: TradedMarket, other: TradedMarket, fee_bps: float, funding_bps: float
) -> None:
    account = terms(fee_bps=fee_bps, funding_bps=funding_bps, sizing=Sizing("fixed", 0.4))
    simulation = simulate([one, other], account)
    hour = Timeframe.H1.ms
    changes = np.diff(simulation.curve.equity)
    for change, closed_ms in zip(changes, simulation.curve.times_ms[1:].tolist(), strict=True):
        # During the candle that closes then, or at its open.
        in_market = [t for t in simulation.trades if t.opened_ms < closed_ms and t.closed_ms >= closed_ms - hour]
        if not in_market:
            assert change == pytest.approx(0, abs=1e-9)
    idle = [
        not any(t.opened_ms < closed_ms <= t.closed_ms for t in simulation.trades)
        for closed_ms in simulation.curve.times_ms.tolist()
    ]
    assert (simulation.curve.invested[idle] <= 1e-12).all()


@given(markets(), sizings(), st.floats(0, 30))
def test_at_its_entry_a_position_is_worth_at_most_the_equity_after_its_costs(
    market: TradedMarket, sizing: Sizing, fee_bps: float
) -> None:
    account = terms(fee_bps=fee_bps, sizing=sizing)
    equity = account.capital
    for trade in simulate([market], account).trades:
        assert trade.value <= equity - trade.value * account.costs.of(trade.symbol).fraction + 1e-6
        equity += trade.profit


@given(markets(least=8), st.data())
def test_a_history_split_at_a_flat_moment_gives_the_same_trades(market: TradedMarket, data: st.DataObject) -> None:
    account = terms(fee_bps=6, sizing=Sizing("fixed", 0.5))
    whole = simulate([market], account)
    length = len(market.series)

    def flat(cut: int) -> bool:
        """Whether neither a position nor an order is there at the open of a candle."""
        opened_ms = int(market.series.times_ms[cut])
        ordered = any(call.position == cut - 1 for call in market.calls)
        return not ordered and not any(t.opened_ms < opened_ms <= t.closed_ms for t in whole.trades)

    cuts = [cut for cut in range(1, length) if flat(cut)]
    if not cuts:
        return
    cut = data.draw(st.sampled_from(cuts))
    before = simulate([part(market, 0, cut)], account)
    after = simulate([part(market, cut, length)], replace(account, capital=float(before.curve.equity[-1])))
    rejoined = [*before.trades, *after.trades]
    assert [shape(trade) for trade in rejoined] == [shape(trade) for trade in whole.trades]
    assert after.curve.equity[-1] == pytest.approx(whole.curve.equity[-1])


def part(market: TradedMarket, start: int, end: int) -> TradedMarket:
    calls = [replace(call, position=call.position - start) for call in market.calls if start <= call.position < end]
    return TradedMarket(market.symbol, market.series.part(start, end), calls)


def shape(trade: Trade) -> tuple[object, ...]:
    return trade.side, trade.opened_ms, trade.closed_ms, trade.entry, trade.exit, trade.candles, trade.end


@given(markets(), st.integers(0, 10_000))
def test_finer_candles_that_never_jump_give_the_trades_of_their_own_series(market: TradedMarket, seed: int) -> None:
    finer = quarters(market.series, seed)
    # The same calls at the last quarter of their hours.
    calls = [
        replace(call, position=4 * call.position + 3, horizon_candles=4 * call.horizon_candles) for call in market.calls
    ]
    by_hours = simulate([replace(market, finer=finer)], terms(fee_bps=6))
    by_quarters = simulate([TradedMarket(market.symbol, finer, calls)], terms(fee_bps=6))
    assert [result(trade) for trade in by_hours.trades] == [result(trade) for trade in by_quarters.trades]
    np.testing.assert_allclose(by_hours.curve.equity, by_quarters.curve.equity[3::4])


def result(trade: Trade) -> tuple[object, ...]:
    return trade.side, trade.opened_ms, trade.entry, trade.exit, trade.end


def quarters(series: CandleSeries, seed: int) -> CandleSeries:
    """Return quarters of an hour that make up hourly candles, low or high first."""
    random = np.random.default_rng(seed)
    made = []
    for candle in series.candles:
        turns = [candle.low, candle.high] if random.random() < 0.5 else [candle.high, candle.low]
        path = [candle.open, *turns, candle.close, candle.close]
        for at in range(4):
            opened, close = path[at], path[at + 1]
            time_ms = candle.timestamp + at * Timeframe.M15.ms
            made.append(Candle(time_ms, opened, max(opened, close), min(opened, close), close, 1.0))
    assert made[0].timestamp == START_MS
    return CandleSeries.ordered(Timeframe.M15, made).of_market(AROUND_THE_CLOCK)
