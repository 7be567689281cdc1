"""Switches of two replicas on one store, one of which is cut off from it meanwhile: the latest switch holds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from domain.errors import StorageUnavailable
from services.broadcast.hub import SignalHub
from services.guards.disabled import Disabled
from services.guards.safe_mode import SafeMode
from storage.resilience.documents import ResilientDocuments
from storage.resilience.pace import Pace
from storage.resilience.spool import Spool
from storage.sqlite.documents import SqliteDocumentStore
from tests.fixtures.clocks import SettableClock
from tests.fixtures.guards import guards_on
from tests.fixtures.patience import eventually


class CutOff:
    """A replica's way to the folder of the database: its file is found under another path meanwhile."""

    def __init__(self, folder: Path) -> None:
        self.path, self._elsewhere = folder / "data", folder / "elsewhere"
        self.path.mkdir()
        self.others_url = f"sqlite:///{self.path}/store.db"

    def cut(self) -> None:
        self.path.rename(self._elsewhere)
        self.path.touch()
        self.others_url = f"sqlite:///{self._elsewhere}/store.db"

    def mend(self) -> None:
        self.path.unlink()
        self._elsewhere.rename(self.path)
        self.others_url = f"sqlite:///{self.path}/store.db"


@pytest.fixture
def way(tmp_path: Path) -> CutOff:
    return CutOff(tmp_path)


@asynccontextmanager
async def replica(way: CutOff, spool: Spool | None = None) -> AsyncIterator[ResilientDocuments]:
    documents = ResilientDocuments(
        SqliteDocumentStore(way.path / "store.db"), pace=Pace(retry_seconds=0.05), spool=spool
    )
    await documents.open()
    try:
        yield documents
    finally:
        await documents.close()


async def test_a_switch_that_waited_in_a_spool_does_not_replace_one_made_since(way: CutOff, tmp_path: Path) -> None:
    clock, spool = SettableClock(), tmp_path / "spool"
    async with guards_on(way.others_url, clock) as guards:
        await guards.safe_mode.switch(enabled=True, reason="wrong prices")
    async with replica(way, Spool(spool, "documents", 1_000_000)) as documents:
        way.cut()
        with pytest.raises(StorageUnavailable):
            await documents.ping()
        clock.advance(1)
        # Acknowledged: the spool has it when the replica ends.
        await SafeMode(documents, SignalHub(1_000), clock).switch(enabled=False, reason="")
        await Disabled(documents, SignalHub(1_000), clock).switch("model", disabled=True, reason="drift", by="admin")
    clock.advance(1)
    async with guards_on(way.others_url, clock) as guards:
        await guards.safe_mode.switch(enabled=True, reason="still wrong")
        await guards.disabled.switch("rules", disabled=True, reason="tests", by="admin")
    way.mend()
    async with replica(way, Spool(spool, "documents", 1_000_000)) as documents:
        assert await documents.flush()
    async with guards_on(way.others_url, clock) as guards:
        assert guards.safe_mode.why() == "still wrong"
        assert [part.name for part in guards.disabled.parts() if part.disabled] == ["rules", "model"]


async def test_a_part_that_nothing_kept_is_stored_though_another_was_switched_since(way: CutOff) -> None:
    clock = SettableClock()
    async with guards_on(way.others_url, clock), replica(way) as documents:
        disabled = Disabled(documents, SignalHub(1_000), clock)
        way.cut()
        with pytest.raises(StorageUnavailable):
            await documents.ping()
        for name in ("model", "llm"):
            with pytest.raises(StorageUnavailable, match=f"{name} is disabled in this process, but nothing keeps it"):
                await disabled.switch(name, disabled=True, reason="drift", by="admin")
        clock.advance(1)
        async with guards_on(way.others_url, clock) as guards:
            await guards.disabled.switch("llm", disabled=False, reason="", by="admin")
        way.mend()
        await eventually(lambda: documents.state.available)
        await disabled._look(first=False)
        assert [part.name for part in disabled.parts() if part.disabled] == ["model"]
    async with guards_on(way.others_url, clock) as guards:
        assert guards.disabled.parts() == disabled.parts()


async def test_a_switch_holds_after_the_clock_was_set_back(tmp_path: Path) -> None:
    clock, url = SettableClock(), f"sqlite:///{tmp_path}/store.db"
    async with guards_on(url, clock) as guards:
        await guards.safe_mode.switch(enabled=False, reason="")
        await guards.disabled.switch("llm", disabled=True, reason="tests", by="admin")
        clock.advance(-3600)
        await guards.safe_mode.switch(enabled=True, reason="wrong prices")
        await guards.disabled.switch("llm", disabled=False, reason="", by="admin")
    async with guards_on(url, clock) as guards:
        assert guards.safe_mode.why() == "wrong prices"
        assert guards.disabled.why("llm") is None
