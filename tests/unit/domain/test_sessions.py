"""Markets with nights, weekends, holidays and changes of the clock: neighbors, longer candles, and when they close."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.analysis import DataSource, MarketSnapshot
from domain.errors import InvalidMarketData
from domain.hours.sessions import AROUND_THE_CLOCK
from domain.hours.trading_hours import known_sessions
from domain.market import Candle, CandleSeries, Timeframe
from domain.session_finder import find_sessions, with_sessions

HOUR = Timeframe.H1.ms
NEW_YORK, KOLKATA = ZoneInfo("America/New_York"), ZoneInfo("Asia/Kolkata")


def moment_ms(text: str) -> int:
    """Return a moment written as ISO in UTC, in epoch ms."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def weekdays(first: date, count: int) -> Iterator[date]:
    """Yield `count` days from Monday to Friday."""
    day = first
    while count:
        if day.weekday() < 5:
            yield day
            count -= 1
        day += timedelta(days=1)


def session_times(
    first: date, days: int, zone: ZoneInfo, opens: time, closes: time, length_ms: int, without: Sequence[date] = ()
) -> list[int]:
    """Return the open times of the candles of a market's sessions."""
    times: list[int] = []
    for day in weekdays(first, days):
        if day in without:
            continue
        start = round(datetime.combine(day, opens, zone).timestamp() * 1000)
        end = round(datetime.combine(day, closes, zone).timestamp() * 1000)
        times += range(start, end, length_ms)
    return times


def series_of(times: Sequence[int], timeframe: Timeframe, symbol: str | None) -> CandleSeries:
    """Return candles at these times, each at its own price."""
    candles = [Candle(at, 100.0 + i, 101.0 + i, 99.0 + i, 100.5 + i, 1.0) for i, at in enumerate(times)]
    return with_sessions(symbol, CandleSeries.ordered(timeframe, candles))


def us_hours(days: int, symbol: str | None = "AAPL", first: date = date(2026, 2, 16)) -> CandleSeries:
    """Return hours of US sessions, without the holidays in February and April; the clock changes on March 8."""
    closed = [date(2026, 2, 16), date(2026, 4, 3)]
    times = session_times(first, days, NEW_YORK, time(9, 30), time(16), HOUR, closed)
    return series_of(times, Timeframe.H1, symbol)


@pytest.mark.parametrize("symbol", ["AAPL", None])
def test_nights_weekends_holidays_and_changes_of_the_clock_are_no_holes(symbol: str | None) -> None:
    series = us_hours(60, symbol)
    assert len(series) == 58 * 7
    assert series.missing == 0


@pytest.mark.parametrize("symbol", ["AAPL", None])
def test_a_session_makes_two_candles_of_four_hours_counted_from_its_open(symbol: str | None) -> None:
    longer = us_hours(60, symbol).resample(Timeframe.H4)
    assert len(longer) == 58 * 2
    clocks = {datetime.fromtimestamp(at / 1000, NEW_YORK).strftime("%H:%M") for at in longer.times_ms.tolist()}
    assert clocks == {"09:30", "13:30"}


@pytest.mark.parametrize("symbol", ["AAPL", None])
def test_a_session_makes_one_day_labeled_by_its_date(symbol: str | None) -> None:
    hours = us_hours(60, symbol)
    days = hours.resample(Timeframe.D1)
    assert len(days) == 58
    assert (days.times_ms % Timeframe.D1.ms == 0).all()
    assert days.missing == 0
    newest = hours.values[-7:]
    assert days.values[-1].tolist() == [
        newest[0, 0], newest[:, 1].max(), newest[:, 2].min(), newest[-1, 3], newest[:, 4].sum()
    ]  # fmt: skip


def test_a_session_without_one_of_its_candles_makes_no_day() -> None:
    times = us_hours(20).times_ms.tolist()
    del times[7 * 10 + 3]
    series = series_of(times, Timeframe.H1, "AAPL")
    assert series.missing == 1
    assert len(series.resample(Timeframe.D1)) == len(times) // 7 == 19 - 1


def test_a_day_without_candles_is_a_hole_where_the_exchange_was_open() -> None:
    times = session_times(date(2026, 3, 2), 30, NEW_YORK, time(9, 30), time(16), HOUR, [date(2026, 3, 18)])
    assert series_of(times, Timeframe.H1, "AAPL").missing == 7


