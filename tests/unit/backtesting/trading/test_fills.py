"""Each rule of filling, on a market small enough to work out by hand."""

from __future__ import annotations

import pytest

from backtesting.trades import Trade, TradeEnd
from backtesting.trading.orders import Call, TradedMarket
from backtesting.trading.simulation import simulate
from domain.hours.sessions import Sessions
from domain.market import CandleSeries, Timeframe
from domain.values import Signal
from tests.fixtures.trading import START_MS, Row, call, candles, terms, traded

LONG, SHORT, NEUTRAL = Signal.LONG, Signal.SHORT, Signal.NEUTRAL
HOUR_MS = Timeframe.H1.ms
CALM: Row = (100, 101, 99, 100)


def trades(rows: list[Row], *calls: Call, finer: CandleSeries | None = None) -> tuple[Trade, ...]:
    return simulate([traded(rows, *calls, finer=finer)], terms()).trades


def only(rows: list[Row], *calls: Call, finer: CandleSeries | None = None) -> Trade:
    (trade,) = trades(rows, *calls, finer=finer)
    return trade


def opened_at(candle: int) -> int:
    return START_MS + candle * HOUR_MS


# entries


def test_a_call_is_filled_at_the_open_of_the_next_candle() -> None:
    trade = only([CALM, (102, 103, 101, 102.5), (102.5, 111, 102, 110)], call(0, LONG, 90, 110))
    assert (trade.opened_ms, trade.entry) == (opened_at(1), 102)
    # 1,000 of 10,000 at 102, sold at 110
    assert trade.quantity == pytest.approx(1_000 / 102)
    assert trade.gross_profit == pytest.approx(1_000 / 102 * 8)


def test_a_call_at_the_last_candle_is_not_filled() -> None:
    assert trades([CALM, CALM], call(1, LONG, 90, 110)) == ()


def test_neutral_opens_and_closes_nothing() -> None:
    rows = [CALM, CALM, CALM, CALM]
    assert trades(rows, call(0, NEUTRAL, 90, 110)) == ()
    trade = only(rows, call(0, LONG, 90, 110), call(1, NEUTRAL, 110, 90))
    assert (trade.candles, trade.end) == (3, TradeEnd.END_OF_DATA)


@pytest.mark.parametrize("opened", [90, 89, 110, 112])
def test_an_open_at_or_beyond_stop_or_target_makes_the_plan_of_a_long_void(opened: float) -> None:
    assert trades([CALM, (opened, 112, 88, 100), CALM], call(0, LONG, 90, 110)) == ()


@pytest.mark.parametrize("opened", [90, 89, 110, 112])
def test_an_open_at_or_beyond_stop_or_target_makes_the_plan_of_a_short_void(opened: float) -> None:
    assert trades([CALM, (opened, 112, 88, 100), CALM], call(0, SHORT, 110, 90)) == ()


def test_a_trade_says_side_confidence_and_ground_of_its_call_and_the_distance_of_its_stop() -> None:
    trade = only([CALM, (98, 99, 97, 98), CALM], call(0, SHORT, 104, 90, confidence=0.7, ground="reversal"))
    assert (trade.symbol, trade.timeframe, trade.side) == ("BTCUSDT", Timeframe.H1, SHORT)
    assert (trade.confidence, trade.ground, trade.risk) == (0.7, "reversal", 6)


# stops and targets


def test_a_stop_within_a_candle_fills_at_its_price_also_in_the_entry_candle() -> None:
    trade = only([CALM, (100, 101, 94, 96), CALM], call(0, LONG, 95, 110))
    assert (trade.exit, trade.end, trade.candles, trade.closed_ms) == (95, TradeEnd.STOP, 1, opened_at(2))
    assert trade.gross_r == pytest.approx(-1)


def test_a_target_within_a_candle_fills_at_its_price_also_in_the_entry_candle() -> None:
    trade = only([CALM, (100, 108, 99, 107), CALM], call(0, LONG, 95, 107.5))
    assert (trade.exit, trade.end, trade.candles, trade.closed_ms) == (107.5, TradeEnd.TARGET, 1, opened_at(2))
    assert trade.gross_r == pytest.approx(1.5)


def test_stop_and_target_of_a_short_lie_the_other_way_round() -> None:
    assert only([CALM, CALM, (100, 106, 99, 101)], call(0, SHORT, 105, 90)).exit == 105
    trade = only([CALM, CALM, (100, 101, 89, 91)], call(0, SHORT, 105, 90))
    assert (trade.exit, trade.end, trade.candles) == (90, TradeEnd.TARGET, 2)
    assert trade.gross_r == pytest.approx(2)


@pytest.mark.parametrize(("low", "exit_"), [(95.0, 95.0), (95.001, 100.0)])
def test_a_stop_is_filled_by_a_touch(low: float, exit_: float) -> None:
    assert only([CALM, (100, 101, low, 100)], call(0, LONG, 95, 110)).exit == exit_


