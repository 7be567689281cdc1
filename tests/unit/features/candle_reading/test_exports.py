"""Every form of the same candles reads as the same candles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from domain.errors import InvalidMarketData
from domain.market import CandleSeries, Timeframe
from features.candle_reading.reading import ReadCandles, read_candles
from tests.fixtures.candle_exports import EXPORTS, NOW, REFERENCE, csv_text, dated
from tests.fixtures.exchange_answers import ANSWERS

FORMS = EXPORTS | ANSWERS


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


def test_open_and_close_that_no_value_tells_apart_are_refused(tmp_path: Path) -> None:
    # Prices that jump everywhere: neither opens nor closes are near to what was before.
    jumping = [(c[0], c.low, c.high, c.open, c.close) for c in REFERENCE[::40]]
    with pytest.raises(InvalidMarketData, match="not in the order open, high, low, close: add a first line"):
        read(tmp_path, csv_text(jumping, ()))
