"""Files of the past: begun, resumed, extended, and never half written."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from domain.analysis import DataSource
from domain.errors import Conflict, InvalidMarketData, InvalidRequest
from domain.market import Candle, CandleSeries, Timeframe
from domain.values import epoch_ms
from features.candle_reading.reading import read_candles
from services.market_data.fetching import SourceFailed
from services.market_data.history import downloading
from services.market_data.history.downloading import HistoryFile, HistoryRange
from services.market_data.history.paging import Pager
from services.market_data.source import HistoryPage, first_page
from tests.fixtures.clocks import NOW
from tests.fixtures.past_markets import HOUR_MS, hours_until

if TYPE_CHECKING:
    from tests.fixtures.small_disk import SmallDisk

pytest_plugins = ["tests.fixtures.small_disk"]

NOW_MS = epoch_ms(NOW)
PAGE = 100


@dataclass
class PastSource:
    """Gives pages of a hundred candles, and fails for good after `pages` of them."""

    candles: list[Candle]
    pages: int = 1_000
    starts: list[int] = field(default_factory=list)
    name = DataSource.BINANCE

    async def page(self, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> HistoryPage:
        if len(self.starts) == self.pages:
            raise SourceFailed("cannot be reached")
        self.starts.append(start_ms)
        found = [candle for candle in self.candles if start_ms <= candle.timestamp < end_ms][:PAGE]
        return first_page(symbol, timeframe, found, start_ms, end_ms, PAGE)


async def no_pause(seconds: float) -> None:
    """Go on at once."""


async def fetch(
    path: Path, source: PastSource, since_ms: int | None = None, until_ms: int = NOW_MS
) -> tuple[HistoryFile, int]:
    """Fetch into a file and save it; return it and the number of candles that were passed on."""
    file, told = HistoryFile(path, Timeframe.H1, NOW_MS), list[int]()
    try:
        wanted = HistoryRange("BTCUSDT", since_ms, until_ms)
        await file.fetch(Pager(source, sleep=no_pause), wanted, lambda series: told.append(len(series)))
    finally:
        file.save()
    return file, sum(told)


def saved(path: Path) -> list[Candle]:
    # Candles are tuples.
    return [Candle(*candle) for candle in read_candles(path, NOW_MS).series.candles]  # type: ignore[misc]


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


@pytest.mark.parametrize("ending", ["csv.gz", "parquet"])
async def test_file_has_the_canonical_columns_and_all_closed_candles(tmp_path: Path, ending: str) -> None:
    candles = hours_until(NOW_MS, 350)
    path = tmp_path / "new" / f"BTCUSDT-1h.{ending}"
    file, told = await fetch(path, PastSource(candles), candles[0].timestamp)
    assert (len(file), told, file.candles_before) == (349, 349, 0)
    assert saved(path) == candles[:-1]
    if ending == "csv.gz":
        assert list(pd.read_csv(path).columns) == ["timestamp", "open", "high", "low", "close", "volume"]
        assert gzip.decompress(path.read_bytes()).startswith(b"timestamp,open,high,low,close,volume\n")
    assert names(path.parent) == [path.name]


@pytest.mark.parametrize("ending", ["csv.gz", "parquet"])
async def test_older_file_is_resumed_from_its_last_candles(tmp_path: Path, ending: str) -> None:
    candles, path = hours_until(NOW_MS, 350), tmp_path / f"BTCUSDT-1h.{ending}"
    await fetch(path, PastSource(candles), until_ms=candles[120].timestamp)
    assert saved(path) == candles[:120]
    source = PastSource(candles)
    file, _ = await fetch(path, source)
    assert saved(path) == candles[:-1]
    assert (len(file), file.candles_before) == (349, 120)
    assert source.starts[0] == candles[118].timestamp


async def test_last_candle_that_was_still_forming_is_replaced(tmp_path: Path) -> None:
    candles, path = hours_until(NOW_MS, 50), tmp_path / "BTCUSDT-1h.csv.gz"
    forming = candles[20]._replace(close=candles[20].open, high=candles[20].high * 1.5)
    pd.DataFrame([*candles[:20], forming]).to_csv(path, index=False)
    await fetch(path, PastSource(candles))
    assert saved(path) == candles[:-1]


async def test_file_that_is_up_to_date_is_not_written(tmp_path: Path) -> None:
    candles, path = hours_until(NOW_MS, 50), tmp_path / "BTCUSDT-1h.csv.gz"
    await fetch(path, PastSource(candles))
    written = path.stat().st_ino
    file, told = await fetch(path, PastSource(candles), candles[0].timestamp)
    assert (path.stat().st_ino, len(file), told) == (written, 49, 2)


async def test_earlier_beginning_is_fetched_too(tmp_path: Path) -> None:
    candles, path = hours_until(NOW_MS, 350), tmp_path / "BTCUSDT-1h.csv.gz"
    await fetch(path, PastSource(candles), candles[200].timestamp, candles[260].timestamp)
    assert saved(path) == candles[200:260]
    await fetch(path, PastSource(candles), candles[3].timestamp - 1_000 * HOUR_MS)
    assert saved(path) == candles[:-1]


async def test_what_was_fetched_before_a_failure_is_kept(tmp_path: Path) -> None:
    candles, path = hours_until(NOW_MS, 350), tmp_path / "BTCUSDT-1h.csv.gz"
    with pytest.raises(SourceFailed):
        await fetch(path, PastSource(candles, pages=2))
    assert saved(path) == candles[:200]
    # The beginning would leave a hole before the file's first candle.
    late = tmp_path / "late.csv.gz"
    await fetch(late, PastSource(candles), candles[300].timestamp)
    with pytest.raises(SourceFailed):
        await fetch(late, PastSource(candles, pages=2), candles[0].timestamp)
    assert saved(late) == candles[300:-1]


async def test_long_download_is_saved_on_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloading, "SAVED_EVERY", 250)
    candles, path = hours_until(NOW_MS, 1_000), tmp_path / "BTCUSDT-1h.csv.gz"
    on_disk: list[int] = []
    file = HistoryFile(path, Timeframe.H1, NOW_MS)
    await file.fetch(
        Pager(PastSource(candles)),
        HistoryRange("BTCUSDT", None, NOW_MS),
        lambda series: on_disk.append(len(saved(path)) if path.exists() else 0),
    )
    assert on_disk == [0, 0, 300, 300, 300, 600, 600, 600, 900, 900]


async def test_file_for_which_the_disk_has_no_room_leaves_the_old_one(small_disk: SmallDisk) -> None:
    candles, path = hours_until(NOW_MS, 350), small_disk.folder / "BTCUSDT-1h.csv.gz"
    await fetch(path, PastSource(candles), until_ms=candles[120].timestamp)
    with small_disk.full(), pytest.raises(InvalidRequest, match="cannot be written: No space left"):
        await fetch(path, PastSource(candles))
    assert saved(path) == candles[:120]
    assert names(path.parent) == [path.name]


async def test_file_of_another_timeframe_or_content_is_refused(tmp_path: Path) -> None:
    candles, path = hours_until(NOW_MS, 350), tmp_path / "BTCUSDT-1h.csv.gz"
    days = CandleSeries(Timeframe.H1, candles).resample(Timeframe.D1)
    pd.DataFrame(days.candles).to_csv(path, index=False)
    with pytest.raises(Conflict, match=r"BTCUSDT-1h.csv.gz has 1d candles: move it, or name another folder with --out"):
        await fetch(path, PastSource(candles))
    path.write_bytes(b"nonsense")
    with pytest.raises(InvalidMarketData):
        await fetch(path, PastSource(candles))
    assert path.read_bytes() == b"nonsense"


async def test_prices_after_a_split_are_not_put_after_those_before_it(tmp_path: Path) -> None:
    candles, path = hours_until(NOW_MS, 350), tmp_path / "AAPL-1h.csv.gz"
    await fetch(path, PastSource(candles), until_ms=candles[120].timestamp)
    split = [Candle(c.timestamp, c.open / 4, c.high / 4, c.low / 4, c.close / 4, c.volume * 4) for c in candles]
    with pytest.raises(Conflict, match="a split, or the file of another market or source"):
        await fetch(path, PastSource(split))
    assert saved(path) == candles[:120]
