"""The settler as the container opens it: it settles stored candles, and a second service takes its place."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx2

from config.settings import Settings
from container.wings import open_market_data, open_settling, open_storage
from domain.market import Timeframe
from domain.values import utc_time
from services.ledger.settling.settler import Settler
from storage.ledger_ports import LedgerStore
from storage.sqlite.ledger import SqliteLedger
from tests.conftest import MakeSettings
from tests.fixtures.analyses import make_analysis
from tests.fixtures.clocks import SettableClock
from tests.fixtures.ledger import CLOSED_MS, make_entry, stretch_day
from tests.fixtures.settling import HOUR_MS, count_and_add, flat
from tests.fixtures.stores import eventually


@asynccontextmanager
async def service(settings: Settings, ledger: LedgerStore, clock: SettableClock) -> AsyncIterator[Settler]:
    """Open the settler of a service, with candles of 24 hours after the entry in its store."""
    async with AsyncExitStack() as stack:
        store, documents = await stack.enter_async_context(open_storage(settings.storage))
        client = await stack.enter_async_context(httpx2.AsyncClient())
        market_data = await stack.enter_async_context(open_market_data(settings, store, client, clock))
        candles = {Timeframe.H1: flat(54, CLOSED_MS - 30 * HOUR_MS)}
        await store.save_analysis(None, make_analysis(), archive=False, candles=candles)
        await eventually(lambda: not store.state.waiting)
        yield await stack.enter_async_context(
            open_settling(settings, ledger, count_and_add, store, documents, market_data, clock)
        )


async def test_a_service_settles_and_the_next_one_goes_on_at_once(make_settings: MakeSettings, tmp_path: Path) -> None:
    clock, settings = SettableClock(utc_time(CLOSED_MS + 4 * HOUR_MS)), make_settings()
    ledger = SqliteLedger(tmp_path / "store.db")
    await ledger.open()
    await ledger.append([make_entry()])
    async with service(settings, ledger, clock) as first:
        await eventually(lambda: first.state.last_run_ms is not None)
        assert (first.state.settles, first.state.waiting) == (True, 3)
    clock.moment = utc_time(CLOSED_MS + 24 * HOUR_MS)
    async with service(settings, ledger, clock) as second:
        await eventually(lambda: second.state.last_run_ms is not None)
        # The first gave its lease up at its end.
        assert (second.state.settles, second.state.waiting, second.state.failure) == (True, 0, None)
    record = await ledger.entry("a1-rules")
    assert record is not None
    assert record.settled
    assert {settlement.source for settlement in record.settlements} == {"stored"}
    days = {stretch_day(record.entry, horizon) for horizon in record.entry.horizons}
    sums = await ledger.aggregates("symbol", min(days), max(days))
    assert sum(found.sums["settled"] for found in sums) == 5
    await ledger.close()
