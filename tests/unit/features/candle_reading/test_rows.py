"""What is left out, repaired, merged or unknown, and that it is said."""

from __future__ import annotations

import gzip
import json
import math
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from arro3.core import Array, DataType

from domain.errors import InvalidMarketData
from domain.market import Candle, CandleSeries, Timeframe, merge_candles
from features.candle_reading.reading import ReadCandles, read_candles
from tests.fixtures.candle_exports import (
    EXPORTS,
    HOUR,
    NAMES,
    NOW,
    REFERENCE,
    START,
    csv_text,
    feather,
    moment,
    reference,
    zipped,
)

TEN = REFERENCE[:10]
_TWO_HOURS = ((9, 30), (11, 30), (13, 30), (15, 30))


def read(folder: Path, rows: list[Candle] | list[tuple[object, ...]], names: tuple[str, ...] = NAMES) -> ReadCandles:
    path = folder / "BTCUSDT-1h.csv"
    path.write_text(csv_text(rows, names))
    return read_candles(path, NOW)


@pytest.mark.parametrize("empty", ["", "null", "NaN", "None", "-", "0"])
def test_rows_without_prices_are_left_out_and_missing(tmp_path: Path, empty: str) -> None:
    rows: list[tuple[object, ...]] = [*TEN[:4], (TEN[4].timestamp, *[empty] * 5), *TEN[5:]]
    found = read(tmp_path, rows)
    assert list(found.series.candles) == [*TEN[:4], *TEN[5:]]
    assert found.series.missing == 1
    assert "1 row without prices left out" in found.notes


@pytest.mark.parametrize(("hours", "timeframe"), [(2, Timeframe.H4), (3, Timeframe.H12), (6, Timeframe.H12)])
def test_candles_of_a_length_that_is_no_timeframe_are_joined(tmp_path: Path, hours: int, timeframe: Timeframe) -> None:
    whole = CandleSeries(Timeframe.H1, reference(240, start_ms=START - START % (12 * HOUR)))
    given = [merge_candles(whole.candles[at].timestamp, whole.candles[at : at + hours]) for at in range(0, 240, hours)]
    # A candle that lacks one of its parts is missing.
    found = read(tmp_path, [*given[:31], *given[32:]])
    lacking = given[31].timestamp - given[31].timestamp % timeframe.ms
    expected = whole.resample(timeframe)
    kept = expected.times_ms != lacking
    assert found.series.timeframe is timeframe
    assert found.series.times_ms.tolist() == expected.times_ms[kept].tolist()
    assert found.series.values == pytest.approx(expected.values[kept])
    assert found.notes == (f"candles of {hours}h joined into whole ones of {timeframe}",)


def test_such_candles_of_a_share_are_counted_from_the_open_of_its_sessions(tmp_path: Path) -> None:
    new_york = ZoneInfo("America/New_York")
    opens = [datetime(2026, 8, day, *at, tzinfo=new_york) for day in (3, 4, 5, 6, 7) for at in _TWO_HOURS]
    times = [int(at.timestamp() * 1000) for at in opens]
    path = tmp_path / "AAPL-2h.csv"
    path.write_text(csv_text([(time, *candle[1:]) for time, candle in zip(times, reference(len(times)), strict=True)]))
    found = read_candles(path, NOW).series
    assert found.timeframe is Timeframe.H4
    assert found.missing == 0
    assert [candle.timestamp for candle in found.candles] == times[::2]


