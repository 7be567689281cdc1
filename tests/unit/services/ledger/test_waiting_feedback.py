"""Outcomes that came while the store was down are counted, whatever else comes meanwhile."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from domain.analysis import Analysis
from domain.errors import StorageUnavailable
from domain.feedback import Feedback, Outcome
from domain.values import Signal
from services.ledger.feedback import SignalFeedback
from storage.factory import open_documents
from tests.conftest import MakeSettings
from tests.fixtures.clocks import SettableClock
from tests.fixtures.patience import eventually
from tests.fixtures.stores import held_up_documents


def outcome(signal_id: str) -> Feedback:
    return Feedback(
        signal_id=signal_id,
        symbol="BTCUSDT",
        predicted_signal=Signal.LONG,
        actual_outcome=Outcome.SUCCESS,
        profit_loss=1.0,
        confidence_was_accurate=True,
        feedback_notes=None,
        timestamp_ms=1_696_876_800_000,
    )


class Archive:
    """An archive without analyses that can be down, and that can keep a reader waiting."""

    def __init__(self) -> None:
        self.down = False
        self.asked = asyncio.Event()
        self.goes_on: asyncio.Event | None = None

    async def archived_analysis(self, _: str) -> Analysis | None:
        if self.down:
            raise StorageUnavailable("the archive does not answer")
        if self.goes_on is not None:
            self.asked.set()
            await self.goes_on.wait()
        return None

    async def newest_archived(self, _: int) -> list[Analysis]:
        return []


async def test_outcome_that_comes_while_others_are_counted_is_counted_too(make_settings: MakeSettings) -> None:
    async with open_documents(make_settings().storage) as documents:
        archive = Archive()
        feedback = SignalFeedback(documents, archive, SettableClock())
        archive.down = True
        await feedback.keep(outcome("first"), trusted=True)
        archive.down, archive.goes_on = False, asyncio.Event()
        counting = asyncio.create_task(feedback.performance())
        await archive.asked.wait()
        archive.down = True
        keeping = asyncio.create_task(feedback.keep(outcome("second"), trusted=True))
        await asyncio.wait({keeping}, timeout=0.5)
        archive.goes_on.set()
        await asyncio.gather(counting, keeping)
        archive.down = False
        assert (await feedback.performance()).overall.scored == 2


async def test_outcome_that_is_still_on_its_way_to_the_store_when_outcomes_are_counted_is_counted_later(
    tmp_path: Path,
) -> None:
    async with held_up_documents(tmp_path) as (documents, database):
        archive = Archive()
        feedback = SignalFeedback(documents, archive, SettableClock())
        archive.down = True
        database.goes_on.clear()
        await feedback.keep(outcome("first"), trusted=True)
        archive.down = False
        with pytest.raises(StorageUnavailable, match="may be on their way to the store"):
            await feedback.performance()
        database.goes_on.set()
        await eventually(lambda: not documents.state.waiting)
        assert (await feedback.performance()).overall.scored == 1