def test_a_stop_that_is_jumped_fills_at_the_open_beyond_it() -> None:
    trade = only([CALM, CALM, (92, 93, 80, 81), CALM], call(0, LONG, 95, 110))
    assert (trade.exit, trade.end, trade.candles, trade.closed_ms) == (92, TradeEnd.STOP, 1, opened_at(2))
    assert trade.gross_r == pytest.approx(-8 / 5)
    assert only([CALM, CALM, (108, 120, 107, 119)], call(0, SHORT, 105, 90)).exit == 108


def test_a_target_that_is_jumped_fills_at_the_better_open() -> None:
    trade = only([CALM, CALM, (113, 120, 112, 119), CALM], call(0, LONG, 95, 110))
    assert (trade.exit, trade.end, trade.candles, trade.closed_ms) == (113, TradeEnd.TARGET, 1, opened_at(2))
    assert only([CALM, CALM, (88, 89, 80, 81)], call(0, SHORT, 105, 90)).exit == 88


def test_a_target_jumped_at_the_open_counts_before_a_stop_within_the_same_candle() -> None:
    trade = only([CALM, CALM, (113, 114, 80, 81)], call(0, LONG, 95, 110))
    assert (trade.exit, trade.end) == (113, TradeEnd.TARGET)


@pytest.mark.parametrize(("side", "stop", "target"), [(LONG, 95, 105), (SHORT, 105, 95)])
def test_a_candle_that_holds_stop_and_target_counts_as_the_stop(side: Signal, stop: float, target: float) -> None:
    trade = only([CALM, (100, 106, 94, 104), CALM], call(0, side, stop, target))
    assert (trade.exit, trade.end) == (stop, TradeEnd.STOP)


# finer candles


def quarters(*rows: Row, first_hour: int = 1) -> CandleSeries:
    times_ms = [opened_at(first_hour) + at * Timeframe.M15.ms for at in range(len(rows))]
    return candles(rows, Timeframe.M15, times_ms)


BOTH: Row = (100, 106, 94, 104)


def test_finer_candles_tell_whether_the_target_came_first() -> None:
    finer = quarters((100, 101, 99, 101), (101, 106, 100, 103), (103, 103, 94, 95), (95, 104, 95, 104))
    trade = only([CALM, BOTH, CALM], call(0, LONG, 95, 105), finer=finer)
    assert (trade.exit, trade.end, trade.candles) == (105, TradeEnd.TARGET, 1)
    assert trade.closed_ms == opened_at(1) + 2 * Timeframe.M15.ms
    trade = only([CALM, BOTH, CALM], call(0, SHORT, 105, 95), finer=finer)
    assert (trade.exit, trade.end) == (105, TradeEnd.STOP)


def test_a_finer_candle_that_holds_both_counts_as_the_stop() -> None:
    finer = quarters((100, 106, 94, 104), CALM, CALM, (100, 104, 100, 104))
    trade = only([CALM, BOTH, CALM], call(0, LONG, 95, 105), finer=finer)
    assert (trade.exit, trade.end, trade.closed_ms) == (95, TradeEnd.STOP, opened_at(1) + Timeframe.M15.ms)


def test_a_finer_candle_that_opens_beyond_the_stop_fills_it_there() -> None:
    finer = quarters(CALM, (94.5, 95, 94, 95), (95, 106, 95, 104), (104, 104, 104, 104))
    trade = only([CALM, BOTH, CALM], call(0, LONG, 95, 105), finer=finer)
    assert (trade.exit, trade.end, trade.candles) == (94.5, TradeEnd.STOP, 1)
    assert trade.closed_ms == opened_at(1) + Timeframe.M15.ms


@pytest.mark.parametrize("finer", [quarters(CALM, CALM), quarters(BOTH, first_hour=7)])
def test_without_finer_candles_that_tell_the_stop_counts(finer: CandleSeries) -> None:
    trade = only([CALM, BOTH, CALM], call(0, LONG, 95, 105), finer=finer)
    assert (trade.exit, trade.end, trade.closed_ms) == (95, TradeEnd.STOP, opened_at(2))


def test_finer_candles_are_not_asked_where_the_candle_leaves_no_doubt() -> None:
    finer = quarters((100, 106, 94, 100))
    trade = only([CALM, CALM, CALM], call(0, LONG, 95, 105), finer=finer)
    assert trade.end is TradeEnd.END_OF_DATA


# time limit and end of data


def test_at_the_close_of_the_last_candle_of_its_horizon_a_position_is_closed() -> None:
    rows = [CALM, CALM, CALM, (100, 103, 99, 102), CALM]
    trade = only(rows, call(0, LONG, 95, 110, horizon_candles=3))
    assert (trade.exit, trade.end, trade.candles, trade.closed_ms) == (102, TradeEnd.TIME, 3, opened_at(4))


def test_a_horizon_of_one_candle_ends_with_the_entry_candle() -> None:
    trade = only([CALM, (100, 103, 99, 102), CALM], call(0, SHORT, 110, 95, horizon_candles=1))
    assert (trade.exit, trade.end, trade.candles) == (102, TradeEnd.TIME, 1)


