"""What came of entries at their horizons, computed by hand, and by the rules of backtests."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtesting.plan_outcomes import OPEN, STOP, TARGET, TIME, plan_outcomes
from domain.hours.holidays import load_holidays
from domain.ledger.entries import HORIZONS, PLAN, EntryKind, LedgerEntry
from domain.ledger.settlements import PlanEnd, Settlement
from domain.market import Candle, CandleSeries, Timeframe
from domain.session_finder import with_sessions
from domain.values import Signal, epoch_ms
from services.ledger.settling.outcomes import MarketCandles, outcomes
from storage.ledger_ports import Due
from tests.fixtures.histories import simulated
from tests.fixtures.ledger import CLOSED_MS, make_entry
from tests.fixtures.settling import HOUR_MS, Rows, flat, hours

BEFORE = (100.0, 100.5, 99.5, 100.0)
QUIET = (100.0, 101.0, 99.0, 100.5)
ENDS = {STOP: PlanEnd.STOP, TARGET: PlanEnd.TARGET, TIME: PlanEnd.TIME}


def settled(
    rows: Rows, entry: LedgerEntry | None = None, horizon: int = PLAN, *, settled_ms: int = 0
) -> Settlement | None:
    """Return what the candles after the entry's newest one settle; that one is at the price of the entry."""
    series = CandleSeries(Timeframe.H1, hours([BEFORE, *rows], CLOSED_MS - HOUR_MS))
    return only(series, entry or make_entry(), horizon, settled_ms=settled_ms)


def only(series: CandleSeries, entry: LedgerEntry, horizon: int, *, settled_ms: int = 0) -> Settlement | None:
    (found,) = outcomes(MarketCandles(entry.symbol, series, "stored"), [Due(entry, horizon)], settled_ms)
    return found


@pytest.mark.parametrize(
    ("rows", "end", "price", "r", "candles"),
    [
        ([QUIET, (100, 105, 99, 104)], PlanEnd.TARGET, 104.0, 2.0, 2),
        ([QUIET, (100, 101, 97, 98)], PlanEnd.STOP, 98.0, -1.0, 2),
        ([(100, 105, 97, 104)], PlanEnd.STOP, 98.0, -1.0, 1),  # both in one candle: the stop
        ([QUIET, (95, 96, 94, 95)], PlanEnd.STOP, 95.0, -2.5, 2),  # the gap went through the stop
        ([QUIET, (106, 107, 96, 97)], PlanEnd.TARGET, 106.0, 3.0, 2),  # and through the target
        ([(101, 105, 100, 104)], PlanEnd.TARGET, 104.0, 1.5, 1),  # entered at 101, one R is still 2
        ([QUIET] * 24, PlanEnd.TIME, 100.5, 0.25, 24),
        ([(97, 98, 96, 97)], PlanEnd.VOID, 97.0, None, 1),  # it opened below the stop
        ([(104, 105, 103, 104)], PlanEnd.VOID, 104.0, None, 1),  # and at the target
    ],
)
def test_a_long_plan_ends_as_computed_by_hand(
    rows: Rows, end: PlanEnd, price: float, r: float | None, candles: int
) -> None:
    found = settled(rows, settled_ms=123)
    assert found is not None
    assert (found.entry_id, found.horizon, found.settled_ms, found.source) == ("a1-rules", PLAN, 123, "stored")
    assert (found.end, found.price, found.r) == (end, price, r)
    assert found.move == pytest.approx(price / 100 - 1)
    assert found.ended_ms == CLOSED_MS + candles * HOUR_MS


@pytest.mark.parametrize(
    ("rows", "end", "price", "r"),
    [
        ([(100, 101, 95.5, 96)], PlanEnd.TARGET, 96.0, 2.0),
        ([(100, 103, 99, 100)], PlanEnd.STOP, 102.0, -1.0),
        ([(100, 103, 95, 100)], PlanEnd.STOP, 102.0, -1.0),
        ([QUIET, (105, 106, 104, 105)], PlanEnd.STOP, 105.0, -2.5),
        ([(103, 104, 102, 103)], PlanEnd.VOID, 103.0, None),
    ],
)
def test_a_short_plan_is_its_mirror(rows: Rows, end: PlanEnd, price: float, r: float | None) -> None:
    found = settled(rows, make_entry(side=Signal.SHORT, stop=102.0, target=96.0))
    assert found is not None
    assert (found.end, found.price, found.r) == (end, price, r)