def test_what_was_done_is_told_in_one_line(tmp_path: Path) -> None:
    rows: list[tuple[object, ...]] = [(c.timestamp // 1000, *c[1:], 12) for c in REFERENCE]
    rows[7] = (rows[7][0], "", "", "", "", "", 0)
    rows[9] = (rows[9][0], "", "", "", "", "", 0)
    path = tmp_path / "XBTUSD_60.csv"
    path.write_text(csv_text(rows, ()))
    expected = "read as Kraken export: 298 candles of 1h, seconds, 2 rows without prices left out"
    assert read_candles(path, NOW).summary == expected


def test_a_plain_file_needs_no_words(tmp_path: Path) -> None:
    found = read(tmp_path, TEN)
    assert found.notes == ()
    assert found.summary == "read as CSV: 10 candles of 1h"


@pytest.mark.parametrize(
    "rows",
    [
        [c[:5] for c in TEN],
        [(*c[:5], -1) for c in TEN],
        [(*c[:5], "") for c in TEN],
        [(*c[:5], 0) for c in TEN],
    ],
    ids=["no column", "-1", "empty", "zeros alone"],
)
def test_a_volume_that_is_not_known_is_nan(tmp_path: Path, rows: list[tuple[object, ...]]) -> None:
    found = read(tmp_path, rows, NAMES[: len(rows[0])])
    assert all(math.isnan(candle.volume) for candle in found.series.candles)
    assert found.notes == ("volume is unknown",)


@pytest.mark.parametrize("name", ["Volume USD", "volume_quote", "Volume MA", "volume_notional"])
def test_what_is_no_volume_of_the_base_is_not_taken_for_it(tmp_path: Path, name: str) -> None:
    assert read(tmp_path, TEN, (*NAMES[:5], name)).notes == ("volume is unknown",)


def test_a_comma_behind_a_number_is_no_mark_of_it(tmp_path: Path) -> None:
    rows: list[tuple[object, ...]] = [*TEN[:9], (*TEN[9][:5], '"1.5,"')]
    assert read(tmp_path, rows).series.candles[9].volume == 1.5


def test_some_unknown_volumes_are_counted_and_zero_is_known(tmp_path: Path) -> None:
    rows: list[tuple[object, ...]] = [*TEN[:8], (*TEN[8][:5], -1), (*TEN[9][:5], 0)]
    found = read(tmp_path, rows)
    assert math.isnan(found.series.candles[8].volume)
    assert found.series.candles[9].volume == 0
    assert found.notes == ("volume is unknown in 1 row",)


def test_a_rounding_step_of_high_or_low_is_repaired(tmp_path: Path) -> None:
    up, down = TEN[3]._replace(high=math.nextafter(TEN[3].close, 0)), TEN[5]
    up = up._replace(open=up.close)
    down = down._replace(low=math.nextafter(min(down.open, down.close), math.inf))
    found = read(tmp_path, [*TEN[:3], up, TEN[4], down, *TEN[6:]])
    assert found.series.candles[3].high == up.close
    assert found.series.candles[5].low == min(down.open, down.close)
    assert found.notes == ("high or low of 2 rows off by a rounding step, repaired",)


def test_the_last_printed_digit_counts_as_rounding(tmp_path: Path) -> None:
    row = Candle(TEN[3].timestamp, 42.31, 42.5, 42.3, 42.51, 7.0)
    found = read(tmp_path, [*(c._replace(open=42.4, high=42.4, low=42.4, close=42.4) for c in TEN[:3]), row])
    assert found.series.candles[3].high == 42.51
    assert found.notes == ("high or low of 1 row off by a rounding step, repaired",)


def test_an_open_outside_the_range_widens_it_up_to_a_percent(tmp_path: Path) -> None:
    open_ = TEN[3].high * 1.004
    found = read(tmp_path, [*TEN[:3], TEN[3]._replace(open=open_), *TEN[4:]])
    assert found.series.candles[3].high == open_
    assert found.notes == ("open or close of 1 row outside low..high, which take it in now",)
    with pytest.raises(InvalidMarketData, match="line 5 is impossible"):
        read(tmp_path, [*TEN[:3], TEN[3]._replace(open=TEN[3].high * 1.02), *TEN[4:]])


def at_a_tenth(candle: Candle) -> Candle:
    return candle._replace(**{name: getattr(candle, name) / 10 for name in ("open", "high", "low", "close")})


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("wrong", [TEN[6]._replace(high=TEN[6].high * 100), at_a_tenth(TEN[6])])
def test_a_price_far_beyond_those_around_it_is_read_and_said(tmp_path: Path, wrong: Candle, newest_first: bool) -> None:
    rows = [*TEN[:6], wrong, *TEN[7:]]
    found = read(tmp_path, rows[::-1] if newest_first else rows)
    assert list(found.series.candles) == rows
    place = "line 5" if newest_first else "line 8"
    said = f"1 row with a price more than 3 times beyond those around it, the first in {place}: check it"
    assert found.notes[-1] == said


def test_a_price_that_stays_where_it_jumped_to_is_not_far(tmp_path: Path) -> None:
    assert read(tmp_path, [*TEN[:6], *map(at_a_tenth, TEN[6:])]).notes == ()


def test_of_repeated_rows_the_one_written_later_counts(tmp_path: Path) -> None:
    old, new = TEN[6], TEN[6]._replace(close=TEN[6].low)
    assert read(tmp_path, [*TEN[:6], old, new, *TEN[7:]]).series.candles[6] == new
    # A file with the newest row first grows at its head.
    newest_first = [*TEN[:6], old, new, *TEN[7:]][::-1]
    found = read(tmp_path, newest_first)
    assert found.series.candles[6] == new
    assert found.notes == ("newest first", "1 repeated row left out, the one written later kept")
    # The same candles exported again below the first export.
    assert read(tmp_path, [*TEN[:7], *TEN[:6], new]).series.candles[6] == new


def test_a_last_candle_that_is_still_forming_stays(tmp_path: Path) -> None:
    path = tmp_path / "BTCUSDT-1h.csv"
    path.write_text(csv_text(TEN))
    assert len(read_candles(path, TEN[-1].timestamp + 1).series) == 10


def test_the_newest_trade_is_merged_into_its_candle(tmp_path: Path) -> None:
    trade = Candle(TEN[-1].timestamp + 2_527_000, TEN[-1].close, TEN[-1].high + 5, TEN[-1].low, TEN[-1].high + 5, 1.0)
    found = read(tmp_path, [*TEN, trade])
    merged = TEN[-1]._replace(high=trade.high, close=trade.close, volume=TEN[-1].volume + 1.0)
    assert list(found.series.candles) == [*TEN[:-1], merged]
    assert found.notes == ("the newest trade merged into its candle",)


def test_the_newest_trade_of_a_candle_without_a_row_is_left_out(tmp_path: Path) -> None:
    trade = TEN[-1]._replace(timestamp=TEN[-1].timestamp + HOUR + 2_527_000)
    found = read(tmp_path, [*TEN, trade])
    assert list(found.series.candles) == TEN
    assert found.notes == ("a last row off the grid left out",)


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ("ISO", "times without an offset read as UTC"),
        ("close times", "close times read as the ends of candles"),
        ("microseconds", "microseconds"),
        ("Binance, milliseconds and microseconds", "milliseconds and microseconds"),
        ("a header within", "1 repeated header left out"),
        ("a footer", "1 row without prices left out"),
        ("decimal commas", "decimal commas"),
    ],
)
def test_what_was_understood_is_said(tmp_path: Path, form: str, words: str) -> None:
    path = tmp_path / "a.csv"
    content = EXPORTS[form]
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    assert words in read_candles(path, NOW).notes


