"""The rules that a series of candles obeys."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidMarketData
from domain.hours.sessions import AROUND_THE_CLOCK
from domain.market import Candle, CandleSeries, Timeframe
from domain.timeframe_data import data_end_ms
from services.market_data.snapshots import check_price

HOUR = Timeframe.H1.ms
START = 1_700_006_400_000  # a moment at which an hour, four hours and a day begin
LATER = START + 10_000 * HOUR


def candle(position: int, close: float = 10.0) -> Candle:
    return Candle(START + position * HOUR, 10.0, 11.0, 9.0, close, 5.0)


def test_good_candles_pass_and_gaps_are_counted() -> None:
    series = CandleSeries.ordered(Timeframe.H1, [candle(0), candle(1), candle(4)]).of_market(AROUND_THE_CLOCK)
    assert len(series) == 3
    assert series.missing == 2
    assert series.last_close_ms == START + 5 * HOUR


@pytest.mark.parametrize(
    ("candles", "words"),
    [
        ([Candle(START, 10, 9, 11, 10, 1)], "impossible"),
        ([Candle(START, 12, 11, 9, 10, 1)], "impossible"),
        ([Candle(START, 10, 11, 9, 8, 1)], "impossible"),
        ([candle(1), candle(0)], "oldest first"),
        ([candle(0), candle(0)], "repeats"),
        ([candle(0), Candle(START + HOUR // 2, 10, 11, 9, 10, 1)], "apart"),
        ([Candle(LATER + 1, 10, 11, 9, 10, 1)], "future"),
    ],
)
def test_candles_that_no_market_made_are_refused_with_the_reason(candles: list[Candle], words: str) -> None:
    with pytest.raises(InvalidMarketData, match=words):
        CandleSeries.ordered(Timeframe.H1, candles).of_market(AROUND_THE_CLOCK).require_opened_by(LATER)


def test_a_rounding_step_of_high_or_low_passes_and_takes_in_the_close() -> None:
    high = Candle(START, 10.0, math.nextafter(10.5, 0), 9.0, 10.5, 5.0)
    low = Candle(START + HOUR, 10.0, 11.0, math.nextafter(10.0, 11), 10.0, 5.0)
    series = CandleSeries.ordered(Timeframe.H1, [high, low, candle(2)]).of_market(AROUND_THE_CLOCK)
    assert list(series.candles) == [high._replace(high=10.5), low._replace(low=10.0), candle(2)]
    assert series.values[0, 1] == 10.5


def test_more_than_a_rounding_step_is_refused() -> None:
    with pytest.raises(InvalidMarketData, match="1h candle 1 is impossible"):
        CandleSeries.ordered(
            Timeframe.H1, [candle(0), Candle(START + HOUR, 10.0, 10.5 * (1 - 2e-9), 9.0, 10.5, 5.0)]
        ).of_market(AROUND_THE_CLOCK)


def test_only_candles_closed_by_then_are_kept() -> None:
    series = CandleSeries(Timeframe.H1, [candle(i) for i in range(3)])
    assert len(series.closed_by(START + 3 * HOUR)) == 3
    assert len(series.closed_by(START + 3 * HOUR - 1)) == 2
    assert len(series.closed_by(START)) == 0


def test_a_longer_candle_still_forming_ends_where_the_shorter_ones_end() -> None:
    quarter = Timeframe.M15.ms
    short = CandleSeries(Timeframe.M15, [Candle(START + i * quarter, 10, 11, 9, 10, 1) for i in range(6)])
    long = CandleSeries(Timeframe.H4, [Candle(START, 10, 11, 9, 10, 1)])
    end = data_end_ms([short, long], LATER)
    assert end == START + 6 * quarter
    assert len(long.closed_by(end)) == 0


@pytest.mark.parametrize(("price", "fits"), [(10.0, True), (5.0, True), (20.0, True), (4.9, False), (21.0, False)])
def test_a_price_must_belong_to_the_candles(price: float, fits: bool) -> None:
    series = [CandleSeries(Timeframe.H1, [candle(0)])]
    if fits:
        check_price(series, price)
    else:
        with pytest.raises(InvalidMarketData, match="does not fit"):
            check_price(series, price)


prices = st.floats(min_value=0.01, max_value=1e6, allow_nan=False)


@given(st.lists(st.tuples(prices, prices, prices, prices), min_size=1, max_size=60), st.integers(0, 3))
def test_resampling_keeps_extremes_and_volume_of_whole_buckets(rows: list[tuple[float, ...]], offset: int) -> None:
    candles = [
        Candle(START + (i + offset) * HOUR, row[0], max(row), min(row), row[3], 2.0) for i, row in enumerate(rows)
    ]
    four = CandleSeries(Timeframe.H1, candles).resample(Timeframe.H4)
    for merged in four.candles:
        part = [c for c in candles if merged.timestamp <= c.timestamp < merged.timestamp + Timeframe.H4.ms]
        assert len(part) == 4
        assert merged.open == part[0].open
        assert merged.close == part[-1].close
        assert merged.high == max(c.high for c in part)
        assert merged.low == min(c.low for c in part)
        assert merged.volume == 8.0
    CandleSeries.ordered(Timeframe.H4, four.candles).of_market(AROUND_THE_CLOCK)


def test_resampling_leaves_out_a_bucket_with_a_gap() -> None:
    series = CandleSeries(Timeframe.H1, [candle(i) for i in (0, 1, 3, 4, 5, 6, 7)])
    assert [c.timestamp for c in series.resample(Timeframe.H4).candles] == [START + 4 * HOUR]


def test_resampling_to_a_shorter_timeframe_is_refused() -> None:
    with pytest.raises(InvalidMarketData, match="cannot be made"):
        CandleSeries(Timeframe.H1, [candle(0)]).resample(Timeframe.M15)
