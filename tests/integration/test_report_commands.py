"""`cli.py reports list|show` on a store with reports."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from config.settings import StorageSettings
from domain.reports import Report, ReportKind, ReportLevel
from services.reports.findings import warning
from services.reports.kept_reports import KeptReports
from storage.factory import open_documents
from tests.fixtures.clocks import NOW
from tests.fixtures.commands import printed
from tests.fixtures.settings import configured

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Command:
    """Return a function that runs a command of the reports and gives exit status, stdout and stderr."""
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/store.db")
    monkeypatch.setenv("STORAGE__SPOOL_PATH", "")
    settings = configured(StorageSettings, url=f"sqlite:///{tmp_path}/store.db", spool_path="")

    async def fill() -> None:
        async with open_documents(settings) as documents:
            for number, kind in enumerate((ReportKind.HEALTH, ReportKind.COST)):
                report = Report(
                    report_id=f"r{number}",
                    kind=kind,
                    created_at=NOW,
                    level=ReportLevel.WARNING,
                    summary=f"summary {number}",
                    figures={"month_usd": 12.5, "peers": {"engine": {"reachable": None}}},
                    findings=(warning("engine", "cannot be reached"),),
                )
                await KeptReports(documents).keep(report)

    asyncio.run(fill())
    return partial(printed, capsys, "reports")


def test_reports_are_listed_as_a_table_and_as_a_document(command: Command) -> None:
    status, out, _ = command("list")
    assert status == 0
    assert all(word in out for word in ("r0", "r1", "summary 0", "health", "warning", "2025-11-21 14:37 UTC"))
    _, out, _ = command("list", "--kind", "cost", "--json")
    assert [report["report_id"] for report in json.loads(out)["reports"]] == ["r1"]


def test_one_report_is_shown_with_findings_and_figures(command: Command) -> None:
    status, out, _ = command("show", "r1")
    assert status == 0
    assert all(
        word in out for word in ("summary 1", "cannot be reached", "month_usd", "12.5", "peers.engine.reachable")
    )
    assert json.loads(command("show", "r1", "--json")[1])["figures"]["month_usd"] == 12.5


def test_a_report_that_is_not_there_is_said_in_one_line(command: Command) -> None:
    status, out, err = command("show", "nothing")
    assert (status, out) == (2, "")
    assert err.strip() == "error: no report has the id nothing"
