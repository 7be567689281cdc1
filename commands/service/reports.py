"""`reports list` and `show`: what the service has reported to its operators."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.console import Group
from rich.table import Table

from commands.console import show
from commands.options import Json
from config.sources import load_settings
from domain.reports import Report, ReportKind

if TYPE_CHECKING:
    from services.reports.kept_reports import KeptReports

T = TypeVar("T")
MAX_LISTED = 200
_COLORS = {"ok": "green", "warning": "yellow", "critical": "red"}

reports = typer.Typer(help="Read the reports of health, portfolio, cost and performance.", no_args_is_help=True)


@reports.command("list")
def list_reports(
    kind: Annotated[ReportKind | None, typer.Option(help="One kind; all by default.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=MAX_LISTED, help="Reports at most.")] = 20,
    as_json: Json = False,
) -> None:
    """List reports, the newest first; the service may run meanwhile."""

    reports = asyncio.run(_read(lambda kept: kept.newest(limit, kind)))
    table = Table("id", "made", "kind", "level", "summary", caption=None if reports else "no report is kept")
    for report in reports:
        table.add_row(report.report_id, _time(report), report.kind, _level(report.level), report.summary)
    show({"reports": [_document(report) for report in reports]}, table, as_json)


@reports.command("show")
def show_report(
    report_id: Annotated[str, typer.Argument(metavar="ID", help="Of the report.")], as_json: Json = False
) -> None:
    """Show one report with its findings and figures."""

    report = asyncio.run(_read(lambda kept: kept.get(report_id)))
    head = Table("made", "kind", "level", "summary")
    head.add_row(_time(report), report.kind, _level(report.level), report.summary)
    findings = Table("level", "subject", "finding")
    for finding in report.findings:
        findings.add_row(_level(finding.level), finding.subject, finding.text)
    figures = Table("figure", "value")
    for name, value in _flat(report.figures):
        figures.add_row(name, "-" if value is None else str(value))
    show(_document(report), Group(head, *([findings] if report.findings else []), figures), as_json)


async def _read(ask: Callable[[KeptReports], Awaitable[T]]) -> T:
    from services.reports.kept_reports import KeptReports
    from storage.factory import open_documents

    async with open_documents(load_settings().storage) as documents:
        return await ask(KeptReports(documents))


def _document(report: Report) -> dict[str, Any]:
    return report.model_dump(mode="json")


def _time(report: Report) -> str:
    return report.created_at.strftime("%Y-%m-%d %H:%M UTC")


def _level(level: str) -> str:
    return f"[{_COLORS[level]}]{level}[/]"


def _flat(figures: object, name: str = "") -> list[tuple[str, object]]:
    """Return the single values of figures with their paths, `plans.win_rate.value` say."""
    if isinstance(figures, dict):
        parts = [(str(key), value) for key, value in figures.items()]
    elif isinstance(figures, list):
        parts = [(str(place), value) for place, value in enumerate(figures, 1)]
    else:
        return [(name, figures)]
    return [one for key, value in parts for one in _flat(value, f"{name}.{key}" if name else key)]
