"""Notices over apprise to a real receiver: once, outside of quiet hours, again after a failure, and after a restart."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from loguru import logger
from pydantic import SecretStr

from config.report_settings import NoticeSettings
from config.settings import StorageSettings
from domain.errors import ConfigurationError, StorageUnavailable
from domain.notices import Notice, NoticeLevel
from services.notices.channels import open_channels
from services.notices.notifier import Notifier, open_notices
from services.notices.records import NoticeRecords
from storage.document_ports import NOTICES
from storage.factory import open_documents
from storage.resilience.documents import ResilientDocuments
from tests.fixtures.clocks import NOW, SettableClock
from tests.fixtures.http_stand_in import Answer, StandIn, http_stand_in
from tests.fixtures.patience import eventually
from tests.fixtures.settings import configured
from tests.fixtures.stores import held_up_documents
from utils.concurrency import worker_threads


@pytest.fixture
def receiver() -> Iterator[StandIn]:
    with http_stand_in() as stand_in:
        stand_in.always(Answer(status=200))
        yield stand_in


@pytest.fixture
async def documents(tmp_path: Path) -> AsyncIterator[ResilientDocuments]:
    settings = configured(StorageSettings, url=f"sqlite:///{tmp_path}/store.db", spool_path=f"{tmp_path}/spool")
    async with open_documents(settings) as opened:
        yield opened


def notice(
    key: str = "store", level: NoticeLevel = NoticeLevel.WARNING, at: datetime = NOW, title: str = "the store is down"
) -> Notice:
    return Notice(key, level, title, "it is tried again", at)


def address(receiver: StandIn) -> str:
    return receiver.url.replace("http://", "json://") + "/token-in-a-path"


def titles(receiver: StandIn) -> list[str]:
    return [json.loads(request.body)["title"] for request in receiver.requests]


@asynccontextmanager
async def notifier(
    documents: ResilientDocuments, clock: SettableClock, *urls: str, **changes: object
) -> AsyncIterator[Notifier]:
    """Give a notifier whose `send_due` the test calls itself."""
    settings = configured(NoticeSettings, urls=urls, **changes)
    with worker_threads(2, "notices") as executor:
        yield Notifier(NoticeRecords(documents), open_channels(settings.urls), settings, clock, executor)


async def states(documents: ResilientDocuments) -> list[str]:
    return [document["state"] for document in await documents.newest(NOTICES, 100)]


async def test_a_notice_reaches_its_channel_with_title_text_and_level(
    documents: ResilientDocuments, receiver: StandIn
) -> None:
    settings = configured(NoticeSettings, urls=[address(receiver)])
    async with open_notices(settings, documents, SettableClock()) as notices:
        notices.send(notice(level=NoticeLevel.CRITICAL))
        await eventually(lambda: len(receiver.requests) == 1)
        async with asyncio.timeout(60):
            while await states(documents) != ["sent"]:
                await asyncio.sleep(0.005)
    sent = json.loads(receiver.requests[0].body)
    assert (sent["title"], sent["message"], sent["type"]) == ("the store is down", "it is tried again", "failure")


async def test_the_same_is_said_once_within_the_time_and_a_worse_level_is_not_the_same(
    documents: ResilientDocuments, receiver: StandIn
) -> None:
    clock = SettableClock()
    async with notifier(documents, clock, address(receiver), repeat_minutes=60) as notices:
        for _ in range(5):
            notices.send(notice())
        notices.send(notice("another key", title="another"))
        notices.send(notice(level=NoticeLevel.CRITICAL, title="worse"))
        await notices.send_due()
        assert titles(receiver) == ["the store is down", "another", "worse"]
        clock.advance(3_600)
        notices.send(notice(at=clock.now(), title="still down"))
        await notices.send_due()
        assert titles(receiver)[3:] == ["still down"]


async def test_two_replicas_say_the_same_once(documents: ResilientDocuments, receiver: StandIn) -> None:
    clock = SettableClock()
    async with (
        notifier(documents, clock, address(receiver)) as first,
        notifier(documents, clock, address(receiver)) as second,
    ):
        first.send(notice(at=NOW))
        second.send(notice(at=NOW + timedelta(milliseconds=5)))
        await second.send_due()
        await first.send_due()
    assert len(receiver.requests) == 1
    assert await states(documents) == ["sent"]


async def test_warnings_wait_for_the_end_of_the_quiet_hours_and_critical_notices_do_not(
    documents: ResilientDocuments, receiver: StandIn
) -> None:
    night = datetime.fromisoformat("2025-11-21T23:30:00+00:00")
    clock = SettableClock(night)
    quiet = {"quiet_from": "22:00", "quiet_until": "06:00"}
    async with notifier(documents, clock, address(receiver), **quiet) as notices:
        notices.send(notice("a", at=night, title="a warning"))
        notices.send(notice("b", NoticeLevel.INFO, night, "a report"))
        notices.send(notice("c", NoticeLevel.CRITICAL, night, "critical"))
        assert await notices.send_due() == 6.5 * 3_600
        assert titles(receiver) == ["critical"]
        clock.advance(6.5 * 3_600)
        assert await notices.send_due() is None
        assert titles(receiver) == ["critical", "a warning", "a report"]


async def test_what_waits_through_the_quiet_hours_outlives_a_restart(
    documents: ResilientDocuments, receiver: StandIn
) -> None:
    night = datetime.fromisoformat("2025-11-21T23:30:00+00:00")
    clock = SettableClock(night)
    quiet = {"quiet_from": "22:00", "quiet_until": "06:00"}
    async with notifier(documents, clock, address(receiver), **quiet) as before:
        before.send(notice("a", at=night, title="first"))
        before.send(notice("b", at=night, title="second"))
        async with notifier(documents, clock, address(receiver), **quiet) as after:
            await after.take_over()
            clock.advance(7 * 3_600)
            await after.send_due()
            # The one that was only slow has lost them.
            await before.send_due()
    assert titles(receiver) == ["first", "second"]


async def test_what_waits_is_sent_after_a_start_without_the_store_once_that_is_back(
    tmp_path: Path, receiver: StandIn
) -> None:
    folder, away = tmp_path / "data", tmp_path / "away"
    storage = configured(
        StorageSettings, url=f"sqlite:///{folder}/store.db", spool_path=f"{tmp_path}/spool", retry_seconds=0.05
    )
    async with (
        open_documents(storage) as documents,
        notifier(documents, SettableClock(), address(receiver)) as before,
    ):
        before.send(notice())
    folder.rename(away)
    folder.touch()
    settings = configured(NoticeSettings, urls=[address(receiver)], retry_seconds=0.05)
    async with open_documents(storage) as documents, open_notices(settings, documents, SettableClock()):
        with pytest.raises(StorageUnavailable):
            await states(documents)
        folder.unlink()
        away.rename(folder)
        await eventually(lambda: titles(receiver) == ["the store is down"])


async def test_what_an_earlier_process_left_in_the_spool_is_sent_once_the_store_has_it(
    tmp_path: Path, receiver: StandIn
) -> None:
    async with held_up_documents(tmp_path) as (documents, database):
        database.goes_on.clear()
        async with notifier(documents, SettableClock(), address(receiver)) as before:
            before.send(notice())
            await documents.settle()
        async with notifier(documents, SettableClock(), address(receiver)) as after:
            assert not await after.take_over()
            database.goes_on.set()
            await eventually(lambda: not documents.state.waiting)
            assert await after.take_over()
            await after.send_due()
    assert titles(receiver) == ["the store is down"]


async def test_what_was_sent_before_the_start_was_over_is_sent_once(
    documents: ResilientDocuments, receiver: StandIn
) -> None:
    async with notifier(documents, SettableClock(), address(receiver)) as notices:
        notices.send(notice())
        await notices.take_over()
        await notices.send_due()
    assert len(receiver.requests) == 1


async def test_a_failed_notice_is_tried_again_with_growing_pauses_and_given_up_at_last(
    documents: ResilientDocuments, receiver: StandIn
) -> None:
    clock = SettableClock()
    receiver.always(Answer(status=500))
    async with notifier(documents, clock, address(receiver), max_attempts=3, retry_seconds=60) as notices:
        notices.send(notice())
        assert await notices.send_due() == 60
        assert [found.part for found in notices.degraded()] == ["notices"]
        assert await notices.send_due() == 60
        clock.advance(60)
        assert await notices.send_due() == 120
        clock.advance(120)
        assert await notices.send_due() is None
        assert len(receiver.requests) == 3
        assert await states(documents) == ["failed"]

        receiver.always(Answer(status=200))
        notices.send(notice("another key"))
        await notices.send_due()
        assert list(notices.degraded()) == []


async def test_only_the_channel_that_failed_is_tried_again(documents: ResilientDocuments, receiver: StandIn) -> None:
    clock = SettableClock()
    with http_stand_in() as other:
        other.always(Answer(status=500))
        async with notifier(documents, clock, address(receiver), address(other)) as notices:
            notices.send(notice())
            await notices.send_due()
            other.always(Answer(status=200))
            clock.advance(60)
            await notices.send_due()
        assert (len(receiver.requests), len(other.requests)) == (1, 2)
    assert await states(documents) == ["sent"]


async def test_a_channel_that_does_not_answer_holds_no_other_back(
    documents: ResilientDocuments, receiver: StandIn
) -> None:
    with http_stand_in() as silent:
        silent.always(Answer(hang=True))
        urls = address(silent), address(receiver)
        async with notifier(documents, SettableClock(), *urls, timeout_seconds=0.2, max_attempts=1) as notices:
            notices.send(notice())
            assert await notices.send_due() is None
        assert len(receiver.requests) == 1
    assert await states(documents) == ["failed"]


async def test_as_many_wait_as_may_and_a_critical_notice_takes_the_place_of_another(
    documents: ResilientDocuments, receiver: StandIn
) -> None:
    async with notifier(documents, SettableClock(), address(receiver), max_waiting=2) as notices:
        for key in ("a", "b", "c"):
            notices.send(notice(key, title=key))
        notices.send(notice("d", NoticeLevel.CRITICAL, title="d"))
        await notices.send_due()
    assert titles(receiver) == ["b", "d"]
    assert sorted(await states(documents)) == ["dropped", "dropped", "sent", "sent"]


async def test_without_an_address_notices_are_logged_and_listed(documents: ResilientDocuments) -> None:
    lines: list[Any] = []
    sink = logger.add(lines.append)
    try:
        async with notifier(documents, SettableClock()) as notices:
            notices.send(notice())
            assert await notices.send_due() is None
            (kept,) = await notices.newest(10)
    finally:
        logger.remove(sink)
    assert any("the store is down" in line for line in lines)
    assert (kept["title"], kept["state"]) == ("the store is down", "logged")


async def test_no_log_line_has_an_address(documents: ResilientDocuments, receiver: StandIn) -> None:
    lines: list[str] = []
    sink = logger.add(lines.append, level="TRACE", serialize=True)
    receiver.always(Answer(status=500))
    try:
        async with notifier(documents, SettableClock(), address(receiver), max_attempts=1) as notices:
            notices.send(notice())
            await notices.send_due()
    finally:
        logger.remove(sink)
    assert any("a notice was given up" in line for line in lines)
    assert "token-in-a-path" not in "".join(lines)


def test_an_address_that_apprise_does_not_know_stops_the_start_and_is_not_told() -> None:
    with pytest.raises(ConfigurationError, match="NOTIFY_URLS: address 2 is none that apprise knows") as refused:
        open_channels([SecretStr("json://127.0.0.1"), SecretStr("nonsense://secret-token")])
    assert "secret-token" not in refused.value.message
