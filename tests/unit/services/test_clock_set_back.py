"""How long the service runs, when the clock is set back by an hour."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from services.ledger.feedback import SignalFeedback
from services.ledger.scoring.scores import LedgerScores
from services.ledger.signal_performance import SignalPerformance
from storage.factory import open_documents
from storage.resilience.store import ResilientStore
from storage.sqlite.store import SqliteStore
from tests.conftest import MakeSettings
from tests.fixtures.clocks import SettableClock
from tests.fixtures.ledger import MemoryLedger
from tests.fixtures.stores import PACE

HOUR_SECONDS = 3600


@pytest.fixture
async def store(make_settings: MakeSettings) -> AsyncIterator[ResilientStore]:
    path = make_settings().storage.url.get_secret_value().removeprefix("sqlite:///")
    opened = ResilientStore(SqliteStore(path), timeout_ms=5000, pace=PACE)
    await opened.open()
    yield opened
    await opened.close()


async def test_the_time_since_the_start_follows_no_clock_that_is_set(
    store: ResilientStore, make_settings: MakeSettings
) -> None:
    clock, seconds = SettableClock(), SettableClock()
    async with open_documents(make_settings().storage) as documents:
        feedback = SignalFeedback(documents, store, clock)
        performance = SignalPerformance(LedgerScores(MemoryLedger(), clock), feedback, clock, seconds.monotonic)
        clock.advance(-HOUR_SECONDS)
        seconds.advance(90)
        assert (await performance.measure()).uptime == timedelta(seconds=90)
