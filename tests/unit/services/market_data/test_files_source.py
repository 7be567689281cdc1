"""A folder of files as a source of candles."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pandas as pd
import pytest

from container import check_adapters
from domain.analysis import DataSource
from domain.errors import ConfigurationError, MarketDataUnavailable, UnknownSymbol
from domain.market import Candle, CandleSeries, Timeframe
from services.market_data.fetching import SourceFailed
from services.market_data.sources.ccxt_exchange import CcxtSource, market
from services.market_data.sources.files import FilesSource
from tests.conftest import MakeSettings
from tests.fixtures.clocks import SettableClock
from tests.fixtures.markets import history

pytest_plugins = ["tests.fixtures.logs"]

COLUMNS = ["timestamp", "open", "high", "low", "close", "volume"]


def write(folder: Path, name: str, candles: list[Candle]) -> Path:
    frame, path = pd.DataFrame(candles, columns=COLUMNS), folder / name
    if name.endswith(".parquet"):
        import fastparquet

        fastparquet.write(str(path), frame)
    else:
        text = frame.to_csv(index=False).encode()
        path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    return path


def source(folder: Path) -> FilesSource:
    return FilesSource(str(folder), SettableClock())


async def read(
    folder: Path, timeframe: Timeframe = Timeframe.H1, limit: int = 1000, symbol: str = "BTCUSDT"
) -> list[Candle]:
    # Candles are tuples.
    return list((await source(folder).candles(symbol, timeframe, limit)).candles)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["BTCUSDT-1h.csv", "BTCUSDT-1h.csv.gz", "BTCUSDT-1h.parquet"])
async def test_a_file_of_each_kind_is_read(tmp_path: Path, name: str) -> None:
    write(tmp_path, name, history(Timeframe.H1))
    assert source(tmp_path).name is DataSource.FILES
    assert await read(tmp_path) == history(Timeframe.H1)
    assert await read(tmp_path, limit=7) == history(Timeframe.H1)[-7:]


async def test_a_longer_timeframe_is_made_from_the_longest_shorter_one(tmp_path: Path) -> None:
    quarters, hours = history(Timeframe.M15, 400), history(Timeframe.H1, 100, price=50.0)
    write(tmp_path, "BTCUSDT-15m.csv.gz", quarters)
    made = CandleSeries(Timeframe.M15, quarters).resample(Timeframe.H4)
    assert await read(tmp_path, Timeframe.H4) == list(made.candles)
    assert await read(tmp_path, Timeframe.H4, limit=3) == list(made.candles)[-3:]
    write(tmp_path, "BTCUSDT-1h.csv.gz", hours)
    assert await read(tmp_path, Timeframe.H4) == list(CandleSeries(Timeframe.H1, hours).resample(Timeframe.H4).candles)


async def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path, files = write(tmp_path, "BTCUSDT-1h.csv", history(Timeframe.H1)[:-1]), source(tmp_path)
    assert len(await files.candles("BTCUSDT", Timeframe.H1, 1000)) == 99
    write(tmp_path, "BTCUSDT-1h.csv", history(Timeframe.H1))
    os.utime(path, ns=(1, 1))
    assert len(await files.candles("BTCUSDT", Timeframe.H1, 1000)) == 100


@pytest.mark.parametrize("symbol", ["ETHUSDT", "../BTCUSDT", "inner/BTCUSDT", ""])
async def test_only_files_of_the_folder_are_found(tmp_path: Path, symbol: str) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    write(tmp_path, "BTCUSDT-1h.csv", history(Timeframe.H1))
    write(inner, "BTCUSDT-1h.csv", history(Timeframe.H1))
    folder = inner if symbol.startswith("..") else tmp_path
    with pytest.raises(MarketDataUnavailable, match="has no file of") as caught:
        await read(folder, symbol=symbol)
    assert not isinstance(caught.value, SourceFailed)


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("PETR4.SA-1h.csv", "PETR4.SA"),
        ("BRK-B.csv", "BRK-B"),
        ("BTC-USD.csv", "BTC-USD"),
        ("BINANCE_BTCUSDT, 60.csv", "BTCUSDT"),
        ("XBTUSD_60.csv", "XBTUSD"),
        ("Binance_BTCUSDT_1h.csv", "BTCUSDT"),
        ("^GSPC-1h.CSV", "^GSPC"),
    ],
)
async def test_a_file_is_found_by_the_symbol_in_its_name(tmp_path: Path, name: str, symbol: str) -> None:
    write(tmp_path, name, history(Timeframe.H1))
    assert await read(tmp_path, symbol=symbol) == history(Timeframe.H1)
    assert await source(tmp_path).symbols() == {symbol}
    for other in {"PETR4", "BRK", "BTC", "60", "BINANCE"} - {symbol}:
        with pytest.raises(UnknownSymbol, match=f"has no file of {other}$"):
            await read(tmp_path, symbol=other)


async def test_of_two_files_of_one_market_the_first_in_the_order_of_endings_counts(
    tmp_path: Path, log_facts: list[str]
) -> None:
    used, unused = history(Timeframe.H1), history(Timeframe.H1, price=50.0)
    write(tmp_path, "Binance_BTCUSDT_1h.csv.gz", unused)
    write(tmp_path, "BTCUSDT-1h.csv", used)
    files = source(tmp_path)
    for _ in range(2):
        assert list((await files.candles("BTCUSDT", Timeframe.H1, 1000)).candles) == used
    (line,) = log_facts
    assert line.startswith("WARNING several files of one market and timeframe")
    assert "BTCUSDT-1h.csv" in line
    assert "Binance_BTCUSDT_1h.csv.gz" in line


async def test_a_file_without_a_timeframe_in_its_name_has_that_of_its_candles(tmp_path: Path) -> None:
    write(tmp_path, "BTC-USD.csv", history(Timeframe.H4))
    assert await read(tmp_path, Timeframe.H4, symbol="BTC-USD") == history(Timeframe.H4)
    with pytest.raises(MarketDataUnavailable, match="has no file of BTC-USD for 1h candles") as caught:
        await read(tmp_path, symbol="BTC-USD")
    assert not isinstance(caught.value, UnknownSymbol)


async def test_longer_candles_are_not_cut_into_shorter_ones(tmp_path: Path) -> None:
    write(tmp_path, "BTCUSDT-1h.csv", history(Timeframe.H1))
    with pytest.raises(MarketDataUnavailable, match="has no file of BTCUSDT for 15m candles"):
        await read(tmp_path, Timeframe.M15)


async def test_a_damaged_or_wrongly_named_file_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "BTCUSDT-1h.parquet").write_bytes(b"PAR1 no parquet")
    with pytest.raises(SourceFailed, match=r"^BTCUSDT-1h\.parquet: is Parquet that is cut off"):
        await read(tmp_path)
    write(tmp_path, "ETHUSDT-1h.csv", history(Timeframe.H4))
    with pytest.raises(SourceFailed, match=r"ETHUSDT-1h\.csv holds 4h candles"):
        await read(tmp_path, symbol="ETHUSDT")


@pytest.mark.parametrize("folder", ["", "/nowhere/at/all"])
def test_a_folder_is_needed(folder: str) -> None:
    with pytest.raises(ConfigurationError, match=r"market_data\.files_path: .* needs a folder"):
        FilesSource(folder, SettableClock())


def test_an_exchange_of_ccxt_needs_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ccxt.async_support", None)
    with pytest.raises(ConfigurationError, match="ccxt is not installed; run `pip install ccxt`"):
        CcxtSource("kraken", 5.0)


@pytest.mark.parametrize(
    ("symbol", "name"), [("BTCUSDT", "BTC/USDT"), ("ETHBTC", "ETH/BTC"), ("XRPEUR", "XRP/EUR"), ("AAPL", "AAPL")]
)
def test_symbols_have_ccxts_names(symbol: str, name: str) -> None:
    assert market(symbol) == name


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("files", "market_data.files_path: the source files needs a folder"),
        ("engine_db", "engine_db reads the engine's collection in MongoDB"),
    ],
)
def test_a_service_does_not_start_with_a_source_that_lacks_something(
    make_settings: MakeSettings, source: str, words: str
) -> None:
    with pytest.raises(ConfigurationError, match=words):
        check_adapters(make_settings(market_data={"sources": [source]}))
