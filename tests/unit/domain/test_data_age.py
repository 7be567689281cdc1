"""The age of candles: which candle counts, from when on it is old, and what is left of the confidence."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from domain.analysis import DataSource, MarketSnapshot
from domain.hours.sessions import Sessions
from domain.market import Candle, CandleSeries, Timeframe
from domain.queries import AnalysisQuery
from domain.timeframe_data import DataAge, data_age
from domain.values import epoch_ms

M15, H1, H4 = Timeframe.M15, Timeframe.H1, Timeframe.H4
# A multiple of four hours.
NOON_MS = 1_700_006_400_000
MINUTE_MS = 60_000


def closing_at(timeframe: Timeframe, close_ms: int, count: int = 3) -> CandleSeries:
    times = range(close_ms - count * timeframe.ms, close_ms, timeframe.ms)
    return CandleSeries(timeframe, [Candle(time, 10.0, 11.0, 9.0, 10.5, 5.0) for time in times])


@pytest.mark.parametrize(
    ("series", "seconds", "lengths"),
    [
        ([closing_at(H1, NOON_MS)], 3_600, 1.0),
        ([closing_at(H4, NOON_MS)], 3_600, 0.25),
        ([closing_at(H4, NOON_MS), closing_at(H1, NOON_MS - H1.ms)], 3_600, 0.25),  # the one that closed last
        ([closing_at(H4, NOON_MS), closing_at(M15, NOON_MS)], 3_600, 4.0),  # of two, the shorter one
        ([CandleSeries(M15, []), closing_at(H1, NOON_MS)], 3_600, 1.0),
        ([], 0, 0.0),
    ],
)
def test_the_candle_that_closed_last_counts_in_its_own_lengths(
    series: list[CandleSeries], seconds: int, lengths: float
) -> None:
    now_ms = NOON_MS + 60 * MINUTE_MS
    assert data_age(series, None, now_ms) == DataAge(seconds, lengths)


@pytest.mark.parametrize(
    ("lengths", "old", "worth"),
    [
        (0.0, False, 1.0),
        (1.0, False, 1.0),
        (2.0, False, 1.0),
        (2.001, True, 2 / 2.001),
        (4.0, True, 0.5),
        (200, True, 0.01),
    ],
)
def test_candles_are_old_after_two_lengths_and_each_doubling_halves_their_worth(
    lengths: float, old: bool, worth: float
) -> None:
    age = DataAge(60, lengths)
    assert age.old is old
    assert age.worth == pytest.approx(worth)


def test_a_replay_is_as_old_as_it_was_at_its_moment_and_its_seconds_are_those_of_the_clock() -> None:
    age = data_age([closing_at(H1, NOON_MS)], NOON_MS + 3 * H1.ms, NOON_MS + 1000 * H1.ms)
    assert age == DataAge(1000 * 3_600, 3.0)


SHARES = Sessions("New York", "America/New_York", (((570, 960),),) * 5 + ((), ()), "XNYS")
NEW_YORK = ZoneInfo("America/New_York")


def in_new_york(day: int, hour: int, minute: int = 0) -> int:
    """Return a moment of July 2025, of which the 4th was a holiday and a Friday, in epoch ms."""
    return epoch_ms(datetime(2025, 7, day, hour, minute, tzinfo=NEW_YORK))


@pytest.mark.parametrize(
    ("now", "lengths"),
    [
        (in_new_york(2, 16), 0.0),  # Wednesday's close
        (in_new_york(3, 9, 30), 0.0),  # the night
        (in_new_york(3, 11, 30), 2.0),
        (in_new_york(3, 12, 0), 2.5),
        (in_new_york(7, 9, 30), 3.5),  # the 3rd was a half day, then the holiday and a weekend came
    ],
)
def test_only_the_time_in_which_the_market_trades_makes_candles_old(now: int, lengths: float) -> None:
    opens = [in_new_york(2, hour, 30) for hour in range(9, 16)]
    series = CandleSeries(H1, [Candle(time, 10.0, 11.0, 9.0, 10.5, 5.0) for time in opens], SHARES)
    age = data_age([series], now, now)
    assert age.seconds == (now - in_new_york(2, 16)) // 1000
    assert age.lengths == pytest.approx(lengths)
    assert age.old is (lengths > 2)


@pytest.mark.parametrize(
    ("now", "lengths"), [(in_new_york(11, 9, 30), 2.0), (in_new_york(11, 12, 45), 2.5), (in_new_york(13, 12), 3.0)]
)
def test_a_day_of_a_market_with_sessions_is_as_long_as_its_session(now: int, lengths: float) -> None:
    opened = epoch_ms(datetime(2025, 7, 8, tzinfo=UTC))
    series = CandleSeries(Timeframe.D1, [Candle(opened, 10.0, 11.0, 9.0, 10.5, 5.0)], SHARES)
    assert data_age([series], now, now).lengths == pytest.approx(lengths)


def query(now_ms: int, as_of_ms: int | None = None) -> AnalysisQuery:
    series = closing_at(H1, NOON_MS)
    snapshot = MarketSnapshot("BTCUSDT", {H1: series}, 10.5, None, DataSource.CLIENT, as_of_ms)
    return AnalysisQuery("BTCUSDT", ("RSI Strategy",), snapshot, now_ms)


def test_the_same_candles_ask_another_question_once_they_are_old_and_in_a_replay() -> None:
    fresh, old = query(NOON_MS + 2 * H1.ms), query(NOON_MS + 2 * H1.ms + 1)
    replays = [query(NOON_MS + 2 * H1.ms, NOON_MS + minutes * MINUTE_MS) for minutes in (0, 1)]
    assert (fresh.current, old.current, [replay.current for replay in replays]) == (True, False, [False, False])
    assert len({query.cache_key for query in (fresh, old, *replays)}) == 4
    assert fresh.cache_key == query(NOON_MS).cache_key
