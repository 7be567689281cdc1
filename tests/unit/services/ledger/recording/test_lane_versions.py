"""Versions of a lane: what each of them changed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from config.settings import Settings
from config.sources import load_settings
from domain.ledger.entries import LedgerLane, Origin
from services.ledger.recording.lane_identities import LaneIdentity, keep_identities
from services.ledger.recording.lane_versions import MAX_VERSIONS, ChangedPart, LaneVersions
from storage.resilience.documents import ResilientDocuments
from tests.fixtures.clocks import NOW, SettableClock
from tests.fixtures.guards import documents_on
from tests.fixtures.histories import WEIGHER
from tests.fixtures.recording import make_identities

RULES, MODEL = LedgerLane.RULES, LedgerLane.MODEL


@pytest.fixture
async def documents(tmp_path: Path) -> AsyncIterator[ResilientDocuments]:
    async with documents_on(f"sqlite:///{tmp_path}/store.db") as opened:
        yield opened


async def run(
    documents: ResilientDocuments,
    clock: SettableClock,
    sections: dict[str, Any],
    lane: LedgerLane = RULES,
    by: str = "",
    evidence: bool = True,
) -> str:
    """Let a process with these settings begin an hour later; return the lane's id in it."""
    clock.advance(3600)
    noted, settings = list[LaneIdentity](), load_settings(environment={}, overrides=sections)
    assert isinstance(settings, Settings)
    lane_id = make_identities(settings, noted=noted).id_of(lane, by, Origin.API, WEIGHER.evidence if evidence else None)
    keep = keep_identities(documents, clock)
    for identity in noted:
        keep(identity)
    await documents.flush()
    return lane_id


async def test_each_version_says_since_when_it_answers_and_what_it_changed(documents: ResilientDocuments) -> None:
    clock = SettableClock(NOW)
    first = await run(documents, clock, {})
    began = clock.now()
    second = await run(documents, clock, {"indicators": {"rsi_period": 9, "ema_periods": [5]}})
    await run(documents, clock, {}, MODEL, "lstm_model_20260131_120000")
    await run(documents, clock, {})  # the first again: its record goes on
    versions = await LaneVersions(documents).of(RULES)
    assert [version.lane_id for version in versions] == [second, first]
    assert versions[1].since == began
    assert versions[1].changes == ()
    assert versions[0].changes == (
        ChangedPart("indicators.ema_periods", "[9, 12, 21, 26, 50]", "[5]"),
        ChangedPart("indicators.rsi_period", "14", "9"),
    )


async def test_evidence_that_is_taken_away_is_a_change(documents: ResilientDocuments) -> None:
    clock = SettableClock(NOW)
    await run(documents, clock, {})
    await run(documents, clock, {}, evidence=False)
    (change,) = (await LaneVersions(documents).of(RULES))[0].changes
    assert (change.part, change.after) == ("evidence", "null")


async def test_the_newest_versions_are_told_each_against_the_one_before(documents: ResilientDocuments) -> None:
    clock = SettableClock(NOW)
    for period in range(2, MAX_VERSIONS + 4):
        await run(documents, clock, {"indicators": {"rsi_period": period}})
    versions = await LaneVersions(documents).of(RULES)
    assert len(versions) == MAX_VERSIONS
    assert all([change.part for change in version.changes] == ["indicators.rsi_period"] for version in versions)
    assert await LaneVersions(documents).of(MODEL) == []
