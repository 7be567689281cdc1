"""Any order, separator, unit and name of columns reads as the reference; any damage is refused, never a crash."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from domain.errors import InvalidMarketData
from features.candle_reading.reading import ReadCandles, read_candles
from tests.fixtures.candle_exports import EXPORTS, NOW, REFERENCE, csv_text, moment

CANDLES = REFERENCE[:60]
FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
TIMES: dict[str, Callable[[int], str]] = {
    "seconds": lambda time: str(time // 1000),
    "float seconds": lambda time: f"{time / 1000:.3f}",
    "milliseconds": str,
    "microseconds": lambda time: f"{time}000",
    "nanoseconds": lambda time: f"{time}000000",
    "ISO": lambda time: f"{moment(time):%Y-%m-%dT%H:%M:%SZ}",
    "words": lambda time: f"{moment(time):%Y-%m-%d %H:%M:%S}",
    "day first with dots": lambda time: f"{moment(time):%d.%m.%Y %H:%M}",
    "months in words": lambda time: f"{moment(time):%d %b %Y %H:%M}",
    "close times": lambda time: str(time + 3_599_999),
}
NAMES = {
    "time": ("timestamp", "Date", "open_time", "Open Time", "unix", "<DATE>", "datetime", "t", "Gmt time"),
    "open": ("open", "Open", "OPEN", "o", "<OPEN>", "open_price", "1. open", "Open (USD)"),
    "high": ("high", "High", "h", "<HIGH>", "high_price", "2. high"),
    "low": ("low", "Low", "l", "<LOW>", "low_price", "3. low"),
    "close": ("close", "Close", "c", "<CLOSE>", "close_price", "4. close", "Close/Last", "Price"),
    "volume": ("volume", "Volume", "v", "Vol.", "<VOL>", "volume_usdt", "Volume BTC", "basevolume", "5. volume"),
}
OTHERS = ("trades", "Change %", "Weighted_Price", "quote_volume", "vwap", "")


@given(data=st.data())
@FOLDER
def test_any_columns_in_any_order_read_as_the_reference(tmp_path: Path, data: st.DataObject) -> None:
    write = TIMES[data.draw(st.sampled_from(sorted(TIMES)))]
    delimiter = data.draw(st.sampled_from([",", ";", "\t", "|", ", "]))
    names = [data.draw(st.sampled_from(words)) for words in NAMES.values()]
    extra = data.draw(st.lists(st.sampled_from(OTHERS), max_size=3, unique=True))
    columns = [[write(c.timestamp) for c in CANDLES], *([str(c[at]) for c in CANDLES] for at in range(1, 6))]
    columns += [["1"] * len(CANDLES) for _ in extra]
    order = data.draw(st.permutations(range(len(columns))))
    rows = [[columns[at][row] for at in order] for row in range(len(CANDLES))]
    if data.draw(st.booleans()):
        rows.reverse()
    if delimiter == ";" and data.draw(st.booleans()):
        rows = [[cell.replace(".", ",") if cell.count(".") == 1 else cell for cell in row] for row in rows]
    text = csv_text(rows, [[*names, *extra][at] for at in order], delimiter, data.draw(st.sampled_from(["\n", "\r\n"])))
    encoding = data.draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]))
    path = tmp_path / "any.txt"
    path.write_bytes(text.encode(encoding))
    assert list(read_candles(path, NOW).series.candles) == CANDLES


@given(seed=st.integers(0, 2**32), keep=st.floats(0.3, 1.0))
@FOLDER
def test_rows_in_any_order_with_holes_and_repeats_read_as_the_reference(tmp_path: Path, seed: int, keep: float) -> None:
    draw = random.Random(seed)  # noqa: S311 - not for secrets
    kept = [candle for candle in REFERENCE if draw.random() < keep]
    rows = [*kept, *draw.sample(kept, len(kept) // 10)]
    draw.shuffle(rows)
    path = tmp_path / "any.csv"
    path.write_text(csv_text(rows))
    assert list(read_candles(path, NOW).series.candles) == kept


def read_or_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    try:
        found: ReadCandles | str = read_candles(path, NOW)
    except InvalidMarketData as refusal:
        found = refusal.message
    assert isinstance(found, ReadCandles) or (found.startswith(f"{path.name}: ") and len(found) < 1_000)


@given(content=st.binary(max_size=400))
@FOLDER
def test_random_bytes_are_read_or_refused(tmp_path: Path, content: bytes) -> None:
    read_or_refused(tmp_path / "random.csv", content)


@given(text=st.text(st.sampled_from("0123456789.,;:-/ \n\t|\"'[]{}ezopenhighlowclosetimeNaN"), max_size=400))
@FOLDER
def test_random_text_is_read_or_refused(tmp_path: Path, text: str) -> None:
    read_or_refused(tmp_path / "random.csv", text.encode())


# Neither Parquet nor Feather: their libraries end the process on some files that are damaged within.
@pytest.mark.parametrize("form", [form for form in EXPORTS if not re.search("Parquet|Feather", form)])
@example(seed=504780840)
@given(seed=st.integers(0, 2**32))
@settings(FOLDER, max_examples=3)
def test_a_damaged_export_is_read_or_refused(tmp_path: Path, form: str, seed: int) -> None:
    export, draw = EXPORTS[form], random.Random(seed)  # noqa: S311 - not for secrets
    content = bytearray(export.encode() if isinstance(export, str) else export)[: draw.choice([2_000, 10**6])]
    for _ in range(draw.randint(1, 12)):
        at = draw.randrange(len(content))
        match draw.randrange(4):
            case 0:
                content[at] = draw.randrange(256)
            case 1:
                del content[at : at + draw.randrange(1, 40)]
            case 2:
                content[at:at] = bytes(draw.choices(b'0123456789,;.\n-:e" ', k=draw.randrange(1, 12)))
            case _:
                content[at:at] = content[: draw.randrange(1, 200)]
        if not content:
            break
    read_or_refused(tmp_path / "damaged.csv", bytes(content))
