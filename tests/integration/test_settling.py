"""The settler as the container opens it: it settles stored candles, and a second service takes its place at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx2

from config.settings import Settings
from container.infrastructure import open_storage
from container.ledger import open_settling
from container.markets import open_market_data
from domain.market import Timeframe
from domain.values import utc_time
from services.ledger.scoring.sums import add_up
from services.ledger.settling.settler import Settler
from storage.resilience.ledger import ResilientLedger
from tests.conftest import MakeClient, MakeSettings
from tests.fixtures.analyses import make_analysis
from tests.fixtures.clocks import SettableClock
from tests.fixtures.degraded import parts
from tests.fixtures.ledger import CLOSED_MS, make_entry, stretch_day
from tests.fixtures.patience import eventually, wait_until
from tests.fixtures.settling import HOUR_MS, flat


@asynccontextmanager
async def service(settings: Settings, clock: SettableClock) -> AsyncIterator[tuple[Settler, ResilientLedger]]:
    """Open the settler of a service, with an entry and the candles of 24 hours after it in its database."""
    async with AsyncExitStack() as stack:
        opened = stack.enter_async_context
        stores = await opened(open_storage(settings.storage, settings.ledger, clock))
        store, _, ledger = stores
        market_data = await opened(open_market_data(settings, store, await opened(httpx2.AsyncClient()), clock))
        candles = {Timeframe.H1: flat(54, CLOSED_MS - 30 * HOUR_MS)}
        await store.save_analysis(None, make_analysis(), archive=False, candles=candles)
        await ledger.append([make_entry()])
        await eventually(lambda: not store.state.waiting)
        settler = await opened(open_settling(settings, stores, market_data, clock))
        await eventually(lambda: settler.state.last_run_ms is not None)
        yield settler, ledger


async def test_a_service_settles_and_the_next_one_goes_on_at_once(make_settings: MakeSettings) -> None:
    clock, settings = SettableClock(utc_time(CLOSED_MS + 4 * HOUR_MS)), make_settings()
    async with service(settings, clock) as (first, _):
        assert (first.state.settles, first.state.waiting) == (True, 3)
    clock.moment = utc_time(CLOSED_MS + 24 * HOUR_MS)
    async with service(settings, clock) as (second, ledger):
        # The first gave its lease up at its end.
        assert (second.state.settles, second.state.waiting, second.state.failure) == (True, 0, None)
        record = await ledger.entry("a1-rules")
        assert record is not None
        assert record.settled
        assert {settlement.source for settlement in record.settlements} == {"stored"}
        for day in {stretch_day(record.entry, horizon) for horizon in record.entry.horizons}:
            expected = [sums for sums in add_up(await ledger.settled(day), day) if sums.level == "all"]
            assert expected
            found = await ledger.aggregates("all", day, day)
            assert sorted(found, key=lambda sums: sums.horizon) == sorted(expected, key=lambda sums: sums.horizon)


def test_a_whole_service_settles_from_its_start_and_is_not_degraded_by_it(make_client: MakeClient) -> None:
    client = make_client()
    wait_until(lambda: "ledger_waiting 0.0" in client.get("/metrics").text)
    assert "ledger" not in parts(client)
