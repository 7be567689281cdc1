"""What the process that reads a file replies, for content of every kind."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path

import fastparquet
import pandas as pd
import pytest

from domain.market import Timeframe
from services.candle_files.messages import FoundCandles, ReadRequest
from services.candle_files.process import reply_to
from tests.fixtures.candle_exports import EXPORTS, HOUR, NAMES, NOW, REFERENCE, csv_text

CASES = Path(__file__).resolve().parents[5] / "shared" / "cases"
FEATHER = Path(__file__).resolve().parents[3] / "fixtures" / "freqtrade.feather"


def request(
    name: str = "", symbol: str | None = None, timeframe: Timeframe | None = None, newest: int = 1000
) -> ReadRequest:
    return ReadRequest(
        name=name,
        now_ms=NOW,
        symbol=symbol,
        timeframe=timeframe,
        newest=newest,
        max_unpacked_bytes=1_000_000,
        max_memory_bytes=2**32,
    )


def found(content: bytes | str, given: ReadRequest | None = None) -> FoundCandles:
    reply = reply_to(given or request(), content.encode() if isinstance(content, str) else content)
    assert reply.found is not None, reply.refusal
    return reply.found


def packed(size: int) -> bytes:
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", b"1" * size)
    return kept.getvalue()


@pytest.mark.parametrize("form", sorted(EXPORTS)[::8])
def test_an_export_of_any_kind_is_read_from_its_content(form: str) -> None:
    exported = EXPORTS[form]
    read = found(exported, request(newest=2))
    assert (read.choose, read.timeframe, read.count, len(read.candles)) == (None, "1h", 300, 2)
    assert [row[4] for row in read.candles] == pytest.approx([candle.close for candle in REFERENCE[-2:]])


def test_parquet_and_feather_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    fastparquet.write(str(path), pd.DataFrame(REFERENCE, columns=list(NAMES)))
    read = found(path.read_bytes(), request("ETHUSDT-1h.parquet", newest=5))
    assert (read.symbol, read.count, read.form, len(read.candles)) == ("ETHUSDT", 300, "Parquet", 5)
    assert read.candles == tuple(tuple(candle) for candle in REFERENCE[-5:])
    assert found(FEATHER.read_bytes()).count == 300


def test_notes_say_what_was_left_out_and_columns_what_is_known() -> None:
    rows: list[tuple[object, ...]] = [candle[:5] for candle in REFERENCE]
    rows[7] = (rows[7][0], "", "", "", "")
    read = found(csv_text(rows, ("time", "open", "high", "low", "close")))
    assert read.columns == ("timestamp", "open", "high", "low", "close")
    assert (read.count, read.missing, read.candles[0][5]) == (299, 1, None)
    assert any("without prices" in note for note in read.notes)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (pickle.dumps([1, 2]), "the file is a pickle, which can run code: save it as CSV or Parquet"),
        (
            b"<!doctype html><html></html>",
            "the file is a web page or XML, no table of candles",
        ),
        (b"PAR1 and then it ends", "the file is Parquet that is cut off: copy or write it again"),
        (b"hello", "the file has no row of candles"),
        (packed(1_000_001), "unpacked it holds more than 1,000,000 bytes: split it by years"),
        (csv_text([(NOW + at * HOUR, 1, 1, 1, 1, 1) for at in range(5)]).encode(), "opens in the future"),
    ],
    ids=["pickle", "page", "cut off", "no table", "too large", "future"],
)
def test_what_is_no_file_of_candles_is_refused_with_the_reason(content: bytes, words: str) -> None:
    reply = reply_to(request(), content)
    assert reply.found is None
    assert words in str(reply.refusal)


@pytest.mark.usefixtures("real_data")
@pytest.mark.parametrize(
    ("name", "symbol", "timeframe"),
    [
        ("BTC_USDT-1h.parquet", "BTCUSDT", "1h"),
        ("EURUSD-1h.csv.gz", "EURUSD", "1h"),
        ("XBTUSD_60.csv", "XBTUSD", "1h"),
        ("utf16_BTCUSDT-1h.csv", "BTCUSDT", "1h"),
        ("yfinance_MSFT-1d.csv", "MSFT", "1d"),
    ],
)
def test_exports_of_exchanges_and_brokers_are_read(name: str, symbol: str, timeframe: str) -> None:
    given = request(name).model_copy(update={"now_ms": NOW + 1000 * HOUR})
    read = found((CASES / name).read_bytes(), given)
    assert (read.symbol, read.timeframe) == (symbol, timeframe)
    assert read.count >= 100
