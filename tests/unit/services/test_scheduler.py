"""The schedule: each time of a row is queued once, whatever replicas, restarts and clocks do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from config.schedule_settings import ScheduledJob, ScheduleSettings
from domain.job_kinds import JobKind
from domain.jobs import JobStatus
from services.schedule.scheduler import Scheduler, last_slot, next_slot
from tests.fixtures.clocks import SettableClock
from tests.fixtures.jobs import Jobs, ManualRunner, job_service, started

BEGIN = datetime(2025, 3, 30, 0, 20, tzinfo=UTC)  # the night in which Europe's clocks are changed
HOURLY = ScheduledJob(kind=JobKind.RETENTION, cron="0 * * * *")


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock(BEGIN)


@pytest.fixture
def runner() -> ManualRunner:
    return ManualRunner()


@pytest.fixture
async def jobs(tmp_path: Path, runner: ManualRunner, clock: SettableClock) -> AsyncIterator[Jobs]:
    async with job_service(tmp_path / "store.db", runner, clock) as jobs:
        yield jobs


def scheduler(jobs: Jobs, row: ScheduledJob = HOURLY, **settings: Any) -> Scheduler:
    every = ScheduleSettings(**{"enabled": True, "look_seconds": 10, "jobs": {"row": row}} | settings)
    return Scheduler(jobs.service, jobs.documents, every, jobs.clock)


async def test_row_begins_when_it_is_first_seen_and_is_queued_at_each_of_its_times(
    jobs: Jobs, clock: SettableClock
) -> None:
    schedule = scheduler(jobs)
    assert await schedule.queue_due("row", HOURLY) is None
    for _ in range(3):
        clock.advance(3600)
        queued = await schedule.queue_due("row", HOURLY)
        assert queued is not None
        assert queued.kind is JobKind.RETENTION
        assert await schedule.queue_due("row", HOURLY) is None
    assert len((await jobs.service.newest(10)).jobs) == 3


async def test_replicas_queue_a_time_once(jobs: Jobs, clock: SettableClock) -> None:
    replicas = [scheduler(jobs) for _ in range(3)]
    await replicas[0].queue_due("row", HOURLY)
    clock.advance(3600)
    await asyncio.gather(*(replica.queue_due("row", HOURLY) for replica in replicas))
    assert len((await jobs.service.newest(10)).jobs) == 1


async def test_newest_of_the_missed_times_is_made_up_for_once(jobs: Jobs, clock: SettableClock) -> None:
    await scheduler(jobs).queue_due("row", HOURLY)
    clock.advance(3600 * 48)
    after_the_standstill = scheduler(jobs)
    queued = await after_the_standstill.queue_due("row", HOURLY)
    assert queued is not None
    assert queued.key == "row at 2025-04-01T00:00:00+00:00"
    assert await after_the_standstill.queue_due("row", HOURLY) is None


async def test_clock_that_steps_back_brings_no_time_twice(jobs: Jobs, clock: SettableClock) -> None:
    schedule = scheduler(jobs)
    await schedule.queue_due("row", HOURLY)
    clock.advance(3600)
    assert await schedule.queue_due("row", HOURLY) is not None
    clock.moment -= timedelta(minutes=90)
    for _ in range(8):
        clock.advance(900)
        assert (await schedule.queue_due("row", HOURLY) is not None) is (clock.moment >= BEGIN + timedelta(hours=1.7))


async def test_row_whose_times_were_changed_begins_anew(jobs: Jobs, clock: SettableClock) -> None:
    await scheduler(jobs).queue_due("row", HOURLY)
    clock.advance(3600 * 24)
    daily = HOURLY.model_copy(update={"cron": "0 0 * * *"})
    assert await scheduler(jobs, daily).queue_due("row", daily) is None
    clock.advance(3600 * 24)
    assert await scheduler(jobs, daily).queue_due("row", daily) is not None


async def test_full_queue_puts_a_row_off(jobs: Jobs, runner: ManualRunner, clock: SettableClock) -> None:
    schedule = scheduler(jobs)
    await schedule.queue_due("row", HOURLY)
    clock.advance(3600)
    for _ in range(12):  # four run, eight wait
        await jobs.service.submit(JobKind.SETTLE, {})
    looking = asyncio.create_task(schedule.run())
    for _ in range(5):
        await asyncio.sleep(0.01)
    looking.cancel()
    assert not [job for job in (await jobs.service.newest(50)).jobs if job.kind is JobKind.RETENTION]
    (await started(runner, 4)).outcome.set_result({})
    await started(runner, 5)
    assert await schedule.queue_due("row", HOURLY) is not None


async def test_rows_say_what_became_of_their_newest_job(jobs: Jobs, runner: ManualRunner, clock: SettableClock) -> None:
    schedule = scheduler(jobs)
    (row,) = await schedule.rows()
    assert (row.last_at, row.next_at, row.last_job) == (None, datetime(2025, 3, 30, 1, tzinfo=UTC), None)
    await schedule.queue_due("row", HOURLY)
    clock.advance(3600)
    queued = await schedule.queue_due("row", HOURLY)
    assert queued is not None
    (await started(runner, 1)).outcome.set_result({})
    await jobs.reaches(queued, JobStatus.SUCCEEDED)
    (row,) = await schedule.rows()
    assert row.last_at == datetime(2025, 3, 30, 1, tzinfo=UTC)
    assert row.last_job is not None
    assert (row.last_job.job_id, row.last_job.status) == (queued.job_id, JobStatus.SUCCEEDED)


async def test_schedule_that_is_switched_off_queues_nothing(jobs: Jobs) -> None:
    schedule = scheduler(jobs, enabled=False)
    await schedule.run()  # it ends at once
    (row,) = await schedule.rows()
    assert row.next_at is None


@pytest.mark.parametrize("cron", ["", "0 0 * *", "61 * * * *", "* * * * * *", "@daily", "every hour"])
def test_times_that_are_no_cron_expression_are_refused(cron: str) -> None:
    with pytest.raises(ValidationError, match="five fields are needed"):
        ScheduledJob(kind=JobKind.SETTLE, cron=cron)


CRONS = st.sampled_from(["*/15 * * * *", "0 8 * * *", "0 2 * * 0", "0 5 1 * *", "30 0 * * 1-5", "7 3 31 * *"])
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(CRONS, MOMENTS)
def test_no_time_lies_between_the_last_and_the_next(cron: str, now: datetime) -> None:
    last, after = last_slot(cron, now), next_slot(cron, now)
    assert last <= now < after
    assert next_slot(cron, last) == after
    assert last_slot(cron, last) == last