def test_a_half_day_is_whole() -> None:
    times = session_times(date(2025, 11, 17), 15, NEW_YORK, time(9, 30), time(16), HOUR, [date(2025, 11, 27)])
    # On the day after Thanksgiving, trading ends at 13:00: four candles, the last half an hour.
    friday = [at for at in times if datetime.fromtimestamp(at / 1000, NEW_YORK).date() == date(2025, 11, 28)]
    series = series_of([at for at in times if at not in friday[4:]], Timeframe.H1, "AAPL")
    assert series.missing == 0
    assert len(series.resample(Timeframe.D1)) == 14


@pytest.mark.parametrize("symbol", ["EURUSD", None])
def test_forex_has_all_its_days_on_the_grid_of_utc(symbol: str | None) -> None:
    start, weeks = moment_ms("2026-06-07 21:00"), 8
    times = [start + week * 7 * 24 * HOUR + hour * HOUR for week in range(weeks) for hour in range(120)]
    series = series_of(times, Timeframe.H1, symbol)
    assert series.missing == 0
    days = series.resample(Timeframe.D1)
    assert (days.times_ms % Timeframe.D1.ms == 0).all()
    fridays = [at for at in days.times_ms.tolist() if datetime.fromtimestamp(at / 1000, UTC).weekday() == 4]
    assert len(fridays) == weeks


