"""Every part of the service reads the clock that it is built with."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from config.sources import load_settings
from container import build_container
from domain.job_kinds import JobKind
from domain.jobs import JobStatus
from domain.reports import ReportKind
from domain.values import epoch_ms
from storage.ledger_ports import EntryFilter
from tests.fixtures.clocks import NOW, SettableClock


async def test_a_service_whose_clock_stands_in_the_past_answers_and_keeps_its_answers_by_it(tmp_path: Path) -> None:
    clock = SettableClock(NOW)
    settings = load_settings(
        environment={
            "DATABASE_URL": f"sqlite:///{tmp_path}/store.db",
            "STORAGE__SPOOL_PATH": str(tmp_path / "spool"),
            # Kept for less time than has passed since.
            "STORAGE__ARCHIVE_RETENTION_DAYS": "1",
            "MODEL_SAVE_PATH": str(tmp_path / "models"),
            "MODELS__SHIPPED": "false",
            "ANALYSIS_SYMBOLS": "BTCUSDT",
            "MARKET_DATA_SOURCES": "synthetic",
            "SCHEDULE__ENABLED": "false",
        }
    )
    async with build_container(settings, clock=clock) as container:
        first = await container.answers.analysis.refresh("BTCUSDT")
        clock.moment = NOW + timedelta(hours=1)
        second = await container.answers.analysis.refresh("BTCUSDT")
        report = await container.answers.periodic.run_once()
    async with build_container(settings, clock=clock) as container:
        entries = await container.base.stores.ledger.entries(EntryFilter(), 10)
        kept = await container.base.stores.analyses.statistics()
    assert [first.generated_at, second.generated_at] == [NOW, clock.moment]
    assert {entry.entry.known_ms for entry in entries} == {epoch_ms(NOW), epoch_ms(clock.moment)}
    assert [symbol.latest_analysis for symbol in kept.symbols] == [clock.moment]
    assert report.started_at == clock.moment


async def test_a_clock_that_jumps_ahead_by_years_makes_no_document_old(tmp_path: Path) -> None:
    clock = SettableClock(NOW)
    settings = load_settings(
        environment={
            "DATABASE_URL": f"sqlite:///{tmp_path}/store.db",
            "MODEL_SAVE_PATH": str(tmp_path / "models"),
            "MODELS__SHIPPED": "false",
            "MARKET_DATA_SOURCES": "synthetic",
            "SCHEDULE__ENABLED": "false",
        }
    )
    async with build_container(settings, clock=clock) as container:
        first = await container.work.jobs.submit(JobKind.COST_REPORT, {})
        await container.work.jobs.ended(first.job_id)
        clock.moment = NOW + timedelta(days=3_650)
        cleanup = await container.work.jobs.submit(JobKind.RETENTION, {})
        await container.work.jobs.ended(cleanup.job_id)
        done = await container.work.jobs.get(cleanup.job_id)
        reports = await container.reports.kept.newest(10, ReportKind.COST)
    assert done.status is JobStatus.SUCCEEDED
    assert done.result is not None
    assert not any(done.result["removed"].values())
    assert len(reports) == 1
