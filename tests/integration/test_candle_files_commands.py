"""`candles check` and `candles convert`, and the other commands on files of any form."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from features.candle_reading.reading import read_candles
from tests.fixtures.candle_exports import EXPORTS, NAMES, NOW, PLAIN, REFERENCE, csv_text, moment, reference, zipped
from tests.fixtures.clocks import SettableClock
from tests.fixtures.commands import printed

CASES = Path(__file__).resolve().parents[2].parent / "shared" / "cases"
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Return a function that runs the command line, and gives its status and what it printed."""
    return partial(printed, capsys)


@pytest.fixture
def check(command: Command) -> Callable[..., dict[str, Any]]:
    """Return a function that gives what `candles check --json` prints."""

    def run(*arguments: object) -> dict[str, Any]:
        status, shown, errors = command("candles", "check", *arguments, "--json")
        assert (status, errors) == (0, "")
        document: dict[str, Any] = json.loads(shown)
        return document

    return run


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_check_prints_one_document(tmp_path: Path, check: Callable[..., dict[str, Any]]) -> None:
    rows: list[list[object]] = [list(candle) for candle in REFERENCE]
    rows[5][1:] = [""] * 5
    assert check(write(tmp_path, "BTCUSDT-1h.csv", csv_text(rows))) == {
        "symbol": "BTCUSDT",
        "timeframe": "1h",
        "candles": 299,
        "missing": 1,
        "first": REFERENCE[0]._asdict(),
        "last": REFERENCE[-1]._asdict(),
        "notes": ["read as CSV", "1 row without prices left out"],
    }


def test_check_needs_no_market(tmp_path: Path, check: Callable[..., dict[str, Any]]) -> None:
    document = check(write(tmp_path, "my export.csv", PLAIN))
    assert document["symbol"] is None
    assert document["last"] == REFERENCE[-1]._asdict()


def test_check_makes_a_longer_timeframe_of_whole_candles(tmp_path: Path, check: Callable[..., dict[str, Any]]) -> None:
    document = check(write(tmp_path, "BTCUSDT-1h.csv", PLAIN), "--timeframe", "4h")
    last = REFERENCE[-4:]
    assert (document["timeframe"], document["candles"], document["missing"]) == ("4h", 75, 0)
    assert document["last"] == {
        "timestamp": last[0].timestamp,
        "open": last[0].open,
        "high": max(candle.high for candle in last),
        "low": min(candle.low for candle in last),
        "close": last[-1].close,
        "volume": pytest.approx(sum(candle.volume for candle in last)),
    }


def test_an_unknown_volume_is_null(tmp_path: Path, check: Callable[..., dict[str, Any]]) -> None:
    file = write(tmp_path, "BTCUSDT-1h.csv", csv_text([candle[:5] for candle in REFERENCE], NAMES[:5]))
    document = check(file)
    assert document["first"]["volume"] is None
    assert document["last"]["volume"] is None
    assert "volume is unknown" in document["notes"]
    assert check(file, "--timeframe", "4h")["last"]["volume"] is None


def test_a_last_candle_that_is_still_forming_is_kept_and_said(
    tmp_path: Path, check: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SettableClock(moment(REFERENCE[-1].timestamp + 60_000))
    monkeypatch.setattr("commands.candles.reading.SystemClock", lambda: clock)
    monkeypatch.setattr("commands.candles.app.SystemClock", lambda: clock)
    document = check(write(tmp_path, "BTCUSDT-1h.csv", PLAIN))
    assert document["last"] == REFERENCE[-1]._asdict()
    assert document["notes"][-1] == "the last candle is still forming"


def test_one_of_two_markets_is_checked_by_its_name(tmp_path: Path, command: Command) -> None:
    rows = [row for c, d in zip(REFERENCE, reference(price=3_000.0), strict=True) for row in ((*c, "A1"), (*d, "B1"))]
    file = write(tmp_path, "two-1h.csv", csv_text(rows, (*NAMES, "symbol")))
    status, shown, errors = command("candles", "check", file)
    assert (status, shown) == (2, "")
    assert errors == "error: two-1h.csv: two markets in column symbol: A1, B1; name one with --symbol\n"
    status, shown, errors = command("candles", "check", file, "--symbol", "B1", "--json")
    assert (status, errors, json.loads(shown)["first"]["open"]) == (0, "", 3_000.0)


def test_the_market_of_a_zip_is_that_of_its_member(tmp_path: Path, check: Callable[..., dict[str, Any]]) -> None:
    packed = write(tmp_path, "archive.zip", zipped(**{"BTCUSDT-1h.csv": PLAIN.encode()}))
    assert check(packed)["symbol"] == "BTCUSDT"
    assert check(packed, "--symbol", "xxbtzusd")["symbol"] == "XBTUSD"


def test_a_market_that_is_no_symbol_can_be_read_where_the_file_has_it(
    tmp_path: Path, command: Command, check: Callable[..., dict[str, Any]]
) -> None:
    rows = [(*c, name) for c in REFERENCE for name in ("Apple Inc.", "Microsoft, Inc.")]
    several = write(tmp_path, "shares.csv", csv_text([(*row[:6], f'"{row[6]}"') for row in rows], (*NAMES, "symbol")))
    found = check(several, "--symbol", "Apple Inc.")
    assert (found["candles"], found["symbol"]) == (300, None)
    status, shown, errors = command(
        "candles", "check", write(tmp_path, "BTCUSDT-1h.csv", PLAIN), "--symbol", "Apple Inc."
    )
    assert (status, shown) == (2, "")
    assert errors.startswith("error: --symbol: a symbol has at most 20 capital letters")


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "is empty"), (bytes(999), "is binary"), (b"<html></html>", "is a web page"), (b"a,b\n1,2\n", "no row")],
)
def test_a_file_that_cannot_be_read_gives_one_line_and_status_2(
    tmp_path: Path, command: Command, content: bytes, words: str
) -> None:
    status, shown, errors = command("candles", "check", write(tmp_path, "BTCUSDT-1h.csv", content))
    assert (status, shown) == (2, "")
    assert errors.startswith("error: BTCUSDT-1h.csv: ")
    assert words in errors
    assert errors.count("\n") == 1