def test_a_plan_whose_candles_go_on_is_not_settled() -> None:
    assert settled([QUIET] * 23) is None
    assert settled([]) is None


def test_a_refused_plan_is_settled_on_the_side_that_its_prices_tell() -> None:
    refused = make_entry(kind=EntryKind.REFUSED, side=Signal.NEUTRAL, stop=102.0, target=96.0)
    found = settled([(100, 101, 95.5, 96)], refused)
    assert found is not None
    assert (found.end, found.r) == (PlanEnd.TARGET, 2.0)


def test_the_move_is_from_the_price_of_the_entry_to_the_close_at_the_horizon() -> None:
    entry = make_entry(price=101.0, side=Signal.NEUTRAL, kind=EntryKind.NO_EDGE, stop=None, target=None)
    rows = [(100, 111, 99, 100 + at) for at in range(1, 9)]
    for horizon, close in ((1, 101.0), (4, 104.0)):
        found = settled(rows, entry, horizon)
        assert found is not None
        assert (found.price, found.end, found.r) == (close, None, None)
        assert found.move == pytest.approx(close / 101 - 1)
        assert found.ended_ms == CLOSED_MS + horizon * HOUR_MS
    assert settled(rows, entry, 12) is None


def test_what_is_said_late_in_a_candle_is_entered_at_the_next_open() -> None:
    rows = [(100, 105, 99, 104), QUIET, (100, 101, 97, 98)]
    at_once = settled(rows, make_entry(known_ms=CLOSED_MS + 6 * 60_000))
    too_late = settled(rows, make_entry(known_ms=CLOSED_MS + 7 * 60_000))
    assert at_once is not None
    assert too_late is not None
    # The target was reached in the candle in which it was said: who hears of it then does not gain by it.
    assert (at_once.end, too_late.end) == (PlanEnd.TARGET, PlanEnd.STOP)
    # Its time limit is counted from where it was entered; the horizons stay those of the newest closed candle.
    last = settled([QUIET] * 25, make_entry(known_ms=CLOSED_MS + 7 * 60_000))
    assert last is not None
    assert (last.end, last.ended_ms) == (PlanEnd.TIME, CLOSED_MS + 25 * HOUR_MS)


def test_a_missing_candle_is_counted_and_never_passed_over() -> None:
    candles = hours([BEFORE, *([QUIET] * 5), (100, 105, 99, 104), *([QUIET] * 20)], CLOSED_MS - HOUR_MS)
    whole, holed = CandleSeries(Timeframe.H1, candles), CandleSeries(Timeframe.H1, candles[:3] + candles[4:])
    entry = make_entry()
    assert only(holed, entry, 1) == only(whole, entry, 1)
    assert only(holed, entry, 4) == only(whole, entry, 4)
    assert only(holed, entry, 12) == only(whole, entry, 12)
    # The missing one may have held the stop.
    assert only(whole, entry, PLAN) is not None
    assert only(holed, entry, PLAN) is None
    at_the_horizon = CandleSeries(Timeframe.H1, candles[:4] + candles[5:])
    assert only(at_the_horizon, entry, 4) is None
    # The newest candle of the entry is missing itself.
    before = hours([BEFORE], CLOSED_MS - 2 * HOUR_MS)
    without_newest = CandleSeries(Timeframe.H1, before + candles[1:])
    assert only(without_newest, entry, 4) == only(whole, entry, 4)
    assert only(without_newest, entry, PLAN) == only(whole, entry, PLAN)


def test_candles_that_begin_after_the_entry_settle_nothing() -> None:
    series = CandleSeries(Timeframe.H1, flat(30, CLOSED_MS))
    assert [only(series, make_entry(), horizon) for horizon in (*HORIZONS, PLAN)] == [None] * 5
    assert only(CandleSeries(Timeframe.H1, []), make_entry(), 1) is None


