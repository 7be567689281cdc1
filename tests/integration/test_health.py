"""GET /health and /readyz: every part that does not work is named with its remedy, and nothing waits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from services.health.checks import log_check, store_check
from services.ledger.settling.state import SettlerState
from storage.ports import StoreState
from tests.conftest import MakeClient
from tests.fixtures.bodies import shape_b
from tests.fixtures.containers import container_of
from tests.fixtures.degraded import degraded, parts
from tests.fixtures.patience import wait_until
from utils.log_writer import LogState

if TYPE_CHECKING:
    from tests.fixtures.small_disk import SmallDisk

pytest_plugins = ["tests.fixtures.small_disk"]

WORKS = StoreState(available=True, waiting=0, spooled=0, dropped=0, reason=None)


@pytest.mark.parametrize(
    ("analyses", "documents", "reason", "remedy"),
    [
        (
            StoreState(available=False, waiting=7, spooled=5, dropped=0, reason="disk I/O error"),
            WORKS,
            "the sqlite store is not available: disk I/O error; 7 writes wait, 5 of them in a local file",
            "make sure that the database file of DATABASE_URL can be opened and written",
        ),
        (
            StoreState(available=False, waiting=7, spooled=7, dropped=2, reason="unable to open database file"),
            StoreState(available=False, waiting=3, spooled=3, dropped=0, reason="unable to open database file"),
            "the sqlite store is not available: unable to open database file; 10 writes wait, 10 of them in a local "
            "file; 2 were given up since the start",
            "make sure that the database file of DATABASE_URL can be opened and written",
        ),
        (
            WORKS,
            StoreState(available=True, waiting=0, spooled=0, dropped=0, reason="the spool cannot be written"),
            "the sqlite store works: the spool cannot be written",
            "let the service's user write to the folder of storage.spool_path",
        ),
    ],
)
def test_the_store_is_named_with_its_backlog(
    analyses: StoreState, documents: StoreState, reason: str, remedy: str
) -> None:
    (found,) = store_check("sqlite", lambda: (analyses, documents))()
    assert (found.part, found.reason) == ("store", reason)
    assert found.remedy.startswith(remedy)


@pytest.mark.parametrize(
    ("kind", "why", "remedy"),
    [
        ("sqlite", "the disk is full", "free space on the disk"),
        (
            "sqlite",
            "the database file store.db was deleted or replaced",
            "find out what deleted or moved",
        ),
        ("sqlite", "the database file is read-only", "let the service's user write"),
        (
            "sqlite",
            "the database file is damaged",
            "stop the service, move the database file away",
        ),
        (
            "sqlite",
            "the database file is damaged or no SQLite database",
            "name a SQLite file in DATABASE_URL",
        ),
        ("mongodb", "ServerSelectionTimeoutError", "start MongoDB"),
    ],
)
def test_the_remedy_fits_the_reason(kind: str, why: str, remedy: str) -> None:
    down = StoreState(available=False, waiting=0, spooled=0, dropped=0, reason=why)
    (found,) = store_check(kind, lambda: (down,))()
    assert found.remedy.startswith(remedy)


def test_a_store_that_works_is_not_named_for_writes_on_their_way() -> None:
    busy = StoreState(available=True, waiting=9, spooled=0, dropped=4, reason=None)
    assert list(store_check("mongodb", lambda: (busy, WORKS))()) == []


def test_lines_that_were_lost_are_named_until_the_log_tells_of_them() -> None:
    told = LogState("stderr", dropped=5, missing=0, reason=None)
    full = LogState("file", dropped=9, missing=3, reason="No space left on device")
    (found,) = log_check(lambda: (told, full))()
    assert (found.part, found.reason) == ("log.file", "3 log lines dropped: No space left on device")
    assert "LOG_FILE" in found.remedy


def test_settling_is_named_once_it_lags_by_more_than_an_hour() -> None:
    now_ms, hour_ms = 1_700_000_000_000, 3_600_000
    waits = SettlerState(waiting=7, oldest_due_ms=now_ms)
    fails = SettlerState(failure="RuntimeError, see the log", failing_since_ms=now_ms)
    assert list(SettlerState().degraded(now_ms)) == []
    assert [*waits.degraded(now_ms + hour_ms), *fails.degraded(now_ms + hour_ms)] == []
    (lags,) = waits.degraded(now_ms + 3 * hour_ms)
    assert (lags.part, lags.reason) == ("ledger", "settling lags by 3.0 h; 7 horizons wait")
    assert lags.remedy.startswith("wait while it catches up")
    (failing,) = fails.degraded(now_ms + 3 * hour_ms)
    assert failing.reason == "settling lags by 3.0 h; 0 horizons wait: RuntimeError, see the log"
    assert failing.remedy.startswith("see the log for what fails")


def test_a_service_that_stops_is_not_ready(make_client: MakeClient) -> None:
    client = make_client()
    assert client.get("/readyz").status_code == 200
    container_of(client).base.stopping.set()
    reply = client.get("/readyz")
    assert (reply.status_code, reply.json()["detail"]) == (503, "the service is shutting down")
    assert client.get("/livez").status_code == 200


def test_a_full_disk_of_the_database_is_named_and_forgotten_once_there_is_room(
    make_client: MakeClient, small_disk: SmallDisk
) -> None:
    client = make_client(storage={"url": f"sqlite:///{small_disk.folder}/store.db", "retry_seconds": 0.1})
    assert client.post("/ai/analyze", json=shape_b()).status_code == 200
    with small_disk.full():
        for number in range(5):
            assert client.post("/ai/analyze", json=shape_b(symbol=f"FULL{number}")).status_code == 200
        part = degraded(client, "store", "writes wait")
        assert part["reason"].startswith("the sqlite store is not available: ")
        assert "the disk is full" in part["reason"]
        assert part["remedy"].startswith("free space on the disk of the database file; it is tried again by itself")
        assert client.get("/readyz").json()["status"] == "degraded"
    wait_until(lambda: "store" not in parts(client))
    stats = client.get("/ai/storage/stats").json()
    assert stats["archived_analyses"] == 6