@pytest.mark.parametrize(
    ("export", "words"),
    [
        ("Binance", "Binance export"),
        ("CryptoDataDownload", "CryptoDataDownload export"),
        ("TradingView", "TradingView export"),
        ("yfinance", "yfinance export"),
        ("MetaTrader 5", "MetaTrader export"),
        ("investing.com", "investing.com export"),
        ("Dukascopy", "Dukascopy export"),
        ("objects", "JSON"),
        ("freqtrade as Parquet", "freqtrade export"),
    ],
)
def test_the_export_is_named(tmp_path: Path, export: str, words: str) -> None:
    path = tmp_path / "a.csv"
    content = EXPORTS[export]
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    assert read_candles(path, NOW).form == words


@pytest.mark.parametrize(
    ("export", "symbol"),
    [
        ("CryptoDataDownload", "BTC/USDT"),
        ("yfinance", "MSFT"),
        ("stooq", "BTC.V"),
        ("polygon", "AAPL"),
        ("plain", None),
    ],
)
def test_the_market_in_the_file_is_read(tmp_path: Path, export: str, symbol: str | None) -> None:
    path = tmp_path / "a.csv"
    content = EXPORTS[export]
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    assert read_candles(path, NOW).symbol == symbol


def test_one_of_the_hundreds_of_markets_of_an_index_is_read(tmp_path: Path) -> None:
    """yfinance writes five columns for each."""
    names = [f"S{number:03d}" for number in range(500)]
    words = ("Close", "High", "Low", "Open", "Volume")
    lines = ["Price," + ",".join(word for word in words for _ in names), "Ticker," + ",".join(names * len(words))]
    lines += ["Datetime" + "," * len(words) * len(names)]
    for row in range(40):
        prices = [[10 * number + close for number in range(500)] for close in (1.5, 2, 0.5, 1, 7)]
        cells = ",".join(str(price + row) for column in prices for price in column)
        lines.append(f"2026-09-{1 + row // 24:02d} {row % 24:02d}:00:00+00:00,{cells}")
    path = tmp_path / "index.csv"
    path.write_text("\n".join(lines))
    read = read_candles(path, NOW, symbol="S123")
    assert read.series.values[0].tolist() == [1231, 1232, 1230.5, 1231.5, 1237]
    assert len(read.series) == 40


