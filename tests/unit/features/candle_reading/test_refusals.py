"""What cannot be read is refused in one line: the file, the row and the remedy."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from arro3.core import Array, DataType

from domain.errors import InvalidMarketData
from domain.market import CandleSeries, Timeframe
from features.candle_reading.reading import read_candles
from features.candle_reading.tables.content import content_of
from tests.fixtures.candle_exports import (
    EXPORTS,
    HOUR,
    NAMES,
    NOW,
    PLAIN,
    REFERENCE,
    START,
    arrow_parquet,
    csv_text,
    dated,
    reference,
    with_times,
    zipped,
)

HEAD = ",".join(NAMES) + "\n"
FOUR_HOURS = [
    tuple(getattr(candle, name) for name in NAMES)
    for candle in CandleSeries(Timeframe.H1, REFERENCE).resample(Timeframe.H4).candles
]
# Keys that all differ would make a table of the square of their number.
MANY = reference(5_000)
HTML = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please sign in</body></html>"


def with_cell(row: int, column: int, cell: object) -> str:
    """Return the plain file with another cell in a row, counted from 0."""
    rows: list[list[object]] = [list(candle) for candle in REFERENCE[:50]]
    rows[row][column] = cell
    return csv_text(rows)


REFUSALS: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", "is empty: export it again"),
    "spaces": (" \n \n", "is empty"),
    "a header alone": (HEAD, "line 1 is a header, but no row of candles follows"),
    "words": ("Dear all,\nplease find attached nothing.\n", "has no row of candles"),
    "HTML": (HTML, "is a web page or XML"),
    "binary": (bytes(range(256)) * 40, "is binary"),
    "other columns": ("a,b,c,d,e,f\n1,2,3,4,5,6\n", "has no header, and no column of times: add a first line"),
    "without a close": (
        PLAIN.replace("close", "mid"),
        r"has no column for close \(its columns: timestamp, open, high, low, mid, volume\): name them",
    ),
    "two tables": (
        csv_text(REFERENCE[:50]) + "\nETHUSDT\n" + csv_text(reference(price=3_000.0)[:50]),
        r"line 2 \(open 42000, close 41998.8\) and line 55 \(open 3000, close 2999.92\) have the same time, .*two mark",
    ),
    "two tables, one after the other": (
        csv_text(REFERENCE[:50]) + csv_text(reference(price=3_000.0)[50:]),
        r"line 51 \(close 4[\d.]+\) and line 53 \(close [23][\d.]+\) follow each other in time, with a second header",
    ),
    "two tables, the newest first": (
        csv_text(reference(price=3_000.0)[:49:-1]) + csv_text(REFERENCE[49::-1]),
        r"line 251 \(close [23][\d.]+\) and line 253 \(close 4[\d.]+\) follow each other in time",
    ),
    "months of two markets in a zip": (
        zipped(
            **{
                "BTCUSDT-1h-2026-09.csv": csv_text(REFERENCE[:50]).encode(),
                "BTCUSDT-1h-2026-10.csv": csv_text(reference(price=3_000.0)[50:]).encode(),
            }
        ),
        "these are two markets or two tables",
    ),
    "two tables with symbols": (
        "".join(csv_text([(*c, name) for c in REFERENCE[:50]], (*NAMES, "symbol")) for name in ("BTCUSDT", "ETHUSDT")),
        "two markets in column symbol: BTCUSDT, ETHUSDT; name one with --symbol",
    ),
    "one row": (csv_text(REFERENCE[:1]), "a timeframe shows in at least 2 candles, received 1"),
    "no number": (with_cell(9, 4, "abc"), "line 11: close is 'abc', no number"),
    "parts of 32": (with_cell(9, 4, "112'16"), 'line 11: close is "112\'16", no number'),
    "prices that may be parts of 32": (
        csv_text([(c[0], "112'165", "113'000", f"111'{at % 32:02}5", "112'310", 5) for at, c in enumerate(REFERENCE)]),
        "has prices such as 112'165, which may be in parts of 32 or have a separator of thousands",
    ),
    "points that may separate thousands": (
        csv_text([(c[0], "42.001", "42.019", "41.999", "42.010", "804,00") for c in REFERENCE], delimiter=";"),
        "has prices such as 42.001 beside volumes with a decimal comma: their point may separate thousands",
    ),
    "open and close exchanged": (
        csv_text([(c[0], c.close, c.high, c.low, c.open, c.volume) for c in REFERENCE]),
        "has open and close exchanged, or its times run backwards",
    ),
    "weekdays of a spreadsheet since 1904": (
        csv_text([(44_816 - 1_462 + at // 5 * 7 + at % 5, *c[1:]) for at, c in enumerate(REFERENCE[:50])]),
        "has day numbers that fall on Tuesdays to Saturdays: they count from 1904",
    ),
    "no time": (with_cell(9, 0, "yesterday"), "line 11: 'yesterday' is no time"),
    # Without an end, if the pattern tried every share of the spaces between its parts.
    "no time behind many spaces": (
        with_cell(9, 0, f"2026-03-02{' ' * 2_000}noon"),
        "line 11: '2026-03-02 .*' is no time",
    ),
    "parts of 32 behind a hyphen": (
        csv_text([(c[0], "112-165", "113-00", "111-31", "112-31", 5) for c in REFERENCE]),
        "line 2 has '112-165', which is no number: write it as 1234.5",
    ),
    "statements of SQL": (
        "CREATE TABLE candles (ts INTEGER, open REAL);\n"
        + "".join(f"INSERT INTO candles VALUES({','.join(map(str, c))});\n" for c in REFERENCE),
        r"holds statements of SQL \(CREATE TABLE\), no table: export the table as CSV",
    ),
    "text of Python": (
        str([{"time": c[0], "open": None} for c in REFERENCE]),
        "is text of Python, no JSON: write it by",
    ),
    "an OpenDocument spreadsheet": (zipped(mimetype=b"x", **{"content.xml": b"x"}), "is an OpenDocument spreadsheet"),
    "a long word behind a time": (
        with_cell(9, 0, f"2026-03-02 {'a' * 200_000}"),
        "line 11: '2026-03-02 a+' is no time",
    ),
    "a long number": (with_cell(9, 4, "1.2" * 200_000), "line 11: close is '1.21.2.*, no number"),
    "columns without an end": (HEAD + "1," * 30_000 + "1\n", "has 30,001 columns: keep those of the candles"),
    "names of columns without an end": (
        json.dumps([{"time": c[0], "open": 1, "high": 1, "low": 1, "close": 1, f"x{c[0]}": 1} for c in MANY]),
        "has 5,005 columns: keep those of the candles",
    ),
    "a row without an end": (
        json.dumps([*map(list, REFERENCE), [1] * 100_000]),
        "has 100,000 columns: keep those of the candles",
    ),
    "tables without an end": (
        json.dumps([[[list(candle)]] * 1_500 for candle in REFERENCE[:2]]),
        "holds more than 2,000 tables: join them to one",
    ),
    "keys without an end": (json.dumps({f"k{at}": 1 for at in range(100_000)}), "has no rows of candles"),
    "no such day": (csv_text([("2026-02-30", *c[1:]) for c in REFERENCE[:3]]), "line 2: '2026-02-30' is no time"),
    "a negative price": (with_cell(4, 3, -1.0), "line 6 has a price out of range"),
    "an endless price": (with_cell(4, 2, "1e300"), "line 6 has a price out of range"),
    "an endless volume": (with_cell(4, 5, "1e30"), "line 6 has a volume out of range"),
    "high far below": (with_cell(4, 2, 40_000.0), "line 6 is impossible: low <= open, close <= high is needed"),
    "low above high": (
        csv_text([(c[0], c[1], c[3], c[2], c[4], c[5]) for c in REFERENCE]),
        "line 2 is impossible",
    ),
    "another number of columns": (PLAIN + "1,2,3,4,5,6,7,8,9\n", "line 302 has 9 columns where the others have 6"),
    "off the grid": (with_cell(20, 0, START + 20 * HOUR + 7_000), "line 22: 1h candle 20 opens 3607000 ms after"),
    "seconds": (csv_text(reference(step_ms=15_000)), "candles are 15s apart; known timeframes are 1m"),
    "bricks": (
        csv_text([(START + at * 3_607_000, *c[1:]) for at, c in enumerate(REFERENCE)]),
        "its candles open 7 s after a minute",
    ),
    "times of questions": (
        csv_text(with_times(lambda time: time + 5_000)),
        "its candles open 5 s after a minute: write the times at which they open",
    ),
    "of the future": (csv_text(reference(start_ms=NOW)), "opens in the future"),
    "monthly": (csv_text(dated("%Y-%m-%d", reference(3, 31 * 24 * HOUR))), "a month has no fixed length"),
    "markets with a mark of comments": (
        csv_text([("#AAPL", *candle) for candle in REFERENCE], ("symbol", *NAMES)),
        "no row of candles follows: export it again; its rows begin with #, which marks comments: delete it",
    ),
    "no timeframe": (csv_text(reference(9, 7 * HOUR)), "candles are 7h apart; known timeframes are"),
    "too few of a length that is no timeframe": (
        csv_text(reference(3, 3 * HOUR)),
        "3h are joined into those of 12h, but",
    ),
    "off the grid of such a length": (
        csv_text(reference(99, 2 * HOUR, START + HOUR)),
        "make no whole ones: give more of them, that open at multiples of 2h UTC",
    ),
    "a time thousands of years ahead": (
        csv_text([*REFERENCE[:20], (9 * 10**15, *REFERENCE[20][1:])]),
        "line 22: '9000000000000000' is no time",
    ),
    "Excel's long numbers": (
        csv_text(with_times(lambda time: f"{time:.5E}")),
        r"its times have lost their last digits \(1\.78887E\+12\)",
    ),
    "Excel's long numbers with decimal commas": (
        csv_text(with_times(lambda time: f"{time:.5E}"), NAMES, ";").replace(".", ","),
        "its times have lost their last digits",
    ),
    "Excel's longer numbers": (csv_text(with_times(lambda time: f"{time * 1000:.5E}")), "have lost their last digits"),
    "day or month": (
        csv_text(dated("%d/%m/%Y", reference(4, 24 * HOUR))),
        r"the date '08/09/2026' may be 8 Sep or 9 Aug, and no other row tells: write dates as 2026-09-08",
    ),
    "day and month": (
        csv_text([("13/09/2026", *REFERENCE[0][1:]), ("09/14/2026", *REFERENCE[1][1:])]),
        "has the day first in '13/09/2026' and the month first in '09/14/2026'",
    ),
    "years of two digits": (csv_text(dated("%d/%m/%y", reference(4, 24 * HOUR))), "the date '08/09/26' may be"),
    "no prices of candles": (
        csv_text([(c[0], c[1], c[3], c[4], c[1]) for c in REFERENCE], ()),
        "its prices are not in the order open, high, low, close: add a first line",
    ),
    "two markets": (
        csv_text([(*c, coin) for c in REFERENCE for coin in ("BTCUSDT", "ETHUSDT")], (*NAMES, "Pair")),
        "two markets in column Pair: BTCUSDT, ETHUSDT; name one with --symbol",
    ),
    "two exchanges": (
        csv_text(
            [(*c[:1], name, *(x * by for x in c[1:5]), 1) for c in REFERENCE for name, by in (("A", 1), ("B", 1.0005))],
            ("timestamp", "exchange", *NAMES[1:]),
        ),
        "have the same time, and so have other rows: these are two markets, two timeframes or two tables",
    ),
    "two timeframes among each other": (
        csv_text([*REFERENCE, *FOUR_HOURS]),
        "have the same time, and so have other rows: these are two markets, two timeframes or two tables",
    ),
    "two timeframes, one after the other": (
        csv_text([*reference(40, 24 * HOUR, START - 40 * 24 * HOUR), *REFERENCE]),
        r"line 2 is one of 4\d rows that lie 1d apart, while most lie 1h: these are two timeframes",
    ),
    "two markets below names that do not tell": (
        "time,BTC,,,,ETH,,,\n" + csv_text([(*c[:5], *c[1:5]) for c in REFERENCE], ("", *NAMES[1:5], *NAMES[1:5])),
        "has several columns for each of the prices, as of several markets",
    ),
    "two markets in JSON": (
        json.dumps({name: [{"t": 1, "o": 1, "h": 1, "l": 1, "c": 1}] for name in ("BTCUSDT", "ETHUSDT")}),
        "two markets in column symbol: BTCUSDT, ETHUSDT",
    ),
    "two tickers": (
        "Price,Close,Close,High,High,Low,Low,Open,Open\nTicker,MSFT,AAPL,MSFT,AAPL,MSFT,AAPL,MSFT,AAPL\nDate,,,,,,,,\n"
        "2026-09-08,1,2,1,2,1,2,1,2\n2026-09-09,1,2,1,2,1,2,1,2\n",
        "two markets in its header: MSFT, AAPL; name one with --symbol",
    ),
    "two markets side by side": (
        csv_text([(*c, *c[1:]) for c in REFERENCE], ("time", *(f"{m}_{n}" for m in ("BTC", "ETH") for n in NAMES[1:]))),
        "two markets in its header: BTC, ETH; name one with --symbol",
    ),
    "quotes": (
        csv_text([(c[0], c.close, c.close + 1, 1, 2) for c in REFERENCE], ("time", "bid", "ask", "bidVolume", "x")),
        "holds quotes .*no candles: make candles of them",
    ),
    "trades": (
        csv_text([(c[0], c.close, 0.5, 7, 8) for c in REFERENCE], ("transact_time", "price", "quantity", "a", "b")),
        "holds single trades .*no candles",
    ),
    "a column that was too narrow": (csv_text(with_times(lambda _: "########")), "has ##### for its times.*widen it"),
    "words that are no timeframe": (
        csv_text([(*c, word) for c in REFERENCE for word in ("²", "1²", "9" * 5000)], (*NAMES, "interval")),
        "three timeframes in column interval: ²",
    ),
    "two timeframes": (
        csv_text([(*c, length) for c in REFERENCE for length in ("1h", "4h")], (*NAMES, "interval")),
        "two timeframes in column interval: 1h, 4h; name one with --timeframe",
    ),
    "a print that leaves out rows": (
        "\n".join([*PLAIN.splitlines()[:6], ",".join(["..."] * 6).replace(",", " "), *PLAIN.splitlines()[-5:]]).replace(
            ",", " "
        ),
        "is a print that leaves out rows.*write all as CSV",
    ),
    "a date in digits beyond all numbers": (
        csv_text([*dated("%Y%m%d", reference(9, 24 * HOUR)), ("1e999", 1, 1, 1, 1, 1)]),
        "line 11: 'inf' is no time",
    ),
    "years before all markets": (
        csv_text([(f"0026-09-{day:02}", 1, 1, 1, 1, 1) for day in range(1, 20)]),
        "line 2: '0026-09-01' is no time",
    ),
    "JSON cut off": ("[[1788868800000, 1, 1, 1, 1, 1], [17888", "line 1 is no JSON"),
    "an answer without candles": (
        '{"code": -1121, "msg": "Invalid symbol."}',
        "has the message 'Invalid symbol.' and no",
    ),
    "local times of the future": (
        csv_text(dated("%Y-%m-%d %H:%M", reference(start_ms=NOW))),
        "in the future: .*; its times have no offset and were read as UTC: write the offset",
    ),
    "JSON of something else": ('{"status": 404}', "has no rows of candles"),
    "deep JSON": ("[" * 100_000, "is nested too deep"),
    "Parquet without rows": (
        arrow_parquet({name: Array([], DataType.float64()) for name in NAMES}),
        "has no rows of candles: export it again",
    ),
    "a table of a web page": (b"<table><tr><td>2026-09-08</td><td>1</td></tr></table>", "is a web page or XML"),
    "lz4": (b"\x04\x22\x4d\x18 rest", "is packed with lz4: unpack it first"),
    "tuples of Python": (str([tuple(candle) for candle in REFERENCE]), "is text of Python, no JSON"),
    "damaged Parquet": (b"PAR1 no parquet PAR1", "is damaged Parquet"),
    # Parquet and Feather are the exports of bytes.
    "cut-off Parquet": (bytes(EXPORTS["freqtrade as Parquet"])[:2_000], "is Parquet that is cut off"),  # type: ignore[arg-type]
    "damaged Feather": (b"ARROW1\0\0 no Arrow file ARROW1", "is damaged Feather"),
    "cut-off Feather": (bytes(EXPORTS["freqtrade as Feather"])[:2_000], "is Feather that is cut off"),  # type: ignore[arg-type]
    "Feather of the first version": (b"FEA1 and more FEA1", "is Feather of the first version.*write it again"),
    "damaged gzip": (gzip.compress(PLAIN.encode())[:-20], "is a damaged or protected gzip file"),
    "damaged zip": (zipped(a=PLAIN.encode())[:-20], "is a damaged or protected zip file"),
    "several files": (
        zipped(**{"a.csv": b"1", "b.csv": b"2"}),
        r"holds 2 files \(a\.csv, b\.csv\): unpack it and name one",
    ),
    "an empty zip": (zipped(), "is a zip without members: download or export it again"),
    "Excel": (zipped(**{"xl/workbook.xml": b"1", "a": b""}), "is an Excel workbook: save it as CSV"),
    "old Excel": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "is an Excel workbook"),
    "PDF": (b"%PDF-1.7 ...", "is a PDF"),
    "a tar archive": (gzip.compress(b"BTCUSDT-1h.csv".ljust(257, b"\0") + b"ustar" + bytes(300)), "is a tar archive"),
    "NumPy": (b"\x93NUMPY\x01\x00" + bytes(200), "is an array of NumPy"),
    "zstd": (b"\x28\xb5\x2f\xfd rest", "is packed with zstd: unpack it first"),
    "packed too often": (
        gzip.compress(gzip.compress(gzip.compress(gzip.compress(PLAIN.encode())))),
        "is packed more than 3 times",
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, case: str) -> None:
    content, words = REFUSALS[case]
    path = tmp_path / "BTCUSDT-1h.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(InvalidMarketData, match=f"^BTCUSDT-1h\\.csv: .*({words})") as refused:
        read_candles(path, NOW)
    assert "\n" not in refused.value.message


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(InvalidMarketData, match=r"^none\.csv: cannot be read: No such file or directory$"):
        read_candles(tmp_path / "none.csv", NOW)


MONTHS = zipped(**{f"BTCUSDT-1h-2024-0{month}.csv": bytes(1_500) for month in (1, 2)})


@pytest.mark.parametrize("packed", [gzip.compress(bytes(100_000)), zipped(a=bytes(100_000)), bytes(5_000), MONTHS])
def test_no_more_is_read_than_the_limit(tmp_path: Path, packed: bytes) -> None:
    path = tmp_path / "bomb.csv.gz"
    path.write_bytes(packed)
    with pytest.raises(InvalidMarketData, match="holds more than 2,000 bytes"):
        content_of(path, 2_000)


def test_one_market_of_several_is_read_when_named(tmp_path: Path) -> None:
    other = reference(price=3_000.0)
    rows = [
        (*c, name) for pair in zip(REFERENCE, other, strict=True) for c, name in zip(pair, ("A", "B/X"), strict=True)
    ]
    path = tmp_path / "both.csv"
    path.write_text(csv_text(rows, (*NAMES, "symbol")))
    read = read_candles(path, NOW, "bx")
    assert list(read.series.candles) == other
    assert read.symbol == "B/X"


def test_one_ticker_of_several_is_read_when_named(tmp_path: Path) -> None:
    path = tmp_path / "both.csv"
    content = str(REFUSALS["two tickers"][0])
    path.write_text(content)
    read = read_candles(path, NOW + 10**10, "AAPL")
    assert [candle.close for candle in read.series.candles] == [2.0, 2.0]
    assert read.symbol == "AAPL"


def test_one_timeframe_of_several_is_read_when_named(tmp_path: Path) -> None:
    rows = [(*c, "60") for c in REFERENCE] + [(*c, "240") for c in reference(70, 4 * HOUR)]
    path = tmp_path / "both.csv"
    path.write_text(csv_text(rows, (*NAMES, "interval")))
    assert list(read_candles(path, NOW, timeframe=Timeframe.H4).series.candles) == reference(70, 4 * HOUR)
