"""What is measured once in a while, and how long the service runs, when the clock goes ahead by an hour and back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from services.ledger.archive_scores import ArchiveScores
from services.ledger.feedback import SignalFeedback
from storage.factory import open_documents
from storage.resilience.store import ResilientStore
from storage.sqlite.store import SqliteStore
from tests.conftest import MakeSettings
from tests.fixtures.analyses import make_analysis
from tests.fixtures.clocks import NOW, SettableClock
from tests.fixtures.stores import PACE

HOUR_SECONDS = 3600


@pytest.fixture
async def store(make_settings: MakeSettings) -> AsyncIterator[ResilientStore]:
    path = make_settings().storage.url.get_secret_value().removeprefix("sqlite:///")
    opened = ResilientStore(SqliteStore(path), timeout_ms=5000, pace=PACE)
    await opened.open()
    yield opened
    await opened.close()


async def test_scores_of_a_clock_that_was_ahead_are_measured_again(store: ResilientStore) -> None:
    clock = SettableClock()
    scores = ArchiveScores(store, store, 5, clock)
    clock.advance(HOUR_SECONDS)
    assert (await scores.measure()).signals == 0
    await store.save_analysis("key", make_analysis(generated_at=NOW), archive=True)
    assert (await scores.measure()).signals == 0  # measured a moment ago
    clock.advance(-HOUR_SECONDS)
    assert (await scores.measure()).signals == 1


async def test_the_time_since_the_start_follows_no_clock_that_is_set(
    store: ResilientStore, make_settings: MakeSettings
) -> None:
    clock, seconds = SettableClock(), SettableClock()
    async with open_documents(make_settings().storage) as documents:
        scores = ArchiveScores(store, store, 5, clock)
        feedback = SignalFeedback(documents, store, scores, clock, seconds.monotonic)
        clock.advance(-HOUR_SECONDS)
        seconds.advance(90)
        assert (await feedback.performance()).uptime == timedelta(seconds=90)
