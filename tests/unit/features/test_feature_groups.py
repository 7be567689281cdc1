"""Columns that are not indicators, against values computed by hand."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from domain.hours.sessions import AROUND_THE_CLOCK
from domain.market import Candle, CandleSeries, Timeframe
from features.columns import extended
from features.columns import price_and_time as groups
from features.columns import volatility as volatility_columns
from features.columns import volume as volume_columns
from features.columns.column import Column, lagged
from features.columns.feature_sets import STANDARD, FeatureSet
from features.columns.patterns import breakout_columns, more_pattern_columns, pattern_columns, turning_point_columns
from features.feature_engineering import FeatureEngineer
from tests.fixtures.histories import START_MS, simulated

Row = tuple[float, float, float, float]


def series_of(rows: list[Row], volumes: list[float] | None = None, start: int = START_MS) -> CandleSeries:
    volumes = volumes or [1.0] * len(rows)
    return CandleSeries.ordered(
        Timeframe.H1,
        [Candle(start + i * Timeframe.H1.ms, *row, volumes[i]) for i, row in enumerate(rows)],
    ).of_market(AROUND_THE_CLOCK)


def closes(*prices: float) -> list[Row]:
    return [(price, price, price, price) for price in prices]


def newest(column: Column, series: CandleSeries) -> float:
    return float(FeatureEngineer(FeatureSet("test", (column,))).transform(series)[column.name].iloc[-1])


def patterns(rows: list[Row]) -> set[str]:
    columns = (*pattern_columns(), *more_pattern_columns()[:-1])
    last = FeatureEngineer(FeatureSet("test", columns)).transform(series_of(rows)).iloc[-1]
    return set(last.index[last == 1])


def test_price_columns() -> None:
    series = series_of([*closes(100, 110), (110, 130, 90, 120)])
    assert newest(groups.price_return(1), series) == pytest.approx(120 / 110 - 1)
    assert newest(groups.price_return(2), series) == pytest.approx(0.2)
    assert newest(groups.price_position(), series) == 0.75
    assert newest(groups.high_low_spread(), series) == pytest.approx(40 / 120)
    assert newest(groups.open_close_spread(), series) == pytest.approx(10 / 110)
    assert newest(groups.body_share(), series) == 0.25
    assert newest(groups.shadow_balance(), series) == 0.25
    assert newest(groups.drawdown(3), series) == pytest.approx(120 / 130 - 1)
    assert newest(groups.rally(3), series) == pytest.approx(120 / 90 - 1)
    assert newest(groups.range_position(3), series) == 1.0
    assert newest(groups.trend_efficiency(2), series_of(closes(100, 110, 105))) == pytest.approx(5 / 15)
    assert newest(groups.price_position(), series_of(closes(5))) == 0.5


def test_the_shape_of_a_candle() -> None:
    series = series_of([*closes(100), (110, 130, 90, 120)])
    assert newest(extended.upper_shadow(), series) == 0.25
    assert newest(extended.lower_shadow(), series) == 0.5
    assert newest(extended.upper_shadow(), series_of(closes(5))) == 0.0
    # The candle before has no range.
    assert newest(extended.spread_ratio(2), series) == pytest.approx(2.0)
    assert newest(extended.spread_ratio(2), series_of(closes(5, 6))) == 1.0


@pytest.mark.parametrize(
    ("moment", "of_day", "of_week"),
    [
        (datetime(2024, 1, 1, 0, tzinfo=UTC), 0, 0),  # a Monday
        (datetime(2023, 4, 6, 6, 30, tzinfo=UTC), 6.5 / 24, (3 * 24 + 6.5) / 168),
        (datetime(2024, 12, 29, 18, tzinfo=UTC), 18 / 24, (6 * 24 + 18) / 168),  # a Sunday
    ],
)
def test_the_hour_is_a_part_of_the_day_and_of_the_week(moment: datetime, of_day: float, of_week: float) -> None:
    series = series_of(closes(1), start=int(moment.timestamp() * 1000))
    assert newest(extended.hour_of_day(), series) == pytest.approx(of_day)
    assert newest(extended.hour_of_week(), series) == pytest.approx(of_week)


def test_a_return_in_deviations_is_as_large_in_a_calm_market_as_in_a_wild_one() -> None:
    column = extended.return_in_deviations(2, 4)
    moves = [0.01, -0.02, 0.01, 0.03, -0.01]
    prices = 100 * np.cumprod([1, *(1 + move for move in moves)])
    expected = (prices[-1] / prices[-3] - 1) / np.std(moves[1:], ddof=1)
    assert newest(column, series_of(closes(*prices))) == pytest.approx(expected, rel=1e-9)
    calm = 100 * np.cumprod([1, *(1 + move / 1000 for move in moves)])
    assert newest(column, series_of(closes(*calm))) == pytest.approx(expected, rel=0.02)
    assert newest(column, series_of(closes(*[3.0] * 30))) == 0.0
    assert (column.warm_up, extended.return_in_deviations(6, 4).warm_up) == (4, 6)


@pytest.mark.parametrize(
    ("moment", "hour", "day", "month"),
    [
        (datetime(2024, 1, 1, 0, tzinfo=UTC), 0, 0, 0),  # a Monday
        (datetime(2023, 4, 6, 6, tzinfo=UTC), 6, 3, 3),
        (datetime(2024, 12, 29, 18, tzinfo=UTC), 18, 6, 11),  # a Sunday
    ],
)
def test_time_is_a_point_on_three_circles(moment: datetime, hour: int, day: int, month: int) -> None:
    series = series_of(closes(1), start=int(moment.timestamp() * 1000))
    row = FeatureEngineer(FeatureSet("test", groups.time_columns())).transform(series).iloc[0]
    expected = {"hour": hour / 24, "day": day / 7, "month": month / 12}
    for name, phase in expected.items():
        assert row[f"{name}_sin"] == pytest.approx(math.sin(2 * math.pi * phase), abs=1e-12)
        assert row[f"{name}_cos"] == pytest.approx(math.cos(2 * math.pi * phase), abs=1e-12)


def test_the_progress_of_a_higher_candle_reaches_one_at_its_close() -> None:
    column = groups.higher_progress(4)
    table = FeatureEngineer(FeatureSet("test", (column,))).transform(series_of(closes(1, 1, 1, 1, 1)))
    assert table[column.name].tolist() == [0.25, 0.5, 0.75, 1.0, 0.25]


def test_lags_are_the_column_of_rows_before() -> None:
    table = FeatureEngineer(STANDARD).transform(simulated(2, count=200))
    for name in ("price_return_1", "volume_ratio_20", "rsi_14", "macd_12_26_share"):
        for rows in (1, 2, 3, 5, 10):
            pd.testing.assert_series_equal(table[f"{name}_lag_{rows}"], table[name].shift(rows), check_names=False)
    column = lagged(groups.price_return(1), 3)
    assert (column.group, column.warm_up, column.history) == ("lag", 4, 5)


def test_volatility_columns() -> None:
    series = simulated(3, count=80)
    returns = series.frame["close"].pct_change()
    for rows in (5, 10, 20):
        expected = returns.rolling(rows).std().iloc[-1]
        assert newest(volatility_columns.volatility(rows), series) == pytest.approx(expected, rel=1e-9)
    ratio = returns.rolling(5).std().iloc[-1] / returns.rolling(20).std().iloc[-1]
    assert newest(volatility_columns.volatility_ratio(5, 20), series) == pytest.approx(ratio, rel=1e-9)
    assert newest(volatility_columns.volatility_ratio(5, 20), series_of(closes(*[3.0] * 30))) == 1.0
    recent = returns.to_numpy()[-20:]
    skew = ((recent - recent.mean()) ** 3).mean() / recent.std() ** 3
    assert newest(volatility_columns.return_skew(20), series) == pytest.approx(skew, rel=1e-9)
    falls = (recent[recent < 0] ** 2).sum() / (recent**2).sum()
    assert newest(volatility_columns.downside_share(20), series) == pytest.approx(falls, rel=1e-9)
    high, low = series.frame["high"].to_numpy(), series.frame["low"].to_numpy()
    ranges = np.log(high[-10:] / low[-10:])
    parkinson = math.sqrt((ranges**2).mean() / (4 * math.log(2)))
    assert newest(volatility_columns.parkinson_volatility(10), series) == pytest.approx(parkinson, rel=1e-9)
    close = series.frame["close"].to_numpy()[-5:]
    dispersion = close.std(ddof=1) / close.mean()
    assert newest(volatility_columns.price_dispersion(5), series) == pytest.approx(dispersion, rel=1e-9)


def test_volume_columns() -> None:
    rows = [(10.0, 10.0, 9.0, 10.0), (10.0, 11.0, 10.0, 11.0), (11.0, 11.0, 9.9, 9.9)]
    series = series_of(rows, [5.0, 3.0, 1.0])
    assert newest(volume_columns.volume_balance(2), series) == pytest.approx((3 - 1) / 4)
    assert newest(volume_columns.volume_price_trend(2), series) == pytest.approx((3 * 0.1 - 1 * 0.1) / 4)
    assert newest(volume_columns.volume_comparison(1, 3), series) == pytest.approx(1 / 3)
    assert newest(volume_columns.volume_variation(3), series) == pytest.approx(2 / 3)
    assert newest(volume_columns.range_per_volume(2), series) == pytest.approx(0.1 / 0.5)
    expected = (10.45 / 10.5 - 1) * 1.1 / 9.9 / 0.5
    assert newest(volume_columns.ease_of_movement(2), series) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([(10, 12, 8, 10.1)], {"doji"}),
        ([(10, 10, 10, 10)], set()),
        ([(10, 10.5, 7, 10.45)], {"hammer"}),
        ([(10, 13, 9.95, 10.5)], {"shooting_star"}),
        ([(10, 12, 10, 12)], {"marubozu"}),
        ([(11, 11.5, 9.5, 10), (9.8, 11.8, 9.6, 11.2)], {"engulfing_up"}),
        ([(10, 11.5, 9.5, 11), (11.2, 11.4, 9.4, 9.8)], {"engulfing_down"}),
        ([(10, 12, 8, 11), (10, 11.5, 9, 11)], {"inside_bar"}),
        ([(10, 12, 8, 11), (10, 12.5, 7, 11)], {"outside_bar"}),
    ],
)
def test_patterns(rows: list[Row], found: set[str]) -> None:
    assert patterns(rows) == found


def test_breakouts_leave_the_range_before() -> None:
    up, down = breakout_columns(3)
    series = series_of([*closes(10, 12, 11), (11, 13, 11, 12.5)])
    assert (newest(up, series), newest(down, series)) == (1.0, 0.0)
    assert newest(up, series_of([*closes(10, 12, 11), (11, 13, 11, 12)])) == 0.0
    assert newest(down, series_of(closes(10, 12, 11, 9))) == 1.0


def test_a_turning_point_shows_when_it_is_confirmed() -> None:
    high, low = turning_point_columns(2)
    table = FeatureEngineer(FeatureSet("test", (high, low))).transform(series_of(closes(1, 2, 5, 3, 2, 3, 4, 4)))
    # The top in row 2 is confirmed by row 4, the bottom in row 4 by row 6.
    assert table[high.name].tolist()[4:] == [1, 0, 0, 0]
    assert table[low.name].tolist()[4:] == [0, 0, 1, 0]


def test_a_streak_counts_closes_in_one_direction_up_to_ten() -> None:
    streak = more_pattern_columns()[-1]
    assert newest(streak, series_of(closes(*range(1, 40)))) == 10
    assert newest(streak, series_of(closes(*range(40, 20, -1), 22, 23, 24))) == 3
    assert newest(streak, series_of(closes(*range(1, 20), 15, 14))) == -2
    assert newest(streak, series_of(closes(*range(1, 20), 15, 15))) == 0
