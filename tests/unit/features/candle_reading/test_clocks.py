"""Times without an offset are read by the clock that the file names, or that the market's hours prove."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from domain.errors import InvalidMarketData
from domain.market import Candle
from features.candle_reading.reading import ReadCandles, read_candles
from tests.fixtures.candle_exports import HOUR, csv_text, reference

NOW = 1_900_000_000_000
FIRST = date(2026, 3, 2)  # the clocks of New York change on March 8 and on November 1


def session(zone: str, first: int, last: int, dates: int = 10) -> list[Candle]:
    """Return hours from and to a local minute of weekdays."""
    times = []
    for at in range(dates):
        day = FIRST + timedelta(days=at // 5 * 7 + at % 5)
        midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
        times += [midnight + timedelta(minutes=minute) for minute in range(first, last, 60)]
    rows = reference(len(times), price=100.0)
    return [c._replace(timestamp=round(time.timestamp() * 1000)) for time, c in zip(times, rows, strict=True)]


def currencies() -> list[Candle]:
    """Return hours from Sunday to Friday 17:00 in New York, across the change of its clock."""
    clock = ZoneInfo("America/New_York")
    hours = [datetime(2026, 3, 1, 22, tzinfo=UTC) + timedelta(hours=at) for at in range(3 * 7 * 24)]
    opened = [at for at in hours if (at.astimezone(clock) + timedelta(hours=7)).weekday() < 5]
    rows = reference(len(opened), price=1.1)
    return [c._replace(timestamp=round(at.timestamp() * 1000)) for at, c in zip(opened, rows, strict=True)]


def read(folder: Path, name: str, candles: list[Candle], zone: str, ahead_hours: int = 0) -> ReadCandles:
    """Return what is read of candles whose times are those of a clock, without an offset."""
    ahead = timedelta(hours=ahead_hours)
    words = [
        f"{datetime.fromtimestamp(c[0] / 1000, UTC).astimezone(ZoneInfo(zone)) + ahead:%Y-%m-%d %H:%M:%S}"
        for c in candles
    ]
    path = folder / name
    path.write_text(csv_text([(word, *c[1:]) for word, c in zip(words, candles, strict=True)]))
    return read_candles(path, NOW)


@pytest.mark.parametrize(
    ("name", "zone", "first", "last"),
    [
        ("AAPL-1h.csv", "America/New_York", 570, 960),
        ("AAPL-1h.csv", "America/New_York", 240, 1_200),
        ("SAP.DE-1h.csv", "Europe/Berlin", 540, 1_050),
        ("7203.T-1h.csv", "Asia/Tokyo", 540, 690),
        ("RELIANCE.NS-1h.csv", "Asia/Kolkata", 555, 930),
    ],
    ids=["New York", "before and after hours", "Berlin", "Tokyo", "Mumbai"],
)
def test_shares_on_the_clock_of_their_exchange_are_read_by_it(
    tmp_path: Path, name: str, zone: str, first: int, last: int
) -> None:
    candles = session(zone, first, last)
    found = read(tmp_path, name, candles, zone)
    assert list(found.series.candles) == candles
    assert any(f"clock of {zone}, whose hours they keep" in note for note in found.notes)
    assert list(read(tmp_path, name, candles, "UTC").series.candles) == candles


@pytest.mark.parametrize(
    ("zone", "ahead"),
    [
        ("America/New_York", 7),
        ("Etc/GMT+5", 0),
        ("America/New_York", 0),
        ("Europe/London", 0),
        ("Europe/Berlin", 0),
        ("UTC", 0),
    ],
    ids=["server of a broker", "New York in winter", "New York", "London", "Berlin", "UTC"],
)
def test_currencies_are_read_by_the_clock_of_the_broker(tmp_path: Path, zone: str, ahead: int) -> None:
    candles = currencies()
    assert list(read(tmp_path, "EURUSD_H1.csv", candles, zone, ahead).series.candles) == candles


@pytest.mark.parametrize("name", ["XAUUSDm_H1.csv", "GOLD_H1.csv", "#AAPL_H1.csv", "candles.csv"])
def test_files_of_metatrader_have_the_clock_of_the_broker_whatever_the_market(tmp_path: Path, name: str) -> None:
    candles = session("America/New_York", 570, 930) if "AAPL" in name else currencies()
    lines = []
    for candle in candles:
        at = datetime.fromtimestamp(candle.timestamp / 1000, UTC).astimezone(ZoneInfo("America/New_York"))
        at += timedelta(hours=7)
        lines.append((f"{at:%Y.%m.%d}", f"{at:%H:%M:%S}", *candle[1:], 0, 2))
    names = ("<DATE>", "<TIME>", "<OPEN>", "<HIGH>", "<LOW>", "<CLOSE>", "<TICKVOL>", "<VOL>", "<SPREAD>")
    path = tmp_path / name
    path.write_text(csv_text(lines, names, "\t"))
    assert list(read_candles(path, NOW).series.candles) == candles


def test_coins_and_unknown_markets_stay_on_utc(tmp_path: Path) -> None:
    candles = session("UTC", 570, 960)
    for name in ("BTCUSDT-1h.csv", "candles.csv"):
        assert list(read(tmp_path, name, candles, "UTC").series.candles) == candles


@pytest.mark.parametrize("newest_first", [False, True])
def test_the_hour_that_autumn_repeats_is_read_twice(tmp_path: Path, newest_first: bool) -> None:
    start = datetime(2026, 10, 31, tzinfo=UTC)
    rows = reference(96, start_ms=round(start.timestamp() * 1000))
    clock = ZoneInfo("America/New_York")
    lines = [(f"{datetime.fromtimestamp(c[0] / 1000, clock):%Y-%m-%d %H:%M}", *c[1:]) for c in rows]
    path = tmp_path / "BTCUSDT-1h.csv"
    names = ("Date (America/New_York)", "open", "high", "low", "close", "volume")
    path.write_text(csv_text(lines[::-1] if newest_first else lines, names))
    assert list(read_candles(path, NOW).series.candles) == rows


def test_days_that_bear_the_time_of_the_close_are_dates(tmp_path: Path) -> None:
    days = [c._replace(timestamp=c[0] + 16 * HOUR) for c in session("UTC", 0, 60)]
    found = read(tmp_path, "GOOG.csv", days, "UTC")
    assert found.series.times_ms.tolist() == [c[0] - 16 * HOUR for c in days]
    assert "dates read as midnight UTC" in found.notes


def test_the_words_of_both_clocks_of_a_place_tell_the_hour_that_autumn_repeats(tmp_path: Path) -> None:
    start = datetime(2025, 10, 25, tzinfo=UTC)
    rows = reference(72, start_ms=round(start.timestamp() * 1000))
    clock = ZoneInfo("Europe/Berlin")
    lines = [(f"{datetime.fromtimestamp(c[0] / 1000, clock):%Y-%m-%d %H:%M %Z}", *c[1:]) for c in rows]
    path = tmp_path / "BTCUSDT-1h.csv"
    path.write_text(csv_text(lines))
    assert list(read_candles(path, NOW).series.candles) == rows


@pytest.mark.parametrize(
    ("zone", "hour"), [("Europe/Berlin", "2025-10-26 02:00"), ("America/New_York", "2025-11-02 01:00")]
)
def test_an_hour_of_autumn_that_comes_twice_on_an_unknown_clock_is_refused(
    tmp_path: Path, zone: str, hour: str
) -> None:
    start = datetime(2025, 10, 24, tzinfo=UTC)
    rows = reference(300, start_ms=round(start.timestamp() * 1000))
    with pytest.raises(InvalidMarketData, match=f"{hour} comes twice, as on a clock that is put back in autumn"):
        read(tmp_path, "BTCUSDT-1h.csv", rows, zone)


@pytest.mark.parametrize(
    ("name", "offset"),
    [("gmtoffset", -18_000), ("utc_offset", -5), ("utc_offset", "-0500"), ("utc_offset", "-05:00"), ("zone", 7)],
)
def test_times_are_those_of_the_offset_from_utc_in_a_column_of_its_own(
    tmp_path: Path, name: str, offset: object
) -> None:
    rows = reference(48)
    # Numbers in a column that is named `zone` alone may count anything.
    behind = timedelta(hours=0 if name == "zone" else 5)
    lines = [(f"{datetime.fromtimestamp(c[0] / 1000, UTC) - behind:%Y-%m-%d %H:%M:%S}", *c[1:], offset) for c in rows]
    path = tmp_path / "candles.csv"
    path.write_text(csv_text(lines, ("datetime", "open", "high", "low", "close", "volume", name)))
    assert list(read_candles(path, NOW).series.candles) == rows


def test_a_zone_that_two_places_have_is_none(tmp_path: Path) -> None:
    path = tmp_path / "candles.csv"
    path.write_text(csv_text([(f"2026-03-02 {at:02}:00 CST", *c[1:]) for at, c in enumerate(reference(9))]))
    with pytest.raises(InvalidMarketData, match="'2026-03-02 00:00 CST' is no time"):
        read_candles(path, NOW)


@pytest.mark.parametrize(
    "content",
    [
        csv_text(reference(), ("Time (CST)", "open", "high", "low", "close", "volume")),
        "Time zone: Eastern\n" + csv_text(reference()),
        csv_text([(c[0], "CST", *c[1:]) for c in reference()], ("time", "tz", "open", "high", "low", "close", "v")),
        json.dumps({"meta": {"timezone": "Europe/Nowhere"}, "values": [list(c) for c in reference()]}),
    ],
    ids=["name of a column", "above", "column", "beside"],
)
def test_words_that_name_no_one_zone_are_refused_where_times_have_no_offset(tmp_path: Path, content: str) -> None:
    path = tmp_path / "BTCUSDT-1h.csv"
    path.write_text(content)
    assert len(read_candles(path, NOW).series) == 300  # epoch times need no zone
    for time in (candle.timestamp for candle in reference()):
        content = content.replace(str(time), f'"{datetime.fromtimestamp(time / 1000, UTC):%Y-%m-%d %H:%M}"')
    path.write_text(content)
    with pytest.raises(InvalidMarketData, match=r"its times have the zone '.*', which names no single one"):
        read_candles(path, NOW)


def test_hours_of_a_market_prove_a_clock_that_words_leave_open(tmp_path: Path) -> None:
    candles, clock = session("America/New_York", 570, 960), ZoneInfo("America/New_York")
    rows = [(f"{datetime.fromtimestamp(c[0] / 1000, clock):%Y-%m-%d %H:%M}", *c[1:]) for c in candles]
    path = tmp_path / "AAPL-1h.csv"
    path.write_text("Time zone: Eastern\n" + csv_text(rows))
    assert list(read_candles(path, NOW).series.candles) == candles
