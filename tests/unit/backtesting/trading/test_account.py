"""Costs, sizes, several symbols on one account, and its curve, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from backtesting.trades import TradeEnd
from backtesting.trading.orders import Call, Sizing, SizingKind, TradedMarket, TradingTerms
from backtesting.trading.simulation import simulate
from domain.errors import InsufficientData, InvalidRequest
from domain.market import Timeframe
from domain.values import Signal
from tests.fixtures.trading import START_MS, Row, call, candles, terms, traded

LONG, SHORT = Signal.LONG, Signal.SHORT
CALM: Row = (100, 101, 99, 100)
UP: Row = (100, 105, 100, 104)


def market(symbol: str, rows: list[Row], *calls: Call, timeframe: Timeframe = Timeframe.H1) -> TradedMarket:
    return TradedMarket(symbol, candles(rows, timeframe), calls)


# costs


def test_fee_and_slippage_are_paid_on_both_sides_and_change_no_price() -> None:
    simulation = simulate(
        [traded([CALM, CALM, (110, 110, 110, 110)], call(0, LONG, 90, 110))],
        terms(fee_bps=5, slippage_bps=1, sizing=Sizing("fixed", 0.5)),
    )
    (trade,) = simulation.trades
    assert (trade.entry, trade.exit, trade.quantity) == (100, 110, 50)
    assert trade.gross_profit == 500
    # 6 bps of 5,000 and of 5,500
    assert trade.costs == pytest.approx(3.0 + 3.3)
    assert trade.profit == pytest.approx(493.7)
    assert [trade.gross_r, trade.net_r] == pytest.approx([1, 493.7 / 500])
    assert simulation.curve.equity.tolist() == pytest.approx([10_000, 9_997, 10_493.7])
    assert simulation.curve.gross_equity.tolist() == pytest.approx([10_000, 10_000, 10_500])


@pytest.mark.parametrize(("side", "funding"), [(LONG, 3.0), (SHORT, -3.0)])
def test_longs_pay_funding_by_the_hour_and_shorts_receive_it(side: Signal, funding: float) -> None:
    stop, target = (90, 110) if side is LONG else (110, 90)
    simulation = simulate(
        [traded([CALM] * 26, call(0, side, stop, target, horizon_candles=24))], terms(funding_bps=10, capital=10_000)
    )
    (trade,) = simulation.trades
    # 10 bps of 1,000 for each of three times eight hours
    assert trade.costs == pytest.approx(funding)
    assert simulation.curve.equity[8] == pytest.approx(10_000 - funding / 3)
    assert simulation.curve.gross_equity.tolist() == [10_000] * 26


def test_funding_is_paid_for_the_night_too() -> None:
    times_ms = [START_MS, START_MS + Timeframe.H1.ms, START_MS + 25 * Timeframe.H1.ms]
    series = candles([CALM] * 3, times_ms=times_ms)
    (trade,) = simulate([TradedMarket("BTCUSDT", series, [call(0, LONG, 90, 110)])], terms(funding_bps=8)).trades
    assert trade.costs == pytest.approx(1_000 * 8e-4 * 25 / 8)


# sizes


@pytest.mark.parametrize(
    ("sizing", "value"),
    [
        (Sizing("fixed", 0.25), 2_500),
        (Sizing("recommended", 1.0), 2_000),
        (Sizing("recommended", 0.5), 1_000),
        # 200 are lost at a stop that is 8 % away
        (Sizing("risk", 0.02), 2_500),
    ],
)
def test_size_of_an_entry(sizing: Sizing, value: float) -> None:
    rows: list[Row] = [CALM, CALM, (100, 100, 90, 90)]
    (trade,) = simulate([traded(rows, call(0, LONG, 92, 110, size=0.2))], terms(sizing=sizing)).trades
    assert trade.value == pytest.approx(value)
    if sizing.kind == "risk":
        assert trade.profit == pytest.approx(-200)


def test_sizes_grow_and_shrink_with_the_equity() -> None:
    rows: list[Row] = [CALM, UP, CALM, CALM, CALM]
    calls = call(0, LONG, 90, 104), call(1, LONG, 90, 110, horizon_candles=1)
    first, second = simulate([traded(rows, *calls)], terms(sizing=Sizing("fixed", 0.5))).trades
    assert [first.value, second.value] == pytest.approx([5_000, 5_100])


def test_an_entry_is_sized_after_the_costs_of_the_trades_before_it() -> None:
    calls = call(0, LONG, 90, 110, horizon_candles=1), call(1, SHORT, 110, 90)
    first, second = simulate(
        [traded([CALM] * 4, *calls)], terms(fee_bps=10, funding_bps=80, sizing=Sizing("fixed", 0.5))
    ).trades
    # 5 at the entry, 5 at the exit, and 5 of funding for an hour
    assert first.costs == pytest.approx(15)
    assert second.value == pytest.approx(0.5 * 9_985)


def test_all_positions_after_their_costs_are_worth_at_most_the_equity() -> None:
    rows: list[Row] = [CALM, CALM, CALM]
    simulation = simulate([traded(rows, call(0, LONG, 99.5, 110))], terms(fee_bps=100, sizing=Sizing("risk", 0.05)))
    (trade,) = simulation.trades
    # 5 % of equity at a stop half a percent away would be ten times the equity
    assert trade.value == pytest.approx(10_000 / 1.01)


def test_a_recommended_size_of_zero_is_no_entry() -> None:
    sizing = Sizing("recommended", 1)
    assert simulate([traded([CALM] * 3, call(0, LONG, 90, 110, size=0))], terms(sizing=sizing)).trades == ()


# several symbols


def test_several_symbols_share_one_equity() -> None:
    won = market("BTCUSDT", [CALM, UP, CALM, CALM], call(0, LONG, 90, 104))
    later = market("ETHUSDT", [CALM, CALM, CALM, CALM], call(1, LONG, 90, 110))
    first, second = simulate([later, won], terms(sizing=Sizing("fixed", 0.5))).trades
    assert [first.symbol, second.symbol] == ["BTCUSDT", "ETHUSDT"]
    assert [first.profit, second.value] == pytest.approx([200, 5_100])


def test_an_entry_is_sized_with_open_positions_at_the_market() -> None:
    rising = market("BTCUSDT", [CALM, UP, (104, 105, 103, 104), CALM], call(0, LONG, 90, 200))
    later = market("ETHUSDT", [CALM] * 4, call(1, LONG, 90, 110))
    by_symbol = {trade.symbol: trade for trade in simulate([rising, later], terms(sizing=Sizing("fixed", 0.5))).trades}
    # 5,000 of BTC have risen by 4 %: half of 10,200, and exactly that is not free: 10,200 - 5,200 = 5,000
    assert by_symbol["ETHUSDT"].value == pytest.approx(5_000)


def test_a_position_without_a_close_since_its_entry_counts_at_its_entry() -> None:
    times_ms = [START_MS + hour * Timeframe.H1.ms for hour in range(6)]
    longer = market("BTCUSDT", [CALM, (105, 106, 104, 105)], call(0, LONG, 90, 200), timeframe=Timeframe.H4)
    shorter = TradedMarket("ETHUSDT", candles([CALM] * 6, times_ms=times_ms), [call(4, LONG, 90, 110)])
    values = {trade.symbol: trade.value for trade in simulate([longer, shorter], terms()).trades}
    # An hour after the entry at 105 the newest close of BTC is still the one of 100 before it.
    assert values["ETHUSDT"] == pytest.approx(1_000)


def test_an_entry_without_free_equity_is_not_made_and_the_next_one_is() -> None:
    full = market("BTCUSDT", [CALM, CALM, UP, CALM, CALM], call(0, LONG, 90, 104))
    waiting = market("ETHUSDT", [CALM] * 5, call(1, LONG, 90, 110), call(2, SHORT, 110, 90))
    first, second = simulate([full, waiting], terms(sizing=Sizing("fixed", 1))).trades
    assert (first.symbol, first.end) == ("BTCUSDT", TradeEnd.TARGET)
    assert (second.symbol, second.side) == ("ETHUSDT", SHORT)
    assert second.value == pytest.approx(10_400)


def test_at_one_open_positions_end_before_others_begin() -> None:
    jumped = market("ETHUSDT", [CALM, CALM, (120, 121, 119, 120)], call(0, LONG, 90, 110))
    entered = market("BTCUSDT", [CALM, CALM, CALM], call(1, LONG, 90, 110))
    first, second = simulate([entered, jumped], terms(sizing=Sizing("fixed", 1))).trades
    assert (first.symbol, first.exit) == ("ETHUSDT", 120)
    assert second.symbol == "BTCUSDT"
    assert second.value == pytest.approx(12_000)


def test_of_two_entries_at_one_open_the_first_market_comes_first() -> None:
    markets = [market(symbol, [CALM] * 3, call(0, LONG, 90, 110)) for symbol in ("ETHUSDT", "BTCUSDT")]
    by_symbol = {trade.symbol: trade.value for trade in simulate(markets, terms(sizing=Sizing("fixed", 0.75))).trades}
    assert by_symbol == {"ETHUSDT": pytest.approx(7_500), "BTCUSDT": pytest.approx(2_500)}


def test_the_curve_has_every_close_of_every_market_and_open_positions_at_the_market() -> None:
    rows: list[Row] = [CALM, (100, 104, 100, 103), (103, 103, 98, 98), (98, 99, 98, 99)]
    hourly = market("BTCUSDT", rows, call(0, LONG, 90, 200))
    shorter = market("ETHUSDT", [CALM, (100, 100, 95, 95)], call(0, SHORT, 110, 60), timeframe=Timeframe.M30)
    curve = simulate([hourly, shorter], terms(sizing=Sizing("fixed", 0.1))).curve
    half_hour = Timeframe.M30.ms
    assert ((curve.times_ms - START_MS) // half_hour).tolist() == [1, 2, 4, 6, 8]
    # The short earns 50 until it is closed with its data; 100 of BTC follow at 1,005 for the equity of 10,050.
    assert curve.equity[:2].tolist() == pytest.approx([10_000, 10_050])
    held = 1_005 / 100
    assert curve.equity[2:].tolist() == pytest.approx([10_050 + held * 3, 10_050 - held * 2, 10_050 - held])
    assert curve.invested.tolist() == pytest.approx(
        [0, 0, held * 103 / curve.equity[2], held * 98 / curve.equity[3], 0]
    )


def test_a_market_that_begins_later_counts_from_its_first_candle_on() -> None:
    first = market("BTCUSDT", [CALM] * 4)
    times_ms = [START_MS + hours * Timeframe.H1.ms for hours in (2, 3, 4)]
    second = TradedMarket("ETHUSDT", candles([CALM, UP, CALM], times_ms=times_ms), [call(0, LONG, 90, 104)])
    curve = simulate([first, second], terms()).curve
    assert curve.equity.tolist() == pytest.approx([10_000, 10_000, 10_000, 10_040, 10_040])


def test_no_calls_leave_the_capital() -> None:
    simulation = simulate([traded([CALM] * 3)], terms())
    assert simulation.trades == ()
    assert np.array_equal(simulation.curve.equity, [10_000] * 3)


# refusals


@pytest.mark.parametrize(
    ("markets", "message"),
    [
        ([traded([CALM]), traded([CALM])], "trades each symbol once"),
        ([traded([CALM] * 3, call(1, LONG, 90, 110), call(0, LONG, 90, 110))], "not ascending"),
        ([traded([CALM] * 3, call(1, LONG, 90, 110), call(1, SHORT, 110, 90))], "not ascending"),
        ([traded([CALM] * 3, call(3, LONG, 90, 110))], "from 0 to 2"),
        ([traded([CALM] * 3, call(-1, LONG, 90, 110))], "from 0 to 2"),
        ([traded([CALM] * 3, call(0, LONG, 90, 110, horizon_candles=0))], "holds for 1 candle"),
        ([traded([CALM], finer=candles([CALM], Timeframe.H4))], "finer than 1h"),
    ],
)
def test_markets_that_cannot_be_traded_are_refused(markets: list[TradedMarket], message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        simulate(markets, terms())


def test_without_a_candle_there_is_nothing_to_simulate() -> None:
    with pytest.raises(InsufficientData, match="at least one candle"):
        simulate([traded([])], terms())


@pytest.mark.parametrize("share", [0.0, -0.1, 1.5, float("nan")])
def test_a_share_of_a_sizing_lies_in_its_bounds(share: float) -> None:
    with pytest.raises(InvalidRequest, match="share of a sizing"):
        Sizing("fixed", share)


def test_an_unknown_sizing_is_refused_with_those_that_there_are() -> None:
    kind: SizingKind = "kelly"  # type: ignore[assignment]  # the refusal is what is tested
    with pytest.raises(InvalidRequest, match="fixed, recommended, risk"):
        Sizing(kind, 0.1)


@pytest.mark.parametrize("values", [{"capital": 0}, {"capital": float("inf")}, {"funding_bps": float("nan")}])
def test_impossible_terms_are_refused(values: dict[str, float]) -> None:
    usual = terms()
    with pytest.raises(InvalidRequest, match="received"):
        # Values of several types.
        TradingTerms(**{"costs": usual.costs, "sizing": usual.sizing, "capital": 1.0, **values})  # type: ignore[arg-type]
