"""Candles that settle entries: read from real stores and real files, page by page where one answer is too short."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

from config.settings import MarketDataSettings
from domain.ledger.entries import HORIZONS
from domain.market import CandleSeries, Timeframe
from domain.values import utc_time
from services.ledger.settling.candles import SettlingCandles
from services.ledger.settling.closing import Closing
from services.market_data.market_data import MarketData
from services.market_data.sources.files import FilesSource
from storage.ledger_ports import Due
from tests.fixtures.clocks import SettableClock
from tests.fixtures.ledger import CLOSED_MS, make_entry
from tests.fixtures.settings import configured
from tests.fixtures.settling import Shelf, flat

M1 = Timeframe.M1
DAYS = 4


async def test_what_an_answer_of_a_source_does_not_reach_is_read_page_by_page(tmp_path: Path) -> None:
    candles = flat(60 + DAYS * 1_440, CLOSED_MS - 60 * M1.ms, timeframe=M1)
    rows = "\n".join(f"{c.timestamp},{c.open},{c.high},{c.low},{c.close},{c.volume}" for c in candles)
    (tmp_path / "BTCUSDT-1m.csv").write_text(f"timestamp,open,high,low,close,volume\n{rows}\n")
    clock = SettableClock(utc_time(CLOSED_MS) + timedelta(days=DAYS))
    settings = configured(MarketDataSettings, sources=("files",), files_path=str(tmp_path))
    market_data = MarketData([FilesSource(str(tmp_path), clock)], settings, 60, ("BTCUSDT",), clock, clock.monotonic)
    with ThreadPoolExecutor(1) as executor:
        closing = Closing(SettlingCandles(Shelf(), market_data, settings, clock, executor), executor)
        entry = make_entry(timeframe=M1)
        now_ms = CLOSED_MS + DAYS * 1_440 * M1.ms
        batch = await closing.close([Due(entry, horizon) for horizon in HORIZONS], now_ms)
    assert batch.postponed == []
    found = {settlement.horizon: settlement for settlement in batch.settlements}
    assert {settlement.source for settlement in found.values()} == {"files"}
    closes = CandleSeries(M1, candles).closes
    assert [found[horizon].price for horizon in HORIZONS] == [closes[59 + horizon] for horizon in HORIZONS]
