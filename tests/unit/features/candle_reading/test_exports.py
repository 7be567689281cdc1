"""Every form of the same candles reads as the same candles."""

from __future__ import annotations

import bz2
import json
import lzma
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from arro3.core import Array, DataType

from domain.errors import InvalidMarketData
from domain.market import CandleSeries, Timeframe
from features.candle_reading.reading import ReadCandles, read_candles
from tests.fixtures.candle_exports import (
    EXPORTS,
    HOUR,
    NAMES,
    NOW,
    REFERENCE,
    arrow_parquet,
    csv_text,
    dated,
    moment,
    reference,
    timestamps,
)
from tests.fixtures.exchange_answers import ANSWERS
from tests.fixtures.vendor_exports import VENDORS
from tests.fixtures.wrapped_answers import WRAPPED

FORMS = EXPORTS | ANSWERS | VENDORS | WRAPPED


def read(folder: Path, content: str | bytes, symbol: str | None = None, now_ms: int = NOW) -> ReadCandles:
    # The ending says nothing: content tells.
    path = folder / "candles.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_candles(path, now_ms, symbol)


@pytest.mark.parametrize("form", FORMS)
def test_an_export_reads_as_the_reference(tmp_path: Path, form: str) -> None:
    found = read(tmp_path, FORMS[form])
    assert found.series.timeframe is Timeframe.H1
    assert list(found.series.candles) == REFERENCE


