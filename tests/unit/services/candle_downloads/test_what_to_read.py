"""What a download has to read of a time, and how many candles of it the store keeps."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidRequest
from domain.market import Candle, CandleSeries, Timeframe
from domain.session_finder import with_sessions
from services.candle_downloads.capacity import expected_candles, require_room
from services.candle_downloads.missing_stretches import missing_stretches
from services.candle_downloads.origins import usual_source

HOUR_MS = Timeframe.H1.ms
DAY_MS = Timeframe.D1.ms
# A Monday.
BEGIN_MS = 1_609_718_400_000
LENGTH = 60


def stored(*hours: int) -> CandleSeries:
    candles = [Candle(BEGIN_MS + hour * HOUR_MS, 1.0, 1.0, 1.0, 1.0, 1.0) for hour in hours]
    return with_sessions("BTCUSDT", CandleSeries.ordered(Timeframe.H1, candles))


@given(st.sets(st.integers(0, LENGTH - 1)))
def test_stretches_and_what_is_stored_make_the_whole_time(hours: set[int]) -> None:
    found = missing_stretches(stored(*sorted(hours)), BEGIN_MS, BEGIN_MS + LENGTH * HOUR_MS)
    read = {
        hour
        for hour in range(LENGTH)
        for stretch in found
        if stretch.start_ms <= BEGIN_MS + hour * HOUR_MS and BEGIN_MS + (hour + 1) * HOUR_MS <= stretch.end_ms
    }
    assert read | hours == set(range(LENGTH))
    assert len(found) <= 3  # before, the holes, after
    if len(hours) == LENGTH:
        assert found == []


def test_only_the_neighbors_of_what_is_missing_are_read_again() -> None:
    until_ms = BEGIN_MS + 3_000 * HOUR_MS
    hours = [*range(10, 100), *range(110, 1_500), *range(1_501, 2_900)]
    found = [
        ((start_ms - BEGIN_MS) // HOUR_MS, (end_ms - BEGIN_MS) // HOUR_MS)
        for start_ms, end_ms in missing_stretches(stored(*hours), BEGIN_MS, until_ms)
    ]
    assert found == [(0, 11), (99, 111), (1_499, 1_502), (2_899, 3_000)]


@pytest.mark.parametrize(
    ("symbol", "timeframe", "days", "expected"),
    [
        ("BTCUSDT", Timeframe.H1, 28, 28 * 24),
        ("AAPL", Timeframe.M1, 7, 5 * 390),
        ("AAPL", Timeframe.H1, 7, 5 * 7),
        ("EURUSD", Timeframe.H1, 7, 5 * 24),
        ("AAPL", Timeframe.D1, 7, 7),
    ],
)
def test_candles_are_counted_in_the_hours_of_the_market(
    symbol: str, timeframe: Timeframe, days: int, expected: int
) -> None:
    # Four weeks of January and February 2021 that begin with a Monday without a holiday.
    begin_ms = BEGIN_MS + 21 * DAY_MS
    assert expected_candles(symbol, timeframe, begin_ms, begin_ms + days * DAY_MS) == expected


@given(
    st.sampled_from(["BTCUSDT", "AAPL", "EURUSD", "XYZ"]),
    st.sampled_from([Timeframe.M5, Timeframe.H1, Timeframe.D1]),
    st.integers(100, 3_000),
)
def test_the_moment_that_a_refusal_names_is_the_first_that_fits(symbol: str, timeframe: Timeframe, kept: int) -> None:
    until_ms = BEGIN_MS
    with pytest.raises(InvalidRequest) as refused:
        require_room(symbol, timeframe, until_ms - 40 * kept * timeframe.ms, until_ms, kept)
    assert "storage.candles_per_series" in refused.value.message
    named = re.search(r"\((\d+)\) or later", refused.value.message)
    assert named is not None
    first_ms = int(named[1])
    require_room(symbol, timeframe, first_ms, until_ms, kept)
    with pytest.raises(InvalidRequest):
        require_room(symbol, timeframe, first_ms - 2 * timeframe.ms, until_ms, kept)


@pytest.mark.parametrize(
    ("symbol", "source"), [("BTCUSDT", "binance"), ("BTC-USD", "yahoo"), ("AAPL", "yahoo"), ("EURUSD", "yahoo")]
)
def test_coins_come_from_binance_and_all_others_from_yahoo(symbol: str, source: str) -> None:
    assert usual_source(symbol) == source