def test_a_stop_in_the_last_candle_of_the_horizon_comes_before_its_close() -> None:
    trade = only([CALM, CALM, (100, 101, 94, 100), CALM], call(0, LONG, 95, 110, horizon_candles=2))
    assert (trade.exit, trade.end) == (95, TradeEnd.STOP)


def test_the_end_of_the_data_closes_at_the_last_close() -> None:
    trade = only([CALM, CALM, (100, 105, 99, 104)], call(0, LONG, 95, 110, horizon_candles=3))
    assert (trade.exit, trade.end, trade.candles, trade.closed_ms) == (104, TradeEnd.END_OF_DATA, 2, opened_at(3))
    assert only([CALM, CALM], call(0, LONG, 95, 110, horizon_candles=1)).end is TradeEnd.TIME


# one position per symbol


def test_a_call_on_the_same_side_changes_nothing() -> None:
    trade = only([CALM] * 5, call(0, LONG, 90, 110), call(1, LONG, 98, 120), call(2, LONG, 98, 120, horizon_candles=1))
    assert (trade.opened_ms, trade.risk, trade.end) == (opened_at(1), 10, TradeEnd.END_OF_DATA)


def test_a_call_on_the_other_side_closes_and_opens_at_the_same_open() -> None:
    rows = [CALM, CALM, (103, 104, 102, 103), (103, 104, 97, 98)]
    first, second = trades(rows, call(0, LONG, 95, 110), call(1, SHORT, 109, 98))
    assert (first.exit, first.end, first.candles, first.closed_ms) == (103, TradeEnd.FLIP, 1, opened_at(2))
    assert (second.side, second.entry, second.opened_ms) == (SHORT, 103, opened_at(2))
    assert (second.exit, second.end, second.candles) == (98, TradeEnd.TARGET, 2)


def test_a_flip_closes_also_where_its_own_plan_is_void() -> None:
    trade = only([CALM, CALM, (96, 97, 95.5, 96), CALM], call(0, LONG, 95, 110), call(1, SHORT, 109, 97))
    assert (trade.exit, trade.end) == (96, TradeEnd.FLIP)


def test_at_an_open_beyond_the_stop_the_stop_is_filled_before_the_flip() -> None:
    rows = [CALM, CALM, (92, 93, 91, 92), CALM]
    first, second = trades(rows, call(0, LONG, 95, 110), call(1, SHORT, 101.5, 80))
    assert (first.exit, first.end) == (92, TradeEnd.STOP)
    assert (second.side, second.entry, second.opened_ms) == (SHORT, 92, opened_at(2))


def test_a_call_placed_while_a_position_was_open_is_not_made_up_for_when_its_stop_is_jumped() -> None:
    rows = [CALM, CALM, (92, 93, 91, 92), CALM]
    trade = only(rows, call(0, LONG, 95, 110), call(1, LONG, 90, 110))
    assert trade.end is TradeEnd.STOP


def test_after_a_stop_in_the_candle_of_a_call_the_call_is_a_new_entry() -> None:
    rows = [CALM, (100, 101, 94, 100), CALM, CALM]
    first, second = trades(rows, call(0, LONG, 95, 110), call(1, LONG, 90, 110))
    assert (first.end, second.opened_ms) == (TradeEnd.STOP, opened_at(2))


# holes and nights


def test_candles_are_counted_also_across_a_hole() -> None:
    times_ms = [opened_at(hour) for hour in (0, 1, 30, 31)]
    series = candles([CALM, CALM, (100, 103, 99, 102), CALM], times_ms=times_ms)
    market = TradedMarket("BTCUSDT", series, [call(0, LONG, 95, 110, horizon_candles=2)])
    (trade,) = simulate([market], terms()).trades
    assert (trade.exit, trade.end, trade.candles, trade.closed_ms) == (102, TradeEnd.TIME, 2, opened_at(31))


def test_a_night_is_jumped_and_its_candle_closes_with_the_session() -> None:
    # Six hours and a half, from 14:30 to 21:00 UTC in winter: the last hour is half a candle.
    sessions = Sessions("New York", "America/New_York", (((570, 960),),) * 5 + ((),) * 2)
    day_ms, open_ms = 24 * HOUR_MS, START_MS + 29 * HOUR_MS // 2
    hours = [open_ms + hour * HOUR_MS for hour in range(7)]
    times_ms = [*hours, *(hour + day_ms for hour in hours)]
    rows: list[Row] = [CALM] * 7 + [(94, 96, 93, 95)] + [(95, 96, 93, 95)] * 6
    series = candles(rows, times_ms=times_ms, sessions=sessions)
    market = TradedMarket("AAPL", series, [call(5, LONG, 97, 110)])
    simulation = simulate([market], terms())
    (trade,) = simulation.trades
    # Entered with the last half hour of Monday, jumped at Tuesday's open.
    assert (trade.opened_ms, trade.closed_ms, trade.exit) == (times_ms[6], times_ms[7], 94)
    assert (trade.end, trade.candles) == (TradeEnd.STOP, 1)
    assert int(simulation.curve.times_ms[6]) == times_ms[6] + HOUR_MS // 2