def test_candles_on_the_other_side_of_a_split_settle_nothing() -> None:
    halved = CandleSeries(Timeframe.H1, flat(30, CLOSED_MS - HOUR_MS, price=50))
    assert only(halved, make_entry(), 4) is None
    assert only(halved, make_entry(), PLAN) is None
    assert only(halved, make_entry(price=51.0), 4) is not None


def share_hours(first: datetime, last: datetime) -> CandleSeries:
    """Return the hourly candles of a share of New York; the last of each day is half an hour long."""
    load_holidays()
    times = [
        at for at in range(epoch_ms(first), epoch_ms(last), HOUR_MS) if _trades(datetime.fromtimestamp(at / 1000, UTC))
    ]
    candles = [Candle(at, 100.0, 101.0, 99.0, 100 + number / 100, 1.0) for number, at in enumerate(times)]
    return with_sessions("AAPL", CandleSeries(Timeframe.H1, candles))


def _trades(moment: datetime) -> bool:
    holiday = (moment.month, moment.day) == (1, 18)
    return moment.weekday() < 5 and not holiday and 14 <= moment.hour <= 20 and moment.minute == 30


def test_the_candles_of_a_share_pass_over_nights_the_weekend_and_a_holiday() -> None:
    series = share_hours(datetime(2021, 1, 4, 14, 30, tzinfo=UTC), datetime(2021, 2, 6, tzinfo=UTC))
    # Friday's last candle; Monday is Martin Luther King's day.
    closed = datetime(2021, 1, 15, 21, tzinfo=UTC)
    entry = make_entry(symbol="AAPL", closed_ms=epoch_ms(closed), known_ms=epoch_ms(closed) + 5_000, target=110.0)
    newest = int(np.searchsorted(series.times_ms, epoch_ms(closed))) - 1
    ends = {
        1: datetime(2021, 1, 19, 15, 30, tzinfo=UTC),
        4: datetime(2021, 1, 19, 18, 30, tzinfo=UTC),
        12: datetime(2021, 1, 20, 19, 30, tzinfo=UTC),
        24: datetime(2021, 1, 22, 17, 30, tzinfo=UTC),
        PLAN: datetime(2021, 1, 22, 17, 30, tzinfo=UTC),
    }
    for horizon, end in ends.items():
        found = only(series, entry, horizon)
        assert found is not None
        assert found.ended_ms == epoch_ms(end)
        assert found.price == series.closes[newest + (horizon or 24)]


@given(
    seed=st.integers(0, 10_000),
    side=st.sampled_from([Signal.LONG, Signal.SHORT]),
    risk=st.floats(0.05, 3),
    reward=st.floats(0.5, 4),
    horizon=st.integers(1, 60),
)
def test_plans_end_as_in_backtests_on_the_same_candles(
    seed: int, side: Signal, risk: float, reward: float, horizon: int
) -> None:
    series = simulated(seed, count=120, volatility=0.01)
    positions = np.arange(0, 119, 7)
    closes = series.closes[positions]
    expected = plan_outcomes(
        series,
        positions,
        np.full(len(positions), side.side),
        np.full(len(positions), risk),
        np.full(len(positions), reward),
        horizon,
    )
    base = make_entry(side=side, horizon_candles=horizon)
    entries = [
        replace(
            base,
            closed_ms=int(series.closes_ms[at]),
            known_ms=int(series.closes_ms[at]) + 1_000,
            price=price,
            stop=price - side.side * risk,
            target=price + side.side * reward * risk,
        )
        for at, price in zip(positions.tolist(), closes.tolist(), strict=True)
    ]
    found = outcomes(MarketCandles("BTCUSDT", series, "stored"), [Due(entry, PLAN) for entry in entries], 0)
    for row, settlement in enumerate(found):
        if expected.ends[row] == OPEN:
            assert settlement is None or settlement.end is PlanEnd.VOID
            continue
        assert settlement is not None
        assert settlement.end is ENDS[int(expected.ends[row])]
        assert settlement.r == pytest.approx(expected.r[row], abs=1e-9)
        assert settlement.ended_ms == series.closes_ms[positions[row] + expected.candles[row]]