def test_rows_left_out_without_trades_are_no_holes_and_long_gaps_are() -> None:
    rng = np.random.default_rng(5)
    step = Timeframe.M15.ms
    start = moment_ms("2026-09-01 00:00")
    traded = [start + at * step for at in np.flatnonzero(rng.random(1_000) < 0.7).tolist()]
    assert series_of(traded, Timeframe.M15, "XMRUSD").missing == 0
    hours = series_of(traded, Timeframe.M15, "XMRUSD").resample(Timeframe.H1)
    assert len(hours) == len({at // HOUR for at in traded})
    outage = [at for at in traded if not 400 * step <= at - start < 500 * step]
    assert 90 <= series_of(outage, Timeframe.M15, "XMRUSD").missing <= 110


def test_two_lost_candles_around_the_clock_are_missing() -> None:
    times = [at * HOUR for at in range(150) if at not in (70, 71)]
    for symbol in ("BTCUSD", None):
        series = series_of(times, Timeframe.H1, symbol)
        assert (series.missing, series.sessions) == (2, AROUND_THE_CLOCK)


def test_candles_outweigh_the_name() -> None:
    times = [moment_ms("2026-09-01 00:00") + at * HOUR for at in range(300)]
    assert series_of(times, Timeframe.H1, "AAPL").sessions is AROUND_THE_CLOCK


@pytest.mark.parametrize("label", ["midnight in New York", "midnight UTC", "17:00 New York"])
@pytest.mark.parametrize("symbol", ["MSFT", None])
def test_days_across_a_change_of_the_clock_follow_each_other(label: str, symbol: str | None) -> None:
    clock = time(17) if label == "17:00 New York" else time(0)
    zone = UTC if label == "midnight UTC" else NEW_YORK
    before = timedelta(days=1 if label == "17:00 New York" else 0)
    times = [
        round(datetime.combine(day - before, clock, zone).timestamp() * 1000) for day in weekdays(date(2026, 1, 5), 90)
    ]
    series = series_of(times, Timeframe.D1, symbol)
    assert series.missing == 0
    weeks = series.resample(Timeframe.W1)
    assert len(weeks) == 18
    assert {datetime.fromtimestamp(at / 1000, UTC).weekday() for at in weeks.times_ms.tolist()} == {0}


def test_around_the_clock_an_odd_distance_is_refused() -> None:
    candles = [Candle(at, 1.0, 1.0, 1.0, 1.0, 1.0) for at in (0, HOUR, HOUR * 5 // 2)]
    with pytest.raises(InvalidMarketData, match="a multiple of 3600000 ms apart"):
        with_sessions("BTCUSDT", CandleSeries.ordered(Timeframe.H1, candles))


def test_candles_of_a_session_may_not_overlap() -> None:
    times = us_hours(20).times_ms.tolist()
    times.insert(1, times[0] + HOUR // 2)
    with pytest.raises(InvalidMarketData, match="a multiple of 3600000 ms apart"):
        series_of(times, Timeframe.H1, "AAPL")


def test_the_last_hour_of_a_session_closes_with_the_market() -> None:
    series = us_hours(20)
    closes = moment_ms("2026-03-13 20:00")
    assert series.last_close_ms == closes
    assert len(series.closed_by(closes - 1)) == len(series) - 1
    longer = series.resample(Timeframe.H4)
    assert longer.last_close_ms == closes


def test_a_candle_that_holds_a_forming_one_is_still_forming() -> None:
    hours = session_times(date(2026, 9, 1), 20, KOLKATA, time(9, 15), time(15, 30), HOUR)
    forming = moment_ms("2026-09-28 07:45")
    hours = [at for at in hours if at <= forming]
    quarters = range(moment_ms("2026-09-10 00:00"), moment_ms("2026-09-28 04:00") + 1, 4 * HOUR)
    series = {
        Timeframe.H1: series_of(hours, Timeframe.H1, "INFY.NS"),
        Timeframe.H4: series_of(list(quarters), Timeframe.H4, None),
    }
    snapshot = MarketSnapshot("INFY.NS", series, 100.0, None, DataSource.CLIENT)
    closed = snapshot.closed(moment_ms("2026-09-28 08:10"))
    assert closed[Timeframe.H1].last_open_ms == moment_ms("2026-09-28 06:45")
    # By the clock the candle of 04:00 ended at 08:00, with the hour from 07:45 in it.
    assert closed[Timeframe.H4].last_open_ms == moment_ms("2026-09-28 00:00")


@pytest.mark.parametrize(
    ("at", "open_", "closed_since", "next_open"),
    [
        ("2026-03-06 14:29", False, "2026-03-05 21:00", "2026-03-06 14:30"),
        ("2026-03-06 14:30", True, "2026-03-06 14:30", "2026-03-06 14:30"),
        # The clock is put forward over the weekend.
        ("2026-03-07 12:00", False, "2026-03-06 21:00", "2026-03-09 13:30"),
        # Good Friday.
        ("2026-04-03 15:00", False, "2026-04-02 20:00", "2026-04-06 13:30"),
    ],
)
def test_the_calendar_tells_when_the_market_is_open(at: str, open_: bool, closed_since: str, next_open: str) -> None:
    us = known_sessions("AAPL")
    assert us is not None
    moment = moment_ms(at)
    assert us.open_at(moment) is open_
    assert us.last_close_before(moment) == moment_ms(closed_since)
    assert us.next_open(moment) == moment_ms(next_open)


@given(st.integers(0, 400), st.integers(1, 300), st.sampled_from(["AAPL", "PETR4.SA", "INFY.NS", "VOD.L", "EURUSD"]))
def test_missing_candles_are_those_taken_out(start: int, count: int, symbol: str) -> None:
    sessions = known_sessions(symbol)
    assert sessions is not None
    first = moment_ms("2025-10-01 12:00")
    spans = sessions.spans(first, first)
    opened = int(spans.opens[np.searchsorted(spans.opens, first)])
    whole = np.concatenate(([opened], sessions.missing_times(opened, opened + 90 * Timeframe.D1.ms, HOUR)))
    kept = np.delete(whole, slice(start + 1, start + 1 + count))
    missing = sessions.missing_between(kept, HOUR)
    assert missing.sum() == min(count, max(0, len(whole) - start - 1)) - (start + 1 + count >= len(whole)) * (
        len(whole) - start - 1
    )


@given(st.integers(2, 200))
def test_longer_candles_of_a_prefix_are_the_same(count: int) -> None:
    series = us_hours(40)
    whole, part = series.resample(Timeframe.H4), series.part(0, count).resample(Timeframe.H4)
    # The newest candle of the prefix may still miss its last hours, then it is left out.
    assert part.times_ms.tolist() == whole.times_ms[: len(part)].tolist()
    assert part.values.tolist() == whole.values[: len(part)].tolist()
    assert len(part) >= count // 7 * 2


def test_unknown_markets_with_little_data_never_close() -> None:
    assert find_sessions(None, np.array([0, HOUR, 20 * HOUR]), HOUR) is AROUND_THE_CLOCK


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize(
    ("symbol", "zone", "opens", "closes", "minutes", "per_day"),
    [
        ("INFY.NS", "Asia/Kolkata", time(9, 15), time(15, 30), 15, 2),
        ("VOD.L", "Europe/London", time(8), time(16, 30), 60, 3),
        ("SAP.DE", "Europe/Berlin", time(9), time(17, 30), 30, 3),
        # B3 closes at 17:00 for one half of the year, and at 18:00 for the other.
        ("PETR4.SA", "America/Sao_Paulo", time(10), time(17), 60, 2),
        ("VALE3.SA", "America/Sao_Paulo", time(10), time(18), 60, 2),
        # With the trading before the open and after the close, and labeled by the full hour.
        ("TSLA", "America/New_York", time(4), time(20), 30, 4),
        ("MSFT", "America/New_York", time(9), time(16), 60, 2),
        # Over midnight in UTC.
        ("BHP.AX", "Australia/Sydney", time(10), time(16), 60, 2),
    ],
)
def test_every_exchange_has_whole_days_across_changes_of_the_clock(
    symbol: str, zone: str, opens: time, closes: time, minutes: int, per_day: int, named: bool
) -> None:
    timeframe = next(timeframe for timeframe in Timeframe if timeframe.ms == minutes * 60_000)
    times = session_times(date(2026, 2, 2), 60, ZoneInfo(zone), opens, closes, timeframe.ms)
    series = series_of(times, timeframe, symbol if named else None)
    assert series.missing == 0
    assert len(series.resample(Timeframe.D1)) == 60
    assert len(series.resample(Timeframe.H4)) == 60 * per_day
    weeks = series.resample(Timeframe.W1)
    assert len(weeks) == 12
    # Known when the market closes on Friday.
    last_ms = [
        series.sessions.closes_ms(series.times_ms, timeframe.ms)[5 * len(times) // 60 * n - 1] for n in range(1, 13)
    ]
    assert weeks.closes_ms.tolist() == last_ms


@pytest.mark.parametrize(
    ("symbol", "zone", "morning", "afternoon"),
    [
        ("7203.T", "Asia/Tokyo", (time(9), time(11, 30)), (time(12, 30), time(15, 30))),
        ("0700.HK", "Asia/Hong_Kong", (time(9, 30), time(12)), (time(13), time(16))),
        ("600519.SS", "Asia/Shanghai", (time(9, 30), time(11, 30)), (time(13), time(15))),
    ],
)
def test_hours_across_a_lunch_break_make_all_longer_candles(
    symbol: str, zone: str, morning: tuple[time, time], afternoon: tuple[time, time]
) -> None:
    spans = [session_times(date(2025, 6, 2), 20, ZoneInfo(zone), *span, HOUR) for span in (morning, afternoon)]
    series = series_of(sorted(spans[0] + spans[1]), Timeframe.H1, symbol)
    longer = series.resample(Timeframe.H4)
    assert (len(longer), longer.missing) == (40, 0)
    assert longer.values[:, 4].sum() == len(series)
    # Without an hour of the afternoon the second of that day is left out.
    gone = series.times_ms.tolist()
    gone.remove(spans[1][-1])
    gone.remove(spans[1][-5])
    assert len(series_of(gone, Timeframe.H1, symbol).resample(Timeframe.H4)) < 40


def test_a_week_that_begins_with_a_holiday_is_whole_and_one_without_an_hour_is_not() -> None:
    sydney, holiday = ZoneInfo("Australia/Sydney"), date(2026, 1, 26)
    times = session_times(date(2026, 1, 19), 15, sydney, time(10), time(16), HOUR, without=[holiday])
    assert len(series_of(times, Timeframe.H1, "BHP.AX").resample(Timeframe.W1)) == 3
    times.remove(round(datetime.combine(date(2026, 1, 27), time(12), sydney).timestamp() * 1000))
    assert len(series_of(times, Timeframe.H1, "BHP.AX").resample(Timeframe.W1)) == 2


def test_three_sessions_without_a_name_are_sessions() -> None:
    times = session_times(date(2026, 2, 3), 3, NEW_YORK, time(9, 30), time(16), Timeframe.M5.ms)
    series = series_of(times, Timeframe.M5, None)
    assert (series.missing, len(series.resample(Timeframe.H1))) == (0, 21)
