"""Bands of prices that were given out: kept once, held against the close that they speak of, counted by stretch."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from config.settings import MarketDataSettings
from domain.analysis import DataSource
from domain.market import CandleSeries, Timeframe
from services.forecasts.price_paths import PriceStep
from services.leases import Lease
from services.ledger.price_bands import BandCoverage, PriceBands, settled_band
from services.ledger.settling.candles import SettlingCandles
from services.ledger.settling.closing import Closing
from services.ledger.settling.documents import DocumentSettling
from storage.document_ports import PRICE_BANDS
from storage.resilience.documents import ResilientDocuments
from storage.sqlite.documents import SqliteDocumentStore
from tests.fixtures.ledger import CLOSED_MS
from tests.fixtures.settings import configured
from tests.fixtures.settling import HOUR_MS, Workshop, flat
from tests.fixtures.sources import chain
from tests.fixtures.stores import PACE

H1 = Timeframe.H1
# Closes of `flat`: each a hundredth above the one before, from 100 on.
CANDLES = flat(80, CLOSED_MS - 30 * HOUR_MS)


@pytest.fixture
async def workshop(tmp_path: Path) -> AsyncIterator[Workshop]:
    documents = ResilientDocuments(SqliteDocumentStore(tmp_path / "store.db"), pace=PACE)
    await documents.open()
    yield Workshop(documents)
    await documents.close()


def known(workshop: Workshop) -> CandleSeries:
    return CandleSeries(H1, CANDLES).closed_by(workshop.now_ms)


def path(lower: float, upper: float, steps: int = 30) -> list[PriceStep]:
    return [PriceStep(step, 100.3, lower, upper, "last_close", 0.01, 0, 0) for step in range(1, steps + 1)]


async def settle(workshop: Workshop) -> int:
    market_data = chain(workshop.source, clock=workshop.clock)
    settings, clock, documents = configured(MarketDataSettings), workshop.clock, workshop.documents
    candles = SettlingCandles(workshop.shelf, market_data, settings, clock, workshop.executor)
    lease = Lease(documents, "price bands", 300, clock, monotonic=clock.monotonic)
    closing = Closing(candles, workshop.executor)
    return await DocumentSettling(PRICE_BANDS, settled_band, documents, closing, lease, clock).settle_due()


def counted(found: list[BandCoverage]) -> dict[int, tuple[int, int, int, int]]:
    return {of.horizon: (of.held, of.settled, of.stretches, of.waiting) for of in found}


async def test_bands_are_held_against_the_close_that_they_speak_of(workshop: Workshop) -> None:
    bands = PriceBands(workshop.documents, workshop.clock)  # type: ignore[arg-type]  # of the port, what bands call
    series, client = known(workshop), DataSource.CLIENT
    last = float(series.closes[-1])
    # The closes after 1 and 4 hours are within, those after 12 and 24 are not.
    bands.record("BTCUSDT", series, path(99.0, last + 0.05), 0.9, client, trusted=True)
    bands.record("BTCUSDT", series, path(1.0, 999.0), 0.9, client, trusted=True)  # the first is kept
    bands.record("ETHUSDT", series, path(99.0, 200.0, steps=5), 0.9, client, trusted=True)
    assert counted(await bands.coverage(30)) == {1: (0, 0, 0, 2), 4: (0, 0, 0, 2), 12: (0, 0, 0, 1), 24: (0, 0, 0, 1)}
    workshop.pass_hours(25)
    for symbol in ("BTCUSDT", "ETHUSDT"):
        workshop.store(known(workshop).candles, symbol)
    assert await settle(workshop) == 6
    assert await settle(workshop) == 0
    found = await bands.coverage(30)
    # Both markets are of one stretch.
    assert counted(found) == {1: (2, 2, 1, 0), 4: (2, 2, 1, 0), 12: (0, 1, 1, 0), 24: (0, 1, 1, 0)}
    first, last_one = found[0], found[-1]
    assert (first.share, first.high, last_one.share, last_one.low) == (1.0, 1.0, 0.0, 0.0)
    assert first.low is not None
    assert 0.0 < first.low < 0.1  # two bands of one stretch say no more than one
    bands.record("BTCUSDT", series, path(1.0, 2.0), 0.9, client, trusted=True)  # again, and settled: nothing changes
    assert counted(await bands.coverage(30))[1] == (2, 2, 1, 0)


async def test_what_strangers_and_invented_candles_are_told_is_not_counted(workshop: Workshop) -> None:
    bands = PriceBands(workshop.documents, workshop.clock)  # type: ignore[arg-type]  # of the port, what bands call
    series = known(workshop)
    bands.record("BTCUSDT", series, path(1.0, 200.0), 0.9, DataSource.CLIENT, trusted=False)
    bands.record("BTCUSDT", series, path(1.0, 200.0), 0.9, DataSource.SYNTHETIC, trusted=True)
    workshop.pass_hours(5)
    bands.record("BTCUSDT", series, path(1.0, 200.0), 0.9, DataSource.CLIENT, trusted=True)  # old by now
    assert await bands.coverage(30) == []


async def test_a_candle_that_never_comes_is_missing(workshop: Workshop) -> None:
    bands = PriceBands(workshop.documents, workshop.clock)  # type: ignore[arg-type]  # of the port, what bands call
    bands.record("BTCUSDT", known(workshop), path(1.0, 200.0, steps=1), 0.8, DataSource.CLIENT, trusted=True)
    workshop.store(known(workshop).candles)
    workshop.pass_hours(2)
    assert await settle(workshop) == 0
    workshop.pass_hours(24 * 30)
    assert await settle(workshop) == 1
    (found,) = await bands.coverage(60)
    assert (found.coverage, found.missing, found.settled, found.share, found.low) == (0.8, 1, 0, None, None)
