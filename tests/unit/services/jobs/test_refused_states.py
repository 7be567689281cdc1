"""States of jobs that the store refuses for their content: other jobs go on, and are stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from domain.errors import JobFailed, Unstorable
from domain.job_kinds import JobKind
from domain.jobs import JobStatus
from storage.document_ports import JOBS, Collection, Document, DocumentWrite, Where
from storage.sqlite.documents import SqliteDocumentStore
from tests.fixtures.jobs import Jobs, ManualRunner, job_service, started

pytest_plugins = ["tests.fixtures.logs"]


class Refusing(SqliteDocumentStore):
    """A database that refuses states of jobs by rules of its own."""

    def __init__(self, path: Path, refuses: Callable[[Document], bool]) -> None:
        super().__init__(path)
        self._refuses = refuses

    async def replace(self, collection: Collection, key: str, document: Document, where: Where) -> bool:
        if self._refuses(document):
            raise Unstorable("a rule of the database refuses it")
        return await super().replace(collection, key, document, where)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


async def fails_and_the_next_succeeds(jobs: Jobs, runner: ManualRunner, reason: str) -> tuple[str, str]:
    """Return the ids of a job that fails for the reason, and of the next, which ends well."""
    failed = await jobs.service.submit(JobKind.TRAIN, {"number": 1})
    (await started(runner, 1)).outcome.set_exception(JobFailed(reason))
    job = await jobs.service.submit(JobKind.TRAIN, {"number": 2})
    (await started(runner, 2)).outcome.set_result({"number": 2})
    await jobs.reaches(job, JobStatus.SUCCEEDED)
    return failed.job_id, job.job_id


class RefusingOrders(SqliteDocumentStore):
    """A database that takes no order of two candles, as MongoDB takes none of 17 MB."""

    async def put_many(self, collection: Collection, writes: Sequence[DocumentWrite]) -> None:
        if any(write.document.get("parameters") == {"candles": [1, 2]} for write in writes):
            raise Unstorable("the order is too large")
        await super().put_many(collection, writes)


async def records(path: Path, *ids: str) -> list[Document]:
    """Return the records of jobs as another process reads them."""
    store = SqliteDocumentStore(path)
    await store.open()
    found = [await store.get(JOBS, job_id) for job_id in ids]
    await store.close()
    return [document for document in found if document is not None]


async def test_a_job_whose_order_is_refused_is_not_accepted_and_leaves_no_record(path: Path) -> None:
    runner = ManualRunner()
    async with job_service(path, runner, store=RefusingOrders(path)) as jobs:
        with pytest.raises(Unstorable, match="the order is too large"):
            await jobs.service.submit(JobKind.TRAIN, {"candles": [1, 2]})
        await jobs.service.submit(JobKind.TRAIN, {"candles": [1]})
        assert (await started(runner, 1)).parameters == {"candles": [1]}
        assert len((await jobs.service.newest(10)).jobs) == 1


async def test_a_reason_that_is_no_utf8_is_kept_and_published_as_far_as_it_can_be(path: Path) -> None:
    runner = ManualRunner()
    async with job_service(path, runner) as jobs:
        ids = await fails_and_the_next_succeeds(jobs, runner, "cannot read candles-\udcff.csv")
        while (event := await jobs.next_event())["data"]["status"] != "failed":
            pass
    failed, _ = await records(path, *ids)
    assert failed["error"] == event["data"]["error"] == "cannot read candles-?.csv"


async def test_a_failure_whose_reason_is_refused_is_stored_without_it(path: Path) -> None:
    runner, store = ManualRunner(), Refusing(path, lambda document: document["error"] == "a long story")
    async with job_service(path, runner, store=store) as jobs:
        ids = await fails_and_the_next_succeeds(jobs, runner, "a long story")
    failed, succeeded = await records(path, *ids)
    assert failed["status"] == "failed"
    assert failed["error"] == "the reason was refused: a rule of the database refuses it"
    assert succeeded["result"] == {"number": 2}


async def test_a_result_that_is_refused_fails_its_job_alone(path: Path) -> None:
    runner, store = ManualRunner(), Refusing(path, lambda document: document["result"] == {"number": 1})
    async with job_service(path, runner, store=store) as jobs:
        first, second = [await jobs.service.submit(JobKind.TRAIN, {}) for _ in range(2)]
        for number in (1, 2):
            (await started(runner, number)).outcome.set_result({"number": number})
        await jobs.reaches(second, JobStatus.SUCCEEDED)
    failed, succeeded = await records(path, first.job_id, second.job_id)
    assert (failed["status"], failed["result"]) == ("failed", None)
    assert failed["error"] == "its result was refused: a rule of the database refuses it"
    assert succeeded["result"] == {"number": 2}


async def test_states_of_one_job_that_are_all_refused_keep_no_other_from_being_stored(
    path: Path, log_lines: list[str]
) -> None:
    runner, store = ManualRunner(), Refusing(path, lambda document: document["parameters"] == {"number": 1})
    async with job_service(path, runner, store=store) as jobs:
        ids = await fails_and_the_next_succeeds(jobs, runner, "too few candles")
    refused, succeeded = await records(path, *ids)
    assert refused["status"] == "queued"
    assert (succeeded["status"], succeeded["result"]) == ("succeeded", {"number": 2})
    assert any(line.startswith("ERROR the state of a job was refused") for line in log_lines)
