"""What is measured once in a while, and how long the service runs, when the clock goes ahead by an hour and back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import cast

from domain.market import Candle, Timeframe
from services.archive_scores import ArchiveScores
from services.signal_feedback import SignalFeedback
from storage.document_ports import Collection, DocumentStore
from storage.ports import ArchivedSignal, Store
from tests.fixtures.markets import SettableClock


class CountedArchive:
    """Has no signals and counts how often it was read."""

    def __init__(self) -> None:
        self.read = 0

    async def archived_signals(self, since: datetime, limit: int) -> list[ArchivedSignal]:
        self.read += 1
        return []

    async def candle_history(self, symbol: str, timeframe: Timeframe, limit: int) -> list[Candle]:
        return []


class NoDocuments:
    """Has no outcomes."""

    async def totals(self, collection: Collection, *_: object, **__: object) -> list[object]:
        return []


async def test_scores_of_a_clock_that_was_ahead_are_measured_again() -> None:
    clock, archive = SettableClock(), CountedArchive()
    scores = ArchiveScores(archive, 5, clock)
    clock.advance(3600)
    await scores.measure()
    await scores.measure()
    assert archive.read == 1
    clock.advance(-3600)
    await scores.measure()
    assert archive.read == 2


async def test_the_time_since_the_start_follows_no_clock_that_is_set() -> None:
    clock, seconds = SettableClock(), SettableClock()
    scores = ArchiveScores(CountedArchive(), 5, clock)
    documents = cast("DocumentStore", NoDocuments())
    feedback = SignalFeedback(documents, cast("Store", None), scores, clock, seconds.monotonic)
    clock.advance(-3600)
    seconds.advance(90)
    assert (await feedback.performance()).uptime == timedelta(seconds=90)
