"""What is older than it may be is removed, and counted."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from domain.errors import StorageUnavailable
from domain.market import Timeframe
from services.ledger.calibration.refits import Refit, RefitState
from services.retention import Retention
from storage.document_ports import EVIDENCE_REFITS, JOBS, LLM_CALLS
from storage.sqlite.documents import SqliteDocumentStore
from tests.fixtures.clocks import SettableClock


async def test_old_documents_are_removed_and_young_ones_stay(tmp_path: Path) -> None:
    clock = SettableClock()
    documents = SqliteDocumentStore(tmp_path / "store.db")
    await documents.open()
    for days in (401, 399, 8, 6):
        for collection in (LLM_CALLS, JOBS):
            await documents.put(collection, str(days), {"created_at": clock.now() - timedelta(days=days)})
    keep = {LLM_CALLS: timedelta(days=400), JOBS: timedelta(days=7)}
    removed = await Retention(documents, clock, keep, 10).remove()
    assert removed == {"llm_calls": 1, "jobs": 3, "evidence_refits": 0}
    assert [document["call_id"] for document in await documents.newest(LLM_CALLS, 10)] == ["6", "8", "399"]
    assert [document["job_id"] for document in await documents.newest(JOBS, 10)] == ["6"]
    await documents.close()


def a_refit(number: int, clock: SettableClock, state: RefitState, timeframe: Timeframe = Timeframe.H1) -> Refit:
    """Return a refit made `number` days after the first."""
    at = clock.now() + timedelta(days=number)
    return Refit(
        refit_id=f"{timeframe}-{number:02}", base="b", timeframe=timeframe, multiplier=0.5, weight=0.4, error=0.1,
        built_from=f"refit {number}", replaces="8 markets", plans=200, created_at=at, state=state, reason="",
        decided_at=None if state is RefitState.CANDIDATE else at,
    )  # fmt: skip


async def test_of_refits_those_in_use_and_on_trial_stay_and_the_newest_of_the_others(tmp_path: Path) -> None:
    clock, documents = SettableClock(), SqliteDocumentStore(tmp_path / "store.db")
    await documents.open()
    adopted, renewed, dropped = RefitState.ADOPTED, RefitState.RENEWED, RefitState.DROPPED
    states = [
        adopted,
        renewed,
        renewed,
        adopted,
        dropped,
        *[renewed] * 3,
        dropped,
        renewed,
        renewed,
        RefitState.CANDIDATE,
    ]
    refits = [a_refit(number, clock, state) for number, state in enumerate(states)]
    refits += [a_refit(number, clock, dropped, Timeframe.H4) for number in range(5)]
    for refit in refits:
        await documents.insert(EVIDENCE_REFITS, refit.refit_id, refit.document)
    clock.advance(timedelta(days=4_000).total_seconds())
    retention = Retention(documents, clock, {}, 3)
    assert await retention.remove() == {"evidence_refits": 9}
    kept = {document["refit_id"] for document in await documents.newest(EVIDENCE_REFITS, 99)}
    in_use, on_trial, newest = {"1h-00", "1h-03"}, {"1h-09", "1h-10", "1h-11"}, {"1h-08", "1h-07", "1h-06"}
    assert kept == in_use | on_trial | newest
    assert await retention.remove() == {"evidence_refits": 0}
    await documents.close()


async def test_store_that_is_down_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageUnavailable):
        await Retention(SqliteDocumentStore(tmp_path / "store.db"), SettableClock(), {}, 10).remove()
