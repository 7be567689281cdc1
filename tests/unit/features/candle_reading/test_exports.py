"""Every form of the same candles reads as the same candles."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.market import Timeframe
from features.candle_reading.reading import ReadCandles, read_candles
from tests.fixtures.candle_exports import EXPORTS, NOW, REFERENCE


def read(folder: Path, content: str | bytes, symbol: str | None = None, now_ms: int = NOW) -> ReadCandles:
    # The ending says nothing: content tells.
    path = folder / "candles.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_candles(path, now_ms, symbol)


@pytest.mark.parametrize("form", EXPORTS)
def test_an_export_reads_as_the_reference(tmp_path: Path, form: str) -> None:
    found = read(tmp_path, EXPORTS[form])
    assert found.series.timeframe is Timeframe.H1
    assert list(found.series.candles) == REFERENCE