def test_check_is_a_table_for_people(tmp_path: Path, command: Command) -> None:
    status, shown, _ = command("candles", "check", write(tmp_path, "BTCUSDT-1h.csv", EXPORTS["Binance"]))
    assert status == 0
    assert "300 of 1h, 0 missing" in shown
    assert "read as Binance export" in shown


@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".parquet", ".json"])
def test_convert_writes_the_plain_form(tmp_path: Path, command: Command, ending: str) -> None:
    source, target = write(tmp_path, "XBTUSD_60.csv", EXPORTS["Kraken"]), tmp_path / f"BTCUSD-1h{ending}"
    status, _, errors = command("candles", "convert", source, target)
    assert status == 0
    assert "XBTUSD_60.csv: read as Kraken export: 300 candles of 1h, seconds\n" in errors
    found = read_candles(target, NOW)
    assert list(found.series.candles) == REFERENCE
    assert found.notes == ()
    if ending == ".csv.gz":
        assert gzip.decompress(target.read_bytes()).decode() == PLAIN
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_convert_replaces_a_file_only_by_force(tmp_path: Path, command: Command) -> None:
    source, target = write(tmp_path, "a.csv", PLAIN), write(tmp_path, "BTCUSDT-1h.csv", "mine")
    status, _, errors = command("candles", "convert", source, target)
    assert (status, target.read_text()) == (2, "mine")
    assert errors.endswith("is there already: choose another name, or replace it with --force\n")
    assert command("candles", "convert", source, target, "--force", "--timeframe", "4h")[0] == 0
    assert len(read_candles(target, NOW).series) == 75


@pytest.mark.parametrize(
    ("target", "words"), [("a.xlsx", "written as .csv, .csv.gz, .parquet, .json"), ("x/a.csv", "no folder")]
)
def test_convert_names_what_it_cannot_write(tmp_path: Path, command: Command, target: str, words: str) -> None:
    status, _, errors = command("candles", "convert", write(tmp_path, "a.csv", PLAIN), tmp_path / target)
    assert status == 2
    assert words in errors
    assert errors.count("\n") == 1


def test_analyze_says_once_how_a_file_was_read(tmp_path: Path, command: Command) -> None:
    status, shown, errors = command("analyze", write(tmp_path, "XBTUSD_60.csv", EXPORTS["Kraken"]))
    assert status == 0
    assert shown
    assert errors == "XBTUSD_60.csv: read as Kraken export: 300 candles of 1h, seconds\n"
    assert command("analyze", write(tmp_path, "BTCUSDT-1h.csv", PLAIN))[2] == ""