@pytest.mark.parametrize("pack", [bz2.compress, lzma.compress])
def test_files_in_bzip2_and_xz_are_unpacked(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    assert list(read(tmp_path, pack(csv_text(REFERENCE).encode())).series.candles) == REFERENCE
    with pytest.raises(InvalidMarketData, match=r"is a damaged or protected (?:bzip2|xz) file"):
        read(tmp_path, pack(csv_text(REFERENCE).encode())[:-40])


def test_a_table_in_a_drawn_box_is_read(tmp_path: Path) -> None:
    rows = [f"│ {' │ '.join(map(str, candle))} │" for candle in REFERENCE]
    drawn = "\n".join([f"┌─{'─┬─'.join(NAMES)}─┐", *rows, "└───┴───┘"])
    assert list(read(tmp_path, drawn).series.candles) == REFERENCE


@pytest.mark.parametrize("types", ["---\n│ i64", "int64", "i64"])
def test_the_types_that_polars_and_duckdb_print_are_no_markets(tmp_path: Path, types: str) -> None:
    first, _, more = types.partition("\n")
    lines = [f"│ {' │ '.join([first] * 6)} │", *([f"{more} │ {' │ '.join(['f64'] * 5)} │"] if more else [])]
    rows = [f"│ {' │ '.join(map(str, candle))} │" for candle in REFERENCE]
    drawn = "\n".join([f"│ {' │ '.join(NAMES)} │", *lines, *rows])
    assert list(read(tmp_path, drawn).series.candles) == REFERENCE


def test_times_of_parquet_in_an_index_without_a_name_are_read(tmp_path: Path) -> None:
    # As pandas writes such an index with pyarrow: the last column, with the zone beside it.
    columns = {name: Array([getattr(c, name) for c in REFERENCE], DataType.float64()) for name in NAMES[1:]}
    described: list[dict[str, object]] = [
        {"name": name, "field_name": name, "numpy_type": "float64", "metadata": None} for name in columns
    ]
    index = {"name": None, "field_name": "__index_level_0__", "numpy_type": "datetime64[ms]"}
    described.append(index | {"metadata": {"timezone": "UTC"}})
    pandas = {"index_columns": ["__index_level_0__"], "columns": described, "pandas_version": "3.1.1"}
    times = {"__index_level_0__": timestamps("ms", "UTC")}
    found = read(tmp_path, arrow_parquet(columns | times, key_value_metadata={"pandas": json.dumps(pandas)}))
    assert list(found.series.candles) == REFERENCE


def test_numbers_of_parquet_may_be_split_into_streams_of_bytes(tmp_path: Path) -> None:
    columns = {name: Array([float(getattr(c, name)) for c in REFERENCE], DataType.float64()) for name in NAMES}
    content = arrow_parquet(columns, encoding="byte_stream_split", dictionary_enabled=False)
    assert list(read(tmp_path, content).series.candles) == REFERENCE


def test_lines_of_json_may_end_with_commas(tmp_path: Path) -> None:
    lines = ",\n".join(json.dumps(dict(zip(NAMES, candle, strict=True))) for candle in REFERENCE)
    assert list(read(tmp_path, f"{lines},\n").series.candles) == REFERENCE


def test_prices_of_t_invest_are_units_and_their_billionths(tmp_path: Path) -> None:
    def quotation(price: float) -> dict[str, object]:
        nano = round(price * 1e9)
        return {"units": str(nano // 10**9), "nano": nano % 10**9}

    candles = [
        {name: quotation(getattr(c, name)) for name in NAMES[1:5]}
        | {"volume": str(c.volume), "time": f"{moment(c.timestamp):%Y-%m-%dT%H:%M:%SZ}", "isComplete": True}
        for c in REFERENCE
    ]
    assert list(read(tmp_path, json.dumps({"candles": candles})).series.candles) == REFERENCE


@pytest.mark.parametrize(("base", "quote"), [("WETH", "USDC"), ({"symbol": "WETH"}, {"symbol": "USDC"})])
def test_a_market_may_be_named_by_its_two_sides(tmp_path: Path, base: object, quote: object) -> None:
    answer = {"ohlcv_list": [*map(list, REFERENCE)], "meta": {"base": base, "quote": quote}}
    assert read(tmp_path, json.dumps(answer)).symbol == "WETH/USDC"


def test_bars_of_tardis_are_stamped_at_their_close(tmp_path: Path) -> None:
    rows = [(moment(c[0] + HOUR), *c[1:], moment(c[0] + 1_123), moment(c[0] + HOUR - 1_500)) for c in REFERENCE]
    found = read(tmp_path, csv_text(rows, ("timestamp", *NAMES[1:], "open_timestamp", "close_timestamp")))
    assert list(found.series.candles) == REFERENCE


@pytest.mark.parametrize(
    "names",
    [("start_timestamp", *NAMES[1:]), ("bucket", "first", "max", "min", "last", "sum"), (*NAMES[:5], "traded volume")],
)
def test_more_names_of_columns_are_known(tmp_path: Path, names: tuple[str, ...]) -> None:
    assert list(read(tmp_path, csv_text(REFERENCE, names)).series.candles) == REFERENCE


@pytest.mark.parametrize("named", [True, False], ids=["named", "unnamed"])
def test_of_prices_of_both_sides_the_bid_is_read_and_the_ask_is_no_volume(tmp_path: Path, named: bool) -> None:
    asks = [[price + 1 for price in (c.open, c.high, c.low, c.close)] for c in REFERENCE]
    rows = [(*row[:5], *ask) for row, ask in zip(dated("%Y-%m-%d %H:%M:%S"), asks, strict=True)]
    names = ("Time", *(f"{side}{name}" for side in ("Bid", "Ask") for name in ("Open", "High", "Low", "Close")))
    found = read(tmp_path, csv_text(rows, names if named else ()))
    expected = CandleSeries(Timeframe.H1, REFERENCE)
    assert found.series.times_ms.tolist() == expected.times_ms.tolist()
    assert found.series.values[:, :4].tolist() == expected.values[:, :4].tolist()
    assert np.isnan([candle.volume for candle in found.series.candles]).all()


def test_candles_of_tradestation_open_before_the_time_that_is_written(tmp_path: Path) -> None:
    later = [(moment(c[0] + HOUR), c) for c in REFERENCE]
    rows = [(f"{at:%m/%d/%Y}", f"{at:%H:%M}", c.open, c.high, c.low, c.close, 5, 3) for at, c in later]
    found = read(tmp_path, csv_text(rows, ("Date", "Time", "Open", "High", "Low", "Close", "Up", "Down")))
    assert found.series.times_ms.tolist() == [c[0] for c in REFERENCE]


def test_of_the_body_that_an_engine_posts_one_timeframe_is_read_when_named(tmp_path: Path) -> None:
    series = CandleSeries(Timeframe.H1, REFERENCE)
    frames = {
        frame.timeframe.value: [{name: getattr(candle, name) for name in NAMES} for candle in frame.candles]
        for frame in (series, series.resample(Timeframe.H4))
    }
    body = json.dumps({"symbol": "ETHUSDT", "timeframe_data": frames, "current_price": 1.0, "timestamp": 1})
    with pytest.raises(InvalidMarketData, match="two timeframes in column timeframe: 1h, 4h; name one with"):
        read(tmp_path, body)
    (tmp_path / "body.json").write_text(body)
    found = read_candles(tmp_path / "body.json", NOW, timeframe=Timeframe.H4)
    assert (found.symbol, found.series.timeframe) == ("ETHUSDT", Timeframe.H4)
    assert found.series.times_ms.tolist() == [row["timestamp"] for row in frames["4h"]]


def test_of_the_candles_of_several_markets_and_timeframes_one_is_read_when_both_are_named(tmp_path: Path) -> None:
    def rows(candles: CandleSeries) -> list[dict[str, float]]:
        return [{name: getattr(candle, name) for name in NAMES} for candle in candles.candles]

    hours, others = CandleSeries(Timeframe.H1, REFERENCE), CandleSeries(Timeframe.H1, reference(price=3_000.0))
    markets = {
        symbol: {frame.timeframe.value: rows(frame) for frame in (series, series.resample(Timeframe.H4))}
        for symbol, series in (("BTCUSDT", hours), ("ETHUSDT", others))
    }
    path = tmp_path / "body.json"
    path.write_text(json.dumps({"symbols": [*markets], "timeframe_data": markets}))
    with pytest.raises(InvalidMarketData, match="two markets in column symbol: BTCUSDT, ETHUSDT; name one with"):
        read_candles(path, NOW)
    with pytest.raises(InvalidMarketData, match="two timeframes in column timeframe: 1h, 4h; name one with"):
        read_candles(path, NOW, "ETHUSDT")
    found = read_candles(path, NOW, "ETHUSDT", Timeframe.H1)
    assert (found.symbol, list(found.series.candles)) == ("ETHUSDT", list(others.candles))


def test_one_market_of_a_list_of_answers_is_read_when_named(tmp_path: Path) -> None:
    answers = [
        {"symbol": symbol, "candles": [dict(zip(NAMES, candle, strict=True)) for candle in candles]}
        for symbol, candles in (("BTCUSDT", REFERENCE), ("ETHUSDT", reference(price=3_000.0)))
    ]
    found = read(tmp_path, json.dumps(answers), "ETHUSDT")
    assert (found.symbol, list(found.series.candles)) == ("ETHUSDT", reference(price=3_000.0))


def test_open_and_close_that_no_value_tells_apart_are_refused(tmp_path: Path) -> None:
    # Prices that jump everywhere: neither opens nor closes are near to what was before.
    jumping = [(c[0], c.low, c.high, c.open, c.close) for c in REFERENCE[::40]]
    with pytest.raises(InvalidMarketData, match="not in the order open, high, low, close: add a first line"):
        read(tmp_path, csv_text(jumping, ()))


@pytest.mark.parametrize(
    "script",
    ["callback({});", "/**/jQuery123_456({})", "var candles = {};\n", ")]}}',\n{}", "for(;;);{}", "while(1);{}"],
)
def test_json_may_be_handed_over_by_a_script(tmp_path: Path, script: str) -> None:
    document = json.dumps({"data": [list(candle) for candle in REFERENCE]})
    assert list(read(tmp_path, script.format(document)).series.candles) == REFERENCE


def test_a_row_of_markets_above_the_names_may_begin_empty(tmp_path: Path) -> None:
    """pandas writes so what `concat` has joined."""
    names = ["", *NAMES[1:], *NAMES[1:]]
    above = ",".join(["", *["BTC"] * 5, *["ETH"] * 5])
    rows = [(c[0], *(price / 2 for price in c[1:]), *c[1:]) for c in REFERENCE]
    content = f"{above}\n{csv_text(rows, names)}"
    assert list(read(tmp_path, content, "ETH").series.candles) == REFERENCE
    with pytest.raises(InvalidMarketData, match="two markets in its header: BTC, ETH; name one with --symbol"):
        read(tmp_path, content)
    units = f",USD,USD,USD,USD,BTC\n{csv_text(REFERENCE)}"
    assert list(read(tmp_path, units).series.candles) == REFERENCE


def test_a_market_may_stand_above_the_timeframe_of_its_candles(tmp_path: Path) -> None:
    found = read(tmp_path, json.dumps({"BTC/USDT": {"1h": [list(candle) for candle in REFERENCE]}}))
    assert found.symbol == "BTC/USDT"


def _swaps(contract: float, inverse: bool) -> list[tuple[object, ...]]:
    """Return rows with the time, prices, contracts, coins and turnover."""
    return [
        (*c[:5], round(c.volume * c.close / 100) if inverse else round(c.volume / contract), c.volume, c.volume * c[4])
        for c in REFERENCE
    ]


@pytest.mark.parametrize("names", [(*NAMES, "vol_ccy", "vol_quote"), ()], ids=["named", "unnamed"])
@pytest.mark.parametrize("inverse", [False, True], ids=["of a hundredth of a coin", "of 100 dollars"])
def test_the_volume_of_swaps_is_in_coins_not_in_contracts(
    tmp_path: Path, names: tuple[str, ...], inverse: bool
) -> None:
    rows = _swaps(0.01, inverse)
    rows = [row[:7] for row in rows] if inverse else rows
    content = csv_text(rows, names[: len(rows[0])])
    assert list(read(tmp_path, content).series.candles) == REFERENCE