@pytest.mark.parametrize(
    ("name", "member", "market"),
    [
        ("archive.zip", "BTCUSDT-1h.csv", "BTCUSDT"),
        ("data.zip", "prices/ETHUSDT-1h-2024-01.csv", "ETHUSDT"),
        ("data.zip", "a.csv", None),
        ("ETHBTC-1h.zip", "BTCUSDT-1h.csv", "ETHBTC"),
        ("OHLCVT.zip", "XBTUSD_60.csv", "XBTUSD"),
    ],
)
def test_a_zip_without_a_market_in_its_name_has_that_of_its_member(
    tmp_path: Path, name: str, member: str, market: str | None
) -> None:
    path = tmp_path / name
    path.write_bytes(zipped(**{member: csv_text(REFERENCE).encode()}))
    assert read_candles(path, NOW).named == market


def test_a_zip_in_a_zip_has_the_market_of_the_member_that_names_one(tmp_path: Path) -> None:
    path = tmp_path / "download.zip"
    path.write_bytes(zipped(**{"data.zip": zipped(**{"BTCUSDT-1h.csv": csv_text(REFERENCE).encode()})}))
    assert read_candles(path, NOW).named == "BTCUSDT"


def test_the_months_of_a_market_in_a_zip_may_be_packed(tmp_path: Path) -> None:
    one, other = (csv_text(rows).encode() for rows in (REFERENCE[:100], REFERENCE[100:]))
    path = tmp_path / "candles.zip"
    months = {
        "BTCUSDT-1h-2026-08.zip": zipped(**{"BTCUSDT-1h-2026-08.csv": one}),
        "BTCUSDT-1h-2026-09.csv.gz": gzip.compress(other),
    }
    path.write_bytes(zipped(**months))
    found = read_candles(path, NOW)
    assert (list(found.series.candles), found.named) == (REFERENCE, "BTCUSDT")
    for wrong in ("ETHUSDT-1h-2026-08.csv", "BTCUSDT-1h-2026-08.parquet"):
        path.write_bytes(zipped(**months | {"BTCUSDT-1h-2026-08.zip": zipped(**{wrong: one})}))
        with pytest.raises(InvalidMarketData, match=f"BTCUSDT-1h-2026-08.zip with {wrong}: unpack it"):
            read_candles(path, NOW)


def test_a_second_header_within_one_market_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(csv_text(REFERENCE[:50]) + csv_text(REFERENCE[50:]))
    found = read_candles(path, NOW)
    assert (len(found.series), found.notes) == (300, ("1 repeated header left out",))


def test_a_price_may_have_changed_in_the_weeks_before_a_second_header(tmp_path: Path) -> None:
    earlier = [c._replace(timestamp=c.timestamp - 300 * HOUR) for c in reference(price=3_000.0)[:50]]
    path = tmp_path / "a.csv"
    path.write_text(csv_text(earlier) + csv_text(REFERENCE[:50]))
    assert len(read_candles(path, NOW).series) == 100