# What ../shared/cases/README.md calls right: symbol apart, candles, missing and the newest candle.
REF = (300, (1_789_945_200_000, 47_159.77, 47_383.42, 46_967.85, 47_119.31))
SHORT = (150, (1_789_945_200_000, 54_443.11, 54_955.5, 54_329.54, 54_830.13))
RIGHT: dict[str, tuple[int, tuple[float, ...]]] = {
    **dict.fromkeys(
        (
            *("BINANCE_BTCUSDT, 60.csv", "BTCUSDT-ref.csv", "BTC_USDT-1h.json", "BTC_USDT-1h.json.gz"),
            *("BTC_USDT-1h.parquet", "Binance_BTCUSDT_1h.csv", "XBTUSD_60.csv", "bitstamp_BTCUSD-1h.csv"),
            *("caps_BTCUSDT-1h.csv", "closetime_BTCUSDT-1h.csv", "comment_BTCUSDT-1h.csv", "iso_BTCUSDT-1h.csv"),
            *("kaggle_btcusd-1h.csv", "novolume_EURUSD-1h.csv", "ns_BTCUSDT-1h.csv", "repeated_header_BTCUSDT-1h.csv"),
            *("semicolon_BTCUSDT-1h.csv", "spaces_BTCUSDT-1h.csv", "tab_BTCUSDT-1h.csv", "thousands_BTCUSDT-1h.csv"),
            *("trailing_comma_BTCUSDT-1h.csv", "tv_iso_BTCUSDT-60.csv", "um_BTCUSDT-1h.csv"),
            *("unnamed_last_BTCUSDT-1h.csv", "utf16_BTCUSDT-1h.csv"),
        ),
        REF,
    ),
    **dict.fromkeys(("cp1252_BTCEUR-1h.csv", "dt_ns_BTCUSDT-1h.parquet"), SHORT),
    "nullrow_BTCUSD-1h.csv": (148, SHORT[1]),
    "lasttrade_AAPL-1h.csv": (149, (1_789_941_600_000, 54_510.16, 54_955.5, 54_242.43, 54_830.13)),
    "BTCUSDT-8h.csv": (200, (1_789_948_800_000, 55_338.28, 55_472.31, 54_434.44, 54_745.42)),
    "BTCUSDT-1w.csv": (100, (1_789_344_000_000, 5_253.07, 5_282.68, 5_217.91, 5_229.87)),
    "KO-1d.csv": (120, (1_789_689_600_000, 160.074418582, 160.814909632, 159.531391812, 160.19289715)),
    "yahooweb_PETR4.SA.csv": (100, (1_789_689_600_000, 39.92, 40.15, 39.66, 39.75)),
    "yfinance_MSFT-1d.csv": (100, (1_789_689_600_000, 430.75, 433.18, 427.87, 428.85)),
    "MSFT-1d.csv": (120, (1_778_817_600_000, 443.15, 445.2, 441.66, 443.49)),
    "MSFT-days-utc.csv": (700, (1_692_921_600_000, 49.9, 50.02, 49.68, 50.01)),
    "EURUSD-1h.csv.gz 1d": (108, (1_790_294_400_000, 1.10014, 1.10031, 1.05056, 1.05128)),
    "AAPL-1h.csv 4h": (120, (1_789_752_600_000, 201.71, 204.03, 200.78, 201.45)),
    "AAPL-1h.csv 1d": (60, (1_789_689_600_000, 203.09, 204.03, 200.78, 201.45)),
    "kraken_sparse_XMRUSD-15m.csv 1h": (299, (1_789_945_200_000, 15.7482, 15.7805, 15.5003, 15.6037)),
    "kraken_sparse_XMRUSD-15m.csv 4h": (76, (1_789_934_400_000, 15.9693, 16.0862, 15.5003, 15.6037)),
}


@pytest.mark.realdata
@pytest.mark.parametrize("case", RIGHT)
def test_inputs_as_people_have_them_read_right(check: Callable[..., dict[str, Any]], case: str) -> None:
    if not CASES.is_dir():
        pytest.skip("the folder ../shared/cases is not here")
    name, _, timeframe = case.rpartition(" ") if case.endswith(("h", "d")) else (case, "", "")
    document = check(CASES / name, *(["--timeframe", timeframe] if timeframe else []))
    count, newest = RIGHT[case]
    last = document["last"]
    assert document["candles"] == count
    assert (last["timestamp"], last["open"], last["high"], last["low"], last["close"]) == pytest.approx(newest, 1e-9)


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("two_interleaved-1h.csv", "two markets in column symbol: BTCUSDT, ETHUSDT; name one with --symbol"),
        ("excelsci_BTCUSDT-1h.csv", "cannot be recovered"),
        ("BTCUSDT-1M.csv", "a month has no fixed length"),
    ],
)
def test_inputs_that_cannot_be_read_are_refused(command: Command, name: str, words: str) -> None:
    if not CASES.is_dir():
        pytest.skip("the folder ../shared/cases is not here")
    status, shown, errors = command("candles", "check", CASES / name)
    assert (status, shown) == (2, "")
    assert errors.startswith(f"error: {name}: ")
    assert words in errors
