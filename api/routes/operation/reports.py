"""Reports and notices, for operators."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.dependencies import Admin, DefaultLimit
from api.parts import NoticesPart, ReportsPart
from api.schemas.operation.reports import NoticeList, ReportAnswer, ReportList
from api.schemas.problems import problem_responses
from domain.reports import ReportKind

MAX_LISTED = 200
Limit = Annotated[int, Query(ge=1, le=MAX_LISTED)]

router = APIRouter(prefix="/ai", tags=["reports"], dependencies=[DefaultLimit, Admin])


@router.get("/reports", operation_id="reports", summary="Newest reports (admin)", responses=problem_responses(503))
async def newest_reports(reports: ReportsPart, kind: ReportKind | None = None, limit: Limit = 20) -> ReportList:
    """Return the newest reports, of one kind or all."""
    return ReportList(reports=[ReportAnswer.of(report) for report in await reports.kept.newest(limit, kind)])


@router.get(
    "/reports/{report_id}", operation_id="report", summary="One report (admin)", responses=problem_responses(404, 503)
)
async def one_report(reports: ReportsPart, report_id: str) -> ReportAnswer:
    """Return a report."""
    return ReportAnswer.of(await reports.kept.get(report_id))


@router.get("/notices", operation_id="notices", summary="Newest notices (admin)", responses=problem_responses(503))
async def newest_notices(notices: NoticesPart, limit: Limit = 20) -> NoticeList:
    """Return the newest messages to the operators, and whether they were sent."""
    return NoticeList.of(await notices.newest(limit))
