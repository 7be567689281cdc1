"""Times in weeks, in days of the year, in several columns, and at the close of a market or a candle."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from domain.errors import InvalidMarketData
from domain.market import Candle
from features.candle_reading.reading import ReadCandles, read_candles
from tests.fixtures.candle_exports import HOUR, NAMES, NOW, REFERENCE, csv_text, moment, reference

DAY = 24 * HOUR
FIRST_MONDAY = 1_767_571_200_000  # 2026-01-05
WEEKDAYS = [candle for candle in reference(60, DAY, FIRST_MONDAY) if moment(candle.timestamp).weekday() < 5]


def read(folder: Path, content: str) -> ReadCandles:
    path = folder / "candles.csv"
    path.write_text(content, encoding="utf-8")
    return read_candles(path, NOW)


def dated(form: str, candles: Sequence[Candle], later_ms: int = 0) -> str:
    return csv_text([(f"{moment(candle.timestamp + later_ms):{form}}", *candle[1:]) for candle in candles])


@pytest.mark.parametrize(
    ("form", "length_ms"), [("%G-W%V", 7 * DAY), ("%G-W%V-%u", 7 * DAY), ("%G-W%V-%u", DAY), ("%Y-%j", DAY)]
)
def test_weeks_and_days_of_the_year_are_read(tmp_path: Path, form: str, length_ms: int) -> None:
    candles = reference(30, length_ms, FIRST_MONDAY)
    assert list(read(tmp_path, dated(form, candles)).series.candles) == candles


@pytest.mark.parametrize("parts", [("Year", "Month", "Day", "Hour"), ("year", "month", "day", "hour", "minute")])
def test_the_parts_of_a_time_may_be_columns(tmp_path: Path, parts: tuple[str, ...]) -> None:
    rows = [(*moment(candle.timestamp).timetuple()[: len(parts)], *candle[1:]) for candle in REFERENCE]
    assert list(read(tmp_path, csv_text(rows, (*parts, *NAMES[1:]))).series.candles) == REFERENCE


def test_the_parts_of_a_date_may_be_columns(tmp_path: Path) -> None:
    rows = [(*candle[1:], *moment(candle.timestamp).timetuple()[:3]) for candle in WEEKDAYS]
    assert list(read(tmp_path, csv_text(rows, (*NAMES[1:], "Year", "Month", "Day"))).series.candles) == WEEKDAYS
    objects = [
        {"time": dict(zip(("year", "month", "day"), row[5:], strict=True))} | dict(zip(NAMES[1:], row[:5], strict=True))
        for row in rows
    ]
    assert list(read(tmp_path, json.dumps(objects)).series.candles) == WEEKDAYS


def test_parts_of_a_date_beside_a_time_are_not_the_time(tmp_path: Path) -> None:
    rows = [(*candle, *moment(candle.timestamp).timetuple()[:3]) for candle in REFERENCE]
    assert list(read(tmp_path, csv_text(rows, (*NAMES, "year", "month", "day"))).series.candles) == REFERENCE


def test_days_from_monday_to_friday_that_are_stamped_by_a_close_are_dates(tmp_path: Path) -> None:
    form = "%Y-%m-%d %H:%M:%S"
    assert list(read(tmp_path, dated(form, WEEKDAYS, 16 * HOUR)).series.candles) == WEEKDAYS
    # Sundays to Thursdays are no closes: at this time the day of Shanghai begins.
    shanghai = read(tmp_path, dated(form, WEEKDAYS, -8 * HOUR)).series
    assert shanghai.candles[0].timestamp == FIRST_MONDAY - 8 * HOUR
    coins = reference(30, DAY, FIRST_MONDAY + 16 * HOUR)
    assert list(read(tmp_path, dated(form, coins)).series.candles) == coins


def test_bars_of_the_api_of_tradestation_are_stamped_at_their_close(tmp_path: Path) -> None:
    bars = [
        {"TimeStamp": f"{moment(candle.timestamp + HOUR):%Y-%m-%dT%H:%M:%SZ}", "TotalVolume": str(candle.volume)}
        | {"Open": str(candle.open), "High": str(candle.high), "Low": str(candle.low), "Close": str(candle.close)}
        | {"UpVolume": 1, "DownVolume": 2, "UnchangedVolume": 3, "Epoch": candle.timestamp + HOUR}
        for candle in REFERENCE
    ]
    assert list(read(tmp_path, json.dumps({"Bars": bars})).series.candles) == REFERENCE


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize(("usual", "on_holidays", "newest"), [(4, 3, 2), (4, 4, 4), (0, 1, 0)])
def test_weeks_dated_by_a_trading_day_begin_on_monday(
    tmp_path: Path, newest_first: bool, usual: int, on_holidays: int, newest: int
) -> None:
    weeks = reference(36, 7 * DAY, FIRST_MONDAY)
    days = [on_holidays if number % 12 == 7 else usual for number in range(len(weeks) - 1)] + [newest]
    rows = [
        (f"{moment(week.timestamp + day * DAY):%Y-%m-%d}", *week[1:]) for week, day in zip(weeks, days, strict=True)
    ]
    found = read(tmp_path, csv_text(rows[::-1] if newest_first else rows))
    assert list(found.series.candles) == weeks
    assert "weeks dated by a trading day read from Monday on" in found.notes


@pytest.mark.parametrize("weekday", [0, 3, 6])
def test_weeks_that_all_begin_on_one_day_stay(tmp_path: Path, weekday: int) -> None:
    weeks = reference(30, 7 * DAY, FIRST_MONDAY + weekday * DAY)
    assert list(read(tmp_path, csv_text(weeks)).series.candles) == weeks


@pytest.mark.parametrize(
    ("begin", "between", "end"),
    [
        ("%Y-%m-%d %H:%M", " - ", "%Y-%m-%d %H:%M"),
        ("%Y-%m-%d %H:%M", " - ", "%H:%M"),
        ("%d.%m.%Y %H:%M", " \u2013 ", "%H:%M"),
        ("%Y-%m-%d %H:%M", "-", "%H:%M"),
        ("%Y-%m-%d %H:%M", " to ", "%Y-%m-%d %H:%M"),
        ("%m/%d/%Y %I:%M %p", " - ", "%m/%d/%Y %I:%M %p"),
        ("%Y-%m-%dT%H:%M:%SZ", "/", "%Y-%m-%dT%H:%M:%SZ"),
        ("[%Y-%m-%d %H:%M:%S", ", ", "%Y-%m-%d %H:%M:%S)"),
    ],
)
def test_candles_open_at_the_beginning_of_the_time_that_they_last(
    tmp_path: Path, begin: str, between: str, end: str
) -> None:
    rows = [(f'"{moment(c[0]):{begin}}{between}{moment(c[0] + HOUR):{end}}"', *c[1:]) for c in REFERENCE]
    assert list(read(tmp_path, csv_text(rows)).series.candles) == REFERENCE


def test_weeks_are_read_as_pandas_writes_periods(tmp_path: Path) -> None:
    weeks = reference(30, 7 * DAY, FIRST_MONDAY)
    rows = [(f"{moment(c[0]):%Y-%m-%d}/{moment(c[0] + 6 * DAY):%Y-%m-%d}", *c[1:]) for c in weeks]
    assert list(read(tmp_path, csv_text(rows)).series.candles) == weeks


def test_an_offset_at_the_end_alone_is_not_that_of_the_beginning(tmp_path: Path) -> None:
    rows = [(f"{moment(c[0]):%Y-%m-%d %H:%M} - {moment(c[0] + HOUR):%Y-%m-%d %H:%M}+02:00", *c[1:]) for c in REFERENCE]
    with pytest.raises(InvalidMarketData, match="is no time"):
        read(tmp_path, csv_text(rows))
