"""Analyses and documents share a SQLite file: neither store keeps the other from writing."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from config.settings import StorageSettings
from domain.market import Timeframe
from storage.document_ports import JOBS
from storage.factory import open_stores
from storage.ports import AnalysisWrite
from storage.sqlite.documents import SqliteDocumentStore
from storage.sqlite.store import SqliteStore
from tests.fixtures.analyses import NOON, make_analysis, make_candle
from tests.fixtures.patience import eventually
from tests.fixtures.settings import configured

Stores = tuple[SqliteStore, SqliteDocumentStore]

CANDLES = 20_000  # of one write, whose transaction then takes much longer than the patience below
IMPATIENT_SECONDS = 0.01


@pytest.fixture
async def stores(tmp_path: Path) -> AsyncIterator[Stores]:
    """Open both as the service does; SQLite would wait no longer than a moment for another writer."""
    writing, path = asyncio.Lock(), tmp_path / "store.db"
    analyses = SqliteStore(path, busy_seconds=IMPATIENT_SECONDS, writing=writing)
    documents = SqliteDocumentStore(path, busy_seconds=IMPATIENT_SECONDS, writing=writing)
    for store in (analyses, documents):
        await store.open()
    yield analyses, documents
    for store in (analyses, documents):
        await store.close()


def large_group(number: int) -> list[AnalysisWrite]:
    candles = [make_candle(hour * Timeframe.H1.ms) for hour in range(CANDLES)]
    analysis = make_analysis(analysis_id=f"a-{number}", symbol=f"S{number}USDT")
    return [AnalysisWrite("key", analysis, archive=True, candles={Timeframe.H1: candles})]


async def test_documents_are_written_and_checked_while_a_large_group_is_saved(stores: Stores) -> None:
    analyses, documents = stores
    saving = asyncio.create_task(analyses.save_analyses(large_group(0)))
    written = 0
    while not saving.done():
        await documents.ping()
        await documents.put(JOBS, f"job-{written}", {"created_at": NOON})
        written += 1
    await saving
    assert len(await documents.newest(JOBS, 10_000)) == written > 0
    assert len(await analyses.latest_candles("S0USDT", Timeframe.H1, 2 * CANDLES)) == CANDLES


async def test_a_store_that_writes_group_after_group_lets_the_other_write_in_between(stores: Stores) -> None:
    analyses, documents = stores
    saved: list[int] = []

    async def save_all() -> None:
        for number in range(4):
            await analyses.save_analyses(large_group(number))
            saved.append(number)

    saving = asyncio.create_task(save_all())
    await asyncio.sleep(0)  # the first group has begun
    await documents.ping()
    assert saved == [0]
    await saving
    assert (await analyses.statistics()).archived_analyses == 4


async def test_both_stores_open_one_new_file_at_the_same_time(tmp_path: Path) -> None:
    writing, path = asyncio.Lock(), tmp_path / "new.db"
    analyses = SqliteStore(path, busy_seconds=IMPATIENT_SECONDS, writing=writing)
    documents = SqliteDocumentStore(path, busy_seconds=IMPATIENT_SECONDS, writing=writing)
    await asyncio.gather(analyses.open(), documents.open())
    await asyncio.gather(analyses.ping(), documents.ping())
    await asyncio.gather(analyses.close(), documents.close())


async def test_processes_that_make_the_file_at_once_all_open_it(tmp_path: Path) -> None:
    for number in range(40):
        path = tmp_path / f"{number}.db"
        opened = [SqliteStore(path), SqliteDocumentStore(path), SqliteDocumentStore(path), SqliteDocumentStore(path)]
        await asyncio.gather(*(store.open() for store in opened))
        for store in opened:
            await store.close()


async def test_all_stores_of_a_locked_file_say_that_it_is_locked(tmp_path: Path) -> None:
    """Each waited two seconds after the one before, and the last was given up for late."""
    path, url = tmp_path / "store.db", f"sqlite:///{tmp_path}/store.db"
    async with open_stores(configured(StorageSettings, url=url, spool_path="")) as stores:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            await eventually(lambda: all(store.state.reason for store in stores))
            for store in stores:
                assert (store.state.reason or "").startswith("another program keeps the database file locked")
