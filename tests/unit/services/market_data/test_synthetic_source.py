"""The synthetic market: the same whenever it is asked for, one path under all timeframes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.analysis import DataSource
from domain.candles.columns import CandleLike
from domain.hours.buckets import grid_open
from domain.hours.sessions import AROUND_THE_CLOCK
from domain.market import CandleSeries, Timeframe, merge_candles
from domain.values import epoch_ms
from services.market_data.sources.synthetic import SyntheticSource
from services.market_data.sources.synthetic_path import minute_block
from tests.fixtures.clocks import NOW, SettableClock

LONGER = [timeframe for timeframe in Timeframe if timeframe is not Timeframe.M1]
moments = st.datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC))  # noqa: DTZ001


def read(
    moment: datetime = NOW,
    symbol: str = "BTCUSDT",
    timeframe: Timeframe = Timeframe.H1,
    limit: int = 250,
    seed: int = 7,
) -> CandleSeries:
    """Return what a source made for this one question answers."""
    return asyncio.run(SyntheticSource(seed, (symbol,), SettableClock(moment)).candles(symbol, timeframe, limit))


@cache
def newest(timeframe: Timeframe) -> CandleSeries:
    """Return 1000 candles, which several tests look at."""
    return read(timeframe=timeframe, limit=1000)


def assert_same_market(left: Sequence[CandleLike], right: Sequence[CandleLike]) -> None:
    """Hold times and prices exactly equal, volumes but for the order of addition."""
    left_prices, right_prices = (
        [(c.timestamp, c.open, c.high, c.low, c.close) for c in side] for side in (left, right)
    )
    assert left_prices == right_prices
    np.testing.assert_allclose([c.volume for c in left], [c.volume for c in right], rtol=1e-9)


def test_it_calls_itself_synthetic() -> None:
    assert SyntheticSource(1, (), SettableClock()).name is DataSource.SYNTHETIC


@pytest.mark.parametrize("timeframe", list(Timeframe))
def test_the_same_question_has_the_same_answer_from_another_source(timeframe: Timeframe) -> None:
    assert read(timeframe=timeframe) == read(timeframe=timeframe)


def test_another_seed_or_symbol_gives_another_market() -> None:
    closes = {read(seed=seed, symbol=symbol).candles[-1].close for seed in (-1, 2) for symbol in ("BTCUSDT", "SOLUSDT")}
    assert len(closes) == 4


@pytest.mark.parametrize("timeframe", list(Timeframe))
@pytest.mark.parametrize("limit", [1, 60, 1000])
def test_it_gives_as_many_lawful_candles_as_asked_for_up_to_the_clock(timeframe: Timeframe, limit: int) -> None:
    series = newest(timeframe) if limit == 1000 else read(timeframe=timeframe, limit=limit)
    CandleSeries.ordered(timeframe, series.candles).of_market(AROUND_THE_CLOCK).require_opened_by(epoch_ms(NOW))
    assert len(series) == limit
    assert series.missing == 0
    assert grid_open(series.last_open_ms, timeframe.ms) == series.last_open_ms
    assert series.last_close_ms > epoch_ms(NOW) - Timeframe.M1.ms


@pytest.mark.parametrize("timeframe", LONGER)
def test_longer_candles_are_made_of_the_minutes(timeframe: Timeframe) -> None:
    # Two candles at least, so that one of them is whole.
    minutes = read(timeframe=Timeframe.M1, limit=max(3_000, 2 * timeframe.ms // Timeframe.M1.ms))
    made = list(minutes.resample(timeframe).candles)
    longer = {candle.timestamp: candle for candle in newest(timeframe).candles}
    assert len(made) >= 1
    assert_same_market(made, [longer[candle.timestamp] for candle in made])


@pytest.mark.parametrize("timeframe", [Timeframe.H1, Timeframe.H4, Timeframe.D1])
def test_long_candles_are_made_of_the_base_path_over_many_blocks(timeframe: Timeframe) -> None:
    made = list(read(timeframe=Timeframe.M15, limit=2000).resample(timeframe).candles)
    longer = {candle.timestamp: candle for candle in read(timeframe=timeframe, limit=500).candles}
    assert len(made) >= 20
    assert_same_market(made, [longer[candle.timestamp] for candle in made])


@given(moment=moments, timeframe=st.sampled_from(list(Timeframe)), later=st.timedeltas(timedelta(0), timedelta(days=9)))
def test_history_stays_as_the_clock_moves_on(moment: datetime, timeframe: Timeframe, later: timedelta) -> None:
    earlier = read(moment, timeframe=timeframe, limit=60)
    # All those of before and the later ones, where that is no more than one question may ask for.
    limit = min(1000, 62 + later // timedelta(milliseconds=timeframe.ms))
    afterwards = {c.timestamp: c for c in read(moment + later, timeframe=timeframe, limit=limit).candles}
    closed = earlier.closed_by(epoch_ms(moment))
    still_read = [candle for candle in closed.candles if candle.timestamp in afterwards]
    assert_same_market(still_read, [afterwards[c.timestamp] for c in still_read])


def test_one_source_tells_the_same_as_a_new_one_while_its_clock_runs_over_a_block_end() -> None:
    clock = SettableClock(datetime(2025, 11, 19, 23, 50, tzinfo=UTC))  # blocks begin on Thursdays
    source = SyntheticSource(7, ("BTCUSDT",), clock)
    for _ in range(8):
        clock.moment += timedelta(minutes=3)
        for timeframe in (Timeframe.M5, Timeframe.H1):
            series = asyncio.run(source.candles("BTCUSDT", timeframe, 100))
            assert series == read(clock.moment, timeframe=timeframe, limit=100)


@pytest.mark.parametrize("timeframe", list(Timeframe))
def test_each_candle_opens_where_the_one_before_closed(timeframe: Timeframe) -> None:
    values = newest(timeframe).values
    np.testing.assert_allclose(values[1:, 0], values[:-1, 3], rtol=1e-9)


@given(moment=moments, timeframe=st.sampled_from(LONGER))
def test_the_forming_candle_holds_the_minutes_that_have_passed(moment: datetime, timeframe: Timeframe) -> None:
    forming = read(moment, timeframe=timeframe, limit=1).candles[-1]
    minutes = read(moment, timeframe=Timeframe.M1, limit=timeframe.ms // Timeframe.M1.ms + 60).candles
    passed = [minute for minute in minutes if minute.timestamp >= forming.timestamp]
    assert epoch_ms(moment) - Timeframe.M1.ms < minutes[-1].timestamp + Timeframe.M1.ms <= epoch_ms(moment)
    assert_same_market([forming], [merge_candles(forming.timestamp, passed)])


def test_minutes_add_up_to_any_base_candles_exactly() -> None:
    rng = np.random.default_rng(5)
    # Prices that no multiplication made, so that rounding has no way to come out even by itself.
    prices = np.sort(rng.uniform(90, 110, (672, 4)).round(2), axis=1)
    base = np.column_stack((prices[:, 1], prices[:, 3], prices[:, 0], prices[:, 2], rng.uniform(0, 9, 672)))
    base[::7, :4] = 100.0  # nothing traded at another price
    minutes = minute_block(1, "BTCUSDT", 2900, base).reshape(672, 15, 5)
    assert (minutes[:, 0, 0] == base[:, 0]).all()
    assert (minutes[:, :, 1].max(axis=1) == base[:, 1]).all()
    assert (minutes[:, :, 2].min(axis=1) == base[:, 2]).all()
    assert (minutes[:, -1, 3] == base[:, 3]).all()
    np.testing.assert_allclose(minutes[:, :, 4].sum(axis=1), base[:, 4])


def test_known_coins_have_familiar_prices_and_unknown_ones_plausible_prices() -> None:
    assert 30_000 < read(symbol="BTCUSDT").candles[-1].close < 300_000
    assert 1_000 < read(symbol="ETHUSDT").candles[-1].close < 10_000
    for symbol in ("ABCUSDT", "ETHBTC", "XYZ"):
        assert 0.01 < read(symbol=symbol).candles[-1].close < 10_000


def test_returns_are_of_a_believable_size_and_swing_in_clusters() -> None:
    returns = np.diff(np.log(read(timeframe=Timeframe.M15, limit=5000).closes))
    assert 0.0015 < returns.std() < 0.006
    kurtosis = float(np.mean((returns - returns.mean()) ** 4) / returns.var() ** 2)
    assert kurtosis > 3.5
    size = np.abs(returns)
    assert np.corrcoef(size[:-1], size[1:])[0, 1] > 0.05