def test_days_and_weeks_are_read(tmp_path: Path) -> None:
    for length, name in ((24 * HOUR, "1d"), (168 * HOUR, "1w"), (8 * HOUR, "8h")):
        rows = reference(20, length, START // (24 * HOUR) * 24 * HOUR - 30 * 168 * HOUR)
        assert read(tmp_path, rows).series.timeframe == name


def test_the_time_of_the_last_trade_beside_days_is_not_that_of_the_candles(tmp_path: Path) -> None:
    days = reference(20, 24 * HOUR, START // (24 * HOUR) * 24 * HOUR - 60 * 24 * HOUR)
    rows: list[tuple[object, ...]] = [
        (f"{moment(c[0]):%Y-%m-%d}", f"15:{10 + at}:0{at % 9}", *c[1:]) for at, c in enumerate(days)
    ]
    assert list(read(tmp_path, rows, ("date", "time", *NAMES[1:])).series.candles) == days


def test_a_comma_behind_a_price_separates_nothing(tmp_path: Path) -> None:
    rows: list[list[object]] = [list(candle) for candle in REFERENCE[:50]]
    rows[20][1] = f"{rows[20][1]},"
    file = tmp_path / "BTCUSDT-1h.csv"
    file.write_text(csv_text(rows, NAMES, ";"))
    found = read_candles(file, NOW).series
    assert found.opens.tolist() == [candle.open for candle in REFERENCE[:50]]


def test_days_with_dots_decimal_commas_and_names_of_another_language_are_read(tmp_path: Path) -> None:
    days = reference(60, 24 * HOUR, START // (24 * HOUR) * 24 * HOUR - 60 * 24 * HOUR)
    comma = str.maketrans(",.", ".,")
    rows: list[tuple[object, ...]] = [
        (f"{moment(c.timestamp):%d.%m.%Y}", *(f'"{x:,.2f}"'.translate(comma) for x in (c.close, *c[1:4])), '"1,23M"')
        for c in reversed(days)
    ]
    found = read(tmp_path, rows, ("Data", "\u00daltimo", "Abertura", "M\u00e1xima", "M\u00ednima", "Vol."))
    # Candles are tuples.
    assert [candle[:5] for candle in found.series.candles] == [day[:5] for day in days]  # type: ignore[index]
    assert {candle.volume for candle in found.series.candles} == {1_230_000.0}
    assert found.notes == ("dates read as midnight UTC", "newest first", "decimal commas")


@pytest.mark.parametrize("newest_first", [False, True])
def test_a_split_is_undone_where_adjusted_closes_prove_it(tmp_path: Path, newest_first: bool) -> None:
    days = reference(60, 24 * HOUR, START // (24 * HOUR) * 24 * HOUR - 60 * 24 * HOUR)
    factor = [4.0 if at < 40 else 1.0 for at in range(60)]
    rows: list[tuple[object, ...]] = [
        # A dividend of 2 % besides, which stays in the prices.
        (f"{moment(c[0]):%Y-%m-%d}", *(x * f for x in c[1:5]), c.close * (0.98 if at < 20 else 1.0), c.volume / f)
        for at, (c, f) in enumerate(zip(days, factor, strict=True))
    ]
    found = read(tmp_path, rows[::-1] if newest_first else rows, ("date", *NAMES[1:5], "adjusted_close", "volume"))
    assert list(found.series.candles) == days
    assert "1 split undone by the adjusted closes" in found.notes


def test_one_of_two_markets_side_by_side_is_read_when_named(tmp_path: Path) -> None:
    other = reference(price=3_000.0)
    path = tmp_path / "both.csv"
    names = ("time", *(f"{market}_{name}" for market in ("BTC", "ETH") for name in NAMES[1:]))
    path.write_text(csv_text([(*one, *two[1:]) for one, two in zip(REFERENCE, other, strict=True)], names))
    found = read_candles(path, NOW, "ETH")
    assert list(found.series.candles) == other
    assert found.symbol == "ETH"


@pytest.mark.parametrize(("name", "parts"), [("aapl.zip", 10_000), ("005930.KS.csv", 1), ("candles.csv", 1)])
def test_prices_of_lean_for_shares_of_the_united_states_are_ten_thousandths(
    tmp_path: Path, name: str, parts: int
) -> None:
    candles = [c for c in reference(60, 24 * HOUR, START - START % (24 * HOUR), 180.0) if moment(c[0]).weekday() < 5]
    rows = [(f"{moment(c[0]):%Y%m%d %H:%M}", *(round(x * 10_000) for x in c[1:5]), round(c[5])) for c in candles]
    path = tmp_path / name
    path.write_bytes(zipped(**{"aapl.csv": csv_text(rows, ()).encode()}) if parts > 1 else csv_text(rows, ()).encode())
    found = read_candles(path, NOW + 90 * 24 * HOUR)
    assert found.series.closes.tolist() == pytest.approx([c.close * 10_000 / parts for c in candles])
    assert ("prices of Lean in ten-thousandths read as dollars" in found.notes) == (parts > 1)


def test_days_since_1970_are_no_days_of_excel(tmp_path: Path) -> None:
    days = reference(20, 24 * HOUR, START // (24 * HOUR) * 24 * HOUR - 60 * 24 * HOUR)
    rows: list[tuple[object, ...]] = [(c[0] // (24 * HOUR), *c[1:]) for c in days]
    found = read(tmp_path, rows, ("date", *NAMES[1:]))
    assert list(found.series.candles) == days
    assert found.notes == ("days since 1970",)


def test_a_last_candle_that_the_file_calls_unfinished_is_left_out_once_it_has_closed(tmp_path: Path) -> None:
    rows: list[tuple[object, ...]] = [(*c, at < 9) for at, c in enumerate(TEN)]
    found = read(tmp_path, rows, (*NAMES, "is_closed"))
    assert list(found.series.candles) == TEN[:-1]
    assert found.notes == ("the last candle left out, which was still forming when it was written",)
    path = tmp_path / "BTCUSDT-1h.csv"
    assert list(read_candles(path, TEN[-1].timestamp + 60_000).series.candles) == TEN


@pytest.mark.parametrize(
    ("name", "finished", "unfinished"),
    [
        ("status", "closed", "open"),
        ("is_open", "False", "True"),
        ("partial", "0", "1"),
        ("State", "Final", "In progress"),
    ],
)
def test_words_for_an_unfinished_candle_are_known(tmp_path: Path, name: str, finished: str, unfinished: str) -> None:
    rows: list[tuple[object, ...]] = [(*c, finished if at < 9 else unfinished) for at, c in enumerate(TEN)]
    assert list(read(tmp_path, rows, (*NAMES, name)).series.candles) == TEN[:-1]
    closed: list[tuple[object, ...]] = [(*c, finished) for c in TEN]
    assert list(read(tmp_path, closed, (*NAMES, name)).series.candles) == TEN


@pytest.mark.parametrize(
    "above",
    [
        "\n" * 200_000,
        '"' + "," * 200_000 + "\n",
        "# open," + "close," * 200_000 + "\n",
        "time,open_a" + " " * 100_000 + "b,high,low\n",
    ],
    ids=["empty lines", "an open quote", "a long comment", "a long name"],
)
def test_what_stands_above_a_table_takes_no_square_of_its_length(tmp_path: Path, above: str) -> None:
    path = tmp_path / "BTCUSDT-1h.csv"
    path.write_text(above + csv_text(TEN))
    assert list(read_candles(path, NOW).series.candles) == TEN


def test_a_line_of_dashes_below_the_names_takes_no_square_of_its_length(tmp_path: Path) -> None:
    path = tmp_path / "BTCUSDT-1h.csv"
    path.write_text(",".join(NAMES) + "\n" + "-" * 200_000 + "x\n" + csv_text(TEN, ()))
    assert list(read_candles(path, NOW).series.candles) == TEN


@pytest.mark.parametrize("words", ["open,high,low,close", "Float64,Float64,Float64,Float64", "n.a.,n.a.,n.a.,n.a."])
@pytest.mark.parametrize("named", [True, False])
def test_a_row_of_words_in_the_place_of_prices_is_left_out(tmp_path: Path, words: str, named: bool) -> None:
    lines = csv_text(REFERENCE, NAMES if named else ()).splitlines()
    path = tmp_path / "BTCUSDT-1h.csv"
    path.write_text("\n".join([*lines[:100], f"x,{words},y", *lines[100:]]))
    assert list(read_candles(path, NOW).series.candles) == REFERENCE


@pytest.mark.parametrize("adjusted", ["1e308", "1e-320", "0", "-5", "nan"])
def test_adjusted_closes_that_no_split_makes_change_nothing(tmp_path: Path, adjusted: str) -> None:
    rows: list[tuple[object, ...]] = [(*c, adjusted if at == 4 else c.close) for at, c in enumerate(TEN)]
    assert list(read(tmp_path, rows, (*NAMES, "adj_close")).series.candles) == TEN


def test_of_two_columns_of_times_the_one_with_lists_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps([dict(zip(NAMES, c, strict=True)) | {"time": []} for c in TEN]))
    assert list(read_candles(path, NOW).series.candles) == TEN


def test_days_of_feather_are_read(tmp_path: Path) -> None:
    days = reference(20, 24 * HOUR, START // (24 * HOUR) * 24 * HOUR - 60 * 24 * HOUR)
    dates = Array([c[0] // (24 * HOUR) for c in days], DataType.int32()).cast(DataType.date32())
    prices = {name: Array([getattr(c, name) for c in days], DataType.float64()) for name in NAMES[1:]}
    path = tmp_path / "a.feather"
    path.write_bytes(feather({"date": dates, **prices}))
    assert list(read_candles(path, NOW).series.candles) == days


@pytest.mark.parametrize("newest_first", [False, True])
def test_a_last_candle_is_unfinished_by_a_last_column_without_a_name(tmp_path: Path, newest_first: bool) -> None:
    rows = [[str(value) for value in (*c, int(at < 11))] for at, c in enumerate(REFERENCE[:12])]
    path = tmp_path / "BTCUSDT-1h.json"
    path.write_text(json.dumps({"code": "0", "data": rows[::-1] if newest_first else rows}))
    assert list(read_candles(path, NOW).series.candles) == REFERENCE[:11]


def test_rows_with_dividends_and_splits_are_left_out(tmp_path: Path) -> None:
    rows: list[tuple[object, ...]] = [*TEN[:4], (TEN[4][0], "4:1 Stock Splits", "", "", "", ""), *TEN[4:]]
    found = read(tmp_path, rows)
    assert (list(found.series.candles), found.notes) == (TEN, ("1 row with a dividend or split left out",))


def test_a_candle_that_was_written_while_it_was_forming_is_no_other_market(tmp_path: Path) -> None:
    forming = [c._replace(high=max(c[1], c[4]), low=min(c[1], c[4]), close=c.open * 1.0001) for c in REFERENCE]
    rows = [row._replace(high=max(row[1:5]), low=min(row[1:5])) for row in forming]
    found = read(tmp_path, [row for pair in zip(rows, REFERENCE, strict=True) for row in pair])
    assert list(found.series.candles) == REFERENCE


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Berlin"])
def test_days_of_a_coin_may_begin_at_the_midnight_of_a_place(tmp_path: Path, zone: str) -> None:
    dates = [datetime(2026, 3, 1, tzinfo=ZoneInfo(zone)) + timedelta(days=at) for at in range(60)]
    days = [c._replace(timestamp=round(day.timestamp() * 1000)) for c, day in zip(reference(60), dates, strict=True)]
    found = read(tmp_path, days)
    assert list(found.series.candles) == days
    assert (found.series.timeframe, found.series.missing) == ("1d", 0)


@pytest.mark.parametrize("name", ["code", "股票代码"])
def test_a_market_of_digits_keeps_its_zeros(tmp_path: Path, name: str) -> None:
    rows: list[tuple[object, ...]] = [("000001", *c) for c in TEN]
    assert read(tmp_path, rows, (name, *NAMES)).symbol == "000001"


@pytest.mark.parametrize("code", ["0", "200000"])
def test_the_status_of_an_answer_is_no_market(tmp_path: Path, code: str) -> None:
    path = tmp_path / "BTCUSDT-1h.json"
    path.write_text(json.dumps({"code": code, "msg": "", "data": [[*map(str, c)] for c in TEN]}))
    assert read_candles(path, NOW).symbol is None
